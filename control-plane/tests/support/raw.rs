//! Calls of any bytes: what a client sends that is none of ours, or none at all.

use prost::bytes::{Buf as _, BufMut as _};
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;

use super::PATIENCE;

pub(crate) const DELTA: &str =
    "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs";
pub(crate) const STATE: &str =
    "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/StreamExtensionConfigs";
pub(crate) const ADS_DELTA: &str =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
pub(crate) const ADS_STATE: &str =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
pub(crate) const REPORT: &str = "/countersign.node.v1.NodeService/ReportWorker";
pub(crate) const LOG: &str = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

#[derive(Clone, Copy, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; from.remaining()];
        from.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

/// Says these messages on a stream that stays open, and gives the status that the server ends it with.
pub(crate) async fn end(channel: &Channel, path: &'static str, messages: Vec<Vec<u8>>) -> Status {
    use tokio_stream::StreamExt as _;
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let stream = tokio_stream::iter(messages).chain(tokio_stream::pending());
    let path = PathAndQuery::from_static(path);
    let called = client.streaming(tonic::Request::new(stream), path, Bytes);
    let ended = async {
        let mut responses = match called.await {
            Ok(response) => response.into_inner(),
            Err(status) => return status,
        };
        loop {
            match responses.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return Status::ok("ended"),
                Err(status) => return status,
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap()
}
