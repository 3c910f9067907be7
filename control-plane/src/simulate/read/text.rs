//! Values of JSON as text, written into buffers that are used again.

use std::fmt;
use std::io::Write as _;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::simulate::record::Headers;

/// Puts the text of a value into a buffer: a string as it is, numbers and booleans as they are
/// written. Null and `-`, which is how logs write that there is nothing, leave it empty, and so does
/// what is no text. `true` = something is in it.
pub(super) struct Text<'a>(pub(super) &'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.clear();
        deserializer.deserialize_any(self)
    }
}

impl Text<'_> {
    fn number(self, number: impl fmt::Display) -> bool {
        write!(self.0, "{number}").is_ok()
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        if text != "-" {
            self.0.extend_from_slice(text.as_bytes());
        }
        Ok(!self.0.is_empty())
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(self.number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
        Ok(self.number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
        Ok(self.number(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
        Ok(self.number(value))
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        IgnoredAny.visit_map(map).map(|_| false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<bool, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| false)
    }
}

/// A number; anything else is `None`.
pub(super) struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut text = Vec::new();
        Text(&mut text).deserialize(deserializer)?;
        Ok(std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse().ok()))
    }
}

/// Headers: an object of names and values (a list of values for several of one name), or a list of
/// `{"name": …, "value": …}`.
pub(super) struct HeadersInto<'a>(pub(super) &'a mut Headers);

impl<'de> DeserializeSeed<'de> for HeadersInto<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for HeadersInto<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("headers")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        loop {
            let Some((name, value)) = self.0.room() else {
                return IgnoredAny.visit_map(map).map(|_| ());
            };
            if map.next_key_seed(Name(name))?.is_none() {
                return Ok(());
            }
            if map.next_value_seed(Text(value))? && counts(name) {
                self.0.keep();
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        loop {
            let Some((name, value)) = self.0.room() else {
                return IgnoredAny.visit_seq(items).map(|_| ());
            };
            let pair = Pair {
                name: &mut *name,
                value,
                lower: true,
            };
            match items.next_element_seed(pair)? {
                None => return Ok(()),
                Some(true) if counts(name) => self.0.keep(),
                Some(_) => {}
            }
        }
    }
}

/// What a request says of itself elsewhere is no header of its own here: HAR files of HTTP/2 hold
/// pseudo headers.
fn counts(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(':') && name != "host"
}

/// A name, lower-case.
struct Name<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.clear();
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        self.0.make_ascii_lowercase();
        Ok(())
    }
}

/// `{"name": …, "value": …}`; `true` = both are there.
pub(super) struct Pair<'a> {
    pub(super) name: &'a mut String,
    pub(super) value: &'a mut Vec<u8>,
    /// Headers are known by their lower-case names, attributes and cookies as they are written.
    pub(super) lower: bool,
}

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.name.clear();
        self.value.clear();
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name and a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut name = Vec::new();
        let mut there = false;
        while let Some(part) = map.next_key_seed(PartKey)? {
            match part {
                Part::Name => {
                    map.next_value_seed(Text(&mut name))?;
                    self.name.clear();
                    self.name.push_str(&String::from_utf8_lossy(&name));
                    if self.lower {
                        self.name.make_ascii_lowercase();
                    }
                }
                Part::Value => there = map.next_value_seed(Text(self.value))?,
                Part::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(there && !self.name.is_empty())
    }
}

enum Part {
    Name,
    Value,
    Other,
}

struct PartKey;

impl<'de> DeserializeSeed<'de> for PartKey {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for PartKey {
    type Value = Part;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Part, E> {
        Ok(match key {
            "name" => Part::Name,
            "value" => Part::Value,
            _ => Part::Other,
        })
    }
}
