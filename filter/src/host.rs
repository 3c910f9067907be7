//! Every host call of the filter, and no other place has one: those of every request by the ABI itself
//! (`raw`), all others by the SDK.
//!
//! Only the calls that take and give bytes: the SDK's `String` accessors panic on a header that is
//! not UTF-8, which would let a stranger end a worker's VM.

mod raw;

use std::time::Duration;

use countersign_engine::Timestamp;
use countersign_engine::held::Call;
use countersign_engine::reply::Reply;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MetricType};

/// The filter state of a decision: the mark that the guard demands and the event that the access log
/// carries to the control plane.
const STATE: &str = "countersign";
/// The filter state that holds the JA4 fingerprint; `-` on plaintext.
const JA4: &str = "filter_state\0countersign.ja4";

/// The cluster under which Envoy knows the control plane.
const CONTROL_PLANE: &str = "countersign_control_plane";
/// The cluster under which Envoy knows the auth sidecar.
const AUTH_SIDECAR: &str = "countersign_auth_sidecar";
/// How long a person waits for the sidecar to take or give a body; it takes some milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) fn now() -> Timestamp {
    let nanos = or_log("read the clock", raw::now()).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Every request header in one call, as the host serialises them: dearer than one single read, cheaper
/// than three.
pub(crate) fn request_headers() -> Vec<u8> {
    or_log("read the request headers", raw::request_headers()).unwrap_or_default()
}

pub(crate) fn set_request_header(name: &str, value: &str) {
    or_log(
        "set a request header",
        raw::set_request_header(name, value.as_bytes()),
    );
}

pub(crate) fn remove_request_header(name: &str) {
    or_log("remove a request header", raw::remove_request_header(name));
}

/// A property; its path's parts are separated by NUL. Many are not there, and that is no failure.
pub(crate) fn property(path: &str) -> Option<Vec<u8>> {
    raw::property(path).ok().filter(|value| !value.is_empty())
}

/// The JA4 fingerprint that the filter before us put into filter state.
pub(crate) fn ja4() -> Option<Vec<u8>> {
    property(JA4).filter(|value| value != b"-")
}

/// Sets the filter state: see [`countersign_engine::Event::state`]. Without the mark of a permit in it
/// the guard answers 403.
pub(crate) fn set_state(state: &[u8]) {
    or_log("set the filter state", raw::set_property(STATE, state));
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
        hostcalls::send_http_response(reply.status.into(), headers, body).map_err(failed),
    );
}

/// A header of the upstream's answer; `None` where it has none. An empty one is one.
pub(crate) fn response_header(name: &str) -> Option<Vec<u8>> {
    raw::response_header(name).ok()
}

pub(crate) fn remove_response_header(name: &str) {
    or_log(
        "remove an answer's header",
        raw::remove_response_header(name),
    );
}

/// The cluster that the request was sent to.
pub(crate) fn upstream() -> Option<Vec<u8>> {
    property("xds\0cluster_name")
}

/// The request's body as far as it is buffered: within the callback that holds it back, all of it.
pub(crate) fn request_body() -> Vec<u8> {
    or_log("read the request body", raw::request_body()).unwrap_or_default()
}

/// Puts other bytes in the place of the whole body; false when the host did not.
pub(crate) fn set_request_body(bytes: &[u8]) -> bool {
    or_log("replace the request body", raw::set_request_body(bytes)).is_some()
}

/// Goes on with a request that was held back.
pub(crate) fn resume_request() {
    or_log("go on with a request", raw::resume_request());
}

/// Calls the auth sidecar; false where it cannot be called. The answer comes to the context of the
/// request, unless that is gone by then.
pub(crate) fn call_sidecar(call: &Call, body: &[u8]) -> bool {
    let headers = call
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let called =
        hostcalls::dispatch_http_call(AUTH_SIDECAR, headers, Some(body), Vec::new(), CALL_TIMEOUT);
    or_log("call the auth sidecar", called.map_err(failed)).is_some()
}

/// The status of the answer to a call; `None` where there is no answer.
pub(crate) fn call_status() -> Option<u16> {
    let status = raw::call_header(":status").ok()?;
    std::str::from_utf8(&status).ok()?.parse().ok()
}

/// A header of the answer to a call.
pub(crate) fn call_header(name: &str) -> Option<Vec<u8>> {
    raw::call_header(name)
        .ok()
        .filter(|value| !value.is_empty())
}

/// The body of the answer to a call.
pub(crate) fn call_body() -> Vec<u8> {
    or_log("read an answer", raw::call_body()).unwrap_or_default()
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
    or_log("count", raw::increment(counter));
}

/// Zero stops the ticks.
pub(crate) fn set_tick_period(period: Duration) {
    or_log(
        "set the tick",
        hostcalls::set_tick_period(period).map_err(failed),
    );
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
    or_log(
        "end a stream",
        hostcalls::cancel_grpc_stream(stream).map_err(failed),
    );
}

pub(crate) fn log_error(message: &str) {
    // A log line that cannot be written has nowhere else to go.
    let _unwritten = hostcalls::log(LogLevel::Error, message);
}

const fn failed(status: proxy_wasm::types::Status) -> raw::Status {
    raw::Status(status as u32)
}

fn or_log<T>(what: &str, result: Result<T, raw::Status>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(status) => {
            log_status(what, status);
            None
        }
    }
}

#[cold]
fn log_status(what: &str, raw::Status(status): raw::Status) {
    log_error(&format!(
        "countersign: could not {what}: host status {status}"
    ));
}
