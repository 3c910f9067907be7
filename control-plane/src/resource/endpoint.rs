//! Endpoint patterns: globs on the normalised path.

use super::fields::Reader;
use super::limits;
use crate::diagnostic::{Finding, Located, quoted};

/// Reads an endpoint pattern.
pub(super) fn endpoint(reader: &mut Reader<'_>, text: Located<String>) -> Option<Located<String>> {
    let pattern = text.value.as_str();
    let (message, help) = if pattern.is_empty() {
        (
            "an endpoint is empty".to_owned(),
            "`/` is the root, `*` everything".to_owned(),
        )
    } else if pattern.len() > limits::MAX_ENDPOINT_BYTES {
        let message = format!("this endpoint has {} bytes", pattern.len());
        (message, format!("at most {}", limits::MAX_ENDPOINT_BYTES))
    } else if pattern.chars().any(char::is_control) {
        let message = format!("{} holds a control character", quoted(pattern));
        (message, "no request's path holds one".to_owned())
    } else if pattern.contains("://") {
        let message = format!("{} is no path", quoted(pattern));
        (
            message,
            "hosts belong to `hosts`; an endpoint starts with `/`".to_owned(),
        )
    } else {
        return Some(text);
    };
    reader.push(Finding::error(reader.source(), text.span, message).help(help));
    None
}

/// Why no request can reach `pattern`, if that is so: the engine's normal form of a path (see
/// `countersign_engine::normalise_path`) never has what it asks for. The second text is advice.
pub(crate) fn unreachable_because(pattern: &str) -> Option<(&'static str, &'static str)> {
    if !pattern.starts_with(['/', '*', '?']) {
        return Some((
            "does not start with `/` or `*`",
            "every path starts with `/`",
        ));
    }
    if pattern.contains("//") {
        return Some((
            "has a double slash",
            "repeated slashes are made one before endpoints are compared",
        ));
    }
    let dots = |segment: &str| matches!(segment, "." | "..");
    if pattern.split('/').any(dots) {
        return Some((
            "has a dot segment",
            "`.` and `..` are resolved before endpoints are compared",
        ));
    }
    if pattern.contains(';') {
        return Some((
            "has a path parameter",
            "what follows `;` in a segment is cut off before endpoints are compared",
        ));
    }
    if pattern.contains('\\') {
        return Some((
            "has a backslash",
            "`\\` becomes `/` before endpoints are compared",
        ));
    }
    if has_escape(pattern) {
        return Some((
            "is percent-encoded",
            "paths are decoded before endpoints are compared: write the character itself",
        ));
    }
    if pattern.contains('#') {
        return Some(("has a fragment", "browsers do not send what follows `#`"));
    }
    if let Some((_, query)) = pattern.split_once('?')
        && query.contains('=')
    {
        return Some((
            "has a query",
            "endpoints are compared with the path alone; use `request.query` in `when`",
        ));
    }
    None
}

fn has_escape(pattern: &str) -> bool {
    pattern.as_bytes().windows(3).any(|window| match window {
        // `%00` stays as it was written.
        [b'%', b'0', b'0'] => false,
        [b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_no_path_has_are_known() {
        for pattern in [
            "/",
            "/checkout/*",
            "*.php",
            "*",
            "/v?/x",
            "/a%",
            "/%00",
            "/a/...",
            "/.well-known/*",
        ] {
            assert_eq!(unreachable_because(pattern), None, "{pattern}");
        }
        for pattern in [
            "checkout/*",
            "//a",
            "/a//b",
            "/a/../b",
            "/a/.",
            "/a;b",
            "/%61",
            "/a%2Fb",
            "/a\\b",
            "/a#b",
            "/a?b=*",
        ] {
            assert!(unreachable_because(pattern).is_some(), "{pattern}");
        }
    }
}
