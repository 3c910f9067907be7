//! `countersign relays`: every relay, what waits in its spool, and what it lost.

use std::collections::BTreeMap;

use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::{CommandError, Context, Outcome};
use crate::{api, output};

#[derive(Debug, Serialize)]
struct Relays {
    relays: Vec<Relay>,
}

#[derive(Debug, Serialize)]
struct Relay {
    node: String,
    spool: String,
    version: String,
    connected: bool,
    seen: Option<String>,
    /// Since the spool was made.
    taken: u64,
    spooled: u64,
    delivered: u64,
    waiting: u64,
    waiting_bytes: u64,
    lost: u64,
    /// Those by reason.
    dropped: BTreeMap<String, u64>,
    malformed: u64,
    guard_denied: u64,
    #[serde(skip)]
    seen_ms: u64,
}

pub(crate) async fn run(context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let answer = client.list_relays(admin::ListRelaysRequest {}).await?;
    context
        .output
        .print(&Relays::from(answer.into_inner()), table)?;
    Ok(Outcome::Fine)
}

impl From<admin::ListRelaysResponse> for Relays {
    fn from(answer: admin::ListRelaysResponse) -> Self {
        Self {
            relays: answer.relays.into_iter().map(Relay::from).collect(),
        }
    }
}

impl From<admin::Relay> for Relay {
    fn from(relay: admin::Relay) -> Self {
        let lost = relay.dropped.values();
        Self {
            lost: lost.fold(0, |sum, count| sum.saturating_add(*count)),
            node: relay.node,
            spool: relay.spool,
            version: relay.version,
            connected: relay.connected,
            seen: output::rfc3339(relay.seen_ms),
            taken: relay.taken,
            spooled: relay.spooled,
            delivered: relay.delivered,
            waiting: relay.waiting,
            waiting_bytes: relay.waiting_bytes,
            dropped: relay.dropped.into_iter().collect(),
            malformed: relay.malformed,
            guard_denied: relay.guard_denied,
            seen_ms: relay.seen_ms,
        }
    }
}

fn table(relays: &Relays) -> String {
    let rows = relays.relays.iter().map(|relay| {
        let reasons: Vec<String> = relay
            .dropped
            .iter()
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        [
            relay.node.clone(),
            if relay.connected { "yes" } else { "no" }.to_owned(),
            relay.taken.to_string(),
            relay.waiting.to_string(),
            relay.delivered.to_string(),
            relay.lost.to_string(),
            output::time(relay.seen_ms),
            relay.version.clone(),
            relay.spool.clone(),
            reasons.join(", "),
        ]
    });
    output::table(
        [
            "node",
            "connected",
            "taken",
            "waiting",
            "delivered",
            "lost",
            "seen",
            "version",
            "spool",
            "lost by",
        ],
        rows,
        "no relay has spoken to this control plane yet",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_told_with_its_reasons() {
        let text = table(&Relays::from(admin::ListRelaysResponse {
            relays: vec![admin::Relay {
                node: "edge-1".to_owned(),
                spool: "s1".to_owned(),
                connected: true,
                taken: 12,
                delivered: 5,
                waiting: 2,
                dropped: [("spool_full".to_owned(), 4), ("disk".to_owned(), 1)].into(),
                ..admin::Relay::default()
            }],
        }));
        let row: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row[..6], ["edge-1", "yes", "12", "2", "5", "5"]);
        assert!(text.contains("disk 1, spool_full 4"), "{text}");
    }
}
