//! The root context: one configuration of one worker.

use std::rc::Rc;
use std::time::Duration;

use countersign_engine::Revision;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::report::Reporter;
use crate::request::RequestContext;
use crate::running::Running;
use crate::{counters, host};

/// How often a worker says what it runs, and reopens a stream that broke. A control plane that comes
/// back wants to know within two seconds; a report is about 100 bytes.
const REPORT_PERIOD: Duration = Duration::from_millis(500);

/// Holds the revision that requests are decided by; without one the answer is 503.
#[derive(Default)]
pub(crate) struct Root {
    running: Option<Rc<Running>>,
    reporter: Reporter,
}

impl Context for Root {
    fn on_grpc_stream_close(&mut self, stream: u32, _status: u32) {
        self.reporter.closed(stream);
    }
}

/// Here and not in `on_done`: that callback of Envoy's comes for each request too, and the module is
/// built without it.
impl Drop for Root {
    fn drop(&mut self) {
        // The timer of a replaced root context goes on firing until it is stopped.
        host::set_tick_period(Duration::ZERO);
        self.reporter.end();
    }
}

impl RootContext for Root {
    /// `false` is the NACK. Envoy tells nobody why, so the log does; the control plane has loaded the
    /// same bytes with the same engine before, so this means another filter version or damage.
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = host::plugin_configuration().unwrap_or_default();
        match Revision::load(bytes) {
            Ok(revision) => {
                counters::count_configuration("loaded");
                let running = Running::new(revision);
                self.reporter.report(&running);
                self.running = Some(Rc::new(running));
                host::set_tick_period(REPORT_PERIOD);
                true
            }
            Err(error) => {
                counters::count_configuration("refused");
                host::log_error(&format!("countersign: configuration refused: {error}"));
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(running) = &self.running {
            self.reporter.report(running);
        }
    }

    /// The request keeps the revision it started with; a push meanwhile changes later requests only.
    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(RequestContext::new(self.running.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
