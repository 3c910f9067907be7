//! Nodes and revisions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::json::{RevisionJson, time};
use super::problem::Problem;
use super::words;
use crate::limits;
use crate::nodes::{Counts, Listing, NodeView, RefusedView, ResourceView, Sought};
use crate::runtime::App;
use crate::store::Gap;

#[derive(Debug, Serialize)]
struct WorkerJson {
    vm: String,
    revision: String,
    seen: Option<String>,
    filter_version: String,
}

#[derive(Debug, Serialize)]
struct NodeJson {
    id: String,
    cluster: String,
    state: &'static str,
    revision: String,
    reason: String,
    since: Option<String>,
    envoy_version: String,
    expected_workers: u32,
    workers: Vec<WorkerJson>,
    gateways: Vec<String>,
    resources: Vec<ResourceJson>,
    /// What it should run.
    target: String,
    /// What its workers decided, by revision.
    counted: BTreeMap<String, Counts>,
    guard_denials: u64,
    events: EventsJson,
    /// What it runs now, as far as is known.
    runs: Option<String>,
    /// What it refused last and has not made good since.
    refused: Option<RefusedJson>,
    /// How many discovery streams it opened.
    connections: u64,
}

/// Until some two minutes ago.
#[derive(Debug, Serialize)]
struct EventsJson {
    /// Its workers wrote so many.
    written: u64,
    /// So many of them arrived.
    received: u64,
    /// So many did not.
    missing: u64,
}

#[derive(Debug, Serialize)]
struct RefusedJson {
    revision: String,
    reason: String,
    time: Option<String>,
}

impl From<&RefusedView> for RefusedJson {
    fn from(refused: &RefusedView) -> Self {
        Self {
            revision: refused.revision.clone(),
            reason: refused.reason.clone(),
            time: time(refused.time_ms),
        }
    }
}

#[derive(Debug, Serialize)]
struct ResourceJson {
    name: String,
    gateway: String,
    state: &'static str,
    revision: String,
    reason: String,
    renewals: u32,
    runs: Option<String>,
    refused: Option<RefusedJson>,
}

/// Which nodes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Which {
    state: String,
    q: String,
    /// 0 = all of them.
    limit: u32,
    offset: u32,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct NodesJson {
    target_revision: String,
    nodes: Vec<NodeJson>,
    /// How many are as was asked for.
    total: usize,
    /// Of all nodes.
    states: BTreeMap<&'static str, usize>,
}

/// `GET /api/v1/nodes`.
pub(super) async fn nodes(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<NodesJson>, Problem> {
    let Query(which) = which.map_err(|error| Problem::bad_request(error.body_text()))?;
    let sought = Sought::new(words::node_state(&which.state)?, &which.q);
    let limit = which.limit.min(limits::MAX_NODES_LISTED) as usize;
    let target_revision = app.target_revision();
    let plan = app.control.plan().borrow().clone();
    let gaps = app.ledger.gaps();
    let node = |view: NodeView| {
        let gap = gaps.get(&view.id).copied().unwrap_or_default();
        let target = plan.target(&view.about).map(|it| it.revision.clone());
        node(view, target.unwrap_or_default(), gap)
    };
    let views = app.fleet.views();
    let listing = Listing::by_need(views, &sought, which.offset as usize, limit);
    Ok(Json(NodesJson {
        target_revision,
        nodes: listing.nodes.into_iter().map(node).collect(),
        total: listing.total,
        states: listing.states,
    }))
}

fn node(view: NodeView, target: String, gap: Gap) -> NodeJson {
    let gateways = view.gateways().into_iter().map(str::to_owned).collect();
    NodeJson {
        runs: view.runs().map(str::to_owned),
        refused: view.refused().map(RefusedJson::from),
        connections: view.connections,
        gateways,
        target,
        counted: view.counted,
        guard_denials: view.guard_denials,
        events: EventsJson {
            written: gap.written,
            received: gap.received,
            missing: gap.missing(),
        },
        resources: view.resources.into_iter().map(resource).collect(),
        id: view.id,
        cluster: view.about.cluster.clone(),
        state: view.standing.state.as_str(),
        revision: view
            .version
            .map(|version| version.revision)
            .unwrap_or_default(),
        reason: view.standing.reason,
        since: time(view.since_ms),
        envoy_version: view.about.envoy_version.clone(),
        expected_workers: view.about.expected,
        workers: view
            .workers
            .into_iter()
            .map(|worker| WorkerJson {
                vm: worker.vm,
                revision: worker.report.revision,
                seen: time(worker.seen_ms),
                filter_version: worker.report.filter_version,
            })
            .collect(),
    }
}

fn resource(view: ResourceView) -> ResourceJson {
    ResourceJson {
        name: view.name,
        gateway: view.gateway,
        state: view.standing.state.as_str(),
        revision: view.version.map(|it| it.revision).unwrap_or_default(),
        reason: view.standing.reason,
        renewals: view.renewals,
        runs: view.runs,
        refused: view.refused.as_ref().map(RefusedJson::from),
    }
}

/// How many.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    limit: u32,
    /// Older than this number; 0 = the newest.
    before: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct RevisionsJson {
    revisions: Vec<RevisionJson>,
    /// Where the next page begins, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
}

/// `GET /api/v1/revisions`.
pub(super) async fn revisions(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<RevisionsJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = match parameters.limit {
        0 => limits::DEFAULT_EVENTS_LISTED,
        limit => limit.min(limits::MAX_REVISIONS_LISTED),
    };
    let before = (parameters.before > 0).then_some(parameters.before);
    let revisions = app.store.revisions(limit, before).await?;
    // A page that is not full is the last one.
    let last = revisions
        .last()
        .filter(|_| revisions.len() == limit as usize);
    Ok(Json(RevisionsJson {
        before: last.map(|revision| revision.number),
        revisions: revisions.iter().map(RevisionJson::from).collect(),
    }))
}
