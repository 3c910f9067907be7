//! `GET /.countersign/logo`: the site's picture. It may be SVG: nothing in it can run, neither as a
//! picture of our page nor when somebody opens it by itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Refusal;
use crate::app::App;
use crate::cause::Cause;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let settings = app.current_settings();
    let logo = settings.as_ref().and_then(|it| it.look.logo.as_ref());
    let Some(logo) = logo else {
        return Refusal::of(Cause::NotFound).problem(&app).await;
    };
    let mut response = (StatusCode::OK, logo.data.clone()).into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, logo.media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Another logo has another address.
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
