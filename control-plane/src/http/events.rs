//! Decisions.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use countersign_proto::admin::v1::ListEventsRequest;
use countersign_proto::policy::v1::ActionKind;
use serde::{Deserialize, Serialize};

use super::json::EventJson;
use super::problem::Problem;
use crate::grpc::{cursor, event_filter};
use crate::runtime::App;

/// The parameters as they come.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    policy: String,
    action: String,
    host: String,
    limit: u32,
    cursor: String,
}

/// A page of events.
#[derive(Debug, Serialize)]
pub(super) struct EventsJson {
    events: Vec<EventJson>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_cursor: String,
}

/// `GET /api/v1/events`.
pub(super) async fn list(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<EventsJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let request = ListEventsRequest {
        policy: parameters.policy,
        action: action(&parameters.action)?.into(),
        host: parameters.host,
        limit: parameters.limit,
        cursor: parameters.cursor,
    };
    let filter = event_filter(request).map_err(|error| Problem::bad_request(error.to_string()))?;
    let page = app.store.events(&filter).await?;
    Ok(Json(EventsJson {
        events: page.events.into_iter().map(EventJson::from).collect(),
        next_cursor: cursor(page.next),
    }))
}

/// `GET /api/v1/events/{id}`.
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<EventJson>, Problem> {
    let event = app.store.event(&id).await?;
    let event =
        event.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no event of this id"))?;
    Ok(Json(event.into()))
}

fn action(word: &str) -> Result<ActionKind, Problem> {
    match word {
        "" => Ok(ActionKind::Unspecified),
        "allow" => Ok(ActionKind::Allow),
        "block" => Ok(ActionKind::Block),
        "redirect" => Ok(ActionKind::Redirect),
        "challenge" => Ok(ActionKind::Challenge),
        "monitor" => Ok(ActionKind::Monitor),
        _ => Err(Problem::bad_request(
            "`action` is one of allow, block, redirect, challenge, monitor",
        )),
    }
}
