//! What the control plane knows of its nodes, sidecars and relays.

use countersign_proto::admin::v1 as admin;

use super::finding::{Area, Finding};
use crate::commands::nodes::state_word;
use crate::up::find::OLDEST_ENVOY;

/// So many are named; of more their number is said.
const NAMED: usize = 5;

/// The nodes.
pub(super) fn nodes(answer: &admin::ListNodesResponse) -> Vec<Finding> {
    if answer.nodes.is_empty() {
        return vec![Finding::warning(
            Area::Nodes,
            "state",
            "no Envoy has connected to this control plane",
            "start Envoy with envoy/bootstrap.yaml and this control plane's address in it",
        )];
    }
    let all = answer.nodes.len();
    vec![
        state(answer),
        version(&answer.nodes),
        workers(&answer.nodes),
        told(
            "guard",
            &answer.nodes,
            |node| node.guard_denials > 0,
            |node| format!("{} ({} requests)", node.id, node.guard_denials),
            "the guard refused requests that no filter had seen at",
            "a worker runs without the filter: `countersign nodes` tells what each one runs; give it memory, or start that Envoy again",
            || format!("no request passed a filter by, at {all} nodes"),
        ),
        told(
            "events",
            &answer.nodes,
            |node| node.events_missing > 0,
            |node| {
                format!(
                    "{} ({} of {})",
                    node.id, node.events_missing, node.events_written
                )
            },
            "events that were written have not arrived of",
            "look at that Envoy's cluster `countersign_control_plane` and its access log `countersign`; a relay beside Envoy keeps events through an outage (envoy/README.md)",
            || "every event that was written has arrived".to_owned(),
        ),
    ]
}

fn state(answer: &admin::ListNodesResponse) -> Finding {
    use admin::NodeState as State;
    let target = |node: &admin::Node| match node.target.as_str() {
        "" => answer.target_revision.clone(),
        target => target.to_owned(),
    };
    let say = |node: &&admin::Node| {
        let why = match node.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        format!("{} is {}{why}", node.id, state_word(node.state()))
    };
    let bad = |node: &&admin::Node| {
        matches!(
            node.state(),
            State::Nacked | State::Suspect | State::Disconnected
        )
    };
    let broken: Vec<_> = answer.nodes.iter().filter(bad).collect();
    if let Some(first) = broken.first() {
        let remedy = match first.state() {
            State::Nacked => {
                "Envoy refused what it was sent; its log says why, `countersign check FILE` and `countersign rollback` help"
            }
            State::Suspect => {
                "not every worker runs what Envoy says it took; the control plane sends it again by itself, else start that Envoy again"
            }
            _ => {
                "start that Envoy, or see whether it reaches this control plane: its admin's `/clusters` shows `countersign_control_plane`"
            }
        };
        let said = list(broken.iter().map(say), broken.len());
        return Finding::failed(Area::Nodes, "state", said, remedy);
    }
    let behind = |node: &&admin::Node| node.state() != State::Live || node.revision != target(node);
    let behind: Vec<_> = answer.nodes.iter().filter(behind).collect();
    if !behind.is_empty() {
        let said = list(behind.iter().map(say), behind.len());
        let found = format!("not yet on the revision that they should run: {said}");
        let remedy = "it is on its way; `countersign rollout status --watch` shows it";
        return Finding::warning(Area::Nodes, "state", found, remedy);
    }
    let found = format!("{} LIVE on their revision", answer.nodes.len());
    Finding::ok(Area::Nodes, "state", found)
}

fn version(nodes: &[admin::Node]) -> Finding {
    let (major, minor) = OLDEST_ENVOY;
    let read = |node: &admin::Node| {
        let mut numbers = node.envoy_version.split(['.', '-']);
        let version = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        Some::<(u32, u32)>(version)
    };
    let known: Vec<_> = nodes.iter().filter_map(read).collect();
    if known.is_empty() {
        return Finding::skipped(
            Area::Nodes,
            "envoy-version",
            "no node has told its version",
            "give the program with `--envoy PATH`",
        );
    }
    told(
        "envoy-version",
        nodes,
        |node| read(node).is_some_and(|version| version < OLDEST_ENVOY),
        |node| format!("{} ({})", node.id, node.envoy_version),
        "too old for what the bootstrap asks for:",
        &format!("upgrade Envoy to {major}.{minor} or later"),
        || {
            let newest = known.iter().max().map(|(a, b)| format!("{a}.{b}"));
            let oldest = known.iter().min().map(|(a, b)| format!("{a}.{b}"));
            let (newest, oldest) = (newest.unwrap_or_default(), oldest.unwrap_or_default());
            match newest == oldest {
                true => format!("Envoy {newest}, {major}.{minor} or later is needed"),
                false => format!("Envoy {oldest} to {newest}, {major}.{minor} or later is needed"),
            }
        },
    )
}

