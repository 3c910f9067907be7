//! Envoy's access log as the stream of decisions.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::data::accesslog::v3::HttpAccessLogEntry;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogService;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::LogEntries;
use envoy_types::pb::envoy::service::accesslog::v3::{
    StreamAccessLogsMessage, StreamAccessLogsResponse,
};
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

use crate::events::{FILTER_STATE_KEY, Written, checked_event, is_denied_by_guard, written};
use crate::limits::{self, cut};
use crate::runtime::{App, stopping};

/// On shutdown the log is read for so long.
const DRAIN: Duration = Duration::from_millis(100);

/// The service.
#[derive(Clone, Debug)]
pub struct AccessLog {
    app: App,
}

impl AccessLog {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }

    async fn hear(
        &self,
        message: StreamAccessLogsMessage,
        node: &mut Arc<str>,
    ) -> Result<(), Status> {
        // Envoy names itself in the first message of a stream only.
        if let Some(named) = message.identifier.and_then(|identifier| identifier.node) {
            *node = Arc::from(cut(&named.id, limits::MAX_NODE_ID_BYTES));
        }
        if let Some(LogEntries::HttpLogs(entries)) = message.log_entries {
            for entry in entries.log_entry {
                self.take(entry, node).await?;
            }
        }
        Ok(())
    }

    async fn take(&self, entry: HttpAccessLogEntry, node: &Arc<str>) -> Result<(), Status> {
        // Denied without our state, permit or refusal: no filter of ours has seen the request.
        let denied_by_guard = is_denied_by_guard(&entry);
        // Replies of Envoy itself carry no state.
        let state = entry
            .common_properties
            .and_then(|mut common| common.filter_state_objects.remove(FILTER_STATE_KEY));
        let Some(state) = state else {
            if denied_by_guard {
                self.app.fleet.guard_denied(node, 1);
            }
            return Ok(());
        };
        tracing::trace!(wrapping = %state.type_url, "event");
        let bytes = match written(state) {
            Some(Written::Event(bytes)) => bytes,
            Some(Written::Unsampled) => return Ok(()),
            None => {
                self.app.metrics.malformed("unknown_wrapping");
                return Ok(());
            }
        };
        match checked_event(&bytes) {
            Ok(event) => self
                .app
                .ingest
                .event(event, Arc::clone(node))
                .await
                .map_err(|_| Status::unavailable("the control plane is stopping")),
            Err(fault) => {
                self.app.metrics.malformed(&fault.to_string());
                Ok(())
            }
        }
    }
}

#[tonic::async_trait]
impl AccessLogService for AccessLog {
    async fn stream_access_logs(
        &self,
        request: Request<Streaming<StreamAccessLogsMessage>>,
    ) -> Result<Response<StreamAccessLogsResponse>, Status> {
        let mut messages = request.into_inner();
        let mut stop = self.app.stop.clone();
        let mut node: Arc<str> = Arc::from("");
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = stopping(&mut stop) => break,
            };
            let Some(message) = message else { break };
            self.hear(message?, &mut node).await?;
        }
        // What has arrived is taken before the end; Envoy would not send it again.
        let end = tokio::time::Instant::now() + DRAIN;
        while let Ok(Some(Ok(message))) = tokio::time::timeout_at(end, messages.next()).await {
            self.hear(message, &mut node).await?;
        }
        Ok(Response::new(StreamAccessLogsResponse {}))
    }
}
