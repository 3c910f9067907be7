use envoy_types::pb::google::protobuf::Any;

use super::*;

const NAME: &str = "countersign";

fn resource(name: &str, version: &str) -> Resource {
    let body = Any {
        type_url: "type.googleapis.com/test".into(),
        value: format!("{name} {version}").into_bytes(),
    };
    Resource::new(name.into(), version.into(), body)
}

/// A session, its shelf, and what it says: the last nonce of each side is kept.
struct Case {
    session: Session,
    shelf: Shelf,
    to_envoy: Vec<News>,
    nonce: String,
    up: Vec<UpstreamRequest>,
    kept: Vec<String>,
    refused: Vec<(String, bool)>,
    served_copies: usize,
    responses: u32,
}

impl Case {
    fn new(copies: &[Resource]) -> Self {
        Self {
            session: Session::default(),
            shelf: Shelf::new(copies.iter().cloned()),
            to_envoy: Vec::new(),
            nonce: String::new(),
            up: Vec::new(),
            kept: Vec::new(),
            refused: Vec::new(),
            served_copies: 0,
            responses: 0,
        }
    }

    fn did(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::ToEnvoy { nonce, news } => {
                    self.nonce = nonce;
                    self.to_envoy.push(news);
                }
                Output::ToUpstream(request) => self.up.push(request),
                Output::Keep(resource) => self.kept.push(resource.version),
                Output::Refused { resource, copy, .. } => {
                    self.refused.push((resource.version, copy))
                }
                Output::ServedCopy { .. } => self.served_copies += 1,
                Output::TooMany { .. } => {}
            }
        }
    }

    fn subscribe(&mut self, names: &[&str], holds: &[(&str, &str)]) -> &mut Self {
        let request = EnvoyRequest {
            subscribe: names.iter().map(|&name| name.into()).collect(),
            holds: holds.iter().map(|&(n, v)| (n.into(), v.into())).collect(),
            ..EnvoyRequest::default()
        };
        let outputs = self.session.on_envoy(request, &mut self.shelf);
        self.did(outputs);
        self
    }

    fn unsubscribe(&mut self, name: &str) -> &mut Self {
        let request = EnvoyRequest {
            unsubscribe: vec![name.into()],
            ..EnvoyRequest::default()
        };
        let outputs = self.session.on_envoy(request, &mut self.shelf);
        self.did(outputs);
        self
    }

    fn answer(&mut self, refusal: Option<&str>) -> &mut Self {
        let request = EnvoyRequest {
            nonce: self.nonce.clone(),
            refusal: refusal.map(str::to_owned),
            ..EnvoyRequest::default()
        };
        let outputs = self.session.on_envoy(request, &mut self.shelf);
        self.did(outputs);
        self
    }

    fn ack(&mut self) -> &mut Self {
        self.answer(None)
    }

    fn open(&mut self) -> UpstreamRequest {
        self.session.on_opening(&self.shelf)
    }

    fn upstream(&mut self, resources: &[Resource], removed: &[&str]) -> &mut Self {
        self.responses += 1;
        let response = UpstreamResponse {
            nonce: format!("up-{}", self.responses),
            resources: resources.to_vec(),
            removed: removed.iter().map(|&name| name.into()).collect(),
            unusable: Vec::new(),
        };
        let outputs = self.session.on_upstream(response, &mut self.shelf);
        self.did(outputs);
        self
    }

    fn lose(&mut self) -> &mut Self {
        let outputs = self.session.on_lost(&mut self.shelf);
        self.did(outputs);
        self
    }

    fn patience(&mut self) -> &mut Self {
        let outputs = self.session.on_patience(&mut self.shelf);
        self.did(outputs);
        self
    }

    /// What Envoy was sent since the last call, as `name version`; `-name` is a removal.
    fn sent(&mut self) -> Vec<String> {
        let word = |news: News| match news {
            News::Resource(resource) => format!("{} {}", resource.name, resource.version),
            News::Removed(name) => format!("-{name}"),
        };
        self.to_envoy.drain(..).map(word).collect()
    }

    /// The answers that the control plane got since the last call: nonce and refusal.
    fn answers(&mut self) -> Vec<(String, Option<String>)> {
        let answers = self
            .up
            .drain(..)
            .filter(|request| !request.nonce.is_empty());
        answers
            .map(|request| (request.nonce, request.refusal))
            .collect()
    }
}

fn acked(nonce: &str) -> (String, Option<String>) {
    (nonce.into(), None)
}

