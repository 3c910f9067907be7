//! Drives one discovery stream: the socket's side of [`crate::xds::Session`].

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_engine::blob;
use tokio::sync::{mpsc, watch};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;

use super::{About, Dialect};
use crate::clock;
use crate::grpc::introduction::introduction;
use crate::grpc::wire::{Requests, Responses, responses};
use crate::limits;
use crate::nodes::{Introduction, Nudge, Resolved, StreamId};
use crate::rollout::Plan;
use crate::runtime::{App, stopping};
use crate::xds::{ClientRequest, Desired, Found, Published, Push, Reaction, Session, Step};

/// Types of others that a stream is heard to ask for, for the log: more than Envoy has.
const MAX_OTHER_TYPES: usize = 16;

/// Serves a stream until either side ends it. `only_ours`: another type of resource ends it.
pub(in crate::grpc) fn serve<D: Dialect>(
    app: App,
    request: http::Request<Body>,
    dialect: D,
    only_ours: bool,
) -> http::Response<Body> {
    let requests = Requests::new(request.into_body(), limits::MAX_DISCOVERY_MESSAGE_BYTES);
    let (responses, answer) = responses();
    tokio::spawn(async move {
        let stop = app.stop.clone();
        let stream = Stream {
            app,
            dialect,
            responses: responses.clone(),
            only_ours,
            others: Vec::new(),
            peer: None,
        };
        if let Err(status) = stream.run(requests, stop).await {
            // A client that is gone needs no reason.
            let _ = responses.try_send(Err(status));
        }
    });
    answer
}

struct Stream<D: Dialect> {
    app: App,
    dialect: D,
    responses: Responses,
    only_ours: bool,
    /// Types that it asked for in vain.
    others: Vec<String>,
    peer: Option<Peer>,
}

/// A node that has introduced itself; its drop is its disconnection, whichever way the stream ends.
struct Peer {
    app: App,
    about: Arc<Introduction>,
    stream: StreamId,
    nudges: mpsc::Receiver<Nudge>,
    session: Session,
    /// What each resource is for the node, and of which revision.
    resolved: BTreeMap<String, (Found, Resolved)>,
    resolved_of: Option<Arc<Published>>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.app.fleet.disconnected(&self.about.id, self.stream);
    }
}

impl<D: Dialect> Stream<D> {
    async fn run(
        mut self,
        mut requests: Requests<D::Request>,
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
                    Some(request) => self.hear(request?).await?,
                },
                changed = plan.changed() => changed.map_err(|_| Status::unavailable("stopping"))?,
                nudge = nudged(&mut self.peer) => self.take(nudge),
                () = self.responses.closed() => return Ok(()),
            }
            let plan = plan.borrow_and_update().clone();
            self.serve(&plan).await?;
        }
    }

    async fn hear(&mut self, request: D::Request) -> Result<(), Status> {
        let said = self.dialect.read(request);
        if self.peer.is_none() {
            let node = said.node.map(introduction);
            let node = node.filter(|node| !node.id.is_empty());
            let node = node
                .ok_or_else(|| Status::invalid_argument("the first request must name the node"))?;
            self.peer = Some(Peer::new(self.app.clone(), node, D::TELLS_ABSENCE).await);
        }
        match (said.about, &mut self.peer) {
            (About::Ours(request), Some(peer)) => peer.hear(request).await,
            (About::Other(other), Some(peer)) => {
                if self.only_ours {
                    return Err(Status::invalid_argument(format!(
                        "this service serves {} only",
                        crate::xds::TYPE_URL
                    )));
                }
                if self.others.len() < MAX_OTHER_TYPES && !self.others.contains(&other) {
                    tracing::info!(node = %peer.about.id, wanted = %other, "a node asks for a type that is not served here");
                    self.others.push(other);
                }
            }
            (_, None) => {}
        }
        Ok(())
    }

    fn take(&mut self, nudge: Nudge) {
        if let (Nudge::Renew(resource), Some(peer)) = (nudge, &mut self.peer) {
            tracing::warn!(node = %peer.about.id, %resource, "sent again to new VMs: it was not run by every worker");
            peer.session.renew(&resource);
        }
    }

    async fn serve(&mut self, plan: &Plan) -> Result<(), Status> {
        let Some(peer) = &mut self.peer else {
            return Ok(());
        };
        let Some(published) = plan.target(&peer.about) else {
            return Ok(());
        };
        let Some(push) = peer.next_push(published)? else {
            return Ok(());
        };
        let resource = match &push.version {
            Some(version) => {
                let resource = published
                    .resource(&push.resource, version)
                    .map_err(|_| Status::resource_exhausted("the revision is too large"))?;
                let fleet = &self.app.fleet;
                fleet.sent(&peer.about.id, peer.stream, &push.resource, version.clone());
                tracing::debug!(node = %peer.about.id, resource = %push.resource, %version, "sent");
                Some(resource)
            }
            None => {
                tracing::info!(node = %peer.about.id, resource = %push.resource, "a node asks for a gateway that does not exist");
                None
            }
        };
        let response = self.dialect.write(&push, resource);
        self.responses
            .send(Ok(response))
            .await
            .map_err(|_| Status::cancelled("the node is gone"))
    }
}

