//! A simulated Envoy: one connection, one delta stream, an ACK for whatever comes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use crate::wire::{Node, Request, Response};

const METHOD: &str =
    "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs";
const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
/// Envoy's windows are far larger than its resources, so that a resource never waits for one.
const WINDOW: u32 = 8 * 1024 * 1024;
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// A node has acknowledged this version.
#[derive(Debug)]
pub(crate) struct Acked {
    pub(crate) version: String,
    pub(crate) at: Instant,
}

/// Connects and subscribes; then runs for as long as the stream does.
pub(crate) async fn run(
    address: String,
    id: String,
    acked: mpsc::UnboundedSender<Acked>,
) -> Result<()> {
    let channel = Endpoint::from_shared(address)?
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .connect()
        .await
        .with_context(|| format!("connecting {id}"))?;
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(usize::MAX);
    client.ready().await.context("getting ready")?;
    let (requests, receiver) = mpsc::channel(2);
    let first = Request {
        node: Some(Node {
            id,
            cluster: "bench".into(),
        }),
        type_url: TYPE_URL.into(),
        subscribe: vec!["countersign".into()],
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
    while let Some(response) = responses.message().await? {
        let ack = Request {
            type_url: TYPE_URL.into(),
            response_nonce: response.nonce,
            ..Request::default()
        };
        requests.send(ack).await?;
        let at = Instant::now();
        let version = response.version;
        if acked.send(Acked { version, at }).is_err() {
            break;
        }
    }
    Ok(())
}
