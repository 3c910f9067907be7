//! One request, from a file or from the command line.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::{Value, json};

use super::read::{self, Place, Sink};
use super::record::Record;
use super::sessions::GivenSession;
use crate::diagnostic::Diagnostic;
use crate::rehearsal::UpstreamSpec;
use crate::resource::{RequestSpec, parse_request};

/// A request that nobody sends.
#[derive(Clone, Debug)]
pub struct Given {
    pub(super) record: Record,
    pub(super) upstream: Option<UpstreamSpec>,
}

/// A request said by options.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `https://shop.example.com/checkout`, `shop.example.com/checkout` or `/checkout`.
    pub url: String,
    /// `GET` where there is none.
    pub method: Option<String>,
    /// `name: value` each.
    pub headers: Vec<String>,
    /// The other end of the connection.
    pub peer: Option<String>,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// What is wrong with the file, with its places.
    #[error("the request cannot be read")]
    Findings(Vec<Diagnostic>),
    /// What is wrong with the options.
    #[error("{}", .0.join("; "))]
    Options(Vec<String>),
    /// An option that is no header.
    #[error("`{0}` is not a header; write it as `name: value`")]
    NotAHeader(String),
    /// A recording that holds none or several.
    #[error("`{file}` holds {requests} requests; give it with one")]
    NotOne {
        /// As it was named.
        file: String,
        /// How many.
        requests: u64,
    },
    /// A recording that cannot be read.
    #[error("`{file}`, {place}: {reason}")]
    Unreadable {
        /// As it was named.
        file: String,
        /// `line 7` or `entry 7`.
        place: String,
        /// Why.
        reason: String,
    },
}

/// Keys that recordings have and requests of tests do not.
const RECORDED: [&str; 10] = [
    "log",
    "events",
    "event_id",
    "start_time",
    "authority",
    ":authority",
    "downstream_remote_address",
    "client_address",
    "request_headers",
    "x-envoy-origin-path",
];

impl Given {
    /// Reads a request as `request:` of a `PolicyTest` has it, or one recorded request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_file(file: &str, content: &[u8]) -> Result<Self, GivenError> {
        if is_recording(content) {
            return Self::recorded(file, content);
        }
        let text = String::from_utf8_lossy(content);
        let text = text.trim_start_matches('\u{feff}');
        parse_request(text, file)
            .map(|spec| Self::of(&spec))
            .map_err(GivenError::Findings)
    }

    /// Reads a request said by options.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_options(options: &Options) -> Result<Self, GivenError> {
        let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for header in &options.headers {
            let (name, value) = header
                .split_once(':')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| GivenError::NotAHeader(header.clone()))?;
            headers.entry(name.trim()).or_default().push(value.trim());
        }
        let url = &options.url;
        let mut request = json!({ "headers": headers });
        if let Some(fields) = request.as_object_mut() {
            let mut set = |name: &str, value: &str| {
                fields.insert(name.to_owned(), Value::from(value));
            };
            match url.contains("://") {
                _ if url.starts_with('/') => set("path", url),
                true => set("url", url),
                false => set("url", &format!("https://{url}")),
            }
            if let Some(method) = &options.method {
                set("method", method);
            }
            if let Some(peer) = &options.peer {
                set("from", peer);
            }
        }
        // JSON is YAML, and the reader of tests knows what is a request.
        parse_request(&request.to_string(), "")
            .map(|spec| Self::of(&spec))
            .map_err(|findings| {
                let messages = findings.into_iter().map(|finding| finding.message);
                GivenError::Options(messages.collect())
            })
    }

    /// Says when it came: RFC 3339, or seconds since 1970.
    pub fn at(&mut self, time: &str) {
        self.record.time = time.as_bytes().to_vec();
    }

    /// Gives it a session.
    pub fn with_session(&mut self, session: GivenSession) {
        self.record.proof = Some((session.assurance, session.age_s));
        self.record.also = session.also;
    }

    /// Has its upstream answer that it wants more proof.
    pub fn with_step_up(&mut self, upstream: &str, demand: &str) {
        self.upstream = Some(UpstreamSpec {
            name: upstream.to_owned(),
            step_up: demand.to_owned(),
        });
    }

    fn recorded(file: &str, content: &[u8]) -> Result<Self, GivenError> {
        let mut one = One::default();
        // Bytes in memory do not fail.
        let _read = read::read(content, &mut Record::default(), &mut one);
        if let Some((place, reason)) = one.unreadable {
            return Err(GivenError::Unreadable {
                file: file.to_owned(),
                place: place.to_string(),
                reason,
            });
        }
        match one.record {
            Some(record) if one.requests == 1 => Ok(Self {
                record,
                upstream: None,
            }),
            _ => Err(GivenError::NotOne {
                file: file.to_owned(),
                requests: one.requests,
            }),
        }
    }

    fn of(spec: &RequestSpec) -> Self {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let optional = |text: &Option<String>| text.as_deref().map(bytes).unwrap_or_default();
        let mut record = Record::default();
        record.clear();
        record.method = bytes(&spec.method);
        record.scheme = bytes(&spec.target.scheme);
        record.authority = bytes(&spec.target.authority);
        record.path = bytes(&spec.target.path);
        record.peer = bytes(&spec.peer.to_string());
        record.server_name = optional(&spec.sni);
        record.tls_version = optional(&spec.tls_version);
        record.ja4 = optional(&spec.ja4);
        record.mtls = spec.mtls;
        for (name, value) in &spec.headers {
            record.headers.push(name, value.as_bytes());
        }
        Self {
            record,
            upstream: None,
        }
    }
}

