//! Envoy's access log, read into the spool.

use std::sync::Arc;

use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogService;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::LogEntries;
use envoy_types::pb::envoy::service::accesslog::v3::{
    StreamAccessLogsMessage, StreamAccessLogsResponse,
};
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

use super::Shared;
use super::spool::Taken;
use crate::events::{FILTER_STATE_KEY, Written, is_denied_by_guard, written};
use crate::limits::{MAX_NODE_ID_BYTES, cut};
use crate::runtime::stopping;

/// The service that Envoy sees.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) shared: Shared,
}

impl Log {
    async fn hear(&self, message: StreamAccessLogsMessage, node: &mut Arc<str>) {
        // Envoy names itself in the first message of a stream only.
        if let Some(named) = message.identifier.and_then(|identifier| identifier.node) {
            *node = Arc::from(cut(&named.id, MAX_NODE_ID_BYTES));
        }
        let Some(LogEntries::HttpLogs(entries)) = message.log_entries else {
            return;
        };
        let taken_ms = self.shared.clock.now();
        for entry in entries.log_entry {
            let denied_by_guard = is_denied_by_guard(&entry);
            let state = entry
                .common_properties
                .and_then(|mut common| common.filter_state_objects.remove(FILTER_STATE_KEY));
            // Replies of Envoy itself carry no state.
            let Some(state) = state else {
                if denied_by_guard {
                    self.shared.spooling.guard_denied().await;
                }
                continue;
            };
            match written(state) {
                Some(Written::Event(event)) => {
                    let node = Arc::clone(node);
                    let taken = Taken {
                        node,
                        taken_ms,
                        event,
                    };
                    self.shared.spooling.event(taken).await;
                }
                Some(Written::Unsampled) => {}
                None => self.shared.spooling.malformed().await,
            }
        }
    }
}

#[tonic::async_trait]
impl AccessLogService for Log {
    async fn stream_access_logs(
        &self,
        request: Request<Streaming<StreamAccessLogsMessage>>,
    ) -> Result<Response<StreamAccessLogsResponse>, Status> {
        let mut messages = request.into_inner();
        let mut stop = self.shared.stop.clone();
        let mut node: Arc<str> = Arc::from("");
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = stopping(&mut stop) => break,
            };
            let Some(message) = message else { break };
            self.hear(message?, &mut node).await;
        }
        // What has arrived is taken before the end; Envoy would not send it again.
        let end = tokio::time::Instant::now() + super::limits::DRAIN;
        while let Ok(Some(Ok(message))) = tokio::time::timeout_at(end, messages.next()).await {
            self.hear(message, &mut node).await;
        }
        Ok(Response::new(StreamAccessLogsResponse {}))
    }
}
