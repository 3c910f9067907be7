//! Waits until a part does its work, and for as long as that makes sense.

use std::time::{Duration, Instant};

use countersign_proto::admin::v1 as admin;

use super::error::UpError;
use super::logs;
use super::part::{Part, PartName};
use super::stack::Stack;
use crate::api::{self, ApiError};
use crate::limits::{PROBE_TIMEOUT, READY_POLL, READY_TIMEOUT, REFUSAL_GRACE};
use crate::target::Target;

/// What Envoy's node has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NodeReadiness {
    /// Every worker runs this revision.
    Live {
        /// `3-9f2c…`
        revision: String,
    },
    /// Nothing was ever applied: Envoy answers 503 until that happens.
    NoPolicy,
}

/// Asks `url` of `part` until it answers 200, while every part of the stack stays alive.
pub(crate) async fn wait_for_part(
    stack: &mut Stack,
    part: &Part,
    url: &str,
) -> Result<(), UpError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PROBE_TIMEOUT)
        .build();
    let began = Instant::now();
    let deadline = began + READY_TIMEOUT;
    loop {
        let last = match &client {
            Ok(client) => probe(client, url).await,
            Err(error) => Err(error.to_string()),
        };
        let Err(last) = last else {
            return Ok(());
        };
        step(stack, part, began, deadline, last).await?;
    }
}

/// Asks the control plane until the node runs what it should, while every part stays alive.
pub(crate) async fn wait_for_node(
    stack: &mut Stack,
    envoy: &Part,
    control_plane: &Target,
    node_id: &str,
) -> Result<NodeReadiness, UpError> {
    let began = Instant::now();
    let mut deadline = began + READY_TIMEOUT;
    let mut client = api::connect(control_plane).await?;
    loop {
        let answer = client.list_nodes(admin::ListNodesRequest::default()).await;
        let last = match answer.map_err(ApiError::from) {
            Err(error) => error.to_string(),
            Ok(answer) => match judge(answer.get_ref(), node_id) {
                Ok(ready) => return Ok(ready),
                Err(last) => {
                    // What Envoy has refused is not sent again; only another revision can help, and
                    // the one with the sidecar's first keys comes at once.
                    if last.refused {
                        deadline = deadline.min(Instant::now() + REFUSAL_GRACE);
                    } else {
                        deadline = began + READY_TIMEOUT;
                    }
                    last.text
                }
            },
        };
        step(stack, envoy, began, deadline, last).await?;
    }
}

/// A node that is not where it should be.
#[derive(Debug, PartialEq, Eq)]
struct NotLive {
    text: String,
    /// By Envoy, and for good.
    refused: bool,
}

/// Is this node where it should be? If not, what is it?
fn judge(answer: &admin::ListNodesResponse, node_id: &str) -> Result<NodeReadiness, NotLive> {
    if answer.target_revision.is_empty() {
        return Ok(NodeReadiness::NoPolicy);
    }
    let Some(node) = answer.nodes.iter().find(|node| node.id == node_id) else {
        return Err(NotLive {
            text: format!("the control plane has not seen node `{node_id}`"),
            refused: false,
        });
    };
    if node.state() == admin::NodeState::Live && node.revision == answer.target_revision {
        return Ok(NodeReadiness::Live {
            revision: node.revision.clone(),
        });
    }
    let reason = match node.reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let state = crate::commands::nodes::state_word(node.state());
    Err(NotLive {
        text: format!("node `{node_id}` is {state}{reason}"),
        refused: node.state() == admin::NodeState::Nacked
            && node.revision == answer.target_revision,
    })
}

async fn probe(client: &reqwest::Client, url: &str) -> Result<(), String> {
    match client.get(url).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => {
            let status = answer.status().as_u16();
            let body = answer.text().await.unwrap_or_default();
            let first: String = body
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect();
            Err(format!("{url} answers {status} {first}"))
        }
        Err(_) => Err(format!("{url} does not answer")),
    }
}

/// One round of waiting: an error when a part died or the time is over.
async fn step(
    stack: &mut Stack,
    part: &Part,
    began: Instant,
    deadline: Instant,
    last: String,
) -> Result<(), UpError> {
    if let Some(ended) = stack.reap().first() {
        return Err(stack.died(ended));
    }
    if Instant::now() >= deadline {
        return Err(not_ready(part, began.elapsed(), last));
    }
    tokio::time::sleep(READY_POLL).await;
    Ok(())
}

fn not_ready(part: &Part, waited: Duration, last: String) -> UpError {
    UpError::NotReady {
        part: part.name,
        seconds: waited.as_secs(),
        last,
        log: part.log.clone(),
        tail: logs::tail(&part.log),
    }
}

/// What must answer before the next part starts. The sidecar may sign only once the nodes hold its key,
/// so it is only alive at first; its readiness is waited for after Envoy's.
pub(crate) fn first_url(part: &Part) -> String {
    match part.name {
        PartName::Sidecar => part.ready_url.replace("/readyz", "/healthz"),
        _ => part.ready_url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: admin::NodeState, revision: &str, reason: &str) -> admin::ListNodesResponse {
        admin::ListNodesResponse {
            nodes: vec![admin::Node {
                id: "local-10000".to_owned(),
                state: state.into(),
                revision: revision.to_owned(),
                reason: reason.to_owned(),
                ..admin::Node::default()
            }],
            target_revision: "2-abc".to_owned(),
            ..admin::ListNodesResponse::default()
        }
    }

    #[test]
    fn a_live_node_on_the_target_revision_is_ready() {
        let live = answer(admin::NodeState::Live, "2-abc", "");
        let ready = judge(&live, "local-10000");
        let revision = "2-abc".to_owned();
        assert_eq!(ready, Ok(NodeReadiness::Live { revision }));
    }

    #[test]
    fn a_live_node_on_an_older_revision_is_not_ready() {
        assert!(judge(&answer(admin::NodeState::Live, "1-abc", ""), "local-10000").is_err());
    }

    #[test]
    fn a_node_that_refused_is_said_with_its_reason() {
        let nacked = answer(admin::NodeState::Nacked, "2-abc", "unable to create");
        assert_eq!(
            judge(&nacked, "local-10000"),
            Err(NotLive {
                text: "node `local-10000` is NACKED: unable to create".to_owned(),
                refused: true,
            })
        );
    }

    #[test]
    fn an_unknown_node_is_said() {
        let other = answer(admin::NodeState::Live, "2-abc", "");
        assert!(judge(&other, "local-11000").is_err());
    }

    #[test]
    fn without_any_policy_the_node_is_not_waited_for() {
        let mut empty = answer(admin::NodeState::Sent, "", "");
        empty.target_revision.clear();
        assert_eq!(judge(&empty, "local-10000"), Ok(NodeReadiness::NoPolicy));
    }
}
