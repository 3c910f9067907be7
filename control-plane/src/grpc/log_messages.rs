//! A stream of Envoy's access log, as whoever takes it reads it: until either side ends it.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::data::accesslog::v3::HttpAccessLogEntry;
use envoy_types::pb::envoy::service::accesslog::v3::StreamAccessLogsMessage;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::LogEntries;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_stream::StreamExt as _;
use tonic::{Status, Streaming};

use crate::limits::{self, cut};
use crate::runtime::stopping;

/// On shutdown the log is read for so long: what has arrived is taken before the end, since Envoy would
/// not send it again.
const DRAIN: Duration = Duration::from_millis(100);

/// The messages of one stream.
#[derive(Debug)]
pub(crate) struct LogMessages {
    messages: Streaming<StreamAccessLogsMessage>,
    stop: watch::Receiver<bool>,
    /// The process is stopping; when it stops to read.
    end: Option<Instant>,
    node: Arc<str>,
}

impl LogMessages {
    /// Read until `stop`, and then what has arrived.
    pub(crate) fn new(
        messages: Streaming<StreamAccessLogsMessage>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            messages,
            stop,
            end: None,
            node: Arc::from(""),
        }
    }

    /// Who tells: Envoy names itself in the first message of a stream only.
    pub(crate) const fn node(&self) -> &Arc<str> {
        &self.node
    }

    /// The entries of the next message that has any; none at the end.
    ///
    /// # Errors
    /// What the stream fails with, unless the process is stopping.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<HttpAccessLogEntry>>, Status> {
        loop {
            let message = match self.end {
                None => tokio::select! {
                    message = self.messages.next() => message.transpose()?,
                    () = stopping(&mut self.stop) => {
                        self.end = Some(Instant::now() + DRAIN);
                        continue;
                    }
                },
                Some(end) => match timeout_at(end, self.messages.next()).await {
                    Ok(Some(Ok(message))) => Some(message),
                    _ => None,
                },
            };
            let Some(message) = message else {
                return Ok(None);
            };
            if let Some(named) = message.identifier.and_then(|identifier| identifier.node) {
                self.node = Arc::from(cut(&named.id, limits::MAX_NODE_ID_BYTES));
            }
            if let Some(LogEntries::HttpLogs(entries)) = message.log_entries {
                return Ok(Some(entries.log_entry));
            }
        }
    }
}