/// Envoy holds `version`, delivered by the control plane, which is still there.
fn running(version: &str) -> Case {
    let mut case = Case::new(&[]);
    case.subscribe(&[NAME], &[]);
    case.open();
    case.upstream(&[resource(NAME, version)], &[]).ack();
    case.sent();
    case.answers();
    case
}

#[test]
fn what_the_control_plane_sends_passes_and_envoys_answer_goes_back() {
    let mut case = Case::new(&[]);
    case.subscribe(&[NAME], &[]);
    let first = case.open();
    assert!(first.first && first.subscribe == [NAME] && first.holds.is_empty());
    case.upstream(&[resource(NAME, "1")], &[]);
    assert_eq!(case.sent(), ["countersign 1"]);
    assert!(
        case.answers().is_empty() && case.kept.is_empty(),
        "nothing is said before Envoy has"
    );
    case.ack();
    assert_eq!(case.answers(), [acked("up-1")]);
    assert_eq!(case.kept, ["1"]);
}

#[test]
fn a_refusal_goes_up_with_envoys_words_and_is_not_kept() {
    let mut case = running("1");
    case.upstream(&[resource(NAME, "2")], &[])
        .answer(Some("unable to create"));
    assert_eq!(
        case.answers(),
        [("up-2".into(), Some("unable to create".into()))]
    );
    assert_eq!(case.kept, ["1"]);
    assert_eq!(case.refused, [("2".to_owned(), false)]);
    assert_eq!(case.shelf.copy(NAME).unwrap().version, "1");
}

#[test]
fn refused_bytes_are_refused_again_without_being_sent() {
    let mut case = running("1");
    case.upstream(&[resource(NAME, "2")], &[])
        .answer(Some("no"));
    case.sent();
    case.answers();
    case.lose();
    case.open();
    case.upstream(&[resource(NAME, "2")], &[]);
    assert!(case.sent().is_empty());
    let answers = case.answers();
    let reason = answers[0].1.as_deref().unwrap();
    assert!(
        reason.contains("refused before") && reason.contains("no"),
        "{reason}"
    );
}

#[test]
fn without_a_control_plane_the_copy_serves_at_once() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.subscribe(&[NAME], &[]);
    assert!(
        case.sent().is_empty(),
        "it is not known yet that there is none"
    );
    case.lose();
    assert_eq!(case.sent(), ["countersign 1"]);
    assert_eq!(case.served_copies, 1);
    case.ack();
    assert!(case.kept.is_empty(), "it is on the disk already");
    case.lose();
    assert!(case.sent().is_empty(), "what Envoy holds is not sent again");
}

#[test]
fn who_comes_while_the_control_plane_is_known_to_be_away_does_not_wait() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.lose();
    case.subscribe(&[NAME], &[]);
    assert_eq!(case.sent(), ["countersign 1"]);
}

#[test]
fn a_silent_control_plane_is_waited_for_as_long_as_patience_lasts() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.subscribe(&[NAME], &[]);
    case.open();
    assert!(case.session.waits(&case.shelf) && case.sent().is_empty());
    case.patience();
    assert_eq!(case.sent(), ["countersign 1"]);
    assert!(!case.session.waits(&case.shelf));
}

#[test]
fn nobody_waits_for_a_copy_that_there_is_not() {
    let mut case = Case::new(&[]);
    case.subscribe(&[NAME], &[]);
    assert!(!case.session.waits(&case.shelf));
    case.lose().patience();
    assert!(case.sent().is_empty());
}

#[test]
fn a_control_plane_that_comes_back_is_told_what_envoy_really_holds() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.lose().subscribe(&[NAME], &[]);
    case.ack();
    let first = case.open();
    assert_eq!(first.holds.get(NAME).map(String::as_str), Some("1"));
    case.sent();
    case.upstream(&[resource(NAME, "2")], &[]);
    assert_eq!(case.sent(), ["countersign 2"]);
    case.ack();
    assert_eq!(case.answers(), [acked("up-1")]);
    assert_eq!(case.kept, ["2"]);
}

#[test]
fn a_copy_that_envoy_has_not_answered_is_not_said_to_be_held() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.lose().subscribe(&[NAME], &[]);
    assert!(case.open().holds.is_empty());
    case.sent();
    // The same bytes from the control plane share the fate of those under way.
    case.upstream(&[resource(NAME, "1")], &[]);
    assert!(case.sent().is_empty() && case.answers().is_empty());
    case.ack();
    assert_eq!(case.answers(), [acked("up-1")]);
}

