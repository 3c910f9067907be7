//! Relays and what they counted.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::json::time;
use crate::runtime::{App, RelayView};

#[derive(Debug, Serialize)]
struct RelayJson {
    node: String,
    spool: String,
    version: String,
    connected: bool,
    seen: Option<String>,
    /// Since the spool was made: `taken = spooled + what was dropped before it`, and
    /// `spooled = delivered + waiting + what was dropped after it`.
    events: EventsJson,
}

#[derive(Debug, Serialize)]
struct EventsJson {
    taken: u64,
    spooled: u64,
    delivered: u64,
    waiting: u64,
    waiting_bytes: u64,
    lost: u64,
    dropped: BTreeMap<String, u64>,
    malformed: u64,
    guard_denied: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct RelaysJson {
    relays: Vec<RelayJson>,
}

/// `GET /api/v1/relays`.
pub(super) async fn relays(State(app): State<App>) -> Json<RelaysJson> {
    let relays = app.relays.views().into_iter().map(relay).collect();
    Json(RelaysJson { relays })
}

fn relay(view: RelayView) -> RelayJson {
    let lost = view.counts.lost();
    let counts = view.counts;
    RelayJson {
        node: view.node,
        spool: view.spool,
        version: view.version,
        connected: view.connected,
        seen: time(view.seen_ms),
        events: EventsJson {
            taken: counts.taken,
            spooled: counts.spooled,
            delivered: counts.delivered,
            waiting: counts.waiting,
            waiting_bytes: counts.waiting_bytes,
            lost,
            dropped: counts.dropped,
            malformed: counts.malformed,
            guard_denied: counts.guard_denied,
        },
    }
}
