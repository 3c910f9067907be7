//! What an Envoy says: discovery, workers' reports, the access log.

use countersign_control_plane::xds::{RESOURCE_NAME, TYPE_URL};
use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{WorkerReport, WorkerReportAck};
use countersign_proto::policy::v1::ActionKind;
use envoy_types::pb::envoy::config::core::v3::{Node, TypedExtensionConfig};
use envoy_types::pb::envoy::data::accesslog::v3::{AccessLogCommon, HttpAccessLogEntry};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::service::accesslog::v3::StreamAccessLogsMessage;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_client::AccessLogServiceClient;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::{
    HttpAccessLogEntries, Identifier, LogEntries,
};
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
use envoy_types::pb::google::protobuf::{Any, BytesValue, Struct, Value, value};
use envoy_types::pb::google::rpc::Status as RpcStatus;
use prost::{Message as _, Name as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::{PATIENCE, Plane};

pub(crate) const NODE: &str = "edge-1";
pub(crate) const WORKERS: u32 = 2;

fn node() -> Node {
    let workers = Value {
        kind: Some(value::Kind::NumberValue(f64::from(WORKERS))),
    };
    let fields = [("countersign_workers".to_owned(), workers)].into();
    Node {
        id: NODE.into(),
        cluster: "edge".into(),
        metadata: Some(Struct { fields }),
        ..Node::default()
    }
}

/// How a delta stream is opened.
pub(crate) struct Opening<'o> {
    pub(crate) node: Node,
    pub(crate) resources: &'o [&'o str],
    pub(crate) holds: Vec<(&'o str, String)>,
    /// On the stream of every type.
    pub(crate) aggregated: bool,
    /// The largest message that it takes.
    pub(crate) takes: usize,
}

impl Default for Opening<'_> {
    fn default() -> Self {
        Self {
            node: node(),
            resources: &[RESOURCE_NAME],
            holds: Vec::new(),
            aggregated: false,
            takes: usize::MAX,
        }
    }
}

/// A node of that name, which says nothing else.
pub(crate) fn plain_node(id: &str) -> Node {
    Node {
        id: id.to_owned(),
        ..Node::default()
    }
}

/// A delta discovery stream.
pub(crate) struct Delta {
    requests: mpsc::Sender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
}

impl Delta {
    /// Connects and subscribes; `holds` is the version of a former stream.
    pub(crate) async fn connect(plane: &Plane, holds: Option<&str>) -> Self {
        Self::over(plane.channel().await, holds).await
    }

    pub(crate) async fn over(channel: Channel, holds: Option<&str>) -> Self {
        let holds = holds.map(|version| (RESOURCE_NAME, version.to_owned()));
        let opening = Opening {
            holds: holds.into_iter().collect(),
            ..Opening::default()
        };
        Self::open_over(channel, opening).await
    }

    pub(crate) async fn open(plane: &Plane, opening: Opening<'_>) -> Self {
        Self::open_over(plane.channel().await, opening).await
    }

    pub(crate) async fn open_over(channel: Channel, opening: Opening<'_>) -> Self {
        let (requests, receiver) = mpsc::channel(8);
        let names = opening.resources.iter().map(|&name| name.to_owned());
        let holds = opening.holds.into_iter();
        let first = DeltaDiscoveryRequest {
            node: Some(opening.node),
            type_url: TYPE_URL.into(),
            resource_names_subscribe: names.collect(),
            initial_resource_versions: holds
                .map(|(name, version)| (name.to_owned(), version))
                .collect(),
            ..DeltaDiscoveryRequest::default()
        };
        requests.send(first).await.unwrap();
        let stream = ReceiverStream::new(receiver);
        let responses = if opening.aggregated {
            let mut client = AggregatedDiscoveryServiceClient::new(channel)
                .max_decoding_message_size(opening.takes);
            client.delta_aggregated_resources(stream).await
        } else {
            let mut client = ExtensionConfigDiscoveryServiceClient::new(channel)
                .max_decoding_message_size(opening.takes);
            client.delta_extension_configs(stream).await
        };
        Self {
            requests,
            responses: responses.unwrap().into_inner(),
        }
    }

