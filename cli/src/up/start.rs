//! Starts the parts in order, each once the one before it answers.

use super::error::UpError;
use super::part::{Part, PartName};
use super::ports::{self, PortsError};
use super::progress::Progress;
use super::ready::{self, NodeReadiness};
use super::record::Record;
use super::settings::{Resolved, SettingsError};
use super::stack::Stack;

/// Every part, then what only all of them together can be: the node live, the sidecar able to sign.
pub(crate) async fn all(
    stack: &mut Stack,
    parts: &[Part],
    resolved: &Resolved,
    progress: &Progress,
    record: &mut Record,
) -> Result<NodeReadiness, UpError> {
    for part in parts {
        one(stack, part, progress).await?;
        let pid = stack.parts().last().and_then(|running| running.pid());
        record.note(part, pid, 0);
    }
    let control_plane = record.target();
    let part = |name| parts.iter().find(|part| part.name == name);
    let mut readiness = NodeReadiness::NoPolicy;
    if let Some(envoy) = part(PartName::Envoy) {
        let line = progress.begin("policy", "waiting until every worker runs it");
        let node_id = resolved.node_id();
        match ready::wait_for_node(stack, envoy, &control_plane, &node_id).await {
            Ok(node) => {
                match &node {
                    NodeReadiness::Live { revision } => {
                        line.done(&format!("revision {revision} is live on every worker"));
                    }
                    NodeReadiness::NoPolicy => line.done("none applied yet"),
                }
                readiness = node;
            }
            Err(error) => {
                line.failed("not live");
                return Err(error);
            }
        }
    }
    // Ticket keys and live session keys come with a revision: without one there is nothing to wait for.
    if let (Some(sidecar), NodeReadiness::Live { .. }) = (part(PartName::Sidecar), &readiness) {
        let line = progress.begin("sessions", "waiting until the sidecar may sign");
        match ready::wait_for_part(stack, sidecar, &sidecar.ready_url).await {
            Ok(()) => line.done("the sidecar may sign them"),
            Err(error) => {
                line.failed("the sidecar may not sign them");
                return Err(error);
            }
        }
    }
    Ok(readiness)
}

/// One part of a stack whose other parts run elsewhere.
pub(crate) async fn alone(
    stack: &mut Stack,
    part: &Part,
    resolved: &Resolved,
    progress: &Progress,
) -> Result<(), UpError> {
    let taken =
        resolved.ports.claims().into_iter().find(|claim| {
            belongs_to(resolved, part.name, claim.port) && !super::is_free(claim.port)
        });
    if let Some(claim) = taken {
        let suggestion = None;
        return Err(SettingsError::Ports(PortsError::Taken { claim, suggestion }).into());
    }
    one(stack, part, progress).await
}

fn belongs_to(resolved: &Resolved, name: PartName, port: u16) -> bool {
    let ports::Ports {
        base,
        https,
        admin,
        grpc,
        api,
        sidecar,
        shop,
        relay,
    } = resolved.ports;
    match name {
        PartName::ControlPlane => [grpc, api].contains(&port),
        PartName::Sidecar => port == sidecar,
        PartName::Shop => port == shop,
        PartName::Relay => port == relay,
        PartName::Envoy => [base, https, admin].contains(&port),
    }
}

async fn one(stack: &mut Stack, part: &Part, progress: &Progress) -> Result<(), UpError> {
    let line = progress.begin(part.name.to_string(), "starting");
    let started = async {
        stack.start(part.clone())?;
        line.now("waiting until it answers");
        ready::wait_for_part(stack, part, &ready::first_url(part)).await
    };
    match started.await {
        Ok(()) => {
            line.done(&part.address);
            Ok(())
        }
        Err(error) => {
            line.failed("not started");
            Err(error)
        }
    }
}
