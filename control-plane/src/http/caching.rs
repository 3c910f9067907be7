//! What a client may keep of an answer (RFC 9111), and whether what it keeps is still that.

use axum::http::{HeaderMap, HeaderValue, header};

/// Of what is named by its content: what an address says never changes.
pub(super) const IMMUTABLE: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");

/// Does the client hold what has this tag (RFC 9110, section 13.1.2)?
pub(super) fn is_held(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let held = request.get(header::IF_NONE_MATCH);
    held.is_some_and(|held| {
        let mut tags = held.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|held| held.as_bytes() == tag.as_bytes() || held == "*")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_held_where_it_is_one_of_those_named_or_any_is() {
        let tag = HeaderValue::from_static("\"a\"");
        for (named, held) in [
            ("\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let request =
                HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(named))]);
            assert_eq!(is_held(&request, &tag), held, "{named}");
        }
        assert!(!is_held(&HeaderMap::new(), &tag));
    }
}
