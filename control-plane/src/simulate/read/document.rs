//! JSON that is more than a line each: HAR files, pages of events, events printed for people. It is
//! read as it comes, and nothing of it is kept.

use std::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::har;
use super::line::{self, Field, Key, Line};
use super::{Place, Sink, not_json};
use crate::simulate::record::Record;

/// Reads requests until the input ends or is no JSON. `before` = lines that stood before it.
pub(super) fn read(
    input: impl Read,
    before: u64,
    record: &mut Record,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let mut documents = serde_json::Deserializer::from_reader(input);
    let mut reading = Reading {
        record,
        sink,
        entries: 0,
        began: false,
    };
    loop {
        reading.began = false;
        match Document(&mut reading).deserialize(&mut documents) {
            Ok(()) => {}
            Err(error) if error.is_io() => return Err(error.into()),
            Err(error) if error.is_eof() && !reading.began => return Ok(()),
            Err(error) => {
                let place = Place::Line(before.saturating_add(error.line() as u64));
                let reason = format!("{}; what follows was not read", not_json(&error));
                reading.sink.unreadable(place, &reason);
                return Ok(());
            }
        }
    }
}

struct Reading<'a> {
    record: &'a mut Record,
    sink: &'a mut dyn Sink,
    /// Requests so far.
    entries: u64,
    /// Is there anything of the present document?
    began: bool,
}

impl Reading<'_> {
    fn place(&mut self) -> Place {
        self.entries = self.entries.saturating_add(1);
        Place::Entry(self.entries)
    }

    fn line(&mut self) {
        let place = self.place();
        self.sink.request(self.record, place);
    }

    fn har(&mut self) {
        let place = self.place();
        match har::take_url(self.record) {
            Ok(()) => self.sink.request(self.record, place),
            Err(lacking) => self.sink.unreadable(place, &lacking),
        }
    }
}

/// One document: an object that is a request or holds some, or a list of requests.
struct Document<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        reading.began = true;
        reading.record.clear();
        let mut holds_requests = false;
        while let Some(key) = map.next_key_seed(Key)? {
            match key {
                Field::Log => {
                    holds_requests = true;
                    map.next_value_seed(Log(reading))?;
                }
                Field::Events => {
                    holds_requests = true;
                    map.next_value_seed(Entries(reading, Kind::Lines))?;
                }
                key => line::field(reading.record, key, &mut map)?,
            }
        }
        if !holds_requests {
            reading.line();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.0.began = true;
        Entries(self.0, Kind::Lines).visit_seq(items)
    }
}

/// The `log` of a HAR file.
struct Log<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Log<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the log of a HAR file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "entries" {
                map.next_value_seed(Entries(self.0, Kind::Har))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Lines,
    Har,
}

/// A list of requests.
struct Entries<'r, 'a>(&'r mut Reading<'a>, Kind);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(reading, kind) = self;
        loop {
            match kind {
                Kind::Lines => {
                    if items.next_element_seed(Line(reading.record))?.is_none() {
                        return Ok(());
                    }
                    reading.line();
                }
                Kind::Har => {
                    let entry = har::Entry(reading.record);
                    if items.next_element_seed(entry)?.is_none() {
                        return Ok(());
                    }
                    reading.har();
                }
            }
        }
    }
}