    pub(crate) async fn say(&self, request: DeltaDiscoveryRequest) {
        self.requests.send(request).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> DeltaDiscoveryResponse {
        let response = tokio::time::timeout(PATIENCE, self.responses.message()).await;
        response.expect("nothing was sent").unwrap().unwrap()
    }

    /// The status that the stream ends with, whatever comes before.
    pub(crate) async fn ended(&mut self) -> tonic::Status {
        loop {
            match self.responses.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return tonic::Status::ok("ended"),
                Err(status) => return status,
            }
        }
    }

    pub(crate) async fn ack(&self, response: &DeltaDiscoveryResponse) {
        let request = DeltaDiscoveryRequest {
            type_url: TYPE_URL.into(),
            response_nonce: response.nonce.clone(),
            ..DeltaDiscoveryRequest::default()
        };
        self.requests.send(request).await.unwrap();
    }

    pub(crate) async fn nack(&self, response: &DeltaDiscoveryResponse, reason: &str) {
        let request = DeltaDiscoveryRequest {
            type_url: TYPE_URL.into(),
            response_nonce: response.nonce.clone(),
            error_detail: Some(RpcStatus {
                code: 13,
                message: reason.into(),
                details: vec![],
            }),
            ..DeltaDiscoveryRequest::default()
        };
        self.requests.send(request).await.unwrap();
    }
}

/// A state-of-the-world discovery stream.
pub(crate) struct StateOfTheWorld {
    requests: mpsc::Sender<DiscoveryRequest>,
    responses: Streaming<DiscoveryResponse>,
}

impl StateOfTheWorld {
    pub(crate) async fn connect(plane: &Plane) -> Self {
        let (requests, receiver) = mpsc::channel(8);
        requests.send(Self::request()).await.unwrap();
        let mut client = ExtensionConfigDiscoveryServiceClient::new(plane.channel().await);
        let responses = client
            .stream_extension_configs(ReceiverStream::new(receiver))
            .await
            .unwrap();
        Self {
            requests,
            responses: responses.into_inner(),
        }
    }

    fn request() -> DiscoveryRequest {
        DiscoveryRequest {
            node: Some(node()),
            type_url: TYPE_URL.into(),
            resource_names: vec![RESOURCE_NAME.into()],
            ..DiscoveryRequest::default()
        }
    }

    pub(crate) async fn receive(&mut self) -> DiscoveryResponse {
        let response = tokio::time::timeout(PATIENCE, self.responses.message()).await;
        response.expect("nothing was sent").unwrap().unwrap()
    }

    pub(crate) async fn ack(&self, response: &DiscoveryResponse) {
        let request = DiscoveryRequest {
            version_info: response.version_info.clone(),
            response_nonce: response.nonce.clone(),
            ..Self::request()
        };
        self.requests.send(request).await.unwrap();
    }
}

/// What a response carries: its version, and revision and attempt as the filter reads them.
pub(crate) struct Sent {
    pub(crate) version: String,
    pub(crate) revision: String,
    pub(crate) attempt: u64,
    pub(crate) loaded: countersign_engine::Revision,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn sent(response: &DeltaDiscoveryResponse) -> Sent {
    let [resource] = response.resources.as_slice() else {
        panic!("not one resource")
    };
    opened(&resource.version, resource.resource.as_ref().unwrap())
}

pub(crate) fn opened(version: &str, resource: &Any) -> Sent {
    let extension = TypedExtensionConfig::decode(resource.value.as_slice()).unwrap();
    let wasm = Wasm::decode(extension.typed_config.unwrap().value.as_slice()).unwrap();
    let configuration = wasm.config.unwrap().configuration.unwrap();
    let bytes = BytesValue::decode(configuration.value.as_slice())
        .unwrap()
        .value;
    let loaded = countersign_engine::Revision::load(bytes.clone()).unwrap();
    let attempt = loaded.attempt();
    let revision = loaded.id().to_string();
    let told: countersign_control_plane::xds::Version = version.parse().unwrap();
    assert_eq!(
        (told.revision.as_str(), told.attempt),
        (revision.as_str(), attempt)
    );
    Sent {
        version: version.into(),
        revision,
        attempt,
        loaded,
        bytes: bytes.clone(),
    }
}

/// A worker's report stream.
pub(crate) struct Worker {
    vm: String,
    reports: mpsc::Sender<WorkerReport>,
    acks: Streaming<WorkerReportAck>,
}

impl Worker {
    pub(crate) async fn connect(plane: &Plane, vm: &str, sent: &Sent) -> Self {
        Self::over(plane.channel().await, vm, sent).await
    }