#[test]
fn a_copy_that_envoy_refuses_is_put_aside_and_the_refusal_goes_up() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.lose().subscribe(&[NAME], &[]);
    case.open();
    case.upstream(&[resource(NAME, "1")], &[])
        .answer(Some("no"));
    assert_eq!(case.refused, [("1".to_owned(), true)]);
    assert_eq!(case.answers(), [("up-1".into(), Some("no".into()))]);
    case.sent();
    case.lose().patience();
    assert!(case.sent().is_empty() && case.shelf.copy(NAME).is_none());
}

#[test]
fn bytes_that_envoy_holds_are_acknowledged_without_being_sent() {
    let mut case = running("1");
    case.lose();
    case.open();
    case.upstream(&[resource(NAME, "1")], &[]);
    assert!(case.sent().is_empty());
    assert_eq!(case.answers(), [acked("up-2")]);
}

#[test]
fn an_envoy_that_runs_what_no_relay_has_kept_gets_its_copy_made() {
    let mut case = Case::new(&[]);
    case.subscribe(&[NAME], &[(NAME, "1")]);
    assert!(
        case.open().holds.is_empty(),
        "else the control plane would send nothing"
    );
    case.upstream(&[resource(NAME, "1")], &[]);
    assert!(case.sent().is_empty(), "Envoy has it");
    assert_eq!(case.kept, ["1"]);
    assert_eq!(case.answers(), [acked("up-1")]);
    assert_eq!(case.open().holds.len(), 1);
}

#[test]
fn other_bytes_under_the_same_version_are_sent() {
    let mut case = running("1");
    let other = Any {
        type_url: "type.googleapis.com/test".into(),
        value: b"healed".to_vec(),
    };
    case.upstream(&[Resource::new(NAME.into(), "1".into(), other)], &[]);
    assert_eq!(case.sent(), ["countersign 1"]);
}

#[test]
fn one_is_under_way_and_the_newest_only_waits() {
    let mut case = running("1");
    for version in ["2", "3", "4"] {
        case.upstream(&[resource(NAME, version)], &[]);
    }
    assert_eq!(case.sent(), ["countersign 2"]);
    case.ack();
    assert_eq!(case.sent(), ["countersign 4"]);
    assert!(
        case.answers().is_empty(),
        "the newest response is not answered yet"
    );
    case.ack();
    assert_eq!(case.answers(), [acked("up-4")]);
    assert_eq!(case.kept, ["1", "2", "4"]);
}

#[test]
fn a_change_back_to_what_is_held_follows_what_is_under_way() {
    let mut case = running("1");
    case.upstream(&[resource(NAME, "2")], &[])
        .upstream(&[resource(NAME, "1")], &[]);
    case.sent();
    case.ack();
    assert_eq!(case.sent(), ["countersign 1"]);
}

#[test]
fn one_bad_resource_does_not_lose_the_others() {
    let mut case = Case::new(&[]);
    case.subscribe(&["a", "b"], &[]);
    case.open();
    case.upstream(&[resource("a", "1"), resource("b", "1")], &[]);
    assert_eq!(case.sent(), ["a 1"]);
    case.answer(Some("a is bad"));
    assert_eq!(case.sent(), ["b 1"]);
    assert!(case.answers().is_empty());
    case.ack();
    assert_eq!(case.answers(), [("up-1".into(), Some("a is bad".into()))]);
    assert!(case.shelf.copy("a").is_none() && case.shelf.copy("b").is_some());
}

#[test]
fn a_refusal_is_not_forgotten_when_the_control_plane_does_not_wait_for_it() {
    let mut case = Case::new(&[]);
    case.subscribe(&["a", "b"], &[]);
    case.open();
    case.upstream(&[resource("a", "1"), resource("b", "1")], &[]);
    case.answer(Some("a is bad"))
        .upstream(&[resource("b", "2")], &[]);
    case.ack().ack();
    assert_eq!(case.answers(), [("up-2".into(), Some("a is bad".into()))]);
}

#[test]
fn an_answer_to_something_else_changes_nothing() {
    let mut case = running("1");
    case.upstream(&[resource(NAME, "2")], &[]);
    let nonce = std::mem::replace(&mut case.nonce, "relay-0".into());
    case.ack();
    assert!(case.answers().is_empty() && case.kept == ["1"]);
    case.nonce = nonce;
    case.ack();
    assert_eq!(case.answers(), [acked("up-2")]);
}

#[test]
fn what_was_on_its_way_when_the_control_plane_went_still_arrives() {
    let mut case = running("1");
    case.upstream(&[resource(NAME, "2")], &[])
        .upstream(&[resource(NAME, "3")], &[]);
    case.lose();
    case.sent();
    case.ack();
    assert_eq!(case.sent(), ["countersign 3"]);
    case.ack();
    assert_eq!(case.kept, ["1", "2", "3"]);
    assert!(case.answers().is_empty(), "nobody is there to hear it");
}

