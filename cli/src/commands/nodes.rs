//! `countersign nodes`: every Envoy, what it runs, and what its workers themselves say they run.

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::pages::Pages;
use super::{CommandError, Context, Outcome};
use crate::{api, output};

#[derive(Debug, Serialize)]
struct Nodes {
    /// What every node should run.
    target_revision: String,
    nodes: Vec<Node>,
    /// How many are as was asked for, here or not.
    total: u32,
}

#[derive(Debug, Serialize)]
struct Node {
    id: String,
    cluster: String,
    state: &'static str,
    revision: String,
    reason: String,
    expected_workers: u32,
    workers: Vec<Worker>,
    envoy_version: String,
    /// None: it runs the set of everything.
    gateways: Vec<String>,
    since: Option<String>,
    /// What it should run.
    target: String,
    /// What its workers decided, by revision.
    counted: Vec<Counted>,
    guard_denials: u64,
    /// Until some two minutes ago.
    events: Events,
    /// What it runs now, as far as is known.
    runs: String,
    /// What it refused last and has not made good since.
    refused: Option<Refused>,
    /// How many discovery streams it opened.
    connections: u64,
    #[serde(skip)]
    since_ms: u64,
}

#[derive(Debug, Serialize)]
struct Events {
    written: u64,
    received: u64,
    missing: u64,
}

#[derive(Debug, Serialize)]
struct Refused {
    revision: String,
    reason: String,
    time: Option<String>,
}

#[derive(Debug, Serialize)]
struct Counted {
    revision: String,
    requests: u64,
    allow: u64,
    block: u64,
    redirect: u64,
    challenge: u64,
    monitor: u64,
    satisfied: u64,
    errors: u64,
    events: u64,
    timed: u64,
    timed_nanos: u64,
}

#[derive(Debug, Serialize)]
struct Worker {
    vm: String,
    revision: String,
    filter_version: String,
    seen: Option<String>,
}

/// Which nodes.
#[derive(Debug, Default, Args)]
pub(crate) struct NodesArgs {
    /// In this state only
    #[arg(long, ignore_case = true, value_parser = ["LIVE", "ACKED", "SENT", "WAITING", "NACKED", "SUSPECT", "DISCONNECTED"])]
    state: Option<String>,
    /// In whose id, cluster or reason this text is
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many at most; without it all of them, page after page
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: Option<u32>,
}

pub(crate) async fn run(args: &NodesArgs, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let answer = listed(&mut client, args).await?;
    context.output.print(&Nodes::from(answer), table)?;
    Ok(Outcome::Fine)
}

/// Every node that is as was asked for, as one answer.
pub(crate) async fn listed(
    client: &mut api::Client,
    args: &NodesArgs,
) -> Result<admin::ListNodesResponse, api::ApiError> {
    let mut pages = Pages::begin(
        "nodes",
        args.limit.is_none(),
        args.limit.unwrap_or_default(),
    );
    let mut request = admin::ListNodesRequest {
        limit: pages.limit(),
        after: String::new(),
        state: args.state.clone().unwrap_or_default(),
        text: args.search.clone().unwrap_or_default(),
    };
    loop {
        let mut answer = client.list_nodes(request.clone()).await?.into_inner();
        let page = std::mem::take(&mut answer.nodes);
        request.after = std::mem::take(&mut answer.next_after);
        if !pages.take(page, !request.after.is_empty()) {
            answer.nodes = pages.end();
            return Ok(answer);
        }
    }
}

/// As DESIGN names the states.
pub(crate) fn state_word(state: admin::NodeState) -> &'static str {
    match state {
        admin::NodeState::Unspecified => "UNKNOWN",
        admin::NodeState::Sent => "SENT",
        admin::NodeState::Acked => "ACKED",
        admin::NodeState::Live => "LIVE",
        admin::NodeState::Nacked => "NACKED",
        admin::NodeState::Suspect => "SUSPECT",
        admin::NodeState::Disconnected => "DISCONNECTED",
    }
}

impl From<admin::ListNodesResponse> for Nodes {
    fn from(answer: admin::ListNodesResponse) -> Self {
        Self {
            target_revision: answer.target_revision,
            total: answer.total,
            nodes: answer.nodes.into_iter().map(Node::from).collect(),
        }
    }
}

impl From<admin::Node> for Node {
    fn from(node: admin::Node) -> Self {
        Self {
            state: state_word(node.state()),
            id: node.id,
            cluster: node.cluster,
            revision: node.revision,
            reason: node.reason,
            expected_workers: node.expected_workers,
            workers: node.workers.into_iter().map(Worker::from).collect(),
            envoy_version: node.envoy_version,
            gateways: node.gateways,
            since: output::rfc3339(node.since_ms),
            target: node.target,
            counted: node.counted.into_iter().map(Counted::from).collect(),
            guard_denials: node.guard_denials,
            events: Events {
                written: node.events_written,
                received: node.events_received,
                missing: node.events_missing,
            },
            runs: node.runs,
            refused: node.refused.map(Refused::from),
            connections: node.connections,
            since_ms: node.since_ms,
        }
    }
}

impl From<admin::NodeRefusal> for Refused {
    fn from(refused: admin::NodeRefusal) -> Self {
        Self {
            revision: refused.revision,
            reason: refused.reason,
            time: output::rfc3339(refused.time_ms),
        }
    }
}

