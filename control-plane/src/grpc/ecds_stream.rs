//! Drives one discovery stream: the socket's side of [`crate::xds::Session`].

use std::sync::Arc;

use envoy_types::pb::google::protobuf::Any;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::clock;
use crate::nodes::{Introduction, StreamId};
use crate::rollout::Plan;
use crate::runtime::{App, stopping};
use crate::xds::{ClientRequest, Push, Reaction, Session, Target};

/// What one message of a node says.
pub(super) struct Said {
    pub(super) node: Option<Introduction>,
    pub(super) request: ClientRequest,
}

/// Delta or state-of-the-world.
pub(super) trait Dialect: Send + 'static {
    type Request: Send + 'static;
    type Response: Send + 'static;

    fn read(&mut self, request: Self::Request) -> Result<Said, Status>;
    fn write(&self, push: &Push, resource: Any) -> Self::Response;
}

/// Serves a stream until either side ends it.
pub(super) fn serve<D: Dialect>(
    app: App,
    requests: Streaming<D::Request>,
    dialect: D,
) -> ReceiverStream<Result<D::Response, Status>> {
    // Room for one: what is published while a node is slow stays one revision, the newest.
    let (responses, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let stop = app.stop.clone();
        let stream = Stream {
            app,
            dialect,
            responses: responses.clone(),
            peer: None,
        };
        if let Err(status) = stream.run(requests, stop).await {
            // A client that is gone needs no reason.
            let _ = responses.try_send(Err(status));
        }
    });
    ReceiverStream::new(receiver)
}

struct Stream<D: Dialect> {
    app: App,
    dialect: D,
    responses: mpsc::Sender<Result<D::Response, Status>>,
    peer: Option<Peer>,
}

/// A node that has introduced itself; its drop is its disconnection, whichever way the stream ends.
struct Peer {
    app: App,
    node: Arc<Introduction>,
    stream: StreamId,
    session: Session,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.app.fleet.disconnected(&self.node.id, self.stream);
    }
}

impl<D: Dialect> Stream<D> {
    async fn run(
        mut self,
        mut requests: Streaming<D::Request>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Status> {
        let mut plan = self.app.control.plan();
        loop {
            tokio::select! {
                () = stopping(&mut stop) => {
                    return Err(Status::unavailable("the control plane is stopping"));
                }
                request = requests.next() => match request {
                    None => return Ok(()),
                    Some(request) => {
                        let said = self.dialect.read(request?)?;
                        self.hear(said).await?;
                    }
                },
                changed = plan.changed() => changed.map_err(|_| Status::unavailable("stopping"))?,
                () = self.responses.closed() => return Ok(()),
            }
            let plan = plan.borrow_and_update().clone();
            self.push(&plan).await?;
        }
    }

    async fn hear(&mut self, said: Said) -> Result<(), Status> {
        if self.peer.is_none() {
            let node = said.node.filter(|node| !node.id.is_empty());
            let node = node
                .ok_or_else(|| Status::invalid_argument("the first request must name the node"))?;
            let node = Arc::new(node);
            let stream = self.app.fleet.new_stream();
            let refused = self.app.fleet.connected(&node, stream);
            tracing::info!(node = %node.id, envoy = %node.envoy_version, "node connected");
            let session = Session::new(refused);
            self.peer = Some(Peer {
                app: self.app.clone(),
                node,
                stream,
                session,
            });
        }
        let Some(peer) = &mut self.peer else {
            return Ok(());
        };
        let fleet = Arc::clone(&self.app.fleet);
        for reaction in peer.session.on_request(said.request) {
            match reaction {
                Reaction::Subscribed(holds) => fleet.subscribed(&peer.node.id, peer.stream, holds),
                Reaction::Accepted(version) => {
                    tracing::debug!(node = %peer.node.id, %version, "accepted");
                    fleet.accepted(&peer.node.id, peer.stream, version);
                }
                Reaction::Refused(version, reason) => {
                    tracing::error!(node = %peer.node.id, %version, reason, "a node refused the revision");
                    if let Err(error) = fleet
                        .refused(&peer.node.id, peer.stream, version, &reason)
                        .await
                    {
                        tracing::error!(%error, "a refusal is not stored and will be forgotten with a restart");
                    }
                }
                Reaction::Unsubscribed => fleet.subscribed(&peer.node.id, peer.stream, None),
                Reaction::Stale => {
                    tracing::debug!(node = %peer.node.id, "an answer to something else")
                }
            }
        }
        Ok(())
    }

    async fn push(&mut self, plan: &Plan) -> Result<(), Status> {
        let Some(peer) = &mut self.peer else {
            return Ok(());
        };
        let Some(published) = plan.target(&peer.node) else {
            return Ok(());
        };
        let target = Target {
            revision: &published.revision,
            attempt: published.attempt,
        };
        let unavailable = |_| Status::unavailable("no nonce could be made");
        let push = peer
            .session
            .next_push(target, clock::random_attempt)
            .map_err(unavailable)?;
        let Some(push) = push else { return Ok(()) };
        let resource = published
            .resource(push.version.attempt)
            .map_err(|_| Status::resource_exhausted("the revision is too large"))?;
        self.app
            .fleet
            .sent(&peer.node.id, peer.stream, push.version.clone());
        tracing::debug!(node = %peer.node.id, version = %push.version, "sent");
        let response = self.dialect.write(&push, resource);
        self.responses
            .send(Ok(response))
            .await
            .map_err(|_| Status::cancelled("the node is gone"))
    }
}
