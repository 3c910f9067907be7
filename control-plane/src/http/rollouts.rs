//! The rollout under way: how it stands, and what can be done to it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::json::time;
use super::part::Part;
use super::problem::Problem;
use super::resources::author;
use crate::access::Caller;
use crate::nodes::Counts;
use crate::rollout::{Check, Rollout};
use crate::runtime::{App, RolloutAction, RolloutFault};

/// Rollouts in one answer.
const LISTED: u32 = 50;

#[derive(Debug, Serialize)]
struct StageJson {
    nodes: String,
    lasts_ms: u64,
    monitor: bool,
}

#[derive(Debug, Serialize)]
struct StepJson {
    time: Option<String>,
    state: &'static str,
    stage: usize,
    who: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct NodesJson {
    connected: usize,
    reached: usize,
    live: usize,
}

/// A rollout.
#[derive(Debug, Serialize)]
pub(super) struct RolloutJson {
    id: u64,
    state: &'static str,
    why: String,
    strategy: String,
    author: String,
    message: String,
    started: Option<String>,
    stable: String,
    candidate: String,
    stage: usize,
    elapsed_ms: u64,
    stages: Vec<StageJson>,
    gates: Vec<Check>,
    nodes: NodesJson,
    candidate_counts: Counts,
    control_counts: Counts,
    steps: Vec<StepJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unanswered: Option<String>,
}

impl From<&Rollout> for RolloutJson {
    fn from(rollout: &Rollout) -> Self {
        let newest = |names: &[String]| names.last().cloned().unwrap_or_default();
        let nodes = rollout.nodes();
        Self {
            id: rollout.id,
            state: rollout.state.as_str(),
            why: rollout.why().to_owned(),
            strategy: rollout.strategy.name.clone(),
            author: rollout.author.clone(),
            message: rollout.message.clone(),
            started: time(rollout.started_ms),
            stable: newest(&rollout.names.stable),
            candidate: newest(&rollout.names.candidate),
            stage: rollout.stage.saturating_add(1),
            elapsed_ms: rollout.elapsed_ms,
            stages: rollout
                .strategy
                .stages
                .iter()
                .map(|stage| StageJson {
                    nodes: stage.reach.to_string(),
                    lasts_ms: stage.lasts_ms,
                    monitor: stage.monitor,
                })
                .collect(),
            gates: rollout.checks().to_vec(),
            nodes: NodesJson {
                connected: nodes.connected,
                reached: nodes.reached,
                live: nodes.live,
            },
            candidate_counts: rollout.sides.candidate,
            control_counts: rollout.sides.control,
            steps: rollout
                .steps
                .iter()
                .map(|step| StepJson {
                    time: time(step.time_ms),
                    state: step.state.as_str(),
                    stage: step.stage,
                    who: step.who.clone(),
                    why: step.why.clone(),
                })
                .collect(),
            unanswered: rollout.unanswered().map(str::to_owned),
        }
    }
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct CurrentJson {
    rollout: Option<RolloutJson>,
}

/// `GET /api/v1/rollout`.
pub(super) async fn current(State(app): State<App>) -> Json<CurrentJson> {
    let rollout = app.control.rollout().await;
    Json(CurrentJson {
        rollout: rollout.as_ref().map(RolloutJson::from),
    })
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct ListJson {
    rollouts: Vec<RolloutJson>,
}

/// `GET /api/v1/rollouts`.
pub(super) async fn list(State(app): State<App>) -> Result<Json<ListJson>, Problem> {
    let rollouts = app.store.rollouts(LISTED).await?;
    Ok(Json(ListJson {
        rollouts: rollouts.iter().map(RolloutJson::from).collect(),
    }))
}

/// Who does it, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    author: String,
    message: String,
    all: bool,
}

/// `POST /api/v1/rollout/{action}`.
pub(super) async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Part(action): Part<String>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<RolloutJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let action = match action.as_str() {
        "approve" => RolloutAction::Approve,
        "reject" => RolloutAction::Reject,
        "pause" => RolloutAction::Pause,
        "resume" => RolloutAction::Resume,
        "promote" => RolloutAction::Promote {
            all: parameters.all,
        },
        "abort" => RolloutAction::Abort,
        _ => {
            let known = "approve, reject, pause, resume, promote and abort";
            let detail = format!("what can be done to a rollout: {known}");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
    };
    caller.note.on(format!("rollout: {action:?}"));
    caller
        .identity
        .may(action.need())
        .map_err(|refusal| Problem::new(StatusCode::FORBIDDEN, refusal.to_string()))?;
    let who = author(&caller, &parameters.author);
    let done = app
        .control
        .act_on_rollout(action, &who, &action.why(&caller, &parameters.message))
        .await;
    match done {
        Ok(rollout) => Ok(Json(RolloutJson::from(&rollout))),
        Err(RolloutFault::None) => Err(Problem::new(StatusCode::NOT_FOUND, "there is no rollout")),
        Err(RolloutFault::Refused(error)) => {
            Err(Problem::new(StatusCode::CONFLICT, error.to_string()))
        }
        Err(RolloutFault::Change(error)) => Err(error.into()),
    }
}
