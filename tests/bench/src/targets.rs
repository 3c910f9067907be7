//! What the filter is to reach, as added CPU in the median, and whether it does.

use crate::configs::{
    COUNTERSIGN, COUNTS, EXT_AUTHZ, FLOOR, LARGEST, MILLIONS, RBAC_JWT, UNINDEXED,
};
use crate::policies::TEN;
use crate::report::{Row, find};
use crate::requests::Session;

/// 10,000 policies cost at most so many times what 10 cost.
const FLAT: f64 = 1.25;
/// At a thousand policies with a session: so many times cheaper than Envoy's own filters.
const CHEAPER: f64 = 8.0;
/// At a thousand policies with a session: so many times the floor at most.
const OVER_FLOOR: f64 = 1.3;
/// So much of what an external authorizer costs at most.
const OF_AUTHORIZER: f64 = 0.25;
/// Megabytes over the floor with ten thousand policies.
const MEMORY_MB: f64 = 12.0;
/// Megabytes over the floor with a million networks and a million device rules.
const MILLION_MB: f64 = 64.0;

/// One line of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) what: String,
    /// `None` = not measured in this run.
    pub(crate) reached: Option<bool>,
    pub(crate) numbers: String,
}

/// Every target, with what was measured.
pub(crate) fn targets(rows: &[Row]) -> Vec<Target> {
    let added = |config: &str, policies, session| {
        find(rows, config, policies, session).map(|row| row.added)
    };
    let ours = |policies, session| added(COUNTERSIGN, policies, session);
    let resident = |config: &str, policies| {
        let row = |config: &str, policies| {
            rows.iter()
                .find(|row| row.config == config && row.policies == policies && row.rss_mb > 0.0)
        };
        row(config, policies).zip(row(FLOOR, 0))
    };
    let mut targets = Vec::new();
    for (session, words) in [
        (Session::Absent, "without a session"),
        (Session::Valid, "with a session"),
    ] {
        targets.push(ratio(
            format!("10,000 policies cost at most {FLAT} × what 10 cost, {words}"),
            ours(10_000, session).zip(ours(10, session)),
            FLAT,
        ));
    }
    for count in COUNTS.into_iter().filter(|&count| count >= 100) {
        targets.push(ratio(
            format!("cheaper than rbac_jwt at {count} policies"),
            ours(count, Session::Valid).zip(added(RBAC_JWT, count, Session::Valid)),
            1.0,
        ));
    }
    targets.push(ratio(
        format!("at least {CHEAPER} times cheaper than rbac_jwt at 1000 policies"),
        ours(1_000, Session::Valid).zip(added(RBAC_JWT, 1_000, Session::Valid)),
        1.0 / CHEAPER,
    ));
    targets.push(ratio(
        format!("at most {OVER_FLOOR} × the floor at 1000 policies with a session"),
        ours(1_000, Session::Valid).zip(added(FLOOR, 0, Session::Valid)),
        OVER_FLOOR,
    ));
    targets.push(ratio(
        "at most a quarter of ext_authz at 1000 policies with a session".to_owned(),
        ours(1_000, Session::Valid).zip(added(EXT_AUTHZ, 0, Session::Valid)),
        OF_AUTHORIZER,
    ));
    targets.push(memory(
        format!("under {MEMORY_MB} MB over the floor with 10,000 policies"),
        resident(COUNTERSIGN, LARGEST),
        MEMORY_MB,
    ));
    targets.push(memory(
        format!("under {MILLION_MB} MB over the floor with a million networks and a million device rules"),
        resident(MILLIONS, 11),
        MILLION_MB,
    ));
    targets
}

/// What one policy costs that no index can help, in microseconds, in the filter.
pub(crate) fn unindexed_us(rows: &[Row]) -> Option<f64> {
    let many = find(rows, UNINDEXED, 1_000, Session::Absent)?;
    let ten = find(rows, COUNTERSIGN, TEN, Session::Absent)?;
    let more = many.policies.checked_sub(TEN).filter(|&more| more > 0)?;
    Some((many.added - ten.added) / more as f64)
}

/// `values` are ours and the other's; ours may be `limit` times the other's.
fn ratio(what: String, values: Option<(f64, f64)>, limit: f64) -> Target {
    let Some((ours, other)) = values else {
        return missing(what);
    };
    Target {
        what,
        reached: Some(ours <= other * limit),
        numbers: format!("{ours:.1} µs against {other:.1} µs, {:.2} ×", ours / other),
    }
}

