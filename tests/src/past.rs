//! What has happened in the last hours, told as an Envoy tells its decisions and a sidecar what followed:
//! a stack that has just been started has no past that a page could show.

use anyhow::{Context as _, Result};
use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{
    Outcome, SidecarHello, SidecarMessage, control_message, sidecar_message,
};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::data::accesslog::v3::{AccessLogCommon, HttpAccessLogEntry};
use envoy_types::pb::envoy::service::accesslog::v3::StreamAccessLogsMessage;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_client::AccessLogServiceClient;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::{
    HttpAccessLogEntries, Identifier, LogEntries,
};
use envoy_types::pb::google::protobuf::{Any, BytesValue};
use prost::{Message as _, Name as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};

use crate::forge::NodeAccess;

/// Events in one message; Envoy's buffer holds about as many.
const AT_ONCE: usize = 200;
/// Messages that wait for the control plane.
const QUEUE: usize = 16;
/// How the filter marks the event of a request that it let through.
const PERMITTED: u8 = b'1';

/// Tells decisions by the access log of a node, and returns when all were taken in.
///
/// # Errors
/// When the control plane does not take them.
pub fn tell(
    to: &NodeAccess,
    node: &str,
    events: impl Iterator<Item = DecisionEvent> + Send + 'static,
) -> Result<()> {
    runtime()?.block_on(async {
        let (messages, receiver) = mpsc::channel(QUEUE);
        let named = Identifier {
            node: Some(Node {
                id: node.to_owned(),
                ..Node::default()
            }),
            log_name: "countersign".to_owned(),
        };
        let writer = tokio::spawn(async move {
            let mut identifier = Some(named);
            let mut events = events.peekable();
            while events.peek().is_some() {
                let entries = events.by_ref().take(AT_ONCE).map(|event| entry(&event));
                let message = StreamAccessLogsMessage {
                    identifier: identifier.take(),
                    log_entries: Some(LogEntries::HttpLogs(HttpAccessLogEntries {
                        log_entry: entries.collect(),
                    })),
                };
                messages.send(message).await.context("the log ended")?;
            }
            anyhow::Ok(())
        });
        let mut client = AccessLogServiceClient::new(channel(to).await?);
        let log = shown(to, ReceiverStream::new(receiver))?;
        client.stream_access_logs(log).await?;
        writer.await?
    })
}

/// Tells what followed, in the order of the sequence, and returns when all of it is stored.
///
/// # Errors
/// When the control plane does not take it.
pub fn tell_outcomes(to: &NodeAccess, sidecar: &str, outcomes: Vec<Outcome>) -> Result<()> {
    let Some(last) = outcomes.last().map(|outcome| outcome.sequence) else {
        return Ok(());
    };
    let hello = SidecarHello {
        sidecar_id: sidecar.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    runtime()?.block_on(async {
        let (messages, receiver) = mpsc::channel(QUEUE);
        let mut client = NodeServiceClient::new(channel(to).await?);
        messages
            .send(message(sidecar_message::Message::Hello(hello)))
            .await?;
        let call = shown(to, ReceiverStream::new(receiver))?;
        let mut answers = client.connect_sidecar(call).await?.into_inner();
        tokio::spawn(async move {
            for outcome in outcomes {
                let outcome = message(sidecar_message::Message::Outcome(outcome));
                if messages.send(outcome).await.is_err() {
                    return;
                }
            }
            // The answers end with the questions.
            messages.closed().await;
        });
        while let Some(answer) = answers.message().await? {
            if let Some(control_message::Message::OutcomeAck(ack)) = answer.message
                && ack.sequence >= last
            {
                return Ok(());
            }
        }
        anyhow::bail!("the control plane ended the stream before it had taken all outcomes")
    })
}

fn entry(event: &DecisionEvent) -> HttpAccessLogEntry {
    let mut value = vec![PERMITTED];
    event.encode_raw(&mut value);
    let state = Any {
        type_url: BytesValue::type_url(),
        value: BytesValue { value }.encode_to_vec(),
    };
    HttpAccessLogEntry {
        common_properties: Some(AccessLogCommon {
            filter_state_objects: [("wasm.countersign".to_owned(), state)].into(),
            ..AccessLogCommon::default()
        }),
        ..HttpAccessLogEntry::default()
    }
}

fn message(message: sidecar_message::Message) -> SidecarMessage {
    SidecarMessage {
        message: Some(message),
    }
}

async fn channel(to: &NodeAccess) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", to.port))?;
    Ok(endpoint.connect().await?)
}

fn shown<T>(to: &NodeAccess, stream: T) -> Result<tonic::Request<T>> {
    let mut request = tonic::Request::new(stream);
    // Where access is open, nobody shows anything.
    if !to.token.is_empty() {
        let token = format!("Bearer {}", to.token).parse()?;
        request.metadata_mut().insert("authorization", token);
    }
    Ok(request)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?)
}
