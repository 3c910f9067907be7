//! What is told is counted once, whatever the order in which it comes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::store::{Batch, EventFilter, EventRow, Ignored, Store};
use countersign_control_plane::traffic::{Measure, Standing};
use countersign_proto::event::v1::Monitored;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::ActionKind;
use sqlx::Row as _;
use support::database::{On, on_both};
use support::store::{Fixture, MINUTE, NOW, challenge, counted, event, outcome};

on_both!(an_event_told_twice_counts_once);
async fn an_event_told_twice_counts_once(on: On) {
    let fixture = Fixture::on(on).await;
    let (first, _) = fixture.take(vec![challenge("e1")], vec![]).await;
    assert_eq!(first, [counted(Measure::Challenge)]);
    let (second, ignored) = fixture.take(vec![challenge("e1")], vec![]).await;
    assert!(second.is_empty());
    assert_eq!(ignored, [Ignored::RepeatedEvent]);
    assert_eq!(fixture.sum("checkout", Measure::Challenge).await, 1);
}

on_both!(an_event_counts_what_was_monitored_and_satisfied_by_their_own_policies);
async fn an_event_counts_what_was_monitored_and_satisfied_by_their_own_policies(on: On) {
    let fixture = Fixture::on(on).await;
    let mut row = event("e1", ActionKind::Block, "bots");
    row.event.monitored = vec![Monitored {
        policy: "new-rule".into(),
        action: 0,
    }];
    row.event.satisfied = vec!["checkout".into()];
    fixture.take(vec![row], vec![]).await;
    assert_eq!(fixture.sum("bots", Measure::Block).await, 1);
    assert_eq!(fixture.sum("new-rule", Measure::Monitor).await, 1);
    assert_eq!(fixture.sum("checkout", Measure::Satisfied).await, 1);
}

on_both!(an_outcome_counts_when_it_comes_after_its_event);
async fn an_outcome_counts_when_it_comes_after_its_event(on: On) {
    let fixture = Fixture::on(on).await;
    fixture.take(vec![challenge("e1")], vec![]).await;
    let (added, _) = fixture
        .take(vec![], vec![outcome(1, "e1", Step::Passed)])
        .await;
    assert_eq!(added, [counted(Measure::Passed)]);
}

on_both!(an_outcome_counts_when_it_comes_before_its_event);
async fn an_outcome_counts_when_it_comes_before_its_event(on: On) {
    let fixture = Fixture::on(on).await;
    let (added, ignored) = fixture
        .take(vec![], vec![outcome(1, "e1", Step::Passed)])
        .await;
    assert!(added.is_empty() && ignored.is_empty());
    assert_eq!(fixture.store.waiting_outcomes().await.unwrap(), 1);
    let (added, _) = fixture.take(vec![challenge("e1")], vec![]).await;
    assert_eq!(
        added,
        [counted(Measure::Challenge), counted(Measure::Passed)]
    );
    assert_eq!(fixture.store.waiting_outcomes().await.unwrap(), 0);
}

on_both!(a_step_that_comes_twice_counts_once);
async fn a_step_that_comes_twice_counts_once(on: On) {
    let fixture = Fixture::on(on).await;
    let steps = vec![
        outcome(1, "e1", Step::Passed),
        outcome(2, "e1", Step::Passed),
    ];
    let (_, ignored) = fixture.take(vec![challenge("e1")], steps).await;
    assert_eq!(ignored, [Ignored::Outcome(Standing::Repeated)]);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

on_both!(an_outcome_that_is_sent_again_is_not_another_one);
async fn an_outcome_that_is_sent_again_is_not_another_one(on: On) {
    let fixture = Fixture::on(on).await;
    fixture
        .take(vec![challenge("e1")], vec![outcome(1, "e1", Step::Started)])
        .await;
    let (added, ignored) = fixture
        .take(vec![], vec![outcome(1, "e1", Step::Started)])
        .await;
    assert!(added.is_empty());
    assert_eq!(ignored, [Ignored::RepeatedOutcome]);
    assert_eq!(
        fixture
            .store
            .event("e1")
            .await
            .unwrap()
            .unwrap()
            .outcomes
            .len(),
        1
    );
}

on_both!(an_outcome_of_what_was_no_challenge_is_ignored);
async fn an_outcome_of_what_was_no_challenge_is_ignored(on: On) {
    let fixture = Fixture::on(on).await;
    let blocked = event("e1", ActionKind::Block, "checkout");
    let (_, ignored) = fixture
        .take(vec![blocked], vec![outcome(1, "e1", Step::Passed)])
        .await;
    assert_eq!(ignored, [Ignored::Outcome(Standing::NotAChallenge)]);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 0);
}

