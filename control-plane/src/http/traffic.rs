//! Traffic by policy and over time.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use countersign_proto::admin::v1::{AssuranceTraffic, CauseCount, KindTraffic, PolicyTraffic};
use serde::{Deserialize, Serialize};

use super::json::{CountsJson, PointJson};
use super::problem::Problem;
use super::words;
use crate::grpc::{TrafficFault, TrafficQuestion, traffic_answer};
use crate::runtime::App;
use crate::words::assurance;

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
    /// Of all of them.
    total: CountsJson,
    policies: Vec<PolicyJson>,
    points: Vec<PointJson>,
    kinds: Vec<KindJson>,
}

/// What became of challenges that were tried with one kind of proof.
#[derive(Debug, Serialize)]
struct KindJson {
    kind: String,
    started: u64,
    unsupported: u64,
    cancelled: u64,
    rejected: u64,
    passed: u64,
    /// Of those that were started.
    pass_rate: Option<f64>,
}

impl From<KindTraffic> for KindJson {
    fn from(kind: KindTraffic) -> Self {
        Self {
            kind: kind.kind,
            started: kind.started,
            unsupported: kind.unsupported,
            cancelled: kind.cancelled,
            rejected: kind.rejected,
            passed: kind.passed,
            pass_rate: kind.pass_rate,
        }
    }
}

/// `GET /api/v1/challenges`.
pub(super) async fn challenges(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<TrafficJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let question = TrafficQuestion {
        from_ms: words::moment("from", &parameters.from)?,
        to_ms: words::moment("to", &parameters.to)?,
        step_s: words::seconds(&parameters.step)?,
        policy: parameters.policy,
        host: parameters.host,
    };
    let fault = |fault| match fault {
        TrafficFault::Store(error) => error.into(),
        fault => Problem::bad_request(fault.to_string()),
    };
    let now = app.clock.now();
    let traffic = traffic_answer(&app.store, &question, now).await;
    let traffic = traffic.map_err(fault)?;
    Ok(Json(TrafficJson {
        total: traffic.total.unwrap_or_default().into(),
        policies: traffic.policies.into_iter().map(PolicyJson::from).collect(),
        points: traffic.points.into_iter().map(PointJson::from).collect(),
        kinds: traffic.kinds.into_iter().map(KindJson::from).collect(),
    }))
}

impl From<PolicyTraffic> for PolicyJson {
    fn from(policy: PolicyTraffic) -> Self {
        let graded = |graded: AssuranceTraffic| AssuranceJson {
            assurance: assurance(graded.assurance()),
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
