//! The host calls that every request pays for, by the ABI itself (proxy-wasm ABI 0.2.1).
//!
//! The SDK's versions of these copy each header into two allocations of its own, put together each
//! property's path anew, and panic on a status that they do not expect: with them the same calls cost
//! half as much again (see ARCHITECTURE.md, Measured). Everything else goes through the SDK.

use std::ptr::null_mut;

use proxy_wasm::types::Action;

/// `MapType::HttpRequestHeaders` of the ABI.
const REQUEST_HEADERS: u32 = 0;
/// `MapType::HttpResponseHeaders` of the ABI.
const RESPONSE_HEADERS: u32 = 2;
/// `MapType::HttpCallResponseHeaders` of the ABI.
const CALL_RESPONSE_HEADERS: u32 = 6;
/// `BufferType::HttpRequestBody` of the ABI.
const REQUEST_BODY: u32 = 0;
/// `BufferType::HttpCallResponseBody` of the ABI.
const CALL_RESPONSE_BODY: u32 = 4;
/// `StreamType::HttpRequest` of the ABI.
const REQUEST_STREAM: u32 = 0;
/// `Status::Ok` of the ABI.
const OK: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_increment_metric(metric: u32, offset: i64) -> u32;
}

/// `FilterHeadersStatus::Continue` of the ABI.
const CONTINUE: u32 = 0;
/// `FilterHeadersStatus::StopAllIterationAndWatermark` of the ABI: the answer's body waits as well. The
/// SDK knows only a pause of the headers, after which a body that comes would take them along.
const PAUSE_ALL: u32 = 4;

unsafe extern "C" {
    /// The SDK's callback, which goes to the context of the request; its types are the SDK's to the last,
    /// or the linker puts a trap in its place.
    fn proxy_on_response_headers(context: u32, count: usize, end_of_stream: bool) -> Action;
}

/// The headers of an answer came. The module exports this one in the place of the SDK's
/// (`filter/pack`): nearly no request waits for an answer, and the others shall not pay for finding that
/// out.
#[unsafe(no_mangle)]
extern "C" fn countersign_on_response_headers(context: u32, count: usize, end: bool) -> u32 {
    if !crate::step_up::any_watched() {
        return CONTINUE;
    }
    // SAFETY: three numbers, as the host gave them.
    match unsafe { proxy_on_response_headers(context, count, end) } {
        Action::Continue => CONTINUE,
        _ => PAUSE_ALL,
    }
}

/// A host call that did not do what it was asked; the number is the ABI's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status(pub(super) u32);

fn done(status: u32) -> Result<(), Status> {
    match status {
        OK => Ok(()),
        status => Err(Status(status)),
    }
}

/// Bytes that the host has written into memory that it had this module allocate.
fn given(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: the host gets memory from `proxy_on_memory_allocate` only, which leaks a `Box<[u8]>` of
    // exactly `size` bytes; it writes all of them and keeps no pointer to them.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Nanoseconds since the epoch.
pub(super) fn now() -> Result<u64, Status> {
    let mut time = 0;
    // SAFETY: the host writes eight bytes to `time` before the call returns.
    done(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

/// All request headers as one map, as the host serialises it.
pub(super) fn request_headers() -> Result<Vec<u8>, Status> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host writes a pointer and a size before the call returns.
    done(unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, &raw mut data, &raw mut size) })?;
    Ok(given(data, size))
}

/// Sets a request header, in the place of all of that name.
pub(super) fn set_request_header(name: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: the host reads both texts before the call returns.
    done(unsafe {
        proxy_replace_header_map_value(
            REQUEST_HEADERS,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Removes every request header of a name.
pub(super) fn remove_request_header(name: &str) -> Result<(), Status> {
    // SAFETY: the host reads the name before the call returns.
    done(unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) })
}

/// A property; its path's parts are separated by NUL.
pub(super) fn property(path: &str) -> Result<Vec<u8>, Status> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host reads the path, and writes a pointer and a size, before the call returns.
    done(unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) })?;
    Ok(given(data, size))
}

/// Sets a property: a filter state under `wasm.` and its name.
pub(super) fn set_property(name: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: the host reads both before the call returns.
    done(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Adds one to a counter.
pub(super) fn increment(counter: u32) -> Result<(), Status> {
    // SAFETY: two numbers.
    done(unsafe { proxy_increment_metric(counter, 1) })
}

/// The request's body as far as it is buffered.
pub(super) fn request_body() -> Result<Vec<u8>, Status> {
    buffer(REQUEST_BODY)
}

/// The body of the answer to a call, inside the callback that tells of it.
pub(super) fn call_body() -> Result<Vec<u8>, Status> {
    buffer(CALL_RESPONSE_BODY)
}

fn buffer(buffer: u32) -> Result<Vec<u8>, Status> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host writes a pointer and a size before the call returns.
    done(unsafe { proxy_get_buffer_bytes(buffer, 0, usize::MAX, &raw mut data, &raw mut size) })?;
    Ok(given(data, size))
}

/// Puts `value` in the place of the request's whole buffered body.
pub(super) fn set_request_body(value: &[u8]) -> Result<(), Status> {
    // SAFETY: the host reads the bytes before the call returns. What is past the end of the buffer is not
    // replaced, so the largest size means all of it.
    done(unsafe {
        proxy_set_buffer_bytes(REQUEST_BODY, 0, usize::MAX, value.as_ptr(), value.len())
    })
}

/// A header of the answer to a call, inside the callback that tells of it.
pub(super) fn call_header(name: &str) -> Result<Vec<u8>, Status> {
    header(CALL_RESPONSE_HEADERS, name)
}

/// A header of the upstream's answer; several of one name are put together with commas.
pub(super) fn response_header(name: &str) -> Result<Vec<u8>, Status> {
    header(RESPONSE_HEADERS, name)
}

/// Removes every header of a name from the upstream's answer.
pub(super) fn remove_response_header(name: &str) -> Result<(), Status> {
    // SAFETY: the host reads the name before the call returns.
    done(unsafe { proxy_remove_header_map_value(RESPONSE_HEADERS, name.as_ptr(), name.len()) })
}

fn header(map: u32, name: &str) -> Result<Vec<u8>, Status> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host reads the name, and writes a pointer and a size, before the call returns.
    done(unsafe {
        proxy_get_header_map_value(map, name.as_ptr(), name.len(), &raw mut data, &raw mut size)
    })?;
    Ok(given(data, size))
}

/// Goes on with a request that was paused.
pub(super) fn resume_request() -> Result<(), Status> {
    // SAFETY: a number.
    done(unsafe { proxy_continue_stream(REQUEST_STREAM) })
}
