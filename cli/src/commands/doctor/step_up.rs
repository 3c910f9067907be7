//! Upstreams that ask for more proof: what keeps their word from being heard, or from being followed.
//! Nothing of it shows in an answer, since one that is not trusted goes on as if it had said nothing.

use std::collections::BTreeMap;

use countersign_control_plane::compile::{StepUpTerms, step_ups};
use countersign_control_plane::resource::{SourceFile, parse_files};
use countersign_engine::step_up::{MALFORMED_NOTE, UNTRUSTED_NOTE};
use countersign_engine::{Assurance, glob_matches};
use countersign_proto::admin::v1 as admin;
use countersign_proto::event::v1::DecisionEvent;

use super::finding::{Area, Finding};
use crate::api::{self, ApiError};
use crate::commands::all;
use crate::target::Target;

const CHECK: &str = "step-up";

/// So many events are looked through, the newest.
const EVENTS: u32 = 500;

/// So many resources are parsed at once.
const AT_ONCE: usize = 1_000;

/// So many names are told; of more their number is.
const NAMED: usize = 5;

/// Everything about them. `answers`: the control plane does; `clusters`: Envoy's, where all are known.
pub(super) async fn look(
    target: &Target,
    answers: bool,
    clusters: Option<&[String]>,
) -> Vec<Finding> {
    if !answers {
        let found = "policies and events were not asked for";
        let remedy = "mend what failed above first";
        return vec![Finding::skipped(Area::ControlPlane, CHECK, found, remedy)];
    }
    match asked(target).await {
        Ok((Some(terms), events)) => judge(&terms, &events, clusters),
        Ok((None, events)) => {
            let found = "this command cannot read what the control plane holds";
            let remedy = "use the command of the control plane's release";
            let unread = Finding::skipped(Area::ControlPlane, CHECK, found, remedy);
            std::iter::once(unread).chain(in_vain(&events)).collect()
        }
        Err(error) => {
            let remedy = "the control plane's log says more";
            vec![Finding::failed(
                Area::ControlPlane,
                CHECK,
                error.to_string(),
                remedy,
            )]
        }
    }
}

/// `None`: of a newer release.
async fn asked(
    target: &Target,
) -> Result<(Option<Vec<StepUpTerms>>, Vec<DecisionEvent>), ApiError> {
    let mut client = api::connect(target).await?;
    let mut files = Vec::new();
    for kind in ["Settings", "MitigationPolicy"] {
        let request = admin::ListResourcesRequest {
            kind: kind.to_owned(),
            ..admin::ListResourcesRequest::default()
        };
        let answer = all::resources(&mut client, request).await?;
        files.extend(answer.resources.into_iter().map(|resource| SourceFile {
            name: resource.file,
            content: resource.source.into_bytes(),
        }));
    }
    // A set may have more resources than files are taken at once.
    let parsed: Result<Vec<_>, _> = files.chunks(AT_ONCE).map(parse_files).collect();
    let terms = parsed.ok().map(|documents| step_ups(&documents.concat()));
    let request = admin::ListEventsRequest {
        limit: EVENTS,
        ..admin::ListEventsRequest::default()
    };
    let events = client.list_events(request).await?.into_inner().events;
    let events = events.into_iter().filter_map(|event| event.decision);
    Ok((terms, events.collect()))
}

/// What is known of them, judged.
fn judge(
    terms: &[StepUpTerms],
    events: &[DecisionEvent],
    clusters: Option<&[String]>,
) -> Vec<Finding> {
    if terms.is_empty() {
        let found = "nobody may ask for more proof: no policy has a `stepUp`, so a backend's `countersign-step-up` goes on to the client";
        return vec![Finding::ok(Area::ControlPlane, CHECK, found)];
    }
    let mut findings: Vec<Finding> = terms.iter().flat_map(|it| stated(it, clusters)).collect();
    findings.extend(in_vain(events));
    if findings.is_empty() {
        let names = terms.iter().filter(|it| !it.upstreams.is_empty());
        let names: Vec<String> = names.map(by).collect();
        let found = match names.as_slice() {
            [] => "every `stepUp` names nobody: no upstream may ask for more proof".to_owned(),
            names => format!("upstreams may ask for more proof by {}", list(names)),
        };
        findings.push(Finding::ok(Area::ControlPlane, CHECK, found));
    }
    findings
}