on_both!(an_outcome_whose_event_never_comes_is_given_up_and_counts_if_it_comes_after_all);
async fn an_outcome_whose_event_never_comes_is_given_up_and_counts_if_it_comes_after_all(on: On) {
    let fixture = Fixture::on(on).await;
    fixture
        .take(vec![], vec![outcome(1, "e1", Step::Passed)])
        .await;
    assert_eq!(
        fixture.store.tidy(NOW + MINUTE).await.unwrap().never_issued,
        0
    );
    assert_eq!(
        fixture
            .store
            .tidy(NOW + MINUTE + 1)
            .await
            .unwrap()
            .never_issued,
        1
    );
    fixture.take(vec![challenge("e1")], vec![]).await;
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

on_both!(an_outcome_counts_under_the_events_policy_whatever_it_names);
async fn an_outcome_counts_under_the_events_policy_whatever_it_names(on: On) {
    let fixture = Fixture::on(on).await;
    let mut told = outcome(1, "e1", Step::Passed);
    told.outcome.policy = "somebody-elses".into();
    fixture.take(vec![challenge("e1")], vec![told]).await;
    assert_eq!(fixture.sum("somebody-elses", Measure::Passed).await, 0);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

on_both!(outcomes_of_one_event_have_a_bound);
async fn outcomes_of_one_event_have_a_bound(on: On) {
    let fixture = Fixture::on(on).await;
    let most = 64;
    let told = (0..=most)
        .map(|n| outcome(n, "e1", Step::Rejected))
        .collect();
    let (_, ignored) = fixture.take(vec![challenge("e1")], told).await;
    assert_eq!(ignored.last(), Some(&Ignored::TooManyOutcomes));
    let stored = fixture.store.event("e1").await.unwrap().unwrap();
    assert_eq!(stored.outcomes.len() as u64, most);
}

on_both!(counts_survive_a_restart);
async fn counts_survive_a_restart(on: On) {
    let fixture = Fixture::on(on).await;
    fixture
        .take(
            vec![challenge("e1"), challenge("e2")],
            vec![outcome(1, "e1", Step::Passed)],
        )
        .await;
    let fixture = fixture.reopened().await;
    let totals = fixture.store.totals().await.unwrap();
    assert!(totals.contains(&("checkout".into(), Measure::Challenge, 2)));
    assert!(totals.contains(&("checkout".into(), Measure::Passed, 1)));
}

on_both!(traffic_is_summed_by_stretches_of_time);
async fn traffic_is_summed_by_stretches_of_time(on: On) {
    let fixture = Fixture::on(on).await;
    let at = |id: &str, minute| EventRow {
        time_ms: minute * MINUTE,
        ..challenge(id)
    };
    fixture
        .take(vec![at("a", 100), at("b", 104), at("c", 105)], vec![])
        .await;
    let rows = fixture.store.traffic((100, 105), 5, "", "").await.unwrap();
    let sums: Vec<_> = rows.iter().map(|row| (row.minute, row.count)).collect();
    assert_eq!(sums, [(100, 2), (105, 1)]);
    assert!(
        fixture
            .store
            .traffic((100, 105), 5, "", "other")
            .await
            .unwrap()
            .is_empty()
    );
}

on_both!(events_are_listed_newest_first_page_by_page);
async fn events_are_listed_newest_first_page_by_page(on: On) {
    let fixture = Fixture::on(on).await;
    let rows = (0..5).map(|n| EventRow {
        time_ms: NOW + n / 2,
        ..challenge(&format!("e{n}"))
    });
    fixture.take(rows.collect(), vec![]).await;
    let mut filter = EventFilter {
        limit: 2,
        ..EventFilter::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = fixture.store.events(&filter).await.unwrap();
        seen.extend(
            page.events
                .iter()
                .map(|event| event.decision.event_id.clone()),
        );
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["e4", "e3", "e2", "e1", "e0"]);
}

on_both!(events_are_found_by_policy_action_and_host);
async fn events_are_found_by_policy_action_and_host(on: On) {
    let fixture = Fixture::on(on).await;
    fixture
        .take(
            vec![challenge("e1"), event("e2", ActionKind::Block, "bots")],
            vec![],
        )
        .await;
    let found = async |filter: EventFilter| {
        let page = fixture
            .store
            .events(&EventFilter { limit: 9, ..filter })
            .await
            .unwrap();
        page.events
            .into_iter()
            .map(|event| event.decision.event_id)
            .collect::<Vec<_>>()
    };
    let policy = EventFilter {
        policy: Some("bots".into()),
        ..EventFilter::default()
    };
    assert_eq!(found(policy).await, ["e2"]);
    let action = EventFilter {
        action: Some(ActionKind::Challenge),
        ..EventFilter::default()
    };
    assert_eq!(found(action).await, ["e1"]);
    let host = EventFilter {
        host: Some("other".into()),
        ..EventFilter::default()
    };
    assert!(found(host).await.is_empty());
}

on_both!(old_events_go_and_their_counts_stay);
async fn old_events_go_and_their_counts_stay(on: On) {
    let fixture = Fixture::on(on).await;
    fixture
        .take(vec![challenge("e1")], vec![outcome(1, "e1", Step::Passed)])
        .await;
    let month = 30 * 24 * 60 * MINUTE;
    assert_eq!(fixture.store.tidy(NOW + month).await.unwrap().events, 0);
    assert_eq!(fixture.store.tidy(NOW + month + 1).await.unwrap().events, 1);
    assert_eq!(fixture.store.event("e1").await.unwrap(), None);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

on_both!(events_are_searched_through_pages_of_what_is_not_wanted);
async fn events_are_searched_through_pages_of_what_is_not_wanted(on: On) {
    use countersign_control_plane::events::Wanted;
    use countersign_control_plane::limits::EVENTS_SEARCHED_AT_ONCE;

    let fixture = Fixture::on(on).await;
    // More than are read at once, with one wanted in each thousand.
    let rows = (0..EVENTS_SEARCHED_AT_ONCE * 2 + 500).map(|n| {
        let mut row = EventRow {
            time_ms: NOW + u64::from(n),
            ..event(&format!("e{n:05}"), ActionKind::Block, "bots")
        };
        row.event.path = if n % 1_000 == 0 { "/rare/x" } else { "/often" }.into();
        row
    });
    fixture.take(rows.collect(), vec![]).await;
    fixture.take(vec![challenge("c1")], vec![]).await;
    let passed = outcome(1, "c1", Step::Passed);
    fixture.take(vec![], vec![passed]).await;

    let wanted = |wanted: Wanted, limit| EventFilter {
        wanted,
        limit,
        ..EventFilter::default()
    };
    let rare = Wanted {
        path: "/rare".into(),
        ..Wanted::default()
    };
    let mut filter = wanted(rare.clone(), 2);
    let mut pages = Vec::new();
    loop {
        let page = fixture.store.events(&filter).await.unwrap();
        let ids = page.events.into_iter().map(|event| event.decision.event_id);
        pages.push(ids.collect::<Vec<_>>());
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    assert_eq!(pages, [vec!["e02000", "e01000"], vec!["e00000"]]);

    let ids = async |filter: EventFilter| {
        let page = fixture.store.events(&filter).await.unwrap();
        let ids = page.events.into_iter().map(|event| event.decision.event_id);
        ids.collect::<Vec<_>>()
    };
    let between = EventFilter {
        from_ms: NOW + 1_000,
        to_ms: NOW + 2_000,
        ..wanted(rare, 9)
    };
    assert_eq!(ids(between).await, ["e01000"]);
    let step = EventFilter {
        step: Some(Step::Passed),
        limit: 9,
        ..EventFilter::default()
    };
    assert_eq!(ids(step).await, ["c1"]);
    let id = Wanted {
        text: "E01234".into(),
        ..Wanted::default()
    };
    assert_eq!(ids(wanted(id, 9)).await, ["e01234"]);
}

#[tokio::test]
async fn an_event_and_its_outcome_that_two_replicas_store_at_once_are_joined_afterwards() {
    let fixture = Fixture::on(On::Postgres).await;
    let other = Store::open(fixture.database.url()).await.unwrap();
    let raw = fixture.raw().await;
    // Holds the event's transaction back between its look at the outcomes and its end.
    let mut held = raw.begin().await.unwrap();
    sqlx::query("LOCK TABLE rollups IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let event = Batch {
        events: vec![challenge("e1")],
        ..Batch::default()
    };
    let store = fixture.store.clone();
    let storing = tokio::spawn(async move { store.ingest(&event).await });
    loop {
        let waiting: i64 = sqlx::query(
            "SELECT COUNT(*) AS waiting FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE NOT l.granted AND d.datname = current_database()",
        )
        .fetch_one(&raw)
        .await
        .unwrap()
        .get("waiting");
        if waiting > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let outcome = Batch {
        outcomes: vec![outcome(1, "e1", Step::Passed)],
        ..Batch::default()
    };
    other.ingest(&outcome).await.unwrap();
    held.rollback().await.unwrap();
    storing.await.unwrap().unwrap();
    assert_eq!(other.waiting_outcomes().await.unwrap(), 1);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 0);

    let report = other.join_waiting().await.unwrap();
    assert_eq!(report.counted, [counted(Measure::Passed)]);
    assert_eq!(other.waiting_outcomes().await.unwrap(), 0);
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
    let again = other.join_waiting().await.unwrap();
    assert!(again.counted.is_empty());
    assert_eq!(fixture.sum("checkout", Measure::Passed).await, 1);
}

on_both!(an_outcome_whose_event_is_not_there_is_not_joined);
async fn an_outcome_whose_event_is_not_there_is_not_joined(on: On) {
    let fixture = Fixture::on(on).await;
    fixture
        .take(vec![], vec![outcome(1, "e1", Step::Passed)])
        .await;
    let report = fixture.store.join_waiting().await.unwrap();
    assert!(report.counted.is_empty() && report.ignored.is_empty());
    assert_eq!(fixture.store.waiting_outcomes().await.unwrap(), 1);
}
