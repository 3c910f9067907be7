//! The headers of one request, borrowed from where the host wrote them.

use std::borrow::Cow;

/// The pairs of a request in order, pseudo headers included; names are lower-case, as HTTP/2 has them
/// and Envoy gives them.
#[derive(Clone, Debug, Default)]
pub struct Headers<'a> {
    pairs: Vec<(&'a [u8], &'a [u8])>,
    known: [u16; KNOWN],
}

/// A header that every request is asked for: its place is found in the one pass that reads them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Method,
    Path,
    Authority,
    Scheme,
    Host,
    Cookie,
    ForwardedFor,
    ForwardedProto,
    UserAgent,
    Authorization,
}

const KNOWN: usize = Known::Authorization as usize + 1;

impl Known {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b":method" => Self::Method,
            b":path" => Self::Path,
            b":authority" => Self::Authority,
            b":scheme" => Self::Scheme,
            b"host" => Self::Host,
            b"cookie" => Self::Cookie,
            b"x-forwarded-for" => Self::ForwardedFor,
            b"x-forwarded-proto" => Self::ForwardedProto,
            b"user-agent" => Self::UserAgent,
            b"authorization" => Self::Authorization,
            _ => return None,
        })
    }

    const fn name(self) -> &'static [u8] {
        match self {
            Self::Method => b":method",
            Self::Path => b":path",
            Self::Authority => b":authority",
            Self::Scheme => b":scheme",
            Self::Host => b"host",
            Self::Cookie => b"cookie",
            Self::ForwardedFor => b"x-forwarded-for",
            Self::ForwardedProto => b"x-forwarded-proto",
            Self::UserAgent => b"user-agent",
            Self::Authorization => b"authorization",
        }
    }
}

impl<'a> Headers<'a> {
    /// Reads the pairs as proxy-wasm writes a map (ABI 0.2.1, "serialized map"): their number, then for
    /// each the lengths of name and value, then for each name and value, each ended by a NUL; numbers
    /// are 32 bits, little-endian. `None` for bytes that are no such map.
    #[must_use]
    #[inline(never)]
    pub fn parse(map: &'a [u8]) -> Option<Self> {
        let Some((count, rest)) = map.split_first_chunk() else {
            return map.is_empty().then(Self::default);
        };
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (lengths, mut texts) = rest.split_at_checked(count.checked_mul(8)?)?;
        let mut take = |length: &[u8; 4]| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (text, rest) = texts.split_at_checked(length)?;
            texts = rest.strip_prefix(b"\0")?;
            Some(text)
        };
        let mut headers = Self {
            pairs: Vec::with_capacity(count),
            ..Self::default()
        };
        let (lengths, _) = lengths.as_chunks::<4>();
        let (lengths, _) = lengths.as_chunks::<2>();
        for [name, value] in lengths {
            let name = take(name)?;
            headers.push(name, take(value)?);
        }
        Some(headers)
    }

    fn push(&mut self, name: &'a [u8], value: &'a [u8]) {
        self.pairs.push((name, value));
        if let Some(known) = Known::of(name)
            && let Some(place) = self.known.get_mut(known as usize)
            && *place == 0
        {
            // Counted from one. Past 65,535 headers it stays 0 = not there, and Envoy takes a hundred.
            *place = u16::try_from(self.pairs.len()).unwrap_or(0);
        }
    }

    /// The first header of that name.
    pub(crate) fn first(&self, known: Known) -> Option<&'a [u8]> {
        let place = *self.known.get(known as usize)?;
        let (_, value) = self.pairs.get(usize::from(place).checked_sub(1)?)?;
        Some(value)
    }

    /// Every header of that name, in order.
    pub(crate) fn every(
        &self,
        known: Known,
    ) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'_, 'a> {
        let place = self.known.get(known as usize).copied().unwrap_or(0);
        let from = usize::from(place)
            .checked_sub(1)
            .unwrap_or(self.pairs.len());
        let pairs = self.pairs.get(from..).unwrap_or_default();
        named(pairs, known.name())
    }

    /// Every header of that (lower-case) name, in order.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        named(&self.pairs, name.as_bytes())
    }

    /// The names that start with `prefix`, as often as they were sent.
    pub(crate) fn names_with_prefix<'s>(
        &'s self,
        prefix: &'s str,
    ) -> impl Iterator<Item = &'a str> + use<'s, 'a> {
        self.pairs
            .iter()
            .filter(|(name, _)| name.starts_with(prefix.as_bytes()))
            .filter_map(|(name, _)| std::str::from_utf8(name).ok())
    }

    /// Every pair, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'_, 'a> {
        self.pairs.iter().copied()
    }

    /// The names, as often as they were sent. A host that is one gives no name that is not UTF-8.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'_, 'a> {
        self.pairs
            .iter()
            .filter_map(|(name, _)| std::str::from_utf8(name).ok())
    }
}

