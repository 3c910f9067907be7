//! Where a person goes back to: a path of the same origin and nothing else.

/// A path with query that cannot leave the origin it is resolved against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPath(String);

/// Why a return path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReturnPath {
    /// `https:evil.example`, `evil`, or nothing at all.
    #[error("does not begin with a slash")]
    NoSlash,
    /// `//evil.example`: another host under the same scheme.
    #[error("begins with two slashes")]
    OtherHost,
    /// `/\evil.example`: browsers read a backslash as a slash.
    #[error("holds a backslash")]
    Backslash,
    /// CR LF would end the header; tab and newline are dropped by browsers before they parse, so
    /// `/<tab>/evil.example` would be `//evil.example`.
    #[error("holds a control character")]
    Control,
}

impl ReturnPath {
    /// The start page: where to when nothing better is trusted.
    #[must_use]
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Reads the path that a client sent.
    pub fn parse(text: &str) -> Result<Self, InvalidReturnPath> {
        if text.chars().any(char::is_control) {
            return Err(InvalidReturnPath::Control);
        }
        if text.contains('\\') {
            return Err(InvalidReturnPath::Backslash);
        }
        match text.strip_prefix('/') {
            None => Err(InvalidReturnPath::NoSlash),
            Some(rest) if rest.starts_with('/') => Err(InvalidReturnPath::OtherHost),
            Some(_) => Ok(Self(text.to_owned())),
        }
    }

    /// As the client sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fit for a `Location` header: what is not printable ASCII is percent-encoded.
    #[must_use]
    pub fn location(&self) -> String {
        let mut location = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            if byte.is_ascii_graphic() {
                location.push(char::from(byte));
            } else {
                location.push_str(&format!("%{byte:02X}"));
            }
        }
        location
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_origin_is_kept_as_it_was_sent() {
        for path in [
            "/",
            "/checkout?step=2&next=//x",
            "/a/../b",
            "/@evil.example",
            "/é x",
        ] {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), path);
        }
        assert_eq!(ReturnPath::parse("/é x").unwrap().location(), "/%C3%A9%20x");
    }

    #[test]
    fn what_leaves_the_origin_is_refused_for_its_own_reason() {
        use InvalidReturnPath::*;
        for (path, reason) in [
            ("//evil.example", OtherHost),
            ("https:evil.example", NoSlash),
            ("https://evil.example", NoSlash),
            ("javascript:alert(1)", NoSlash),
            ("", NoSlash),
            ("evil.example", NoSlash),
            ("/\\evil.example", Backslash),
            ("\\/evil.example", Backslash),
            ("/a\r\nset-cookie: x=1", Control),
            ("/\t/evil.example", Control),
            ("/\u{0}", Control),
            ("/\u{85}", Control),
            ("\n/ok", Control),
        ] {
            assert_eq!(ReturnPath::parse(path), Err(reason), "{path:?}");
        }
    }
}
