//! Drives one discovery stream: the socket's side of [`crate::xds::Session`].

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_engine::blob;
use tokio::sync::{mpsc, watch};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::{Code, Status};

use super::{About, Dialect};
use crate::clock;
use crate::grpc::introduction::{check_id, introduction, one_line};
use crate::grpc::speaker::Speaker;
use crate::grpc::wire::{Requests, Responses, responses};
use crate::limits;
use crate::metrics::NodeFault;
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
    let speaker = Speaker::of(request.extensions(), request.uri().path());
    let requests = Requests::new(request.into_body(), limits::MAX_DISCOVERY_MESSAGE_BYTES);
    let (responses, answer) = responses();
    tokio::spawn(async move {
        let stop = app.stop.clone();
        let stream = Stream {
            app,
            speaker,
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
    speaker: Speaker,
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
    /// It was sent something and has not answered.
    owes_answer: bool,
    /// What each resource is for the node, and of which revision.
    resolved: BTreeMap<String, (Found, Resolved)>,
    resolved_of: Option<Arc<Published>>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.owes_answer {
            self.app.metrics.node_fault(NodeFault::Unanswered);
        }
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
                    Some(Ok(request)) => self.hear(request).await?,
                    Some(Err(status)) => return Err(self.broken(status)),
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
            let node = said.node.as_ref().map(|node| node.id.as_str());
            if let Err(fault) = check_id(node.unwrap_or_default()) {
                self.app.metrics.node_fault(NodeFault::NoNode);
                return Err(Status::invalid_argument(fault));
            }
            self.speaker.names(&self.app, node.unwrap_or_default())?;
            let node = said.node.map(introduction).unwrap_or_default();
            let peer = Peer::new(self.app.clone(), node, D::TELLS_ABSENCE).await?;
            self.peer = Some(peer);
        }
        match (said.about, &mut self.peer) {
            (About::Ours(request), Some(peer)) => peer.hear(request).await,
            (About::Other(other), Some(peer)) => {
                if self.only_ours {
                    self.app.metrics.node_fault(NodeFault::OtherType);
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

    /// What cannot be read, or is too much to be.
    fn broken(&self, status: Status) -> Status {
        // A connection that is gone is none.
        if matches!(
            status.code(),
            Code::Internal | Code::OutOfRange | Code::Unimplemented
        ) {
            self.app.metrics.node_fault(NodeFault::Undecodable);
            let node = self.peer.as_ref().map(|peer| peer.about.id.as_str());
            tracing::warn!(node, %status, "a discovery stream that cannot be read");
        }
        status
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
                let (id, bytes) = (&peer.about.id, resource.len());
                fleet.sent(id, peer.stream, &push.resource, version.clone(), bytes);
                peer.owes_answer = true;
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
    async fn new(app: App, node: Introduction, tells_absence: bool) -> Result<Self, Status> {
        let about = Arc::new(node);
        let stream = app.fleet.new_stream();
        let (refused, nudges) = app.fleet.joined(&about, stream).await.map_err(|fault| {
            app.metrics.node_fault(NodeFault::NoRoom);
            tracing::warn!(node = %about.id, %fault, "a node is turned away");
            Status::resource_exhausted(fault.to_string())
        })?;
        app.metrics.streams.inc();
        tracing::info!(node = %about.id, envoy = %about.envoy_version, "node connected");
        if about.metadata.left_out() > 0 {
            tracing::warn!(node = %about.id, fields = about.metadata.left_out(), "metadata is too large and not kept whole");
        }
        Ok(Self {
            session: Session::new(refused, tells_absence),
            app,
            about,
            stream,
            nudges,
            owes_answer: false,
            resolved: BTreeMap::new(),
            resolved_of: None,
        })
    }

    async fn hear(&mut self, request: ClientRequest) {
        let (id, stream) = (&self.about.id, self.stream);
        let fleet = &self.app.fleet;
        let mut too_many = 0_usize;
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
                Reaction::TooMany(_) => too_many = too_many.saturating_add(1),
                Reaction::Accepted(resource, version) => {
                    self.owes_answer = false;
                    tracing::debug!(node = %id, %resource, %version, "accepted");
                    fleet.accepted(id, stream, &resource, version);
                }
                Reaction::Refused(resource, version, reason) => {
                    self.owes_answer = false;
                    let reason = one_line(&reason);
                    tracing::error!(node = %id, %resource, %version, reason, "a node refused the revision");
                    let stored = fleet.refused(id, stream, &resource, version, &reason).await;
                    if let Err(error) = stored {
                        tracing::error!(%error, "a refusal is not stored and will be forgotten with a restart");
                    }
                }
                Reaction::Noted(_) => {}
                Reaction::Stale => {
                    self.app.metrics.node_fault(NodeFault::StaleAnswer);
                    tracing::debug!(node = %id, "an answer to something else");
                }
            }
        }
        if too_many > 0 {
            // Once for all of them: one message can name a hundred thousand.
            tracing::warn!(node = %id, too_many, "a node asks for more resources than it gets");
            fleet.asked_for_too_many(id, stream, too_many);
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
            // A pause begins between two streams, never on one.
            let ask = !same || before.is_none_or(|(_, before)| before.withheld.is_some());
            let withheld = withheld.clone().or_else(|| {
                let fleet = &self.app.fleet;
                let paused = |_| fleet.paused(&self.about.id, &name, &published.revision);
                ask.then_some(()).and_then(paused)
            });
            let resolved = resolved(&name, &found, withheld);
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
