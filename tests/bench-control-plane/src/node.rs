//! A simulated Envoy with one worker: one connection, one delta stream, an ACK for whatever comes, and
//! the worker's report stream, which begins anew with each configuration as the filter's does. A node
//! whose workers never report would be sent everything again.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use countersign_control_plane::xds::{TYPE_URL, Version};
use countersign_engine::blob;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{WorkerCounts, WorkerReport};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Interval;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::wire::{Node, Request, Response};

const METHOD: &str =
    "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs";
const RESOURCE: &str = "countersign";
/// Envoy's windows are far larger than its resources, so that a resource never waits for one.
const WINDOW: u32 = 8 * 1024 * 1024;
const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// The filter's own.
const REPORT_PERIOD: Duration = Duration::from_millis(500);

/// A node has acknowledged this version.
#[derive(Debug)]
pub(crate) struct Acked {
    pub(crate) node: usize,
    pub(crate) version: Version,
    pub(crate) at: Instant,
    /// Of the resource.
    pub(crate) bytes: usize,
}

/// Connects and subscribes; then runs for as long as the stream does.
pub(crate) async fn run(
    address: String,
    node: usize,
    acked: mpsc::UnboundedSender<Acked>,
) -> Result<()> {
    let id = format!("node-{node:05}");
    let channel = Endpoint::from_shared(address)?
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .connect()
        .await
        .with_context(|| format!("connecting {id}"))?;
    let mut client =
        tonic::client::Grpc::new(channel.clone()).max_decoding_message_size(usize::MAX);
    client.ready().await.context("getting ready")?;
    let (requests, receiver) = mpsc::channel(2);
    let first = Request {
        node: Some(Node {
            id: id.clone(),
            cluster: "bench".into(),
        }),
        type_url: TYPE_URL.into(),
        subscribe: vec![RESOURCE.into()],
        response_nonce: String::new(),
    };
    requests.send(first).await?;
    let codec: ProstCodec<Request, Response> = ProstCodec::default();
    let response = client
        .streaming(
            tonic::Request::new(ReceiverStream::new(receiver)),
            PathAndQuery::from_static(METHOD),
            codec,
        )
        .await?;
    let mut responses = response.into_inner();
    // Its drop ends the worker's stream.
    let mut _worker = None;
    let mut configured = 0;
    while let Some(response) = responses.message().await? {
        let ack = Request {
            type_url: TYPE_URL.into(),
            response_nonce: response.nonce,
            ..Request::default()
        };
        requests.send(ack).await?;
        let at = Instant::now();
        let version: Version = response.version.parse()?;
        configured += 1;
        // The stream of the configuration before ends.
        let (alive, ended) = oneshot::channel();
        _worker = Some(alive);
        tokio::spawn(report(
            channel.clone(),
            of(&id, &version, configured),
            ended,
        ));
        let bytes = response.resource.len();
        let told = Acked {
            node,
            version,
            at,
            bytes,
        };
        if acked.send(told).is_err() {
            break;
        }
    }
    Ok(())
}

/// What the worker says, again and again.
fn of(node: &str, version: &Version, context: u64) -> WorkerReport {
    WorkerReport {
        node_id: node.to_owned(),
        vm: format!("vm-of-{node}"),
        revision: version.revision.clone(),
        attempt: version.attempt,
        filter_version: env!("CARGO_PKG_VERSION").to_owned(),
        format: blob::FORMAT,
        context,
        counts: Some(WorkerCounts::default()),
        resource: RESOURCE.to_owned(),
        ..WorkerReport::default()
    }
}

/// Until the next configuration. It is on the node's connection, so that what breaks it ends the node.
async fn report(channel: Channel, report: WorkerReport, ended: oneshot::Receiver<Infallible>) {
    let reports = Reports {
        report,
        ended,
        due: tokio::time::interval(REPORT_PERIOD),
    };
    let Ok(acks) = NodeServiceClient::new(channel).report_worker(reports).await else {
        return;
    };
    let mut acks = acks.into_inner();
    while let Ok(Some(_)) = acks.message().await {}
}

/// It ends by itself: a client that only drops what it hears would go on sending.
struct Reports {
    report: WorkerReport,
    ended: oneshot::Receiver<Infallible>,
    due: Interval,
}

impl Stream for Reports {
    type Item = WorkerReport;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<WorkerReport>> {
        let this = self.get_mut();
        if Pin::new(&mut this.ended).poll(context).is_ready() {
            return Poll::Ready(None);
        }
        this.due
            .poll_tick(context)
            .map(|_| Some(this.report.clone()))
    }
}
