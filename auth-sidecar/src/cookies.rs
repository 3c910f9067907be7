//! The cookies: the session, which every filter checks, the device, which only we read, and those by which
//! the filter marks who sent a request that is held.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::limits;

/// Holds the session. `__Host-` makes the browser refuse it from a sibling host or without TLS.
pub const SESSION: &str = "__Host-countersign";
/// Holds the device id: which credentials to ask for.
pub const DEVICE: &str = "__Host-countersign-device";

/// With an event's id behind it: set by the filter for the browser whose request is held.
pub const SENDER: &str = "__Host-countersign-held-";

/// Says that the browser keeps cookies: set by a page with a form, looked for when the form comes.
pub const PROBE: &str = "__Host-countersign-probe";

/// How the session cookie is set, besides its life.
pub const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// What the browser sent under one name, each value in order: a sibling page can add a second one.
/// Bytes that are not UTF-8 and headers past the limit are passed over.
#[must_use]
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let mut left = limits::COOKIE_BYTES;
    let mut found = Vec::new();
    for header in headers.get_all(header::COOKIE) {
        let Some(rest) = left.checked_sub(header.len()) else {
            break;
        };
        left = rest;
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Ok(pair) = std::str::from_utf8(pair) else {
                continue;
            };
            if let Some((key, value)) = pair.split_once('=')
                && key.trim() == name
            {
                found.push(value.trim());
            }
        }
    }
    found
}

/// The device id, if there is exactly one and it looks like ours.
#[must_use]
pub fn device(headers: &HeaderMap) -> Option<&str> {
    match values(headers, DEVICE).as_slice() {
        [one] if is_device_id(one) => Some(one),
        _ => None,
    }
}

fn is_device_id(text: &str) -> bool {
    text.len() == 22
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// `Set-Cookie` of a session.
pub fn set_session(token: &str, lifetime_s: u64) -> Option<HeaderValue> {
    set(SESSION, token, lifetime_s)
}

/// `Set-Cookie` of a device.
pub fn set_device(id: &str) -> Option<HeaderValue> {
    set(DEVICE, id, limits::DEVICE_COOKIE_S)
}

/// `Set-Cookie` of the probe. The page's script uses one of another name: it could not overwrite this one.
pub fn set_probe() -> Option<HeaderValue> {
    set(PROBE, "1", limits::CEREMONY_LIFETIME_S)
}

fn set(name: &str, value: &str, max_age_s: u64) -> Option<HeaderValue> {
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={max_age_s}; Secure; HttpOnly; SameSite=Lax");
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_among_others_and_in_any_header() {
        let headers = headers(&[
            b"a=1; __Host-countersign=x.y.z;b",
            b"__Host-countersign=second",
        ]);
        assert_eq!(values(&headers, SESSION), ["x.y.z", "second"]);
        assert!(values(&headers, DEVICE).is_empty());
    }

    #[test]
    fn bytes_that_are_not_text_hide_only_themselves() {
        let headers = headers(&[b"a=\xff\xfe; __Host-countersign=ok"]);
        assert_eq!(values(&headers, SESSION), ["ok"]);
    }

    #[test]
    fn cookies_past_the_limit_are_not_looked_at() {
        let mut long = vec![b'a'; limits::COOKIE_BYTES - 10];
        long.extend_from_slice(b"; __Host-countersign=late");
        assert!(values(&headers(&[&long]), SESSION).is_empty());
    }

    #[test]
    fn two_device_cookies_name_no_device() {
        let id = "AAAAAAAAAAAAAAAAAAAAAA";
        let one = format!("{DEVICE}={id}");
        assert_eq!(device(&headers(&[one.as_bytes()])), Some(id));
        assert_eq!(device(&headers(&[one.as_bytes(), one.as_bytes()])), None);
        assert_eq!(
            device(&headers(&[b"__Host-countersign-device=short"])),
            None
        );
    }
}
