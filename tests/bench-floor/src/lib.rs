//! The floor of `make bench-filter`: a filter on the same SDK as ours that does the least a filter of
//! its kind can do. It reads all request headers once, counts one metric, sets one property, and lets
//! the request go on.
//!
//! With a configuration it becomes a measuring stick instead: `steps` adds host calls to the floor.
// The entry point that Envoy calls is an exported symbol made by the SDK's macro: Rust counts it as
// unsafe code, and it has no documentation of its own.
#![allow(unsafe_code, missing_docs)]

mod steps;

use std::hint::black_box;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, MapType, MetricType};

use steps::Stepped;

/// The bench looks this counter up: a filter that Envoy skipped would be cheap.
const COUNTER: &str = "bench_floor_requests";

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    counter: u32,
    steps: String,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let configuration = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX)
            .ok()
            .flatten()
            .unwrap_or_default();
        self.steps = String::from_utf8_lossy(&configuration).into_owned();
        match hostcalls::define_metric(MetricType::Counter, COUNTER) {
            Ok(counter) => {
                self.counter = counter;
                true
            }
            Err(_) => false,
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        let floor = Floor {
            counter: self.counter,
        };
        Some(if self.steps.is_empty() {
            Box::new(floor)
        } else {
            Box::new(Stepped::new(floor, &self.steps))
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Floor {
    counter: u32,
}

impl Floor {
    /// All that the floor does.
    fn run(&self) {
        let headers = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default();
        black_box(&headers);
        black_box(hostcalls::increment_metric(self.counter, 1).is_ok());
        black_box(hostcalls::set_property(vec!["bench_floor"], Some(b"1")).is_ok());
    }
}

impl Context for Floor {}

impl HttpContext for Floor {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.run();
        Action::Continue
    }
}
