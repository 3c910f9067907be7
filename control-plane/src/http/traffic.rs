//! Traffic by policy and over time.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use countersign_proto::admin::v1::{AssuranceTraffic, CauseCount, PolicyTraffic};
use serde::{Deserialize, Serialize};

use super::json::{CountsJson, PointJson};
use super::problem::Problem;
use crate::events::assurance_word;
use crate::grpc::{TrafficFault, TrafficQuestion, traffic_answer};
use crate::runtime::App;

/// The parameters as they come.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    from: String,
    to: String,
    step: String,
    policy: String,
    host: String,
}

#[derive(Debug, Serialize)]
struct PolicyJson {
    policy: String,
    counts: CountsJson,
    by_assurance: Vec<AssuranceJson>,
    rejected_by: Vec<CauseJson>,
}

#[derive(Debug, Serialize)]
struct AssuranceJson {
    assurance: &'static str,
    counts: CountsJson,
}

#[derive(Debug, Serialize)]
struct CauseJson {
    cause: String,
    count: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct TrafficJson {
    policies: Vec<PolicyJson>,
    points: Vec<PointJson>,
}

/// `GET /api/v1/challenges`.
pub(super) async fn challenges(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<TrafficJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let question = TrafficQuestion {
        from_ms: moment("from", &parameters.from)?,
        to_ms: moment("to", &parameters.to)?,
        step_s: seconds(&parameters.step)?,
        policy: parameters.policy,
        host: parameters.host,
    };
    let traffic = match traffic_answer(&app.store, &question, app.clock.now()).await {
        Ok(traffic) => traffic,
        Err(TrafficFault::Store(error)) => return Err(error.into()),
        Err(fault) => return Err(Problem::bad_request(fault.to_string())),
    };
    Ok(Json(TrafficJson {
        policies: traffic.policies.into_iter().map(PolicyJson::from).collect(),
        points: traffic.points.into_iter().map(PointJson::from).collect(),
    }))
}

impl From<PolicyTraffic> for PolicyJson {
    fn from(policy: PolicyTraffic) -> Self {
        let graded = |graded: AssuranceTraffic| AssuranceJson {
            assurance: assurance_word(graded.assurance()),
            counts: graded.counts.unwrap_or_default().into(),
        };
        let cause = |cause: CauseCount| CauseJson {
            cause: cause.cause,
            count: cause.count,
        };
        Self {
            policy: policy.policy,
            counts: policy.counts.unwrap_or_default().into(),
            by_assurance: policy.by_assurance.into_iter().map(graded).collect(),
            rejected_by: policy.rejected_by.into_iter().map(cause).collect(),
        }
    }
}

/// RFC 3339, or milliseconds since the Unix epoch; empty = 0.
fn moment(name: &str, text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Ok(0);
    }
    let stamp = || {
        text.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|t| u64::try_from(t.as_millisecond()).ok())
    };
    text.parse().ok().or_else(stamp).ok_or_else(|| {
        Problem::bad_request(format!(
            "`{name}` is neither a time like 2026-01-31T12:00:00Z nor milliseconds since 1970"
        ))
    })
}

/// Seconds, or a number with `s`, `m` or `h`; empty = 0.
fn seconds(text: &str) -> Result<u32, Problem> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let unit = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        _ => 0,
    };
    if text.is_empty() {
        return Ok(0);
    }
    let number = digits
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    number
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| Problem::bad_request("`step` is no stretch of time like 60, 5m or 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_milliseconds() {
        assert_eq!(moment("from", "").unwrap(), 0);
        assert_eq!(moment("from", "1500").unwrap(), 1_500);
        assert_eq!(moment("from", "1970-01-01T00:00:02Z").unwrap(), 2_000);
        assert!(moment("from", "yesterday").is_err());
        assert!(moment("from", "-1").is_err());
    }

    #[test]
    fn a_step_is_seconds_minutes_or_hours() {
        for (text, expected) in [("", 0), ("60", 60), ("60s", 60), ("5m", 300), ("2h", 7_200)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for text in ["0", "m", "5d", "-60", "5mm", "4294967295h"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
