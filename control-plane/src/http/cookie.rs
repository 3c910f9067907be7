//! The cookie of a page that is signed in, and what of a browser's requests it counts for.
//!
//! No script can read it, and no other site can make a browser send it (`SameSite=Strict`). What a browser
//! that does not know that sends all the same is known by `Sec-Fetch-Site` (W3C Fetch Metadata) or by
//! `Origin`, and is not heard.

use axum::http::{HeaderMap, HeaderValue, Method, header};

use crate::access::Shown;
use crate::grpc::bearer;
use crate::limits;
use crate::tls::Peer;

/// With TLS: bound to this host, and sent over TLS only (RFC 6265bis, section 4.1.3.2).
const NAME: &str = "__Host-countersign-operator";
/// On loopback, without.
const PLAIN_NAME: &str = "countersign-operator";

/// What a request shows. A token decides alone where one is sent.
pub(super) fn shown<'a>(method: &Method, headers: &'a HeaderMap) -> Shown<'a> {
    match (bearer(headers), find(headers)) {
        (Some(bearer), _) => Shown::Bearer(bearer),
        (None, None) => Shown::Nothing,
        (None, Some(cookie)) if is_ours(method, headers) => Shown::Cookie(cookie),
        (None, Some(_)) => Shown::CookieFromElsewhere,
    }
}

/// The cookie of a request.
pub(super) fn find(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut plain = None;
    for (name, value) in pairs {
        match name {
            NAME => return Some(value),
            PLAIN_NAME => plain = Some(value),
            _ => {}
        }
    }
    plain
}

/// Did a page of ours send it, or somebody who typed the address?
fn is_ours(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let reads = method == Method::GET || method == Method::HEAD;
    match text("sec-fetch-site") {
        Some("same-origin") => true,
        Some("none") => reads,
        Some(_) => false,
        None => match text("origin") {
            Some(origin) => {
                let authority = origin.split_once("://").map(|(_, authority)| authority);
                authority.is_some() && authority == text("host")
            }
            // An old browser's own navigation, or a program that has the cookie.
            None => reads,
        },
    }
}

/// Sets the cookie.
pub(super) fn set(peer: Option<&Peer>, value: &str) -> Option<HeaderValue> {
    let lasts = limits::SIGN_IN_LASTS.as_secs();
    header_of(peer, value, lasts)
}

/// Takes it away.
pub(super) fn unset(peer: Option<&Peer>) -> Option<HeaderValue> {
    header_of(peer, "", 0)
}

fn header_of(peer: Option<&Peer>, value: &str, lasts: u64) -> Option<HeaderValue> {
    let encrypted = peer.is_some_and(|peer| peer.encrypted);
    let (name, secure) = if encrypted {
        (NAME, "; Secure")
    } else {
        (PLAIN_NAME, "")
    };
    let text =
        format!("{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict{secure}");
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_cookie_is_found_among_others_and_the_bound_one_counts() {
        let found = |cookie| find(&headers(&[("cookie", cookie)])).map(str::to_owned);
        assert_eq!(
            found("a=1; countersign-operator=x; b=2").as_deref(),
            Some("x")
        );
        assert_eq!(
            found("countersign-operator=x; __Host-countersign-operator=y").as_deref(),
            Some("y")
        );
        assert_eq!(found("a=countersign-operator"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn what_another_site_makes_a_browser_send_does_not_count() {
        let cookie = ("cookie", "countersign-operator=x");
        let host = ("host", "plane.example:8080");
        let ours = |method: Method, more: &[(&'static str, &'static str)]| {
            let headers = headers(&[&[cookie, host], more].concat());
            matches!(shown(&method, &headers), Shown::Cookie("x"))
        };
        for (more, reads, writes) in [
            (&[("sec-fetch-site", "same-origin")][..], true, true),
            (&[("sec-fetch-site", "none")], true, false),
            (&[("sec-fetch-site", "same-site")], false, false),
            (&[("sec-fetch-site", "cross-site")], false, false),
            (&[("origin", "http://plane.example:8080")], true, true),
            (&[("origin", "http://evil.example")], false, false),
            (&[("origin", "null")], false, false),
            (&[], true, false),
        ] {
            assert_eq!(ours(Method::GET, more), reads, "GET {more:?}");
            assert_eq!(ours(Method::POST, more), writes, "POST {more:?}");
        }
    }

    #[test]
    fn a_token_decides_alone_where_one_is_sent() {
        let both = headers(&[
            ("authorization", "Bearer t"),
            ("cookie", "countersign-operator=x"),
            ("sec-fetch-site", "cross-site"),
        ]);
        assert!(matches!(shown(&Method::POST, &both), Shown::Bearer("t")));
    }
}
