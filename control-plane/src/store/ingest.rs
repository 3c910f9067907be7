//! The one transaction that takes in a batch of events and outcomes and counts them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Outcome;
use countersign_proto::policy::v1::Assurance;
use prost::Message as _;
use sqlx::Row as _;

use super::outcomes::{issued, take_waiting};
use super::{Store, StoreError, Tx, bulk, earned, kinds, ledger, signed, text};
use crate::limits;
use crate::traffic::{Issued, Measure, Standing, detail, judge, measures};
use crate::words;

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

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    minute: u64,
    host: String,
    policy: String,
    measure: Measure,
    assurance: Assurance,
    detail: String,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) rollups: BTreeMap<Place, u64>,
    pub(super) report: IngestReport,
}

impl Tally {
    fn add(&mut self, place: Place, count: u64) {
        self.report.counted.push(Counted {
            policy: place.policy.clone(),
            measure: place.measure,
            count,
        });
        let sum = self.rollups.entry(place).or_default();
        *sum = sum.saturating_add(count);
    }

    /// A step of a challenge: it counts where the challenge did.
    fn add_step(&mut self, issued: &Issued, measure: Measure, detail: &str) {
        let place = Place {
            minute: issued.minute,
            host: issued.host.clone(),
            // The event's policy, not the one that an outcome names: the event is what was decided.
            policy: issued.policy.clone(),
            measure,
            assurance: issued.assurance,
            detail: detail.to_owned(),
        };
        self.add(place, 1);
    }

    fn add_event(&mut self, row: &EventRow) {
        let event = &row.event;
        for added in measures(event) {
            let place = Place {
                minute: row.time_ms / 60_000,
                host: row.counted_host.clone(),
                policy: added.policy.to_owned(),
                measure: added.measure,
                assurance: added.assurance,
                detail: String::new(),
            };
            self.add(place, added.count);
        }
        let errors = event.errors.iter().map(|error| error.policy.clone());
        self.report.errors.extend(errors);
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
        let mut challenges = Vec::new();
        let mut sessions = BTreeSet::new();
        let mut received: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for row in take_events(&mut tx, &batch.events, &mut tally).await? {
            tally.add_event(row);
            *received
                .entry((&row.node, ledger::slot(row.time_ms)))
                .or_default() += 1;
            let event = &row.event;
            if Measure::of_action(event.action()) == Measure::Challenge {
                challenges.push(event.event_id.as_str());
            }
            let session = event.session.as_ref().filter(|session| session.valid);
            sessions.extend(session.map(|session| session.id.as_str()));
        }
        for waiting in take_waiting(&mut tx, &challenges).await? {
            let facts = issued(&mut tx, &waiting.row.outcome.event_id).await?;
            let standing = settle(&mut tx, &waiting.row, facts.as_ref(), &mut tally).await?;
            set_standing(&mut tx, &waiting.spool, waiting.sequence, standing).await?;
        }
        for row in &batch.outcomes {
            take_outcome(&mut tx, row, &mut tally).await?;
        }
        // After the outcomes: what earned a session may be in the same batch as its first use.
        sessions.remove("");
        let sessions: Vec<_> = sessions.into_iter().collect();
        for challenge in earned::take_first_uses(&mut tx, &sessions).await? {
            if let Some(facts) = issued(&mut tx, &challenge).await? {
                tally.add_step(&facts, Measure::CameBack, "");
            }
        }
        add_rollups(&mut tx, &tally.rollups).await?;
        ledger::add_received(&mut tx, received).await?;
        tx.commit().await?;
        Ok(tally.report)
    }
}