#[test]
fn a_removal_passes_and_the_copy_stays() {
    let mut case = running("1");
    case.upstream(&[], &[NAME]);
    assert_eq!(case.sent(), ["-countersign"]);
    case.ack();
    assert_eq!(case.answers(), [acked("up-2")]);
    case.patience().lose();
    assert!(
        case.sent().is_empty(),
        "as long as this Envoy runs, the removal holds"
    );

    let mut again = Case::new(&[case.shelf.copy(NAME).unwrap().clone()]);
    again.lose().subscribe(&[NAME], &[]);
    assert_eq!(again.sent(), ["countersign 1"]);
}

#[test]
fn a_resource_that_comes_back_after_its_removal_is_sent() {
    let mut case = running("1");
    case.upstream(&[], &[NAME]).ack();
    case.sent();
    case.upstream(&[resource(NAME, "1")], &[]);
    assert_eq!(case.sent(), ["countersign 1"]);
}

#[test]
fn subscriptions_that_change_are_passed_on() {
    let mut case = running("1");
    case.subscribe(&["other"], &[]);
    assert_eq!(case.up.last().unwrap().subscribe, ["other"]);
    case.unsubscribe(NAME);
    assert_eq!(case.up.last().unwrap().unsubscribe, [NAME]);
    case.upstream(&[resource(NAME, "2")], &[]);
    assert!(case.sent().is_empty(), "nobody asks for it any more");
    assert_eq!(case.open().subscribe, ["other"]);
}

#[test]
fn who_asks_again_is_answered_again() {
    let mut case = running("1");
    case.subscribe(&[NAME], &[]);
    assert_eq!(case.up.last().unwrap().subscribe, [NAME]);
    case.upstream(&[resource(NAME, "1")], &[]);
    assert_eq!(case.sent(), ["countersign 1"]);
    case.ack().lose();
    case.subscribe(&[NAME], &[]);
    assert_eq!(
        case.sent(),
        ["countersign 1"],
        "and from the shelf where nobody else answers"
    );
}

#[test]
fn an_answer_from_before_an_unsubscription_says_nothing() {
    let mut case = running("1");
    case.upstream(&[resource(NAME, "2")], &[]);
    case.unsubscribe(NAME).subscribe(&[NAME], &[]);
    case.sent();
    case.ack();
    assert_eq!(case.kept, ["1"]);
    case.upstream(&[resource(NAME, "2")], &[]);
    assert_eq!(case.sent(), ["countersign 2"]);
}

#[test]
fn an_envoy_that_refuses_the_newest_and_has_nothing_gets_the_last_good_one() {
    let mut case = Case::new(&[resource(NAME, "1")]);
    case.subscribe(&[NAME], &[]);
    case.open();
    case.upstream(&[resource(NAME, "2")], &[])
        .answer(Some("no"));
    case.sent();
    assert!(case.session.waits(&case.shelf));
    case.patience();
    assert_eq!(case.sent(), ["countersign 1"]);
}

#[test]
fn a_resource_that_cannot_be_sent_is_refused_in_envoys_stead() {
    let mut case = running("1");
    let response = UpstreamResponse {
        nonce: "up-2".into(),
        unusable: vec![
            (NAME.into(), "no module".into()),
            ("other".into(), "no".into()),
        ],
        ..UpstreamResponse::default()
    };
    let outputs = case.session.on_upstream(response, &mut case.shelf);
    case.did(outputs);
    assert!(case.sent().is_empty());
    let reason = format!("{NAME}: no module");
    assert_eq!(case.answers(), [("up-2".into(), Some(reason))]);
    assert_eq!(case.shelf.copy(NAME).unwrap().version, "1");
}

#[test]
fn resources_past_the_bound_are_not_taken() {
    let mut case = Case::new(&[]);
    let names: Vec<String> = (0..=limits::MAX_RESOURCES)
        .map(|n| format!("{n:03}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    case.subscribe(&names[..limits::MAX_RESOURCES], &[]);
    let request = EnvoyRequest {
        subscribe: vec![names[limits::MAX_RESOURCES].into()],
        ..EnvoyRequest::default()
    };
    let outputs = case.session.on_envoy(request, &mut case.shelf);
    assert!(matches!(outputs.as_slice(), [Output::TooMany { .. }]));
    assert_eq!(case.open().subscribe.len(), limits::MAX_RESOURCES);
}