fn workers(nodes: &[admin::Node]) -> Finding {
    let unknown = |node: &&admin::Node| node.expected_workers == 0;
    let unknown: Vec<_> = nodes.iter().filter(unknown).collect();
    if unknown.is_empty() {
        return Finding::ok(
            Area::Nodes,
            "workers",
            "every node says how many workers must report",
        );
    }
    let said = list(unknown.iter().map(|node| node.id.clone()), unknown.len());
    Finding::warning(
        Area::Nodes,
        "workers",
        format!("nobody knows how many workers must report of {said}"),
        "set `node.metadata.countersign_workers` to Envoy's --concurrency in its bootstrap",
    )
}

/// Something that a node has failed in.
fn told(
    check: &'static str,
    nodes: &[admin::Node],
    is_bad: impl Fn(&admin::Node) -> bool,
    say: impl Fn(&admin::Node) -> String,
    found: &str,
    remedy: &str,
    fine: impl FnOnce() -> String,
) -> Finding {
    let bad: Vec<_> = nodes.iter().filter(|node| is_bad(node)).collect();
    if bad.is_empty() {
        return Finding::ok(Area::Nodes, check, fine());
    }
    let said = list(bad.iter().map(|node| say(node)), bad.len());
    let found = format!("{found} {said}");
    match check {
        "envoy-version" => Finding::failed(Area::Nodes, check, found, remedy),
        _ => Finding::warning(Area::Nodes, check, found, remedy),
    }
}

fn list(words: impl Iterator<Item = String>, all: usize) -> String {
    let mut text = words.take(NAMED).collect::<Vec<_>>().join(", ");
    if all > NAMED {
        text.push_str(&format!(", and {} more", all - NAMED));
    }
    text
}

/// The keys of sessions.
pub(super) fn keys(keys: &[admin::Key]) -> Finding {
    let check = "keys";
    if keys.is_empty() {
        return Finding::failed(
            Area::Sidecar,
            check,
            "no auth sidecar has registered a key: nobody can pass a challenge",
            "start the auth sidecar with `--control-plane` and a token of the role node; its /readyz says what it waits for",
        );
    }
    let live = keys.iter().filter(|key| key.live).count();
    if live == 0 {
        return Finding::failed(
            Area::Sidecar,
            check,
            "no key is held by every connected node: nobody can pass a challenge",
            "see `countersign nodes`: a node that does not take its revision keeps keys from being used",
        );
    }
    if live < keys.len() {
        let found = format!(
            "{} of {} keys are not held by every node yet",
            keys.len() - live,
            keys.len()
        );
        let remedy = "they are on their way; `countersign keys list` shows which";
        return Finding::warning(Area::Sidecar, check, found, remedy);
    }
    Finding::ok(Area::Sidecar, check, format!("{live} live"))
}

/// Relays; nothing is said where there is none.
pub(super) fn relays(relays: &[admin::Relay]) -> Option<Finding> {
    if relays.is_empty() {
        return None;
    }
    let lost = |relay: &admin::Relay| {
        let dropped = relay.dropped.values();
        dropped.fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let away: Vec<_> = relays.iter().filter(|relay| !relay.connected).collect();
    if !away.is_empty() {
        let said = list(away.iter().map(|relay| relay.node.clone()), away.len());
        return Some(Finding::warning(
            Area::Nodes,
            "relays",
            format!("not connected: {said}"),
            "start that relay, or see whether it reaches this control plane",
        ));
    }
    let losers: Vec<_> = relays.iter().filter(|relay| lost(relay) > 0).collect();
    if !losers.is_empty() {
        let said = losers
            .iter()
            .map(|relay| format!("{} ({})", relay.node, lost(relay)));
        let found = format!("events were lost at {}", list(said, losers.len()));
        let remedy = "`countersign relays` tells by what; a larger `--spool-limit` keeps more";
        return Some(Finding::warning(Area::Nodes, "relays", found, remedy));
    }
    let found = format!("{} connected, nothing was lost", relays.len());
    Some(Finding::ok(Area::Nodes, "relays", found))
}

#[cfg(test)]
mod tests;
