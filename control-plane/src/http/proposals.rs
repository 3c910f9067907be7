//! Weaker actions for policies whose challenges nearly everybody passes.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::runtime::{App, proposals_window};

/// How far back.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    hours: u32,
}

#[derive(Debug, Serialize)]
struct ProposalJson {
    policy: String,
    challenges: u64,
    passed: u64,
    line: &'static str,
    reason: String,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct ProposalsJson {
    hours: u32,
    proposals: Vec<ProposalJson>,
}

/// `GET /api/v1/proposals`.
pub(super) async fn list(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<ProposalsJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let proposals = app.control.proposals(parameters.hours).await?;
    Ok(Json(ProposalsJson {
        hours: proposals_window(parameters.hours),
        proposals: proposals
            .into_iter()
            .map(|proposal| ProposalJson {
                policy: proposal.policy,
                challenges: proposal.challenges,
                passed: proposal.passed,
                line: proposal.line,
                reason: proposal.reason,
            })
            .collect(),
    }))
}
