//! The filter's module, by its digest.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::caching::{IMMUTABLE, is_held};
use super::part::Part;
use super::problem::Problem;
use crate::runtime::App;

const WASM: HeaderValue = HeaderValue::from_static("application/wasm");

/// `GET /modules/SHA256.wasm`.
pub(super) async fn module(
    State(app): State<App>,
    Part(name): Part<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "there is no such module here");
    let module = app.module.as_deref().ok_or_else(unknown)?;
    if name.strip_suffix(".wasm") != Some(module.sha256.as_str()) {
        return Err(unknown());
    }
    let tag = format!("\"{}\"", module.sha256);
    let tag = HeaderValue::try_from(tag).map_err(|_| unknown())?;
    let held = is_held(&request, &tag);
    let headers = [
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::CONTENT_TYPE, WASM),
        (header::ETAG, tag),
    ];
    if held {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, module.bytes.clone()).into_response())
}