/// Writes the events, and gives those that were not there before.
async fn take_events<'b>(
    tx: &mut Tx,
    rows: &'b [EventRow],
    tally: &mut Tally,
) -> Result<Vec<&'b EventRow>, StoreError> {
    let mut taken = Vec::with_capacity(rows.len());
    for stretch in bulk::stretches(rows) {
        let sql = bulk::values(
            "INSERT INTO events (event_id, time_ms, received_ms, node, host, counted_host, policy, \
             action, demanded, body) VALUES",
            10,
            stretch.len(),
            " ON CONFLICT (event_id) DO NOTHING RETURNING event_id",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for row in stretch {
            let event = &row.event;
            query = query
                .bind(&event.event_id)
                .bind(signed(row.time_ms))
                .bind(signed(row.received_ms))
                .bind(text(&row.node))
                .bind(text(&event.host))
                .bind(text(&row.counted_host))
                .bind(text(&event.policy))
                .bind(i64::from(event.action))
                .bind(i64::from(event.min_assurance))
                .bind(event.encode_to_vec());
        }
        let mut new = HashSet::with_capacity(stretch.len());
        for inserted in query.fetch_all(&mut **tx).await? {
            new.insert(inserted.try_get::<String, _>("event_id")?);
        }
        for row in stretch {
            if new.remove(&row.event.event_id) {
                taken.push(row);
            } else {
                tally.report.ignored.push(Ignored::RepeatedEvent);
            }
        }
    }
    Ok(taken)
}

pub(super) async fn add_rollups(
    tx: &mut Tx,
    rollups: &BTreeMap<Place, u64>,
) -> Result<(), StoreError> {
    let rollups: Vec<_> = rollups.iter().collect();
    for stretch in bulk::stretches(&rollups) {
        let sql = bulk::values(
            "INSERT INTO rollups (minute, host, policy, measure, assurance, detail, count) VALUES",
            7,
            stretch.len(),
            " ON CONFLICT (minute, host, policy, measure, assurance, detail) DO UPDATE SET \
             count = rollups.count + excluded.count",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (place, count) in stretch {
            query = query
                .bind(signed(place.minute))
                .bind(text(&place.host))
                .bind(text(&place.policy))
                .bind(place.measure.as_str())
                .bind(words::assurance(place.assurance))
                .bind(text(&place.detail))
                .bind(signed(**count));
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

async fn take_outcome(tx: &mut Tx, row: &OutcomeRow, tally: &mut Tally) -> Result<(), StoreError> {
    let outcome = &row.outcome;
    let known = sqlx::query("SELECT 1 FROM outcomes WHERE spool = $1 AND sequence = $2")
        .bind(text(&outcome.spool))
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
    let standing = settle(tx, row, facts.as_ref(), tally).await?;
    sqlx::query(
        "INSERT INTO outcomes (spool, sequence, sidecar, event_id, step, time_ms, received_ms, standing, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(text(&outcome.spool))
    .bind(signed(outcome.sequence))
    .bind(text(&row.sidecar))
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
pub(super) async fn settle(
    tx: &mut Tx,
    row: &OutcomeRow,
    facts: Option<&Issued>,
    tally: &mut Tally,
) -> Result<Standing, StoreError> {
    let outcome = &row.outcome;
    let (mut standing, measure) = judge(outcome, facts);
    if let (Some(measure), Some(facts)) = (measure, facts) {
        kinds::note(tx, outcome, facts, measure).await?;
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
            tally.add_step(facts, measure, detail(outcome));
        }
        if first == 1 && measure == Measure::Passed && !outcome.session.is_empty() {
            earned::remember(tx, &outcome.session, &outcome.event_id, row.received_ms).await?;
        }
    }
    if !matches!(standing, Standing::Counted | Standing::Waiting) {
        tally.report.ignored.push(Ignored::Outcome(standing));
    }
    Ok(standing)
}

pub(super) async fn set_standing(
    tx: &mut Tx,
    spool: &str,
    sequence: i64,
    standing: Standing,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE outcomes SET standing = $1 WHERE spool = $2 AND sequence = $3")
        .bind(standing.as_str())
        .bind(text(spool))
        .bind(sequence)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
