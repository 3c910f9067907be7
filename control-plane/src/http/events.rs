//! Decisions.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use countersign_proto::admin::v1::ListEventsRequest;
use serde::{Deserialize, Serialize};

use super::json::EventJson;
use super::part::Part;
use super::problem::Problem;
use super::words;
use crate::grpc::{cursor, event_filter};
use crate::runtime::App;
use crate::store::EventFilter;

/// The parameters as they come. Those that say which events are those of the gRPC call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    policy: String,
    action: String,
    host: String,
    from: String,
    to: String,
    q: String,
    mentions: String,
    device: String,
    address: String,
    path: String,
    reason: String,
    verdict: String,
    step: String,
    cause: String,
    assurance: String,
    limit: u32,
    cursor: String,
}

impl Parameters {
    fn filter(self) -> Result<EventFilter, Problem> {
        let request = ListEventsRequest {
            action: words::action(&self.action)?.into(),
            from_ms: words::moment("from", &self.from)?,
            to_ms: words::moment("to", &self.to)?,
            verdict: words::verdict(&self.verdict)?.into(),
            step: words::step(&self.step)?.into(),
            demanded: words::assurance(&self.assurance)?.into(),
            policy: self.policy,
            host: self.host,
            text: self.q,
            mentions: self.mentions,
            device: self.device,
            address: self.address,
            path: self.path,
            reason: self.reason,
            cause: self.cause,
            limit: self.limit,
            cursor: self.cursor,
        };
        event_filter(request).map_err(|error| Problem::bad_request(error.to_string()))
    }
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
    let page = app.store.events(&parameters.filter()?).await?;
    Ok(Json(EventsJson {
        events: page.events.into_iter().map(EventJson::from).collect(),
        next_cursor: cursor(page.next),
    }))
}

/// `GET /api/v1/events/{id}`.
pub(super) async fn one(
    State(app): State<App>,
    Part(id): Part<String>,
) -> Result<Json<EventJson>, Problem> {
    let event = app.store.event(&id).await?;
    let event =
        event.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no event of this id"))?;
    Ok(Json(event.into()))
}
