//! A page whose script orders in the background: what `countersign.js` is for.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

const PAGE: &str = include_str!("pages/app.html");
const SCRIPT: &str = include_str!("pages/app.js");

/// What such a page has to allow: the script, requests, the challenge in a frame of its own origin.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self' https:; frame-src 'self'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// `GET /app`
pub(crate) async fn page() -> Response {
    html(CONTENT_SECURITY_POLICY.to_owned())
}

/// `GET /app/without-frames`: the same where the site allows no frames.
pub(crate) async fn page_without_frames() -> Response {
    html(CONTENT_SECURITY_POLICY.replace(" frame-src 'self';", ""))
}

fn html(policy: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, PAGE).into_response()
}

/// `GET /app/app.js`
pub(crate) async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, SCRIPT).into_response()
}
