//! The dashboard: files that are a part of this program.
//!
//! They hold nothing secret and are open to everybody; what the pages show they ask the API for, which
//! asks who they are. The page itself is the same under every address that is not another route's, so
//! that the state of a page is its address.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::caching::{IMMUTABLE, is_held};
use super::problem::Problem;

/// What `scripts/build-dashboard.sh` made; nothing where it was not run.
#[derive(RustEmbed)]
#[folder = "dashboard/dist/site"]
#[allow_missing = true]
struct Site;

/// The page.
const PAGE: &str = "index.html";
/// Files here are named by their content.
const ASSETS: &str = "assets/";
/// What no page is under: a slip there is an answer of the API.
const NO_PAGES: [&str; 3] = ["api/", "modules/", ASSETS];

/// Kept, and asked about each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// Encodings that files are kept in beside themselves, the smallest first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// What no route is for: a file, the page, or nothing.
pub(super) async fn serve(method: Method, uri: Uri, request: HeaderMap) -> Response {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "there is nothing here").into_response();
    let path = uri.path().trim_start_matches('/');
    if method != Method::GET && method != Method::HEAD {
        return missing();
    }
    if let Some(response) = file(path, &request) {
        return response;
    }
    // Whoever asks for the root, to see whether somebody is there, means the page.
    let means_page = path.is_empty() || wants_page(&request);
    if NO_PAGES.iter().any(|prefix| path.starts_with(prefix)) || !means_page {
        return missing();
    }
    file(PAGE, &request).unwrap_or_else(|| {
        let detail = "this program was built without its dashboard: `make build` builds both";
        Problem::new(StatusCode::NOT_FOUND, detail).into_response()
    })
}

/// A browser that goes somewhere says that it takes HTML; a program that slipped in a path of the API
/// does not, and is not to be answered with a page.
fn wants_page(request: &HeaderMap) -> bool {
    let accept = request
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn file(path: &str, request: &HeaderMap) -> Option<Response> {
    let whole = Site::get(path)?;
    let media_type = media_type(&whole)?;
    let (encoding, file) = encoded(path, request).map_or((None, whole), |(name, file)| {
        (Some(HeaderValue::from_static(name)), file)
    });
    let tag = tag(&file)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let lasting = path.starts_with(ASSETS);
    let cache = if lasting { IMMUTABLE } else { REVALIDATE };
    headers.insert(header::CACHE_CONTROL, cache);
    let held = is_held(request, &tag);
    headers.insert(header::ETAG, tag);
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, encoding);
    }
    if held {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Some((headers, file.data).into_response())
}

/// The file in an encoding that the client takes.
fn encoded(path: &str, request: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    let accepted = request.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    ENCODINGS
        .into_iter()
        .filter(|(name, _)| accepts(accepted, name))
        .find_map(|(name, ending)| Some((name, Site::get(&format!("{path}{ending}"))?)))
}

/// RFC 9110, section 12.5.3: named, and not with a weight of zero.
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts
            .filter_map(|parameter| parameter.strip_prefix("q="))
            .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        named && !refused
    })
}

fn tag(file: &EmbeddedFile) -> Option<HeaderValue> {
    use std::fmt::Write as _;
    let mut text = String::from("\"");
    for byte in file.metadata.sha256_hash().iter().take(16) {
        write!(text, "{byte:02x}").ok()?;
    }
    text.push('"');
    HeaderValue::try_from(text).ok()
}

/// By the file's ending; every text here is UTF-8.
fn media_type(file: &EmbeddedFile) -> Option<HeaderValue> {
    let name = file.metadata.mimetype();
    let text = name.starts_with("text/");
    HeaderValue::try_from(format!(
        "{name}{}",
        if text { "; charset=utf-8" } else { "" }
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_taken_when_it_is_named_and_not_refused() {
        for (accepted, takes) in [
            ("br", true),
            ("gzip, deflate, br", true),
            ("gzip;q=1.0, BR;q=0.5", true),
            ("br;q=0", false),
            ("br;q=0.000", false),
            ("brotli", false),
            ("", false),
            ("*", false),
        ] {
            assert_eq!(accepts(accepted, "br"), takes, "{accepted}");
        }
    }

    #[tokio::test]
    async fn the_root_is_the_page_whoever_asks_and_by_whichever_method() {
        for method in [Method::GET, Method::HEAD] {
            let response = serve(method, "/".parse().unwrap(), HeaderMap::new()).await;
            let built = Site::get(PAGE).is_some();
            assert_eq!(response.status() == StatusCode::OK, built);
        }
    }

    #[tokio::test]
    async fn a_slip_in_the_api_is_not_answered_with_a_page() {
        let browser = HeaderMap::from_iter([(
            header::ACCEPT,
            HeaderValue::from_static("text/html,application/xhtml+xml"),
        )]);
        for (path, headers) in [
            ("/api/v1/polices", &browser),
            ("/modules/x", &browser),
            ("/assets/gone.js", &browser),
            ("/policies", &HeaderMap::new()),
        ] {
            let response = serve(Method::GET, path.parse().unwrap(), headers.clone()).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            let media = response.headers().get(header::CONTENT_TYPE).unwrap();
            assert_eq!(media, "application/problem+json", "{path}");
        }
    }
}
