//! One request as a JSON object: a line of Envoy's access log, or one of our own events.
//!
//! Operators choose the keys of their access logs. Read are those of Istio's and Envoy Gateway's
//! defaults and those of the format in the help of `countersign simulate`; where a request has none of
//! the keys of a thing, it has the thing's default. What else is logged is passed over.

use std::fmt;

use countersign_engine::Assurance;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text::{HeadersInto, Number, Pair, Text};
use crate::simulate::limits::MAX_HEADERS;
use crate::simulate::record::{Format, Record};

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The root of a HAR file.
    Log,
    /// A page of events.
    Events,
    Method,
    Scheme,
    Authority,
    Host,
    Path,
    Peer,
    Time,
    ServerName,
    TlsVersion,
    Ja4,
    Mtls,
    Certificate,
    Headers,
    Header(&'static str),
    EventId,
    Weight,
    UpstreamScore,
    Inputs,
    Session,
    Other,
}

/// The headers that logs often have among their own keys, with `-` or with `_`.
const HEADERS: [&str; 14] = [
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "referer",
    "accept",
    "accept-language",
    "accept-encoding",
    "origin",
    "cookie",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-dest",
    "x-request-id",
    "x-requested-with",
];

impl Field {
    fn of(key: &str) -> Self {
        match key {
            "log" => Self::Log,
            "events" => Self::Events,
            "method" | ":method" => Self::Method,
            "scheme" | ":scheme" => Self::Scheme,
            "authority" | ":authority" => Self::Authority,
            "host" => Self::Host,
            "path" | ":path" | "x-envoy-origin-path" | "x-envoy-original-path" => Self::Path,
            "downstream_remote_address" | "client_address" => Self::Peer,
            "start_time" | "time" => Self::Time,
            "requested_server_name" => Self::ServerName,
            "downstream_tls_version" => Self::TlsVersion,
            "ja4" => Self::Ja4,
            "mtls" => Self::Mtls,
            "downstream_peer_fingerprint" => Self::Certificate,
            "request_headers" | "headers" => Self::Headers,
            "event_id" => Self::EventId,
            "weight" => Self::Weight,
            "upstream_score" => Self::UpstreamScore,
            "inputs" => Self::Inputs,
            "session" => Self::Session,
            "request_id" => Self::Header("x-request-id"),
            _ => HEADERS
                .into_iter()
                .find(|name| spelled(name, key))
                .map_or(Self::Other, Self::Header),
        }
    }
}

/// `user_agent` is `user-agent`.
fn spelled(name: &str, key: &str) -> bool {
    name.len() == key.len()
        && name
            .bytes()
            .zip(key.bytes())
            .all(|(name, key)| name == key || (name == b'-' && key == b'_'))
}

/// A key.
pub(super) struct Key;

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
        Ok(Field::of(key))
    }
}

/// A whole line.
pub(super) struct Line<'a>(pub(super) &'a mut Record);

impl<'de> DeserializeSeed<'de> for Line<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.clear();
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Line<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            field(self.0, key, &mut map)?;
        }
        Ok(())
    }
}

