//! The report stream: what this worker really runs, told by itself.

use countersign_engine::blob;
use countersign_proto::node::v1::WorkerReport;
use prost::Message as _;

use crate::running::Running;
use crate::{host, worker};

/// The stream of one root context. It does not reopen by itself: the tick does that.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    stream: Option<u32>,
}

impl Reporter {
    /// Sends a report, on a new stream where there is none. What fails now is tried at the next tick.
    pub(crate) fn report(&mut self, running: &Running) {
        let Some(stream) = self.stream.or_else(host::open_report_stream) else {
            return;
        };
        let revision = &running.revision;
        let report = WorkerReport {
            node_id: host::property("xds\0node\0id")
                .map(|id| String::from_utf8_lossy(&id).into_owned())
                .unwrap_or_default(),
            vm: worker::name(),
            revision: revision.id().to_string(),
            attempt: revision.attempt(),
            filter_version: env!("CARGO_PKG_VERSION").to_owned(),
            format: blob::FORMAT,
            decisions: worker::decisions(),
            time_ms: host::now().as_millis(),
            context: running.context,
            counts: Some(running.counted.counts()),
            // The plugin is named as the resource is.
            resource: host::property("plugin_name")
                .map(|name| String::from_utf8_lossy(&name).into_owned())
                .unwrap_or_default(),
        };
        self.stream = host::send_on_stream(stream, &report.encode_to_vec()).then_some(stream);
    }

    /// The stream was closed by the other side.
    pub(crate) fn closed(&mut self, stream: u32) {
        if self.stream == Some(stream) {
            self.stream = None;
        }
    }

    /// This root context is being replaced.
    pub(crate) fn end(&mut self) {
        if let Some(stream) = self.stream.take() {
            host::cancel_stream(stream);
        }
    }
}
