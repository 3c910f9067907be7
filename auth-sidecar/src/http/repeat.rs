//! The page that sends a held request again: a form with a token, which posts itself where it can.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::page::CSS;
use super::secured::secured;
use crate::app::App;
use crate::language::{DeviceMessages, Language};
use crate::look::Look;
use crate::world::opaque_id;

#[derive(Template)]
#[template(path = "repeat.html")]
struct Repeat<'a> {
    lang: &'a str,
    rtl: bool,
    nonce: &'a str,
    css: &'a str,
    heading: &'a str,
    text: &'a str,
    send: &'a str,
    path: &'a str,
    token: &'a str,
    reference: &'a str,
    event_id: &'a str,
    words: &'a DeviceMessages,
    look: Option<&'a Look>,
}

/// A form to the request's own path. The filter puts the body in the token's place.
pub(super) fn page(
    app: &App,
    language: &Language,
    event_id: &str,
    token: &str,
    path: &str,
) -> Response {
    let Ok(nonce) = opaque_id(app.random.as_ref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let settings = app.current_settings();
    let page = Repeat {
        lang: language.tag,
        rtl: language.rtl,
        nonce: &nonce,
        css: CSS,
        heading: &language.held.heading,
        text: &language.held.text,
        send: &language.held.send,
        path,
        token,
        reference: &language.messages.reference,
        event_id,
        words: &language.devices,
        look: settings.as_ref().map(|settings| &settings.look),
    };
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "cannot render the page");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    // No `form-action`: browsers hold it against the redirect that answers a form as well, and a site
    // may well answer an order with a redirect to its bank.
    let csp = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    secured(StatusCode::OK, html, &csp, "same-origin")
}
