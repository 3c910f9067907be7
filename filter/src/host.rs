//! Every host call of the filter, and no other place has one.
//!
//! Only the calls that take and give bytes: the SDK's `String` accessors panic on a header that is
//! not UTF-8, which would let a stranger end a worker's VM.

use std::time::Duration;

use countersign_engine::Timestamp;
use countersign_engine::reply::Reply;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

/// The filter state that the guard demands: set only where a `Permit` is forwarded.
const PERMIT_STATE: &str = "countersign_permit";
/// The filter state that the access log carries to the control plane.
const EVENT_STATE: &str = "countersign_event";
/// The filter state that holds the JA4 fingerprint; `-` on plaintext.
const JA4_STATE: &str = "countersign.ja4";

/// The cluster under which Envoy knows the control plane.
const CONTROL_PLANE: &str = "countersign_control_plane";

pub(crate) fn now() -> Timestamp {
    let since_epoch = hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// Every request header in one call: dearer than one single read, cheaper than three.
pub(crate) fn request_headers() -> Vec<(String, Vec<u8>)> {
    hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default()
}

pub(crate) fn set_request_header(name: &str, value: &str) {
    let set =
        hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value.as_bytes()));
    or_log("set a request header", set);
}

pub(crate) fn remove_request_header(name: &str) {
    or_log(
        "remove a request header",
        hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, None),
    );
}

pub(crate) fn property(path: &[&str]) -> Option<Vec<u8>> {
    hostcalls::get_property(path.to_vec()).ok().flatten()
}

/// The JA4 fingerprint that the filter before us put into filter state.
pub(crate) fn ja4() -> Option<Vec<u8>> {
    property(&["filter_state", JA4_STATE]).filter(|value| !value.is_empty() && value != b"-")
}

/// Marks the request as permitted; without the mark the guard answers 403.
pub(crate) fn mark_permitted() {
    or_log(
        "mark a permit",
        hostcalls::set_property(vec![PERMIT_STATE], Some(b"1")),
    );
}

pub(crate) fn record_event(event: &[u8]) {
    or_log(
        "record an event",
        hostcalls::set_property(vec![EVENT_STATE], Some(event)),
    );
}

pub(crate) fn send(reply: &Reply) {
    let headers = reply
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let body = (!reply.body.is_empty()).then_some(reply.body.as_slice());
    or_log(
        "send a reply",
        hostcalls::send_http_response(reply.status.into(), headers, body),
    );
}

pub(crate) fn plugin_configuration() -> Option<Vec<u8>> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX)
        .ok()
        .flatten()
}

pub(crate) fn define_counter(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

pub(crate) fn increment(counter: u32) {
    or_log("count", hostcalls::increment_metric(counter, 1));
}

/// Zero stops the ticks.
pub(crate) fn set_tick_period(period: Duration) {
    or_log("set the tick", hostcalls::set_tick_period(period));
}

/// Opens the report stream; `None` while the cluster cannot be reached.
pub(crate) fn open_report_stream() -> Option<u32> {
    let service = "countersign.node.v1.NodeService";
    hostcalls::open_grpc_stream(CONTROL_PLANE, service, "ReportWorker", Vec::new()).ok()
}

/// Sends on a stream; `false` when the stream is gone.
pub(crate) fn send_on_stream(stream: u32, message: &[u8]) -> bool {
    hostcalls::send_grpc_stream_message(stream, Some(message), false).is_ok()
}

/// Ends a stream. One that is gone already needs no end.
pub(crate) fn cancel_stream(stream: u32) {
    or_log("end a stream", hostcalls::cancel_grpc_stream(stream));
}

pub(crate) fn log_error(message: &str) {
    // A log line that cannot be written has nowhere else to go.
    let _unwritten = hostcalls::log(LogLevel::Error, message);
}

fn or_log(what: &str, result: Result<(), proxy_wasm::types::Status>) {
    if let Err(status) = result {
        log_error(&format!(
            "countersign: could not {what}: host status {}",
            status as u32
        ));
    }
}