    pub(crate) async fn over(channel: Channel, vm: &str, sent: &Sent) -> Self {
        Self::begin(channel, report(vm, sent)).await
    }

    pub(crate) async fn connect_with(plane: &Plane, first: WorkerReport) -> Self {
        Self::begin(plane.channel().await, first).await
    }

    async fn begin(channel: Channel, first: WorkerReport) -> Self {
        let (reports, receiver) = mpsc::channel(8);
        let vm = first.vm.clone();
        reports.send(first).await.unwrap();
        let mut client = NodeServiceClient::new(channel);
        let acks = client
            .report_worker(ReceiverStream::new(receiver))
            .await
            .unwrap()
            .into_inner();
        let mut worker = Self { vm, reports, acks };
        worker.heard().await;
        worker
    }

    pub(crate) async fn report(&mut self, sent: &Sent) {
        self.tell(report(&self.vm, sent)).await;
    }

    pub(crate) async fn tell(&mut self, report: WorkerReport) {
        self.reports.send(report).await.unwrap();
        self.heard().await;
    }

    async fn heard(&mut self) {
        tokio::time::timeout(PATIENCE, self.acks.message())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

pub(crate) fn report(vm: &str, sent: &Sent) -> WorkerReport {
    WorkerReport {
        node_id: NODE.into(),
        vm: vm.into(),
        revision: sent.revision.clone(),
        attempt: sent.attempt,
        filter_version: "0.1.0".into(),
        ..WorkerReport::default()
    }
}

/// Every VM of the node reports.
pub(crate) async fn workers(plane: &Plane, sent: &Sent) -> Vec<Worker> {
    workers_over(&plane.channel().await, sent).await
}

pub(crate) async fn workers_over(channel: &Channel, sent: &Sent) -> Vec<Worker> {
    let mut workers = Vec::new();
    for n in 0..=WORKERS {
        workers.push(Worker::over(channel.clone(), &format!("vm-{n}"), sent).await);
    }
    workers
}

/// How Envoy may wrap the filter's bytes.
pub(crate) fn wrapped(event: &DecisionEvent) -> Any {
    let mut value = vec![countersign_engine::DENIED];
    event.encode_raw(&mut value);
    let value = BytesValue { value }.encode_to_vec();
    Any {
        type_url: BytesValue::type_url(),
        value,
    }
}

pub(crate) fn event(id: &str, action: ActionKind, policy: &str) -> DecisionEvent {
    DecisionEvent {
        event_id: id.into(),
        action: action.into(),
        policy: policy.into(),
        host: "shop.example".into(),
        path: "/checkout/1".into(),
        method: "GET".into(),
        scheme: "https".into(),
        score: 85,
        ..DecisionEvent::default()
    }
}

/// Sends a log and returns when all of it was taken.
pub(crate) async fn log(plane: &Plane, states: Vec<Option<Any>>) {
    log_over(plane.channel().await, states).await;
}

pub(crate) async fn log_over(channel: Channel, states: Vec<Option<Any>>) {
    let first = log_message(Some(node()), states);
    let mut client = AccessLogServiceClient::new(channel);
    client
        .stream_access_logs(tokio_stream::iter([first]))
        .await
        .unwrap();
}

/// One message of a log; the first of a stream names the node.
pub(crate) fn log_message(node: Option<Node>, states: Vec<Option<Any>>) -> StreamAccessLogsMessage {
    let entry = |state: Option<Any>| HttpAccessLogEntry {
        common_properties: Some(AccessLogCommon {
            filter_state_objects: state
                .map(|state| ("wasm.countersign".to_owned(), state))
                .into_iter()
                .collect(),
            ..AccessLogCommon::default()
        }),
        ..HttpAccessLogEntry::default()
    };
    let entries = HttpAccessLogEntries {
        log_entry: states.into_iter().map(entry).collect(),
    };
    StreamAccessLogsMessage {
        identifier: node.map(|node| Identifier {
            node: Some(node),
            log_name: "countersign".into(),
        }),
        log_entries: Some(LogEntries::HttpLogs(entries)),
    }
}
