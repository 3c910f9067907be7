//! Envoy's access log, read into the spool.

use std::sync::Arc;

use envoy_types::pb::envoy::data::accesslog::v3::HttpAccessLogEntry;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogService;
use envoy_types::pb::envoy::service::accesslog::v3::{
    StreamAccessLogsMessage, StreamAccessLogsResponse,
};
use tonic::{Request, Response, Status, Streaming};

use super::Shared;
use super::spool::Taken;
use crate::events::{FILTER_STATE_KEY, Written, is_denied_by_guard, written};
use crate::grpc::LogMessages;

/// The service that Envoy sees.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) shared: Shared,
}

impl Log {
    async fn take(&self, entries: Vec<HttpAccessLogEntry>, node: &Arc<str>) {
        let taken_ms = self.shared.clock.now();
        for entry in entries {
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
        let mut messages = LogMessages::new(request.into_inner(), self.shared.stop.clone());
        while let Some(entries) = messages.next(|_| Ok(())).await? {
            self.take(entries, messages.node()).await;
        }
        Ok(Response::new(StreamAccessLogsResponse {}))
    }
}
