//! The store on a real file, and what is told to it.

use countersign_control_plane::store::{
    Batch, Counted, EventRow, Ignored, NewRevision, OutcomeRow, Store, StoredRevision,
};
use countersign_control_plane::traffic::Measure;
use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::ActionKind;
use sqlx::AnyPool;

use super::database::{Database, On};

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const NOW: u64 = 30_000_000 * MINUTE;

pub(crate) struct Fixture {
    pub(crate) database: Database,
    pub(crate) store: Store,
}

impl Fixture {
    /// On SQLite, for what has nothing to do with the database.
    pub(crate) async fn new() -> Self {
        Self::on(On::Sqlite).await
    }

    pub(crate) async fn on(on: On) -> Self {
        let database = Database::new(on).await;
        let store = Store::open(database.url()).await.unwrap();
        Self { database, store }
    }

    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(self.database.url()).await.unwrap();
        Self { store, ..self }
    }

    /// The database itself.
    pub(crate) async fn raw(&self) -> AnyPool {
        self.database.raw().await
    }

    pub(crate) async fn take(
        &self,
        events: Vec<EventRow>,
        outcomes: Vec<OutcomeRow>,
    ) -> (Vec<Counted>, Vec<Ignored>) {
        let report = self
            .store
            .ingest(&Batch { events, outcomes })
            .await
            .unwrap();
        (report.counted, report.ignored)
    }

    pub(crate) async fn sum(&self, policy: &str, measure: Measure) -> u64 {
        let rows = self
            .store
            .traffic((0, u64::MAX / MINUTE), 1, policy, "")
            .await
            .unwrap();
        rows.iter()
            .filter(|row| row.measure == measure)
            .map(|row| row.count)
            .sum()
    }
}

pub(crate) fn event(id: &str, action: ActionKind, policy: &str) -> EventRow {
    let event = DecisionEvent {
        event_id: id.into(),
        action: action.into(),
        policy: policy.into(),
        host: "shop".into(),
        ..DecisionEvent::default()
    };
    EventRow {
        event,
        node: "edge".into(),
        time_ms: NOW,
        received_ms: NOW,
        counted_host: "shop".into(),
    }
}

pub(crate) fn challenge(id: &str) -> EventRow {
    event(id, ActionKind::Challenge, "checkout")
}

pub(crate) fn outcome(sequence: u64, event_id: &str, step: Step) -> OutcomeRow {
    let outcome = Outcome {
        sequence,
        event_id: event_id.into(),
        step: step.into(),
        spool: "spool".into(),
        time_ms: NOW + sequence,
        ..Outcome::default()
    };
    OutcomeRow {
        outcome,
        sidecar: "sidecar".into(),
        received_ms: NOW,
    }
}

pub(crate) fn revision(number: u64) -> NewRevision {
    let info = StoredRevision {
        number,
        hash: format!("{number:012x}"),
        time_ms: NOW,
        author: "me".into(),
        message: String::new(),
        policies: 1,
        resources: Some(0),
        attempt: number + 100,
        resources_of: None,
    };
    NewRevision {
        info,
        compiled: vec![7; 3],
    }
}

pub(crate) fn counted(measure: Measure) -> Counted {
    Counted {
        policy: "checkout".into(),
        measure,
        count: 1,
    }
}
