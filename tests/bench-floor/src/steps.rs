//! What single host calls cost on top of the floor, as `bench-filter --explain` asks for it: the words
//! of the plugin's configuration name them.

use std::hint::black_box;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MapType};

use super::Floor;

/// As long as the event of a plain allow.
const EVENT: [u8; 240] = [b'e'; 240];

/// The floor and one or more of our filter's host calls.
pub(crate) struct Stepped {
    floor: Floor,
    steps: Vec<Step>,
}

enum Step {
    Time,
    Peer,
    Header,
    Event,
    Count,
    Permit,
    Copy,
}

impl Stepped {
    /// Words that are none of ours are passed over: the bench's own test names them.
    pub(crate) fn new(floor: Floor, words: &str) -> Self {
        let steps = words
            .split_whitespace()
            .filter_map(|word| match word {
                "time" => Some(Step::Time),
                "peer" => Some(Step::Peer),
                "header" => Some(Step::Header),
                "event" => Some(Step::Event),
                "count" => Some(Step::Count),
                "permit" => Some(Step::Permit),
                "copy" => Some(Step::Copy),
                _ => None,
            })
            .collect();
        Self { floor, steps }
    }
}

impl Step {
    fn run(&self, counter: u32) {
        match self {
            Self::Time => {
                black_box(hostcalls::get_current_time().is_ok());
            }
            Self::Peer => {
                black_box(hostcalls::get_property(vec!["source", "address"]).is_ok());
            }
            Self::Header => {
                let id = b"0193a6b0-7b5e-7c3a-9d2e-1f2a3b4c5d6e".as_slice();
                let map = MapType::HttpRequestHeaders;
                black_box(hostcalls::set_map_value_bytes(map, "bench-event-id", Some(id)).is_ok());
            }
            Self::Event => {
                black_box(hostcalls::set_property(vec!["bench_event"], Some(&EVENT)).is_ok());
            }
            Self::Count => {
                black_box(hostcalls::increment_metric(counter, 1).is_ok());
            }
            Self::Permit => {
                black_box(hostcalls::set_property(vec!["bench_permit"], Some(b"1")).is_ok());
            }
            Self::Copy => {
                let headers = hostcalls::get_map_bytes(MapType::HttpRequestHeaders);
                black_box(headers.is_ok());
            }
        }
    }
}

impl Context for Stepped {}

impl HttpContext for Stepped {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.floor.run();
        for step in &self.steps {
            step.run(self.floor.counter);
        }
        Action::Continue
    }
}
