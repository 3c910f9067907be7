//! Traffic by policy and over time, for gRPC and REST alike.

use std::collections::BTreeMap;

use countersign_proto::admin::v1 as admin;
use countersign_proto::policy::v1::Assurance;

use crate::limits;
use crate::store::{RollupRow, Store, StoreError};
use crate::traffic::{Counts, Measure};

/// Milliseconds of a minute: roll-ups are by minute.
const MINUTE_MS: u64 = 60_000;
/// The range where none is given.
const DEFAULT_RANGE_MS: u64 = 3_600_000;

/// Which traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrafficQuestion {
    /// 0 = an hour before the end.
    pub(crate) from_ms: u64,
    /// 0 = now.
    pub(crate) to_ms: u64,
    /// 0 = 60.
    pub(crate) step_s: u32,
    /// Empty = all.
    pub(crate) policy: String,
    /// Empty = all.
    pub(crate) host: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrafficFault {
    /// The step is no number of minutes.
    #[error("`step` is {0} seconds; it must be a multiple of 60")]
    Step(u32),
    /// The range ends before it begins.
    #[error("`from` lies after `to`")]
    Order,
    /// The answer would be too long.
    #[error("{0} points are more than the {max} allowed; ask for a larger `step`", max = limits::MAX_TRAFFIC_POINTS)]
    TooManyPoints(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The minutes and the stretches of a question.
fn range(question: &TrafficQuestion, now: u64) -> Result<(u64, u64, u64), TrafficFault> {
    let to = if question.to_ms == 0 {
        now
    } else {
        question.to_ms
    };
    let from = if question.from_ms == 0 {
        to.saturating_sub(DEFAULT_RANGE_MS)
    } else {
        question.from_ms
    };
    let step = if question.step_s == 0 {
        60
    } else {
        question.step_s
    };
    if !step.is_multiple_of(60) {
        return Err(TrafficFault::Step(step));
    }
    if from > to {
        return Err(TrafficFault::Order);
    }
    let (from, to, step) = (from / MINUTE_MS, to / MINUTE_MS, u64::from(step / 60));
    let points = (to / step).saturating_sub(from / step).saturating_add(1);
    if points > limits::MAX_TRAFFIC_POINTS {
        return Err(TrafficFault::TooManyPoints(points));
    }
    Ok((from, to, step))
}

/// Sums by policy, and over time with an empty point where nothing happened.
pub(crate) async fn answer(
    store: &Store,
    question: &TrafficQuestion,
    now: u64,
) -> Result<admin::GetTrafficResponse, TrafficFault> {
    let (from, to, step) = range(question, now)?;
    let rows = store
        .traffic((from, to), step, &question.policy, &question.host)
        .await?;
    let mut policies: BTreeMap<String, Sums> = BTreeMap::new();
    let stretches = (from / step)..=(to / step);
    let mut points: BTreeMap<u64, Counts> = stretches
        .map(|stretch| (stretch.saturating_mul(step), Counts::default()))
        .collect();
    let mut total = Counts::default();
    for row in rows {
        total.add(row.measure, row.count);
        points
            .entry(row.minute)
            .or_default()
            .add(row.measure, row.count);
        policies.entry(row.policy.clone()).or_default().add(row);
    }
    let point = |(minute, counts): (u64, Counts)| admin::TrafficPoint {
        time_ms: minute.saturating_mul(MINUTE_MS),
        counts: Some(wire(&counts)),
    };
    let kinds = store.kinds((from, to), &question.policy, &question.host);
    let kinds = kinds.await?;
    Ok(admin::GetTrafficResponse {
        kinds: kinds.into_iter().map(kind).collect(),
        total: Some(wire(&total)),
        policies: policies.into_iter().map(Sums::wire).collect(),
        points: points.into_iter().map(point).collect(),
    })
}

fn kind((kind, counts): (String, Counts)) -> admin::KindTraffic {
    let [started, passed] = [Measure::Started, Measure::Passed].map(|of| counts.get(of));
    admin::KindTraffic {
        kind,
        started,
        unsupported: counts.get(Measure::Unsupported),
        cancelled: counts.get(Measure::Cancelled),
        rejected: counts.get(Measure::Rejected),
        passed,
        // Never above one, though a start may have been lost with its sidecar's spool.
        pass_rate: (started > 0).then(|| (passed as f64 / started as f64).min(1.0)),
    }
}

/// The sums of one policy.
#[derive(Default)]
struct Sums {
    all: Counts,
    by_assurance: BTreeMap<Assurance, Counts>,
    rejected_by: BTreeMap<String, u64>,
}

impl Sums {
    fn add(&mut self, row: RollupRow) {
        self.all.add(row.measure, row.count);
        // Other decisions demand nothing.
        let graded = matches!(row.measure, Measure::Challenge | Measure::Satisfied);
        if graded || row.measure.is_step() {
            let counts = self.by_assurance.entry(row.assurance).or_default();
            counts.add(row.measure, row.count);
        }
        if row.measure == Measure::Rejected {
            let sum = self.rejected_by.entry(row.detail).or_default();
            *sum = sum.saturating_add(row.count);
        }
    }

    fn wire((policy, sums): (String, Self)) -> admin::PolicyTraffic {
        let graded = |(assurance, counts): (Assurance, Counts)| admin::AssuranceTraffic {
            assurance: assurance.into(),
            counts: Some(wire(&counts)),
        };
        let cause = |(cause, count)| admin::CauseCount { cause, count };
        let mut rejected_by: Vec<_> = sums.rejected_by.into_iter().map(cause).collect();
        rejected_by.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cause.cmp(&b.cause)));
        admin::PolicyTraffic {
            policy,
            counts: Some(wire(&sums.all)),
            by_assurance: sums.by_assurance.into_iter().map(graded).collect(),
            rejected_by,
        }
    }
}