/// What can be seen from what is stated.
fn stated(terms: &StepUpTerms, clusters: Option<&[String]>) -> Vec<Finding> {
    let by = by(terms);
    if terms.upstreams.is_empty() {
        return Vec::new();
    }
    if terms.rehearsed {
        return vec![warning(
            format!("{by} is in `mode: monitor`, where its `stepUp` does nothing"),
            "say `mode: enforce`; with `action: monitor` it still only counts until an upstream asks",
        )];
    }
    let mut findings = Vec::new();
    if let Some(clusters) = clusters {
        let lacks = |pattern: &&String| {
            !clusters
                .iter()
                .any(|name| glob_matches(pattern.as_bytes(), name.as_bytes(), false))
        };
        let lacking: Vec<String> = terms.upstreams.iter().filter(lacks).cloned().collect();
        if !lacking.is_empty() {
            findings.push(warning(
                format!(
                    "{by} trusts {}, and Envoy has no such cluster: it has {}",
                    list(&quoted(&lacking)),
                    list(&quoted(clusters)),
                ),
                "write the names in `stepUp.upstreams` as `/clusters` of Envoy's admin interface has them, in the same case",
            ));
        }
    }
    if terms.reaches < Assurance::Uv {
        findings.push(warning(
            format!(
                "what {by} offers ({}) proves `{}` at the most: who is asked for more, and most backends ask for `uv`, has no way to give it",
                terms.kinds.join(", "),
                terms.reaches.word(),
            ),
            "offer `fido` in `stepUp.kinds`, or let the upstream demand no more, or name `kinds` itself",
        ));
    }
    if terms.hold_body == 0 && terms.takes_forms {
        findings.push(warning(
            format!(
                "by {by} nothing of a form is kept (`holdBody: 0`): whoever sent one that its upstream asks about has to fill it in again"
            ),
            "set `stepUp.holdBody` to the size of your forms, or narrow the policy to `methods: [GET]`",
        ));
    }
    findings
}

/// What the newest events tell of upstreams that asked and were not heard.
fn in_vain(events: &[DecisionEvent]) -> Vec<Finding> {
    let who = |note: &str| {
        let mut who: BTreeMap<&str, usize> = BTreeMap::new();
        let noted = |event: &&DecisionEvent| event.notes.iter().any(|it| it == note);
        for event in events.iter().filter(noted) {
            *who.entry(&event.step_up_by).or_default() += 1;
        }
        let named = |(name, times): (&str, usize)| match times {
            1 => format!("`{name}` once"),
            times => format!("`{name}` {times} times"),
        };
        let named: Vec<String> = who.into_iter().map(named).collect();
        (!named.is_empty()).then(|| list(&named))
    };
    let all = events.len();
    let untrusted = who(UNTRUSTED_NOTE).map(|who| {
        warning(
            format!(
                "upstreams that may not ask for more proof did, in the newest {all} events: {who}; their answers went on to the client"
            ),
            "name them in the `stepUp.upstreams` that holds there, if they may; `countersign explain --upstream NAME --step-up uv` says which that is",
        )
    });
    let malformed = who(MALFORMED_NOTE).map(|who| {
        Finding::failed(
            Area::ControlPlane,
            CHECK,
            format!(
                "upstreams asked for proof in words that are none, in the newest {all} events: {who}; the client got 502"
            ),
            "let them say a grade and parameters: `countersign-step-up: uv;max-age=300`",
        )
    });
    untrusted.into_iter().chain(malformed).collect()
}

fn by(terms: &StepUpTerms) -> String {
    match &terms.policy {
        Some(name) => format!("`{name}`"),
        None => "`Settings`".to_owned(),
    }
}

fn quoted(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("`{name}`")).collect()
}

