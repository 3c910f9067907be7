//! Decision events by Envoy's access log, as fast as a busy edge makes them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use countersign_proto::event::v1::{DecisionEvent, Monitored, Session, Signal};
use countersign_proto::policy::v1::{ActionKind, Assurance};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::data::accesslog::v3::{AccessLogCommon, HttpAccessLogEntry};
use envoy_types::pb::envoy::service::accesslog::v3::StreamAccessLogsMessage;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_client::AccessLogServiceClient;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::{
    HttpAccessLogEntries, Identifier, LogEntries,
};
use envoy_types::pb::google::protobuf::{Any, BytesValue};
use prost::{Message as _, Name as _};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;

use crate::plane::{Plane, Start};
use crate::process;

/// Envoys that log.
const STREAMS: u32 = 4;
/// Envoy sends its log this often, or when its buffer is full.
const FLUSH: Duration = Duration::from_millis(50);
/// After the last event, what is still on its way arrives within this.
const DRAINS: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) events_per_s: u32,
    pub(crate) seconds: u32,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ingest {
    /// Stored, by the second, from the first sent to the last stored.
    pub(crate) events_per_s: f64,
    /// Sent and not stored.
    pub(crate) lost: u64,
    pub(crate) sent: u64,
    /// Of one core.
    pub(crate) cpu_share: f64,
}

/// Sends the load to a control plane that has one core.
pub(crate) async fn measure(
    program: &Path,
    home: &Path,
    database: &str,
    load: Load,
) -> Result<Ingest> {
    let start = Start {
        home,
        database,
        core: Some(0),
    };
    let plane = Plane::start(program, start).await?;
    let mut streams = JoinSet::new();
    let cpu = process::cpu_s(plane.id())?;
    let began = Instant::now();
    for stream in 0..STREAMS {
        let address = plane.address();
        streams.spawn(log(address, stream, load));
    }
    let mut sent = 0_u64;
    while let Some(stream) = streams.join_next().await {
        sent += stream??;
    }
    let (stored, took) = stored(&plane, sent, began).await?;
    let cpu = process::cpu_s(plane.id())? - cpu;
    Ok(Ingest {
        events_per_s: stored as f64 / took.as_secs_f64(),
        lost: sent.saturating_sub(stored),
        sent,
        cpu_share: cpu / took.as_secs_f64(),
    })
}

/// How many are stored once all are, or once nothing more can be hoped for; and when that was.
async fn stored(plane: &Plane, sent: u64, began: Instant) -> Result<(u64, Duration)> {
    let end = Instant::now() + DRAINS;
    loop {
        let stored = decisions(&plane.get("/metrics").await?);
        let now = Instant::now();
        if stored >= sent || now > end {
            return Ok((stored, now.duration_since(began)));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Each event is one decision; what it monitored besides is a measure of its own.
fn decisions(metrics: &str) -> u64 {
    let decided = metrics.lines().filter(|line| {
        line.starts_with("countersign_decisions_total{") && !line.contains(r#"action="monitor""#)
    });
    decided
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .map(|count| count as u64)
        .sum()
}

async fn log(address: String, stream: u32, load: Load) -> Result<u64> {
    let mut client = AccessLogServiceClient::connect(address).await?;
    let (messages, receiver) = mpsc::channel(1);
    let flushes = u64::from(load.seconds) * 1_000 / FLUSH.as_millis() as u64;
    let batch = u64::from(load.events_per_s / STREAMS) * FLUSH.as_millis() as u64 / 1_000;
    let writer = tokio::spawn(async move {
        let mut tick = tokio::time::interval(FLUSH);
        let mut sent = 0;
        for flush in 0..flushes {
            tick.tick().await;
            let entries = (0..batch).map(|place| entry(sent + place)).collect();
            let identifier = (flush == 0).then(|| Identifier {
                node: Some(Node {
                    id: format!("edge-{stream}"),
                    ..Node::default()
                }),
                log_name: "countersign".into(),
            });
            let message = StreamAccessLogsMessage {
                identifier,
                log_entries: Some(LogEntries::HttpLogs(HttpAccessLogEntries {
                    log_entry: entries,
                })),
            };
            messages.send(message).await.context("the log ended")?;
            sent += batch;
        }
        Ok::<_, anyhow::Error>(sent)
    });
    client
        .stream_access_logs(ReceiverStream::new(receiver))
        .await?;
    writer.await?
}

/// One entry: of ten, six sampled allows, two challenges, one block, one that a session satisfied.
fn entry(number: u64) -> HttpAccessLogEntry {
    let event = event(number);
    let mut state = vec![b'1'];
    event.encode(&mut state).unwrap_or_default();
    let bytes = BytesValue { value: state };
    let any = Any {
        type_url: BytesValue::type_url(),
        value: bytes.encode_to_vec(),
    };
    HttpAccessLogEntry {
        common_properties: Some(AccessLogCommon {
            filter_state_objects: [("wasm.countersign".to_owned(), any)].into(),
            ..AccessLogCommon::default()
        }),
        ..HttpAccessLogEntry::default()
    }
}

fn event(number: u64) -> DecisionEvent {
    let policy = format!("policy-{:02}", number % 50);
    let mut event = DecisionEvent {
        event_id: uuid::Uuid::now_v7().to_string(),
        revision: "12-3fa9c1d2e4b5".into(),
        time_ms: now_ms(),
        host: format!("shop-{}.example.com", number % 5),
        method: "GET".into(),
        path: format!("/checkout/{number}/confirm"),
        client_address: format!("192.0.2.{}", number % 250),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0".into(),
        scheme: "https".into(),
        score: 40,
        weight: 1,
        ..DecisionEvent::default()
    };
    match number % 10 {
        0 | 1 => {
            event.action = ActionKind::Challenge.into();
            event.min_assurance = Assurance::Uv.into();
            event.policy = policy;
            event.reasons = vec!["HEADLESS_BROWSER_AUTOMATION".into()];
            event.signals = vec![Signal {
                name: "headless-ua".into(),
                weight: 60,
                reason: "HEADLESS_BROWSER_AUTOMATION".into(),
            }];
        }
        2 => {
            event.action = ActionKind::Block.into();
            event.policy = policy;
        }
        3 => {
            event.satisfied = vec![policy];
            event.session = Some(Session {
                valid: true,
                assurance: Assurance::Uv.into(),
                age_s: 40,
                device: "0f8fad5b-d9cb-469f-a165-70867728950e".into(),
                id: format!("session-{}", number % 1_000),
                ..Session::default()
            });
        }
        4 => {
            event.monitored = vec![Monitored {
                policy,
                action: ActionKind::Block.into(),
            }];
        }
        _ => {}
    }
    event
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_summed_without_what_was_only_monitored() {
        let metrics = "# TYPE countersign_decisions_total counter\n\
             countersign_decisions_total{action=\"allow\",policy=\"(none)\"} 6\n\
             countersign_decisions_total{action=\"monitor\",policy=\"p\"} 5\n\
             countersign_decisions_total{action=\"block\",policy=\"p\"} 2\n\
             countersign_events_dropped_total{reason=\"store\"} 9\n";
        assert_eq!(decisions(metrics), 8);
    }
}
