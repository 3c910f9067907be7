//! Cookies by name, from the bytes of `Cookie` headers (RFC 6265 section 5.4).

use crate::Request;
use crate::headers::Known;
use crate::limits::MAX_SESSION_COOKIES;

/// The values of every cookie called `name`, over all `Cookie` headers (HTTP/2 may split them), the
/// first [`MAX_SESSION_COOKIES`] of them. Surrounding spaces and one pair of quotes are dropped.
pub(super) fn values<'a>(
    request: &Request<'a>,
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    request
        .headers()
        .every(Known::Cookie)
        .flat_map(|header| header.split(|&byte| byte == b';'))
        .filter_map(move |pair| {
            let pair = pair.trim_ascii();
            let value = pair
                .strip_prefix(name.as_bytes())?
                .trim_ascii_start()
                .strip_prefix(b"=")?;
            let value = value.trim_ascii();
            Some(
                value
                    .strip_prefix(b"\"")
                    .and_then(|value| value.strip_suffix(b"\""))
                    .unwrap_or(value),
            )
        })
        .take(MAX_SESSION_COOKIES)
}
