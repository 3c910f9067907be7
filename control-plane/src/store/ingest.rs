//! The one transaction that takes in a batch of events and outcomes and counts them.

use std::collections::BTreeMap;

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Outcome;
use prost::Message as _;
use sqlx::{Row as _, Sqlite, Transaction};

use super::outcomes::{issued, take_waiting};
use super::{Store, StoreError, signed};
use crate::limits;
use crate::traffic::{Issued, Measure, Standing, judge, measures};

/// An event on its way in.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// What the filter told, already within the bounds.
    pub event: DecisionEvent,
    /// The node that told it.
    pub node: String,
    /// The time it counts at.
    pub time_ms: u64,
    /// When it arrived.
    pub received_ms: u64,
    /// The host it counts under.
    pub counted_host: String,
}

/// An outcome on its way in.
#[derive(Clone, Debug)]
pub struct OutcomeRow {
    /// What the sidecar told, already within the bounds.
    pub outcome: Outcome,
    /// The sidecar that told it.
    pub sidecar: String,
    /// When it arrived.
    pub received_ms: u64,
}

/// What goes in together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events in the order of their arrival.
    pub events: Vec<EventRow>,
    /// Outcomes in the order of their arrival.
    pub outcomes: Vec<OutcomeRow>,
}

/// So much was added to a measure of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Empty = none.
    pub policy: String,
    /// Of what.
    pub measure: Measure,
    /// How much.
    pub count: u64,
}

/// Why something told was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// The event's id was already there.
    RepeatedEvent,
    /// The outcome had been told before: a sidecar that did not hear the acknowledgement.
    RepeatedOutcome,
    /// The event has as many outcomes as are kept.
    TooManyOutcomes,
    /// The outcome does not count.
    Outcome(Standing),
}

/// What a batch changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// What was added.
    pub counted: Vec<Counted>,
    /// What was not.
    pub ignored: Vec<Ignored>,
    /// Policies and signals whose condition failed at run time, by event.
    pub errors: Vec<String>,
}

#[derive(Default)]
struct Tally {
    rollups: BTreeMap<(u64, String, String, Measure), u64>,
    report: IngestReport,
}

impl Tally {
    fn add(&mut self, issued: &Issued, policy: &str, measure: Measure, count: u64) {
        let place = (
            issued.minute,
            issued.host.clone(),
            policy.to_owned(),
            measure,
        );
        let sum = self.rollups.entry(place).or_default();
        *sum = sum.saturating_add(count);
        self.report.counted.push(Counted {
            policy: policy.to_owned(),
            measure,
            count,
        });
    }
}

impl Store {
    /// Takes in a batch: all of it or, on an error, nothing of it. What is told twice counts once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ingest(&self, batch: &Batch) -> Result<IngestReport, StoreError> {
        let mut tx = self.begin().await?;
        let mut tally = Tally::default();
        for row in &batch.events {
            take_event(&mut tx, row, &mut tally).await?;
        }
        for row in &batch.outcomes {
            take_outcome(&mut tx, row, &mut tally).await?;
        }
        for ((minute, host, policy, measure), count) in tally.rollups {
            sqlx::query(
                "INSERT INTO rollups (minute, host, policy, measure, count) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (minute, host, policy, measure) DO UPDATE SET \
                 count = rollups.count + excluded.count",
            )
            .bind(signed(minute))
            .bind(host)
            .bind(policy)
            .bind(measure.as_str())
            .bind(signed(count))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(tally.report)
    }
}