fn list(words: &[String]) -> String {
    let named: Vec<&str> = words.iter().take(NAMED).map(String::as_str).collect();
    match words.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}

fn warning(found: String, remedy: &str) -> Finding {
    Finding::warning(Area::ControlPlane, CHECK, found, remedy)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    fn terms() -> StepUpTerms {
        StepUpTerms {
            policy: Some("orders-may-ask".to_owned()),
            upstreams: vec!["ord*".to_owned()],
            rehearsed: false,
            kinds: vec!["fido".to_owned()],
            reaches: Assurance::UvAttested,
            hold_body: 65_536,
            takes_forms: true,
        }
    }

    fn clusters() -> Vec<String> {
        vec!["orders".to_owned(), "search".to_owned()]
    }

    fn event(by: &str, note: &str) -> DecisionEvent {
        DecisionEvent {
            step_up_by: by.to_owned(),
            notes: vec![note.to_owned()],
            ..DecisionEvent::default()
        }
    }

    #[test]
    fn what_is_well_is_said_in_one_line() {
        let findings = judge(&[terms()], &[event("orders", "step_up")], Some(&clusters()));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(finding.status, Status::Ok);
        assert_eq!(
            finding.found,
            "upstreams may ask for more proof by `orders-may-ask`"
        );
        let nobody = judge(&[], &[], None);
        assert_eq!(nobody[0].status, Status::Ok);
        assert!(nobody[0].found.starts_with("nobody may ask"), "{nobody:?}");
    }

    #[test]
    fn each_thing_that_keeps_a_demand_from_being_met_is_a_warning_with_a_remedy() {
        let other = |change: &dyn Fn(&mut StepUpTerms)| {
            let mut terms = terms();
            change(&mut terms);
            terms
        };
        for (terms, part) in [
            (other(&|it| it.rehearsed = true), "`mode: monitor`"),
            (
                other(&|it| it.upstreams = vec!["Orders".to_owned()]),
                "trusts `Orders`, and Envoy has no such cluster: it has `orders`, `search`",
            ),
            (
                other(&|it| {
                    it.kinds = vec!["pow".to_owned(), "otp_email".to_owned()];
                    it.reaches = Assurance::Possession;
                }),
                "offers (pow, otp_email) proves `possession` at the most",
            ),
            (other(&|it| it.hold_body = 0), "`holdBody: 0`"),
        ] {
            let findings = judge(&[terms], &[], Some(&clusters()));
            let [finding] = findings.as_slice() else {
                panic!("{part}: {findings:?}")
            };
            assert_eq!(finding.status, Status::Warning, "{finding:?}");
            assert!(finding.found.contains(part), "{finding:?}");
            assert!(finding.remedy.is_some());
        }
        // Where clusters are fetched, nobody knows; a policy for GET keeps no form on purpose, and one that
        // names nobody asks nothing.
        for (terms, clusters) in [
            (other(&|it| it.upstreams = vec!["Orders".to_owned()]), None),
            (
                other(&|it| (it.hold_body, it.takes_forms) = (0, false)),
                Some(clusters()),
            ),
            (
                other(&|it| {
                    it.upstreams.clear();
                    it.hold_body = 0;
                }),
                Some(clusters()),
            ),
        ] {
            let findings = judge(&[terms], &[], clusters.as_deref());
            assert_eq!(findings[0].status, Status::Ok, "{findings:?}");
        }
    }

    #[test]
    fn events_tell_who_asked_in_vain() {
        let events = [
            event("payments", UNTRUSTED_NOTE),
            event("payments", UNTRUSTED_NOTE),
            event("mail", UNTRUSTED_NOTE),
            event("orders", MALFORMED_NOTE),
        ];
        let findings = judge(&[terms()], &events, Some(&clusters()));
        let [untrusted, malformed] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(untrusted.status, Status::Warning);
        assert!(
            untrusted
                .found
                .contains("newest 4 events: `mail` once, `payments` 2 times"),
            "{untrusted:?}"
        );
        assert_eq!(malformed.status, Status::Failed);
        assert!(malformed.found.contains("`orders` once"), "{malformed:?}");
    }
}
