//! The normal form of a path. Policies are written for this form only, so it decides once what
//! servers, proxies and frameworks disagree about, always towards the reading that a protected
//! endpoint cannot be reached past its policy:
//!
//! 1. the query (from the first `?`) and the fragment (from the first `#`) are cut off;
//! 2. `%xx` is decoded once, every byte but NUL (`%00` stays as written); `%2563` becomes `%63`;
//! 3. `\` becomes `/` (so do `%2F` and `%5C`, by rule 2);
//! 4. in each segment, what follows the first `;` is cut off (path parameters, RFC 3986 section 3.3);
//! 5. repeated slashes become one;
//! 6. `.` and `..` segments are removed (RFC 3986 section 5.2.4), never above the root;
//! 7. the path starts with `/`; `/checkout/.` ends with a slash as RFC 3986 has it.
//!
//! One thing is not decided but refused, by the engine: a segment that becomes `.` or `..` by rule 4
//! (`/a/..;/b`), since one server climbs there and another takes it for a name.
//!
//! Letters keep their case here; endpoint patterns compare ASCII letters regardless of case unless
//! `Settings` says otherwise. `http://host/path` (absolute form) counts as `/path`, `*` as `/*`.

use std::borrow::Cow;

/// The normal form of the path in `target`, the `:path` of a request. Borrowed where it is already
/// normal.
#[must_use]
pub fn normalise_path(target: &[u8]) -> Cow<'_, [u8]> {
    let target = without_origin(target);
    let end = target
        .iter()
        .position(|&byte| matches!(byte, b'?' | b'#'))
        .unwrap_or(target.len());
    let raw = target.get(..end).unwrap_or_default();
    if is_normal(raw) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(normalised(raw))
}

/// Browsers send paths in their normal form.
#[cold]
fn normalised(raw: &[u8]) -> Vec<u8> {
    let mut normal: Vec<u8> = Vec::with_capacity(raw.len() + 1);
    let decoded = decode(raw);
    let mut segments = decoded.split(|&byte| byte == b'/').peekable();
    // What stands before the first slash is a segment of its own only where there is no such slash.
    if segments.peek().is_some_and(|first| first.is_empty()) {
        segments.next();
    }
    let mut directory = true;
    for segment in segments {
        let name = segment
            .split(|&byte| byte == b';')
            .next()
            .unwrap_or_default();
        directory = matches!(name, b"" | b"." | b"..");
        match name {
            b"" | b"." => {}
            b".." => {
                let parent = normal.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                normal.truncate(parent);
            }
            _ => {
                normal.push(b'/');
                normal.extend_from_slice(name);
            }
        }
    }
    if directory || normal.is_empty() {
        normal.push(b'/');
    }
    normal
}

/// Is there a segment that is a dot segment only after its parameters were cut (`..;x`)? Some servers
/// climb there, others take it for a name.
pub(crate) fn is_ambiguous(target: &[u8]) -> bool {
    let raw = raw_path(without_origin(target));
    raw.iter().any(|&byte| matches!(byte, b';' | b'%')) && has_cut_dots(raw)
}

#[cold]
fn has_cut_dots(raw: &[u8]) -> bool {
    decode(raw).split(|&byte| byte == b'/').any(|segment| {
        let name = segment
            .split(|&byte| byte == b';')
            .next()
            .unwrap_or_default();
        matches!(name, b"." | b"..") && name.len() < segment.len()
    })
}

/// The query of `target` without its `?`; empty where there is none.
pub(crate) fn query(target: &[u8]) -> &[u8] {
    let end = target
        .iter()
        .position(|&byte| byte == b'#')
        .unwrap_or(target.len());
    let target = target.get(..end).unwrap_or_default();
    match target.iter().position(|&byte| byte == b'?') {
        Some(mark) => target.get(mark + 1..).unwrap_or_default(),
        None => &[],
    }
}

/// The path part as the client wrote it: everything before `?` and `#`.
pub(crate) fn raw_path(target: &[u8]) -> &[u8] {
    let end = target
        .iter()
        .position(|&byte| matches!(byte, b'?' | b'#'))
        .unwrap_or(target.len());
    target.get(..end).unwrap_or_default()
}