async fn take_event(
    tx: &mut Transaction<'static, Sqlite>,
    row: &EventRow,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let event = &row.event;
    let inserted = sqlx::query(
        "INSERT INTO events (event_id, time_ms, received_ms, node, host, counted_host, policy, action, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(&event.event_id)
    .bind(signed(row.time_ms))
    .bind(signed(row.received_ms))
    .bind(&row.node)
    .bind(&event.host)
    .bind(&row.counted_host)
    .bind(&event.policy)
    .bind(i64::from(event.action))
    .bind(event.encode_to_vec())
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if inserted == 0 {
        tally.report.ignored.push(Ignored::RepeatedEvent);
        return Ok(());
    }
    let facts = Issued {
        action: event.action(),
        policy: event.policy.clone(),
        minute: row.time_ms / 60_000,
        host: row.counted_host.clone(),
    };
    for (policy, measure, count) in measures(event) {
        tally.add(&facts, policy, measure, count);
    }
    tally
        .report
        .errors
        .extend(event.errors.iter().map(|error| error.policy.clone()));
    if Measure::of_action(facts.action) == Measure::Challenge {
        for waiting in take_waiting(tx, &event.event_id).await? {
            let standing = settle(tx, &waiting.outcome, Some(&facts), tally).await?;
            set_standing(tx, &waiting.spool, waiting.sequence, standing).await?;
        }
    }
    Ok(())
}

async fn take_outcome(
    tx: &mut Transaction<'static, Sqlite>,
    row: &OutcomeRow,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let outcome = &row.outcome;
    let known = sqlx::query("SELECT 1 FROM outcomes WHERE spool = $1 AND sequence = $2")
        .bind(&outcome.spool)
        .bind(signed(outcome.sequence))
        .fetch_optional(&mut **tx)
        .await?;
    if known.is_some() {
        tally.report.ignored.push(Ignored::RepeatedOutcome);
        return Ok(());
    }
    let kept: i64 = sqlx::query("SELECT COUNT(*) AS kept FROM outcomes WHERE event_id = $1")
        .bind(&outcome.event_id)
        .fetch_one(&mut **tx)
        .await?
        .try_get("kept")?;
    if kept >= limits::MAX_OUTCOMES_PER_EVENT {
        tally.report.ignored.push(Ignored::TooManyOutcomes);
        return Ok(());
    }
    let facts = issued(tx, &outcome.event_id).await?;
    let standing = settle(tx, outcome, facts.as_ref(), tally).await?;
    sqlx::query(
        "INSERT INTO outcomes (spool, sequence, sidecar, event_id, step, time_ms, received_ms, standing, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&outcome.spool)
    .bind(signed(outcome.sequence))
    .bind(&row.sidecar)
    .bind(&outcome.event_id)
    .bind(i64::from(outcome.step))
    .bind(signed(outcome.time_ms))
    .bind(signed(row.received_ms))
    .bind(standing.as_str())
    .bind(outcome.encode_to_vec())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Judges an outcome and counts it where it is the first of its step.
async fn settle(
    tx: &mut Transaction<'static, Sqlite>,
    outcome: &Outcome,
    facts: Option<&Issued>,
    tally: &mut Tally,
) -> Result<Standing, StoreError> {
    let (mut standing, measure) = judge(outcome, facts);
    if let (Some(measure), Some(facts)) = (measure, facts) {
        let first = sqlx::query(
            "INSERT INTO funnel (event_id, step) VALUES ($1, $2) ON CONFLICT (event_id, step) DO NOTHING",
        )
        .bind(&outcome.event_id)
        .bind(i64::from(outcome.step))
        .execute(&mut **tx)
        .await?
        .rows_affected();
        if first == 0 {
            standing = Standing::Repeated;
        } else {
            // The event's policy, not the one that the outcome names: the event is what was decided.
            tally.add(facts, &facts.policy, measure, 1);
        }
    }
    if !matches!(standing, Standing::Counted | Standing::Waiting) {
        tally.report.ignored.push(Ignored::Outcome(standing));
    }
    Ok(standing)
}

async fn set_standing(
    tx: &mut Transaction<'static, Sqlite>,
    spool: &str,
    sequence: i64,
    standing: Standing,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE outcomes SET standing = $1 WHERE spool = $2 AND sequence = $3")
        .bind(standing.as_str())
        .bind(spool)
        .bind(sequence)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
