//! Answers with the request as it arrived.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::limits::ECHO_BODY_BYTES;

#[derive(Serialize)]
struct Echo {
    method: String,
    path: String,
    query: Option<String>,
    version: String,
    /// Each value of each header, in the order in which they came.
    headers: BTreeMap<String, Vec<String>>,
    body_length: usize,
    /// Lower-case hexadecimal: a body that was held and replayed is the same to the last byte.
    body_sha256: String,
}

pub(crate) async fn echo(request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, ECHO_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        headers
            .entry(name.to_string())
            .or_default()
            .push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    Json(Echo {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        version: format!("{:?}", parts.version),
        headers,
        body_length: body.len(),
        body_sha256: Sha256::digest(&body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    })
    .into_response()
}