/// Absolute form (RFC 9112 section 3.2.2) without its scheme and authority.
fn without_origin(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let after = |scheme: &[u8]| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let Some(rest) = after(b"http://").or_else(|| after(b"https://")) else {
        return target;
    };
    match rest
        .iter()
        .position(|&byte| matches!(byte, b'/' | b'?' | b'#'))
    {
        Some(slash) => rest.get(slash..).unwrap_or_default(),
        None => b"/",
    }
}

fn is_normal(raw: &[u8]) -> bool {
    raw.first() == Some(&b'/')
        && !raw.iter().any(|&byte| matches!(byte, b'%' | b'\\' | b';'))
        && !raw.windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

fn decode(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        let (value, after) = match (byte, after) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) if high | low != 0 => (high << 4 | low, tail),
                _ => (byte, after),
            },
            _ => (byte, after),
        };
        decoded.push(if value == b'\\' { b'/' } else { value });
        rest = after;
    }
    decoded
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_has_one_normal_form() {
        for (target, normal) in [
            ("/", "/"),
            ("", "/"),
            ("*", "/*"),
            ("/checkout/x", "/checkout/x"),
            ("/checkout/x?next=/admin#top", "/checkout/x"),
            ("/checkout#x", "/checkout"),
            ("/checkout/../admin", "/admin"),
            ("/checkout/..", "/"),
            ("/../../etc", "/etc"),
            ("//checkout/x", "/checkout/x"),
            ("///checkout////x//", "/checkout/x/"),
            ("/%63heckout/x", "/checkout/x"),
            ("/%43heckout/x", "/Checkout/x"),
            ("/checkout%2Fx", "/checkout/x"),
            ("/checkout%2fx", "/checkout/x"),
            ("/checkout%5Cx", "/checkout/x"),
            ("/checkout\\x", "/checkout/x"),
            ("/checkout;x/y", "/checkout/y"),
            ("/checkout;x=1;y=2", "/checkout"),
            ("/;x/checkout/y", "/checkout/y"),
            ("/public/..;/admin", "/admin"),
            ("/public/%2e%2e/admin", "/admin"),
            ("/public%2f..%2fadmin", "/admin"),
            ("/public/%2e%2e%3bx/admin", "/admin"),
            ("/a/./b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a/.hidden", "/a/.hidden"),
            ("/a/...", "/a/..."),
            ("/%2563heckout", "/%63heckout"),
            ("/a%00b", "/a%00b"),
            ("/a%zz%4", "/a%zz%4"),
            ("/CHECKOUT/x", "/CHECKOUT/x"),
            ("http://shop.test/checkout/x?y", "/checkout/x"),
            ("HTTPS://shop.test", "/"),
            ("/%E2%82%AC", "/\u{20ac}"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&normalise_path(target.as_bytes())),
                normal,
                "{target}"
            );
        }
    }

    #[test]
    fn normalising_twice_changes_nothing_that_has_no_escape_left() {
        for target in ["/a/../b;c//d", "/%2e%2e/x", "\\\\x", "/x/./.."] {
            let once = normalise_path(target.as_bytes()).into_owned();
            assert_eq!(normalise_path(&once), once, "{target}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_pass_through() {
        assert_eq!(normalise_path(b"/\xff%ff").as_ref(), b"/\xff\xff");
    }

    #[test]
    fn a_long_path_stays_whole() {
        let long = format!("/checkout/{}", "a/../".repeat(4000));
        assert_eq!(normalise_path(long.as_bytes()).as_ref(), b"/checkout/");
    }

    #[test]
    fn the_query_is_what_stands_between_question_mark_and_fragment() {
        for (target, expected) in [
            ("/a?b=c?d", "b=c?d"),
            ("/a?b#c", "b"),
            ("/a#b?c", ""),
            ("/a", ""),
        ] {
            assert_eq!(query(target.as_bytes()), expected.as_bytes(), "{target}");
        }
    }
}
