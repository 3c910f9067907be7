//! The challenge inside a page of another origin: a link that opens a window, and nothing else.
//!
//! There WebAuthn does not work, no cookie of ours is kept, and a page that others can frame must have
//! nothing on it that could be clicked by mistake. What this link opens is a page at the top, as if its
//! address had been typed.

use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::page::CSS;
use crate::app::App;
use crate::language::{self, Language, Translated};
use crate::ticket::Ticket;
use crate::world::opaque_id;

/// The texts in one language. `{host}` is filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    heading: String,
    text: String,
    open: String,
}

/// The texts in every language.
pub(crate) type AllTexts = Translated<Texts>;

impl language::Texts for Texts {
    const FILE: &'static str = include_str!("../../messages/frame.json");
}

#[derive(Template)]
#[template(path = "frame.html")]
struct Page<'a> {
    lang: &'a str,
    rtl: bool,
    nonce: &'a str,
    css: &'a str,
    t: &'a Texts,
    text: String,
    link: String,
}

/// Whether a browser says that the page is to be shown in a frame that somebody else's page navigates
/// (Fetch metadata). One that says nothing gets the page that cannot be framed.
pub(super) fn is_of_another_origin(headers: &HeaderMap) -> bool {
    let is = |name: &str, values: &[&[u8]]| {
        headers
            .get(name)
            .is_some_and(|value| values.contains(&value.as_bytes()))
    };
    is(
        "sec-fetch-dest",
        &[b"iframe", b"frame", b"embed", b"object"],
    ) && !is("sec-fetch-site", &[b"same-origin"])
}

/// The page with the link.
pub(super) fn page(app: &App, language: &Language, ticket: &Ticket, token: &str) -> Response {
    let Ok(nonce) = opaque_id(app.random.as_ref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let t = app.frame_texts.of(language.tag);
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: &nonce,
        css: CSS,
        t,
        text: t.text.replace("{host}", ticket.host().audience()),
        link: format!("/.countersign/challenge?ticket={token}"),
    };
    let csp = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let (Ok(html), Ok(csp)) = (page.render(), HeaderValue::from_str(&csp)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (StatusCode::OK, html).into_response();
    for (name, value) in [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CONTENT_SECURITY_POLICY, csp),
        (
            header::VARY,
            HeaderValue::from_static("accept-language, sec-fetch-dest, sec-fetch-site"),
        ),
        // A page around us that demands it of its frames gets it: there is nothing here to be read.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::assert_complete;

    #[test]
    fn every_language_of_the_page_has_its_texts() {
        assert_complete::<Texts>(&[("{host}", &["text"])]);
    }

    #[test]
    fn only_a_frame_that_another_page_navigates_is_one() {
        let of = |dest: Option<&'static str>, site: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-dest", dest), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            is_of_another_origin(&headers)
        };
        assert!(of(Some("iframe"), Some("cross-site")));
        assert!(of(Some("iframe"), Some("same-site")));
        assert!(!of(Some("iframe"), Some("same-origin")));
        assert!(!of(Some("document"), Some("cross-site")));
        assert!(!of(None, None));
    }
}
