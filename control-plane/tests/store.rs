//! The store on a real file: what is accepted survives, what is told twice counts once.

use countersign_control_plane::store::{
    Batch, Commit, Counted, EventFilter, EventRow, Ignored, NewRevision, OutcomeRow, Refusal, Store,
    StoredRevision, TicketKeyRow,
};
use countersign_control_plane::traffic::{Measure, Standing};
use countersign_proto::event::v1::{DecisionEvent, Monitored};
use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::{ActionKind, SessionKey};
use tempfile::TempDir;

const MINUTE: u64 = 60_000;
const NOW: u64 = 30_000_000 * MINUTE;

struct Fixture {
    directory: TempDir,
    store: Store,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&url(&directory)).await.unwrap();
        Self { directory, store }
    }

    async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(&url(&self.directory)).await.unwrap();
        Self { store, ..self }
    }

    async fn take(&self, events: Vec<EventRow>, outcomes: Vec<OutcomeRow>) -> (Vec<Counted>, Vec<Ignored>) {
        let report = self.store.ingest(&Batch { events, outcomes }).await.unwrap();
        (report.counted, report.ignored)
    }

    async fn sum(&self, policy: &str, measure: Measure) -> u64 {
        let rows = self.store.traffic((0, u64::MAX / MINUTE), 1, policy, "").await.unwrap();
        rows.iter().filter(|row| row.measure == measure).map(|row| row.count).sum()
    }
}

fn url(directory: &TempDir) -> String {
    format!("sqlite://{}", directory.path().join("state.db").display())
}

fn event(id: &str, action: ActionKind, policy: &str) -> EventRow {
    let event = DecisionEvent {
        event_id: id.into(),
        action: action.into(),
        policy: policy.into(),
        host: "shop".into(),
        ..DecisionEvent::default()
    };
    EventRow { event, node: "edge".into(), time_ms: NOW, received_ms: NOW, counted_host: "shop".into() }
}

fn challenge(id: &str) -> EventRow {
    event(id, ActionKind::Challenge, "checkout")
}

fn outcome(sequence: u64, event_id: &str, step: Step) -> OutcomeRow {
    let outcome = Outcome {
        sequence,
        event_id: event_id.into(),
        step: step.into(),
        spool: "spool".into(),
        time_ms: NOW + sequence,
        ..Outcome::default()
    };
    OutcomeRow { outcome, sidecar: "sidecar".into(), received_ms: NOW }
}

fn revision(number: u64) -> NewRevision {
    let info = StoredRevision {
        number,
        hash: format!("{number:012x}"),
        time_ms: NOW,
        author: "me".into(),
        message: String::new(),
        policies: 1,
        attempt: number + 100,
    };
    NewRevision { info, compiled: vec![7; 3] }
}

fn counted(measure: Measure) -> Counted {
    Counted { policy: "checkout".into(), measure, count: 1 }
}

#[tokio::test]
async fn a_revision_survives_a_restart_with_its_attempt() {
    let fixture = Fixture::new().await;
    let made = revision(1);
    fixture.store.commit(Commit { revision: Some(&made), ..Commit::default() }).await.unwrap();
    let fixture = fixture.reopened().await;
    let newest = fixture.store.newest_revision().await.unwrap().unwrap();
    assert_eq!(newest.info, made.info);
    assert_eq!(newest.compiled, made.compiled);
}

#[tokio::test]
async fn a_revision_number_is_given_once() {
    let fixture = Fixture::new().await;
    let made = revision(1);
    fixture.store.commit(Commit { revision: Some(&made), ..Commit::default() }).await.unwrap();
    let again = fixture.store.commit(Commit { revision: Some(&made), ..Commit::default() }).await;
    assert!(again.is_err());
}

#[tokio::test]
async fn what_fails_in_a_commit_changes_nothing_of_it() {
    let fixture = Fixture::new().await;
    let made = revision(1);
    fixture.store.commit(Commit { revision: Some(&made), ..Commit::default() }).await.unwrap();
    let keys = [SessionKey { kid: "k".into(), public_key: vec![1; 32] }];
    let commit = Commit { session_keys: Some(("s", &keys)), revision: Some(&made), ..Commit::default() };
    assert!(fixture.store.commit(commit).await.is_err());
    assert!(fixture.store.session_keys().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_sidecars_keys_are_replaced_and_keep_the_time_of_their_registration() {
    let fixture = Fixture::new().await;
    let key = |kid: &str| SessionKey { kid: kid.into(), public_key: vec![1; 32] };
    for (now, keys) in [(1, vec![key("a"), key("b")]), (2, vec![key("b"), key("c")])] {
        let session_keys = Some(("s", keys.as_slice()));
        fixture.store.commit(Commit { session_keys, now, ..Commit::default() }).await.unwrap();
    }
    let keys = fixture.store.session_keys().await.unwrap();
    let shown: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.registered_ms)).collect();
    assert_eq!(shown, [("b", 1), ("c", 2)]);
}