/// An Envoy with one worker holds everything twice, since its main thread has a VM as well: it must
/// stay below the limit all the same. What a further worker takes is told beside it.
fn memory(what: String, rows: Option<(&Row, &Row)>, limit: f64) -> Target {
    let Some((row, floor)) = rows else {
        return missing(what);
    };
    let over = row.rss_mb - floor.rss_mb;
    let mut numbers = format!("{over:.1} MB");
    if let Some((ours, floors)) = row.further_worker_mb.zip(floor.further_worker_mb) {
        numbers.push_str(&format!(
            ", and {:+.1} MB with each worker more",
            ours - floors
        ));
    }
    Target {
        what,
        reached: Some(over < limit),
        numbers,
    }
}

fn missing(what: String) -> Target {
    Target {
        what,
        reached: None,
        numbers: "not measured".to_owned(),
    }
}

/// The list as text, and what one unindexed policy costs.
pub(crate) fn list(rows: &[Row]) -> String {
    let mut text = String::new();
    for target in targets(rows) {
        let word = match target.reached {
            Some(true) => "reached",
            Some(false) => "missed",
            None => continue,
        };
        text.push_str(&format!("{word:<8} {}: {}\n", target.what, target.numbers));
    }
    if let Some(cost) = unindexed_us(rows) {
        text.push_str(&format!(
            "a policy that no index can help costs {cost:.3} µs in the filter\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configs::EMPTY;
    use crate::report::tests::row;

    fn reached(rows: &[Row], part: &str) -> Option<bool> {
        targets(rows)
            .into_iter()
            .find(|target| target.what.contains(part))
            .unwrap()
            .reached
    }

    #[test]
    fn what_was_not_measured_is_neither_reached_nor_missed() {
        let rows = [row(EMPTY, 0, Session::Valid, 0.0)];
        assert!(targets(&rows).iter().all(|target| target.reached.is_none()));
        assert_eq!(unindexed_us(&rows), None);
    }

    #[test]
    fn ten_thousand_may_cost_a_quarter_more_than_ten_and_no_more() {
        for (cost, expected) in [(12.5, true), (12.6, false)] {
            let rows = [
                row(COUNTERSIGN, 10, Session::Valid, 10.0),
                row(COUNTERSIGN, 10_000, Session::Valid, cost),
            ];
            assert_eq!(reached(&rows, "10 cost, with a session"), Some(expected));
            assert_eq!(reached(&rows, "10 cost, without a session"), None);
        }
    }

    #[test]
    fn ours_is_compared_with_the_rivals_at_a_thousand_policies_with_a_session() {
        let rows = [
            row(COUNTERSIGN, 1_000, Session::Valid, 12.0),
            row(FLOOR, 0, Session::Valid, 9.0),
            row(RBAC_JWT, 1_000, Session::Valid, 125.0),
            row(EXT_AUTHZ, 0, Session::Valid, 47.0),
        ];
        assert_eq!(reached(&rows, "cheaper than rbac_jwt at 1000"), Some(true));
        assert_eq!(reached(&rows, "8 times cheaper"), Some(true));
        assert_eq!(reached(&rows, "the floor at 1000"), Some(false));
        assert_eq!(reached(&rows, "a quarter of ext_authz"), Some(false));
    }

    #[test]
    fn memory_counts_over_the_floor() {
        let rows = [
            row(FLOOR, 0, Session::Absent, 8.0),
            row(COUNTERSIGN, 10_000, Session::Absent, 19.9),
            row(MILLIONS, 11, Session::Absent, 72.0),
        ];
        assert_eq!(reached(&rows, "with 10,000 policies"), Some(true));
        assert_eq!(
            reached(&rows, "a million networks and a million device rules"),
            Some(false)
        );
    }

    #[test]
    fn an_unindexed_policy_costs_the_difference_divided_by_how_many_more_there_are() {
        let rows = [
            row(COUNTERSIGN, 10, Session::Absent, 10.0),
            row(UNINDEXED, 1_000, Session::Absent, 109.0),
        ];
        let cost = unindexed_us(&rows).unwrap();
        assert!((cost - 0.1).abs() < 1e-9, "{cost}");
    }
}
