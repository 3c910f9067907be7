//! Drives discovery streams: the sockets' side of [`super::session::Session`].

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::Node as EnvoyNode;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryService;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::Shared;
use super::limits;
use super::link::{Event, Link};
use super::metrics::Metrics;
use super::modules::Modules;
use super::nodes::Node;
use super::session::{Output, Session, UpstreamResponse};
use super::wire;
use crate::limits::{MAX_NODE_ID_BYTES, cut};
use crate::runtime::stopping;

/// The service that Envoy sees.
#[derive(Clone, Debug)]
pub(super) struct Discovery {
    pub(super) shared: Shared,
}

const DELTA_ONLY: &str = "a relay speaks delta only: set `api_type: DELTA_GRPC`";

#[tonic::async_trait]
impl ExtensionConfigDiscoveryService for Discovery {
    type StreamExtensionConfigsStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaExtensionConfigsStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_extension_configs(
        &self,
        _request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamExtensionConfigsStream>, Status> {
        Err(Status::unimplemented(DELTA_ONLY))
    }

    async fn delta_extension_configs(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaExtensionConfigsStream>, Status> {
        // One is under way at any time; a second place for the stream's last word.
        let (responses, receiver) = mpsc::channel(2);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let mut stop = shared.stop.clone();
            let ended = tokio::select! {
                () = stopping(&mut stop) => Err(Status::unavailable("the relay is stopping")),
                ended = serve(shared, request.into_inner(), responses.clone()) => ended,
            };
            if let Err(status) = ended {
                // An Envoy that is gone needs no reason.
                let _ = responses.try_send(Err(status));
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn fetch_extension_configs(
        &self,
        _request: Request<DiscoveryRequest>,
    ) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented(DELTA_ONLY))
    }
}

type Upstream = Link<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

struct Stream {
    metrics: Arc<Metrics>,
    introduction: EnvoyNode,
    node: Arc<Node>,
    modules: Modules,
    session: Session,
    link: Upstream,
    connected: bool,
    responses: mpsc::Sender<Result<DeltaDiscoveryResponse, Status>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.set_connected(false);
        self.metrics.envoys.dec();
        tracing::info!(node = self.node.id(), "envoy disconnected");
    }
}

async fn serve(
    shared: Shared,
    mut requests: Streaming<DeltaDiscoveryRequest>,
    responses: mpsc::Sender<Result<DeltaDiscoveryResponse, Status>>,
) -> Result<(), Status> {
    let Some(mut first) = requests.next().await.transpose()? else {
        return Ok(());
    };
    let introduction = first.node.take().filter(|node| !node.id.is_empty());
    let introduction = introduction
        .ok_or_else(|| Status::invalid_argument("the first request must name the node"))?;
    let id = cut(&introduction.id, MAX_NODE_ID_BYTES).to_owned();
    let node = shared.nodes.node(&id).await.map_err(|error| {
        tracing::error!(node = id, %error, "a node gets nothing");
        Status::unavailable(error.to_string())
    })?;
    tracing::info!(node = id, "envoy connected");
    shared.node.send_replace(id);
    let upstream = shared.upstream.clone();
    let link = Link::new("discovery", move |requests| {
        let mut client = ExtensionConfigDiscoveryServiceClient::new(upstream.clone())
            .max_decoding_message_size(limits::MAX_RESOURCE_BYTES);
        async move { client.delta_extension_configs(requests).await }
    });
    shared.metrics.envoys.inc();
    let mut stream = Stream {
        metrics: Arc::clone(&shared.metrics),
        introduction,
        node,
        modules: shared.modules.clone(),
        session: Session::default(),
        link,
        connected: false,
        responses,
    };
    stream.hear_envoy(first).await?;
    stream.run(requests).await
}

impl Stream {
    async fn run(&mut self, mut requests: Streaming<DeltaDiscoveryRequest>) -> Result<(), Status> {
        let responses = self.responses.clone();
        let mut patience: Option<Instant> = None;
        loop {
            patience = self
                .session
                .waits(&self.node.shelf())
                .then(|| patience.unwrap_or_else(|| Instant::now() + limits::PATIENCE));
            let out_of_patience = async {
                match patience {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = responses.closed() => return Ok(()),
                request = requests.next() => match request {
                    None => return Ok(()),
                    Some(request) => self.hear_envoy(request?).await?,
                },
                event = self.link.next() => self.hear_upstream(event).await?,
                () = out_of_patience => {
                    let outputs = self.session.on_patience(&mut self.node.shelf());
                    self.obey(outputs).await?;
                }
            }
        }
    }

    async fn hear_envoy(&mut self, request: DeltaDiscoveryRequest) -> Result<(), Status> {
        let request = wire::from_envoy(request);
        let outputs = self.session.on_envoy(request, &mut self.node.shelf());
        self.obey(outputs).await
    }

    async fn hear_upstream(&mut self, event: Event<DeltaDiscoveryResponse>) -> Result<(), Status> {
        let outputs = match event {
            Event::Due => {
                let first = self.session.on_opening(&self.node.shelf());
                let first = wire::to_upstream(first, Some(&self.introduction));
                self.link.open(first);
                return Ok(());
            }
            Event::Reached => {
                self.set_connected(true);
                self.session.on_reached();
                return Ok(());
            }
            Event::Message(response) => {
                let response = wire::from_upstream(response);
                let response = self.with_modules(response).await;
                self.session.on_upstream(response, &mut self.node.shelf())
            }
            Event::Lost => {
                self.set_connected(false);
                self.session.on_lost(&mut self.node.shelf())
            }
        };
        self.obey(outputs).await
    }

    async fn obey(&mut self, outputs: Vec<Output>) -> Result<(), Status> {
        let node = Arc::clone(&self.node);
        // The disk last: neither side waits for it.
        let mut disk = Vec::new();
        for output in outputs {
            match output {
                Output::ToEnvoy { nonce, news } => {
                    let response = wire::to_envoy(nonce, news);
                    let sent = self.responses.send(Ok(response)).await;
                    sent.map_err(|_| Status::cancelled("envoy is gone"))?;
                }
                Output::ToUpstream(request) => self.link.say(wire::to_upstream(request, None)),
                Output::ServedCopy { name, version } => {
                    self.metrics.served.inc();
                    tracing::warn!(
                        node = node.id(),
                        name,
                        version,
                        "no control plane is heard; serving the last known good"
                    );
                }
                Output::TooMany { name } => {
                    tracing::error!(
                        node = node.id(),
                        name,
                        "the node asks for more resources than are served"
                    );
                }
                Output::Keep(_) | Output::Refused { .. } => disk.push(output),
            }
        }
        for output in disk {
            match output {
                Output::Keep(resource) => node.keep(resource).await,
                Output::Refused {
                    resource,
                    reason,
                    copy,
                } => {
                    self.metrics.refused.inc();
                    tracing::error!(node = node.id(), name = %resource.name, version = %resource.version, reason, "envoy refused a policy");
                    if copy {
                        node.put_aside(resource, &reason).await;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Their modules are on this node's disk before Envoy hears of them.
    async fn with_modules(&mut self, mut response: UpstreamResponse) -> UpstreamResponse {
        for resource in std::mem::take(&mut response.resources) {
            let name = resource.name.clone();
            match self.modules.localised(resource).await {
                Ok(resource) => response.resources.push(resource),
                Err(error) => {
                    tracing::error!(node = self.node.id(), name, %error, "a policy cannot be used");
                    response.unusable.push((name, error.to_string()));
                }
            }
        }
        response
    }

    fn set_connected(&mut self, connected: bool) {
        match (std::mem::replace(&mut self.connected, connected), connected) {
            (false, true) => self.metrics.connected.inc(),
            (true, false) => self.metrics.connected.dec(),
            _ => {}
        }
    }
}