pub(crate) fn wire(counts: &Counts) -> admin::TrafficCounts {
    admin::TrafficCounts {
        allow: counts.get(Measure::Allow),
        block: counts.get(Measure::Block),
        redirect: counts.get(Measure::Redirect),
        challenge: counts.get(Measure::Challenge),
        monitor: counts.get(Measure::Monitor),
        page_served: counts.get(Measure::PageServed),
        started: counts.get(Measure::Started),
        unsupported: counts.get(Measure::Unsupported),
        cancelled: counts.get(Measure::Cancelled),
        rejected: counts.get(Measure::Rejected),
        passed: counts.get(Measure::Passed),
        pass_rate: counts.pass_rate(),
        satisfied: counts.get(Measure::Satisfied),
        came_back: counts.get(Measure::CameBack),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(from_ms: u64, to_ms: u64, step_s: u32) -> TrafficQuestion {
        TrafficQuestion {
            from_ms,
            to_ms,
            step_s,
            ..TrafficQuestion::default()
        }
    }

    #[test]
    fn without_a_range_it_is_the_last_hour_by_minutes() {
        let now = 10_000_000_000;
        assert_eq!(
            range(&question(0, 0, 0), now).unwrap(),
            (now / 60_000 - 60, now / 60_000, 1)
        );
    }

    #[test]
    fn a_step_is_a_number_of_minutes() {
        assert!(matches!(
            range(&question(1, 2, 90), 9),
            Err(TrafficFault::Step(90))
        ));
        assert!(range(&question(1, 2, 120), 9).is_ok());
    }

    #[test]
    fn a_range_ends_after_it_begins() {
        assert!(matches!(
            range(&question(2, 1, 0), 9),
            Err(TrafficFault::Order)
        ));
    }

    #[test]
    fn a_policys_challenges_are_told_apart_by_demand_and_rejections_by_cause() {
        let row = |measure, assurance, detail: &str, count| RollupRow {
            minute: 1,
            policy: "p".into(),
            measure,
            assurance,
            detail: detail.into(),
            count,
        };
        let mut sums = Sums::default();
        for row in [
            row(Measure::Block, Assurance::None, "", 9),
            row(Measure::Challenge, Assurance::Uv, "", 4),
            row(Measure::Passed, Assurance::Uv, "uv", 1),
            row(Measure::Passed, Assurance::Uv, "uv_bound", 1),
            row(Measure::Challenge, Assurance::Possession, "", 1),
            row(Measure::Rejected, Assurance::Uv, "ORIGIN_MISMATCH", 1),
            row(Measure::Rejected, Assurance::Uv, "USER_NOT_VERIFIED", 2),
        ] {
            sums.add(row);
        }
        let wire = Sums::wire(("p".into(), sums));
        let all = wire.counts.unwrap();
        assert_eq!((all.block, all.challenge, all.passed), (9, 5, 2));
        let graded: Vec<_> = wire
            .by_assurance
            .iter()
            .map(|graded| (graded.assurance(), graded.counts.unwrap()))
            .map(|(assurance, counts)| (assurance, counts.challenge, counts.pass_rate))
            .collect();
        assert_eq!(
            graded,
            [
                (Assurance::Possession, 1, Some(0.0)),
                (Assurance::Uv, 4, Some(0.5))
            ]
        );
        let causes: Vec<_> = wire
            .rejected_by
            .iter()
            .map(|cause| (cause.cause.as_str(), cause.count))
            .collect();
        assert_eq!(causes, [("USER_NOT_VERIFIED", 2), ("ORIGIN_MISMATCH", 1)]);
    }

    #[test]
    fn the_number_of_points_has_a_bound() {
        let minutes = |n| n * MINUTE_MS;
        let most = limits::MAX_TRAFFIC_POINTS;
        assert!(range(&question(minutes(1), minutes(most), 0), 0).is_ok());
        let past = range(&question(minutes(1), minutes(most + 1), 0), 0);
        assert!(matches!(past, Err(TrafficFault::TooManyPoints(_))));
    }
}