/// Ends when the stream has something to do without having been asked.
async fn nudged(peer: &mut Option<Peer>) -> Nudge {
    match peer {
        Some(peer) => match peer.nudges.recv().await {
            Some(nudge) => nudge,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

impl Peer {
    async fn new(app: App, node: Introduction, tells_absence: bool) -> Self {
        let about = Arc::new(node);
        let stream = app.fleet.new_stream();
        let (refused, nudges) = app.fleet.joined(&about, stream).await;
        tracing::info!(node = %about.id, envoy = %about.envoy_version, "node connected");
        if about.metadata.left_out() > 0 {
            tracing::warn!(node = %about.id, fields = about.metadata.left_out(), "metadata is too large and not kept whole");
        }
        Self {
            session: Session::new(refused, tells_absence),
            app,
            about,
            stream,
            nudges,
            resolved: BTreeMap::new(),
            resolved_of: None,
        }
    }

    async fn hear(&mut self, request: ClientRequest) {
        let (id, stream) = (&self.about.id, self.stream);
        let fleet = &self.app.fleet;
        for reaction in self.session.on_request(request) {
            match reaction {
                Reaction::Subscribed(resource, holds) => {
                    fleet.subscribed(id, stream, &resource, holds);
                    self.resolved.remove(&resource);
                }
                Reaction::Unsubscribed(resource) => {
                    fleet.unsubscribed(id, stream, &resource);
                    self.resolved.remove(&resource);
                }
                Reaction::TooMany(resource) => {
                    tracing::warn!(node = %id, resource = %limits::cut(&resource, 64), "a node asks for too many resources");
                }
                Reaction::Accepted(resource, version) => {
                    tracing::debug!(node = %id, %resource, %version, "accepted");
                    fleet.accepted(id, stream, &resource, version);
                }
                Reaction::Refused(resource, version, reason) => {
                    tracing::error!(node = %id, %resource, %version, reason, "a node refused the revision");
                    let stored = fleet.refused(id, stream, &resource, version, &reason).await;
                    if let Err(error) = stored {
                        tracing::error!(%error, "a refusal is not stored and will be forgotten with a restart");
                    }
                }
                Reaction::Noted(_) => {}
                Reaction::Stale => tracing::debug!(node = %id, "an answer to something else"),
            }
        }
    }

    /// What to send now; what the node keeps meanwhile is told to the fleet.
    fn next_push(&mut self, published: &Arc<Published>) -> Result<Option<Push>, Status> {
        self.resolve(published);
        let resolved = &self.resolved;
        let desired = |name: &str| match resolved.get(name) {
            Some((_, resolved)) if resolved.withheld.is_some() => Desired::Nothing,
            Some((Found::Form { gateway, .. }, _)) => {
                Desired::Target(published.target(gateway.as_deref()))
            }
            Some((Found::Nothing, _)) => Desired::Absent,
            None => Desired::Nothing,
        };
        loop {
            let step = self
                .session
                .next_step(desired, clock::random_attempt)
                .map_err(|_| Status::unavailable("no nonce could be made"))?;
            match step {
                Some(Step::Push(push)) => return Ok(Some(push)),
                Some(Step::Keeps(resource, version)) => {
                    let fleet = &self.app.fleet;
                    fleet.accepted(&self.about.id, self.stream, &resource, version);
                }
                None => return Ok(None),
            }
        }
    }

    /// Finds out what each resource is for the node, and tells the fleet where that is news.
    fn resolve(&mut self, published: &Arc<Published>) {
        let known = self.resolved_of.as_ref();
        let same = known.is_some_and(|known| Arc::ptr_eq(known, published));
        self.resolved_of = Some(Arc::clone(published));
        let withheld = self.unreadable(published);
        let names: Vec<String> = self.session.resources().map(str::to_owned).collect();
        for name in names {
            let before = self.resolved.get(&name);
            let found = match before {
                Some((found, _)) if same => found.clone(),
                _ => published.find(&name, &self.about),
            };
            let resolved = resolved(&name, &found, withheld.clone());
            if before.is_none_or(|(_, before)| *before != resolved) {
                let fleet = &self.app.fleet;
                fleet.resolved(&self.about.id, &name, resolved.clone());
            }
            self.resolved.insert(name, (found, resolved));
        }
    }

    /// Why the node's filter could not read what is published, as far as that is known beforehand. It
    /// would refuse it, and Envoy would not say why.
    fn unreadable(&self, published: &Published) -> Option<String> {
        if published.module_travels() {
            return None;
        }
        let reads = self.app.fleet.format(&self.about.id);
        (reads != 0 && reads != blob::FORMAT).then(|| {
            let sent = blob::FORMAT;
            format!(
                "its filter reads compiled form {reads}, this control plane writes {sent}: give the node the module of this release"
            )
        })
    }
}

fn resolved(name: &str, found: &Found, withheld: Option<String>) -> Resolved {
    match found {
        Found::Form { gateway, note } => Resolved {
            gateway: gateway.clone(),
            note: note.clone(),
            withheld,
            deleted: false,
        },
        Found::Nothing => Resolved {
            note: format!(
                "there is no gateway for `{name}`: what it runs stays, and nothing new comes"
            ),
            deleted: true,
            ..Resolved::default()
        },
    }
}
