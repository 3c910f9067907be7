//! Envoy's access log as the stream of decisions.

use std::sync::Arc;

use envoy_types::pb::envoy::data::accesslog::v3::HttpAccessLogEntry;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogService;
use envoy_types::pb::envoy::service::accesslog::v3::{
    StreamAccessLogsMessage, StreamAccessLogsResponse,
};
use tonic::{Request, Response, Status, Streaming};

use super::log_messages::LogMessages;
use super::speaker::Speaker;
use crate::events::{FILTER_STATE_KEY, Written, checked_event, is_denied_by_guard, written};
use crate::runtime::App;

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
        let call = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
        let speaker = Speaker::of(request.extensions(), call);
        let may_tell_of = |node: &str| speaker.names(&self.app, node);
        let mut messages = LogMessages::new(request.into_inner(), self.app.stop.clone());
        while let Some(entries) = messages.next(may_tell_of).await? {
            for entry in entries {
                self.take(entry, messages.node()).await?;
            }
        }
        Ok(Response::new(StreamAccessLogsResponse {}))
    }
}