/// Reads the value of a key.
pub(super) fn field<'de, A: MapAccess<'de>>(
    record: &mut Record,
    field: Field,
    map: &mut A,
) -> Result<(), A::Error> {
    let into = match field {
        Field::Method => &mut record.method,
        Field::Scheme => &mut record.scheme,
        Field::Authority => &mut record.authority,
        Field::Host => &mut record.host,
        Field::Path => &mut record.path,
        Field::Peer => &mut record.peer,
        Field::Time => &mut record.time,
        Field::ServerName => &mut record.server_name,
        Field::TlsVersion => &mut record.tls_version,
        Field::Ja4 => &mut record.ja4,
        Field::Mtls => {
            let mut word = Vec::new();
            map.next_value_seed(Text(&mut word))?;
            record.mtls |= word == b"true";
            return Ok(());
        }
        Field::Certificate => {
            record.mtls |= map.next_value_seed(Text(&mut Vec::new()))?;
            return Ok(());
        }
        Field::Headers => return map.next_value_seed(HeadersInto(&mut record.headers)),
        Field::Header(name) => {
            let Some((room, value)) = record.headers.room() else {
                return map.next_value::<IgnoredAny>().map(|_| ());
            };
            room.push_str(name);
            if map.next_value_seed(Text(value))? {
                record.headers.keep();
            }
            return Ok(());
        }
        Field::EventId => {
            record.format = Format::Event;
            return map.next_value::<IgnoredAny>().map(|_| ());
        }
        Field::Weight => {
            record.weight = map.next_value_seed(Number)?.unwrap_or(1).max(1);
            return Ok(());
        }
        Field::UpstreamScore => {
            record.told.score = map.next_value_seed(Number)?.unwrap_or(0).min(100);
            return Ok(());
        }
        Field::Inputs => return map.next_value_seed(Inputs(record)),
        Field::Session => return map.next_value_seed(Session(record)),
        Field::Log | Field::Events | Field::Other => {
            return map.next_value::<IgnoredAny>().map(|_| ());
        }
    };
    map.next_value_seed(Text(into)).map(|_| ())
}

/// What the condition of an event read: `[{"name": "request.headers[\"x\"]", "value": …}]`.
struct Inputs<'a>(&'a mut Record);

impl<'de> DeserializeSeed<'de> for Inputs<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inputs<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of inputs")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        IgnoredAny.visit_map(map).map(|_| ())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
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
                Some(true) => input(self.0, &name, &value),
                Some(false) => {}
            }
        }
    }
}

/// Takes one input of a condition for what it says of the request.
fn input(record: &mut Record, name: &str, value: &[u8]) {
    // `(absent)` and `(attribute not available)` say that there was nothing.
    let missing = value.starts_with(b"(") && value.ends_with(b")") && value != b"(present)";
    if missing {
        return;
    }
    if let Some(header) = name
        .strip_prefix("request.headers[\"")
        .and_then(|rest| rest.strip_suffix("\"]"))
    {
        let elsewhere = header == "user-agent" || header == "host" || header.starts_with(':');
        if let Some((name, bytes)) = record.headers.room().filter(|_| !elsewhere) {
            name.push_str(header);
            bytes.extend_from_slice(value);
            record.headers.keep();
        }
        return;
    }
    match name {
        "request.query" if !record.path.contains(&b'?') => {
            record.path.push(b'?');
            record.path.extend_from_slice(value);
        }
        "connection.requested_server_name" => record.server_name = value.to_vec(),
        "connection.tls_version" => record.tls_version = value.to_vec(),
        "connection.mtls" => record.mtls = value == b"true",
        // There are eight of these, and an event names each once.
        _ if (name.starts_with("geo.") || name.starts_with("device."))
            && record.told.inputs.len() < MAX_HEADERS =>
        {
            record.told.inputs.push((name.to_owned(), value.to_vec()));
        }
        _ => {}
    }
}

/// The session of an event: `{"valid": true, "assurance": "uv", "age_s": 40, "bound": true}`.
struct Session<'a>(&'a mut Record);

impl<'de> DeserializeSeed<'de> for Session<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let read = SessionJson::deserialize_lenient(deserializer)?;
        let Some(session) = read.filter(|session| session.valid) else {
            return Ok(());
        };
        let assurance = Assurance::from_word(&session.assurance);
        self.0.bound = session.bound;
        self.0.proof = assurance.map(|assurance| (assurance, session.age_s));
        Ok(())
    }
}

#[derive(Debug, serde::Deserialize)]
struct SessionJson {
    #[serde(default)]
    valid: bool,
    #[serde(default)]
    assurance: String,
    #[serde(default)]
    age_s: i64,
    #[serde(default)]
    bound: bool,
}

impl SessionJson {
    /// An access log may well have a key `session` that means something else.
    fn deserialize_lenient<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        use serde::Deserialize as _;
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(serde_json::from_value(value).ok())
    }
}
