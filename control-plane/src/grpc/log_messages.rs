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

    /// The entries of the next message that has any; none at the end. `may_tell_of` is asked about each
    /// name as it is said, and about no name as long as none was.
    ///
    /// # Errors
    /// What the stream fails with, unless the process is stopping; and what `may_tell_of` refuses with.
    pub(crate) async fn next(
        &mut self,
        may_tell_of: impl Fn(&str) -> Result<(), Status>,
    ) -> Result<Option<Vec<HttpAccessLogEntry>>, Status> {
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
            let named = message.identifier.and_then(|identifier| identifier.node);
            if named.is_some() || self.node.is_empty() {
                may_tell_of(named.as_ref().map_or("", |named| named.id.as_str()))?;
            }
            if let Some(named) = named {
                self.node = Arc::from(cut(&named.id, limits::MAX_NODE_ID_BYTES));
            }
            if let Some(LogEntries::HttpLogs(entries)) = message.log_entries {
                return Ok(Some(entries.log_entry));
            }
        }
    }
}
