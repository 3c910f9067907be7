//! HAR 1.2: what a browser's developer tools export. Of each entry the request and its time are read;
//! answers, bodies and timings are passed over without being kept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text::{HeadersInto, Pair, Text};
use crate::simulate::record::{Format, Lacking, Record};

/// One entry of `log.entries`. Its URL is in the record's path until [`take_url`].
pub(super) struct Entry<'a>(pub(super) &'a mut Record);

/// Splits the URL of an entry into scheme, authority and path.
pub(super) fn take_url(record: &mut Record) -> Result<(), Lacking> {
    let url = String::from_utf8(std::mem::take(&mut record.path)).unwrap_or_default();
    if url.is_empty() {
        return Err(Lacking::Path);
    }
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        // A web socket begins as a request.
        let scheme = match scheme {
            "https" | "wss" => "https",
            "http" | "ws" => "http",
            _ => return None,
        };
        Some((scheme, rest))
    });
    let Some((scheme, rest)) = parts else {
        let shown: String = url.chars().take(40).collect();
        return Err(Lacking::Url(shown));
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let path = path.split('#').next().unwrap_or_default();
    record.scheme.extend_from_slice(scheme.as_bytes());
    record.authority.extend_from_slice(authority.as_bytes());
    if !path.starts_with('/') {
        record.path.push(b'/');
    }
    record.path.extend_from_slice(path.as_bytes());
    Ok(())
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.clear();
        self.0.format = Format::Har;
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an entry of a HAR file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            match key {
                Field::Time => {
                    map.next_value_seed(Text(&mut self.0.time))?;
                }
                Field::Request => map.next_value_seed(RequestOf(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The request of an entry.
struct RequestOf<'a>(&'a mut Record);

impl<'de> DeserializeSeed<'de> for RequestOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RequestOf<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the request of a HAR entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let record = self.0;
        let mut cookies = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            match key {
                Field::Method => {
                    map.next_value_seed(Text(&mut record.method))?;
                }
                Field::Url => {
                    map.next_value_seed(Text(&mut record.path))?;
                }
                Field::Headers => map.next_value_seed(HeadersInto(&mut record.headers))?,
                Field::Cookies => map.next_value_seed(Cookies(&mut cookies))?,
                Field::Time | Field::Request | Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        // Some tools leave the header out and tell the cookies alone.
        if !cookies.is_empty() && record.headers.get("cookie").is_none() {
            record.headers.push("cookie", &cookies);
        }
        Ok(())
    }
}

/// Cookies as a `Cookie` header.
struct Cookies<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Cookies<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cookies<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of cookies")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let (mut name, mut value) = (String::new(), Vec::new());
        loop {
            let pair = Pair {
                name: &mut name,
                value: &mut value,
                lower: false,
            };
            match items.next_element_seed(pair)? {
                None => return Ok(()),
                Some(false) => {}
                Some(true) => {
                    if !self.0.is_empty() {
                        self.0.extend_from_slice(b"; ");
                    }
                    self.0.extend_from_slice(name.as_bytes());
                    self.0.push(b'=');
                    self.0.extend_from_slice(&value);
                }
            }
        }
    }
}

enum Field {
    Time,
    Request,
    Method,
    Url,
    Headers,
    Cookies,
    Other,
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Field;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Field, E> {
        Ok(match key {
            "startedDateTime" => Field::Time,
            "request" => Field::Request,
            "method" => Field::Method,
            "url" => Field::Url,
            "headers" => Field::Headers,
            "cookies" => Field::Cookies,
            _ => Field::Other,
        })
    }
}