impl Node {
    /// Why it is as it is, what it runs where that is something else than it was sent, and what it refused.
    fn remark(&self) -> String {
        let mut said = Vec::new();
        if !self.reason.is_empty() {
            said.push(self.reason.clone());
        }
        if !self.runs.is_empty() && self.runs != self.revision {
            said.push(format!("it runs {}", self.runs));
        }
        match &self.refused {
            // A reason that stands there already.
            Some(refused) if self.reason == refused.reason => {}
            Some(refused) => said.push(format!(
                "it refused {}: {}",
                refused.revision, refused.reason
            )),
            None => {}
        }
        said.join("; ")
    }
}

impl From<admin::RevisionCounts> for Counted {
    fn from(counted: admin::RevisionCounts) -> Self {
        let counts = counted.counts.unwrap_or_default();
        Self {
            revision: counted.revision,
            requests: counts.requests,
            allow: counts.allow,
            block: counts.block,
            redirect: counts.redirect,
            challenge: counts.challenge,
            monitor: counts.monitor,
            satisfied: counts.satisfied,
            errors: counts.errors,
            events: counts.events,
            timed: counts.timed,
            timed_nanos: counts.timed_nanos,
        }
    }
}

impl From<admin::Worker> for Worker {
    fn from(worker: admin::Worker) -> Self {
        Self {
            vm: worker.vm,
            revision: worker.revision,
            filter_version: worker.filter_version,
            seen: output::rfc3339(worker.seen_ms),
        }
    }
}

fn table(nodes: &Nodes) -> String {
    let rows = nodes.nodes.iter().map(|node| {
        let expected = match node.expected_workers {
            0 => "?".to_owned(),
            expected => expected.to_string(),
        };
        let on_it = node
            .workers
            .iter()
            .filter(|worker| worker.revision == node.revision)
            .count();
        [
            node.id.clone(),
            node.state.to_owned(),
            node.revision.clone(),
            format!("{on_it}/{expected}"),
            output::time(node.since_ms),
            node.envoy_version.clone(),
            node.gateways.join(", "),
            node.remark(),
        ]
    });
    let mut text = output::table(
        [
            "node", "state", "revision", "workers", "since", "envoy", "gateway", "reason",
        ],
        rows,
        "no node has connected yet",
    );
    let behind = nodes
        .nodes
        .iter()
        .filter(|node| {
            let target = if node.target.is_empty() {
                &nodes.target_revision
            } else {
                &node.target
            };
            node.revision != *target
        })
        .count();
    if behind > 0 {
        let one = |node: &Node| node.target.is_empty() || node.target == nodes.target_revision;
        let where_to = if nodes.nodes.iter().all(one) {
            format!("revision {}", nodes.target_revision)
        } else {
            "the revision that they should run; see `countersign rollout status`".to_owned()
        };
        text.push_str(&format!(
            "\n{behind} of {} are not on {where_to}\n",
            nodes.nodes.len()
        ));
    }
    let shown = nodes.nodes.len();
    if shown < nodes.total as usize {
        text.push_str(&format!("\n{shown} of {} nodes are shown\n", nodes.total));
    }
    for node in nodes.nodes.iter().filter(|node| node.events.missing > 0) {
        text.push_str(&format!(
            "\n{} of {} events that {} wrote have not arrived\n",
            node.events.missing, node.events.written, node.id
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(target: &str) -> Nodes {
        let worker = |revision: &str| admin::Worker {
            revision: revision.to_owned(),
            ..admin::Worker::default()
        };
        Nodes::from(admin::ListNodesResponse {
            target_revision: target.to_owned(),
            total: 1,
            nodes: vec![admin::Node {
                id: "edge-1".to_owned(),
                state: admin::NodeState::Live.into(),
                revision: "2-b".to_owned(),
                workers: vec![worker("2-b"), worker("1-a")],
                expected_workers: 3,
                ..admin::Node::default()
            }],
            next_after: String::new(),
        })
    }

    #[test]
    fn only_workers_on_the_nodes_revision_are_counted() {
        let text = table(&nodes("2-b"));
        let row = text.lines().nth(1).unwrap();
        assert!(
            row.contains("edge-1") && row.contains("LIVE") && row.contains("1/3"),
            "{row}"
        );
        assert!(!text.contains("are not on revision"));
    }

    #[test]
    fn what_a_node_runs_after_a_refusal_is_said_beside_it() {
        let refused = admin::NodeRefusal {
            revision: "2-b".to_owned(),
            reason: "no".to_owned(),
            time_ms: 1,
        };
        let node = |reason: &str, revision: &str| {
            let node = admin::Node {
                reason: reason.to_owned(),
                revision: revision.to_owned(),
                runs: "1-a".to_owned(),
                refused: Some(refused.clone()),
                ..admin::Node::default()
            };
            Node::from(node).remark()
        };
        assert_eq!(node("no", "2-b"), "no; it runs 1-a");
        assert_eq!(node("", "1-a"), "it refused 2-b: no");
    }

    #[test]
    fn what_is_not_shown_is_said() {
        let mut some = nodes("2-b");
        assert!(!table(&some).contains("are shown"));
        some.total = 7;
        assert!(table(&some).ends_with("1 of 7 nodes are shown\n"));
    }

    #[test]
    fn nodes_behind_the_target_are_said() {
        assert!(table(&nodes("3-c")).ends_with("1 of 1 are not on revision 3-c\n"));
    }
}