fn named<'s, 'a>(
    pairs: &'s [(&'a [u8], &'a [u8])],
    name: &'s [u8],
) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'s, 'a> {
    pairs
        .iter()
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| *value)
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.push(name.as_bytes(), value);
        }
        headers
    }
}

impl<'a> From<&'a [(String, Vec<u8>)]> for Headers<'a> {
    fn from(pairs: &'a [(String, Vec<u8>)]) -> Self {
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect()
    }
}

impl<'a> From<&'a Vec<(String, Vec<u8>)>> for Headers<'a> {
    fn from(pairs: &'a Vec<(String, Vec<u8>)>) -> Self {
        Self::from(pairs.as_slice())
    }
}

/// Bytes of a header as text: what is not UTF-8 becomes U+FFFD, so that one such byte does not hide the
/// rest. Nearly all are text as they are, and seeing that is cheaper than replacing.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut map = u32::try_from(pairs.len()).unwrap().to_le_bytes().to_vec();
        for (name, value) in pairs {
            map.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
            map.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        }
        for (name, value) in pairs {
            for text in [name, value] {
                map.extend(*text);
                map.push(0);
            }
        }
        map
    }

    const SENT: [(&[u8], &[u8]); 6] = [
        (b":path", b"/"),
        (b"cookie", b"a"),
        (b"x-a", b"\xff\0"),
        (b"x-a", b""),
        (b"cookie", b"b"),
        (b"\xff", b"x"),
    ];

    #[test]
    fn a_map_of_the_host_is_read_as_it_was_sent() {
        let map = map(&SENT);
        let headers = Headers::parse(&map).unwrap();
        assert_eq!(headers.first(Known::Path), Some(b"/".as_slice()));
        assert_eq!(headers.first(Known::Method), None);
        assert_eq!(headers.every(Known::Method).count(), 0);
        let cookies: Vec<_> = headers.every(Known::Cookie).collect();
        assert_eq!(cookies, [b"a", b"b"]);
        let values: Vec<_> = headers.all("x-a").collect();
        assert_eq!(values, [b"\xff\0".as_slice(), b""]);
        let names: Vec<_> = headers.names().collect();
        assert_eq!(names, [":path", "cookie", "x-a", "x-a", "cookie"]);
    }

    #[test]
    fn no_headers_are_an_empty_map_or_no_map() {
        for map in [&[][..], &[0; 4]] {
            assert_eq!(Headers::parse(map).unwrap().names().count(), 0);
        }
    }

    #[test]
    fn what_is_cut_off_or_counts_wrong_is_no_map() {
        let whole = map(&SENT);
        for length in 1..whole.len() {
            assert!(Headers::parse(&whole[..length]).is_none(), "{length}");
        }
        for at in 0..4 + SENT.len() * 8 {
            let mut wrong = whole.clone();
            wrong[at] ^= 0xff;
            let _no_panic = Headers::parse(&wrong);
        }
        assert!(Headers::parse(&[0xff; 4]).is_none());
        assert!(Headers::parse(&[0xff; 400]).is_none());
    }

    #[test]
    fn every_known_header_is_found_by_its_name() {
        for known in [
            Known::Method,
            Known::Path,
            Known::Authority,
            Known::Scheme,
            Known::Host,
            Known::Cookie,
            Known::ForwardedFor,
            Known::ForwardedProto,
            Known::UserAgent,
            Known::Authorization,
        ] {
            assert_eq!(Known::of(known.name()), Some(known));
        }
        assert_eq!(Known::of(b"x-cookie"), None);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_the_rest() {
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(text("\u{20ac}".as_bytes()), "\u{20ac}");
    }
}