#[tokio::test]
async fn a_new_ticket_key_gives_the_old_one_its_end() {
    let fixture = Fixture::new().await;
    let key = |kid: &str, at| TicketKeyRow {
        kid: kid.into(),
        secret: vec![1; 32],
        created_ms: at,
        signs_from_ms: at,
        expires_ms: None,
    };
    fixture.store.add_ticket_key(&key("old", 1), 0).await.unwrap();
    fixture.store.add_ticket_key(&key("new", 2), 50).await.unwrap();
    let keys = fixture.store.ticket_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.expires_ms).collect::<Vec<_>>(), [Some(50), None]);
}

#[tokio::test]
async fn a_refusal_is_remembered_until_the_next_revision() {
    let fixture = Fixture::new().await;
    let refusal = Refusal {
        node: "edge".into(),
        revision: "1-a".into(),
        attempt: 9,
        reason: "no".into(),
        time_ms: NOW,
    };
    fixture.store.add_refusal(&refusal).await.unwrap();
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.store.refusals().await.unwrap(), [refusal]);
    let made = revision(2);
    fixture.store.commit(Commit { revision: Some(&made), ..Commit::default() }).await.unwrap();
    assert!(fixture.store.refusals().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_told_twice_counts_once() {
    let fixture = Fixture::new().await;
    let (first, _) = fixture.take(vec![challenge("e1")], vec![]).await;
    assert_eq!(first, [counted(Measure::Challenge)]);
    let (second, ignored) = fixture.take(vec![challenge("e1")], vec![]).await;
    assert!(second.is_empty());
    assert_eq!(ignored, [Ignored::RepeatedEvent]);
    assert_eq!(fixture.sum("checkout", Measure::Challenge).await, 1);
}

#[tokio::test]
async fn an_event_counts_what_was_monitored_and_satisfied_by_their_own_policies() {
    let fixture = Fixture::new().await;
    let mut row = event("e1", ActionKind::Block, "bots");
    row.event.monitored = vec![Monitored { policy: "new-rule".into(), action: 0 }];
    row.event.satisfied = vec!["checkout".into()];
    fixture.take(vec![row], vec![]).await;
    assert_eq!(fixture.sum("bots", Measure::Block).await, 1);
    assert_eq!(fixture.sum("new-rule", Measure::Monitor).await, 1);
    assert_eq!(fixture.sum("checkout", Measure::Satisfied).await, 1);
}

#[tokio::test]
async fn an_outcome_counts_when_it_comes_after_its_event() {
    let fixture = Fixture::new().await;
    fixture.take(vec![challenge("e1")], vec![]).await;
    let (added, _) = fixture.take(vec![], vec![outcome(1, "e1", Step::Passed)]).await;
    assert_eq!(added, [counted(Measure::Passed)]);
}

#[tokio::test]
async fn an_outcome_counts_when_it_comes_before_its_event() {
    let fixture = Fixture::new().await;
    let (added, ignored) = fixture.take(vec![], vec![outcome(1, "e1", Step::Passed)]).await;
    assert!(added.is_empty() && ignored.is_empty());
    assert_eq!(fixture.store.waiting_outcomes().await.unwrap(), 1);
    let (added, _) = fixture.take(vec![challenge("e1")], vec![]).await;
    assert_eq!(added, [counted(Measure::Challenge), counted(Measure::Passed)]);
    assert_eq!(fixture.store.waiting_outcomes().await.unwrap(), 0);
}

#[tokio::test]
async fn a_step_that_comes_twice_counts_once() {
    let fixture = Fixture::new().await;
    let steps = vec![outcome(1, "e1", Step::Passed), outcome(2, "e1", Step::Passed)];
    let (_, ignored) = fixture.take(vec![challenge("e1")], steps).await;
    assert_eq!(ignored, [Ignored::Outcome(Standing::Repeated)]);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

#[tokio::test]
async fn an_outcome_that_is_sent_again_is_not_another_one() {
    let fixture = Fixture::new().await;
    fixture.take(vec![challenge("e1")], vec![outcome(1, "e1", Step::Started)]).await;
    let (added, ignored) = fixture.take(vec![], vec![outcome(1, "e1", Step::Started)]).await;
    assert!(added.is_empty());
    assert_eq!(ignored, [Ignored::RepeatedOutcome]);
    assert_eq!(fixture.store.event("e1").await.unwrap().unwrap().outcomes.len(), 1);
}

#[tokio::test]
async fn an_outcome_of_what_was_no_challenge_is_ignored() {
    let fixture = Fixture::new().await;
    let blocked = event("e1", ActionKind::Block, "checkout");
    let (_, ignored) = fixture.take(vec![blocked], vec![outcome(1, "e1", Step::Passed)]).await;
    assert_eq!(ignored, [Ignored::Outcome(Standing::NotAChallenge)]);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 0);
}

#[tokio::test]
async fn an_outcome_whose_event_never_comes_is_given_up_and_counts_if_it_comes_after_all() {
    let fixture = Fixture::new().await;
    fixture.take(vec![], vec![outcome(1, "e1", Step::Passed)]).await;
    assert_eq!(fixture.store.tidy(NOW + MINUTE).await.unwrap().never_issued, 0);
    assert_eq!(fixture.store.tidy(NOW + MINUTE + 1).await.unwrap().never_issued, 1);
    fixture.take(vec![challenge("e1")], vec![]).await;
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

#[tokio::test]
async fn an_outcome_counts_under_the_events_policy_whatever_it_names() {
    let fixture = Fixture::new().await;
    let mut told = outcome(1, "e1", Step::Passed);
    told.outcome.policy = "somebody-elses".into();
    fixture.take(vec![challenge("e1")], vec![told]).await;
    assert_eq!(fixture.sum("somebody-elses", Measure::Passed).await, 0);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

#[tokio::test]
async fn outcomes_of_one_event_have_a_bound() {
    let fixture = Fixture::new().await;
    let most = 64;
    let told = (0..=most).map(|n| outcome(n, "e1", Step::Rejected)).collect();
    let (_, ignored) = fixture.take(vec![challenge("e1")], told).await;
    assert_eq!(ignored.last(), Some(&Ignored::TooManyOutcomes));
    let stored = fixture.store.event("e1").await.unwrap().unwrap();
    assert_eq!(stored.outcomes.len() as u64, most);
}

#[tokio::test]
async fn counts_survive_a_restart() {
    let fixture = Fixture::new().await;
    fixture.take(vec![challenge("e1"), challenge("e2")], vec![outcome(1, "e1", Step::Passed)]).await;
    let fixture = fixture.reopened().await;
    let totals = fixture.store.totals().await.unwrap();
    assert!(totals.contains(&("checkout".into(), Measure::Challenge, 2)));
    assert!(totals.contains(&("checkout".into(), Measure::Passed, 1)));
}

#[tokio::test]
async fn traffic_is_summed_by_stretches_of_time() {
    let fixture = Fixture::new().await;
    let at = |id: &str, minute| EventRow { time_ms: minute * MINUTE, ..challenge(id) };
    fixture.take(vec![at("a", 100), at("b", 104), at("c", 105)], vec![]).await;
    let rows = fixture.store.traffic((100, 105), 5, "", "").await.unwrap();
    let sums: Vec<_> = rows.iter().map(|row| (row.minute, row.count)).collect();
    assert_eq!(sums, [(100, 2), (105, 1)]);
    assert!(fixture.store.traffic((100, 105), 5, "", "other").await.unwrap().is_empty());
}

#[tokio::test]
async fn events_are_listed_newest_first_page_by_page() {
    let fixture = Fixture::new().await;
    let rows = (0..5).map(|n| EventRow { time_ms: NOW + n / 2, ..challenge(&format!("e{n}")) });
    fixture.take(rows.collect(), vec![]).await;
    let mut filter = EventFilter { limit: 2, ..EventFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = fixture.store.events(&filter).await.unwrap();
        seen.extend(page.events.iter().map(|event| event.decision.event_id.clone()));
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["e4", "e3", "e2", "e1", "e0"]);
}

#[tokio::test]
async fn events_are_found_by_policy_action_and_host() {
    let fixture = Fixture::new().await;
    fixture.take(vec![challenge("e1"), event("e2", ActionKind::Block, "bots")], vec![]).await;
    let found = async |filter: EventFilter| {
        let page = fixture.store.events(&EventFilter { limit: 9, ..filter }).await.unwrap();
        page.events.into_iter().map(|event| event.decision.event_id).collect::<Vec<_>>()
    };
    let policy = EventFilter { policy: Some("bots".into()), ..EventFilter::default() };
    assert_eq!(found(policy).await, ["e2"]);
    let action = EventFilter { action: Some(ActionKind::Challenge), ..EventFilter::default() };
    assert_eq!(found(action).await, ["e1"]);
    let host = EventFilter { host: Some("other".into()), ..EventFilter::default() };
    assert!(found(host).await.is_empty());
}

#[tokio::test]
async fn old_events_go_and_their_counts_stay() {
    let fixture = Fixture::new().await;
    fixture.take(vec![challenge("e1")], vec![outcome(1, "e1", Step::Passed)]).await;
    let month = 30 * 24 * 60 * MINUTE;
    assert_eq!(fixture.store.tidy(NOW + month).await.unwrap().events, 0);
    assert_eq!(fixture.store.tidy(NOW + month + 1).await.unwrap().events, 1);
    assert_eq!(fixture.store.event("e1").await.unwrap(), None);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

#[tokio::test]
async fn only_sqlite_urls_are_opened() {
    assert!(Store::open("postgres://localhost/x").await.is_err());
    assert!(Store::open("sqlite:///nowhere/at/all/state.db").await.is_err());
}