/// The only request of a recording.
#[derive(Default)]
struct One {
    record: Option<Record>,
    requests: u64,
    unreadable: Option<(Place, String)>,
}

impl Sink for One {
    fn request(&mut self, record: &mut Record, _: Place) {
        self.requests += 1;
        if self.record.is_none() {
            self.record = Some(record.clone());
        }
    }

    fn unreadable(&mut self, place: Place, reason: &dyn Display) {
        self.unreadable
            .get_or_insert_with(|| (place, reason.to_string()));
    }
}

fn is_recording(content: &[u8]) -> bool {
    // Several lines of JSON are several requests; the first one tells what they are.
    let mut values = serde_json::Deserializer::from_slice(content).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::Object(fields))) => RECORDED.iter().any(|&key| fields.contains_key(key)),
        Some(Ok(Value::Array(_))) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(content: &str) -> Record {
        Given::from_file("r", content.as_bytes()).unwrap().record
    }

    fn said(record: &Record) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut said = format!(
            "{} {}://{}{} from {}",
            text(&record.method),
            text(&record.scheme),
            text(&record.authority),
            text(&record.path),
            text(&record.peer)
        );
        for (name, value) in record.headers.as_slice() {
            said.push_str(&format!("; {name}: {}", text(value)));
        }
        said
    }

    #[test]
    fn a_request_is_read_as_tests_write_it() {
        let block = "---\n# a comment\nmethod: POST\npath: /till/card\nheaders:\n  x-bot-score: \"20\"\nfrom: 203.0.113.7\n";
        assert_eq!(
            said(&given(block)),
            "POST https://shop.example.com/till/card from 203.0.113.7:50000; x-bot-score: 20"
        );
        let flow = "{path: /a,\n headers: {accept: [a, b]}}";
        assert_eq!(
            said(&given(flow)),
            "GET https://shop.example.com/a from 127.0.0.1:50000; accept: a; accept: b"
        );
    }

    #[test]
    fn a_recorded_request_is_read_as_a_recording() {
        let line = r#"{"method": "GET", "path": "/a", "authority": "b.example", "downstream_remote_address": "192.0.2.1:5"}"#;
        assert_eq!(said(&given(line)), "GET ://b.example/a from 192.0.2.1:5");
        let several = Given::from_file("r", format!("{line}\n{line}").as_bytes()).unwrap_err();
        assert_eq!(
            several.to_string(),
            "`r` holds 2 requests; give it with one"
        );
    }

    #[test]
    fn what_is_wrong_is_shown_at_its_place() {
        let GivenError::Findings(findings) =
            Given::from_file("r.yaml", b"method: GET\npth: /a\n").unwrap_err()
        else {
            panic!("findings")
        };
        let finding = findings
            .iter()
            .find(|finding| finding.message == "unknown field `pth`")
            .unwrap();
        assert_eq!((finding.file.as_str(), finding.line), ("r.yaml", 2));
        assert!(
            finding.rendered.contains("did you mean `path`?"),
            "{}",
            finding.rendered
        );
        let text: String = findings
            .iter()
            .map(|finding| finding.rendered.as_str())
            .collect();
        assert!(!text.contains("PolicyTest"), "{text}");
        assert!(text.contains("none of `url` or `path`"), "{text}");
    }

    #[test]
    fn a_file_without_a_request_or_with_two_is_refused() {
        for (content, line, message) in [
            ("# nothing\n", 1, "there is no request in this file"),
            ("path: /a\n---\npath: /b\n", 3, "a second request; give one"),
            ("[path", 1, "not readable as YAML"),
        ] {
            let GivenError::Findings(findings) =
                Given::from_file("r.yaml", content.as_bytes()).unwrap_err()
            else {
                panic!("findings")
            };
            let finding = &findings[0];
            assert!(finding.message.contains(message), "{}", finding.rendered);
            assert_eq!(finding.line, line, "{}", finding.rendered);
        }
    }

    #[test]
    fn options_say_a_request() {
        let options = Options {
            url: "shop.example.com/a?b=c".to_owned(),
            method: Some("POST".to_owned()),
            headers: vec!["Accept: text/html".to_owned(), "x-a:b:c".to_owned()],
            peer: Some("192.0.2.7".to_owned()),
        };
        assert_eq!(
            said(&Given::from_options(&options).unwrap().record),
            "POST https://shop.example.com/a?b=c from 192.0.2.7:50000; accept: text/html; x-a: b:c"
        );
        let wrong = |options: Options| Given::from_options(&options).unwrap_err().to_string();
        assert_eq!(
            wrong(Options {
                peer: Some("nobody".to_owned()),
                ..options.clone()
            }),
            "`nobody` is not an address"
        );
        assert_eq!(
            wrong(Options {
                headers: vec!["accept".to_owned()],
                ..options
            }),
            "`accept` is not a header; write it as `name: value`"
        );
    }
}
