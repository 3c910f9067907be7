//! The filter's module, by its digest.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
use crate::runtime::App;

/// What an address says never changes: it is the digest of what stands there.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const WASM: HeaderValue = HeaderValue::from_static("application/wasm");

/// `GET /modules/SHA256.wasm`.
pub(super) async fn module(
    State(app): State<App>,
    Path(name): Path<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "there is no such module here");
    let module = app.module.as_deref().ok_or_else(unknown)?;
    if name.strip_suffix(".wasm") != Some(module.sha256.as_str()) {
        return Err(unknown());
    }
    let tag = format!("\"{}\"", module.sha256);
    let known = request.get(header::IF_NONE_MATCH);
    let fresh = known.is_some_and(|known| {
        let mut tags = known.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|known| known == tag || known == "*")
    });
    let tag = HeaderValue::try_from(tag).map_err(|_| unknown())?;
    let headers = [
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::CONTENT_TYPE, WASM),
        (header::ETAG, tag),
    ];
    if fresh {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, module.bytes.clone()).into_response())
}
