//! One recorded request, in buffers that are filled again for the next one.

use countersign_engine::{Assurance, Connection, Request, Revision, Timestamp};

use super::limits::MAX_HEADERS;
use super::sessions::{Cookies, GivenSession, JUST_NOW, Proof};
use super::set::HopFacts;

/// What requests get that do not say it themselves.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The time of a request that has none.
    pub now: Timestamp,
    /// The other end of a connection that is not recorded: an address, perhaps with a port.
    pub peer: String,
    /// Gives every request this session.
    pub session: Option<GivenSession>,
}

/// Where a recording stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    AccessLog,
    Event,
    Har,
}

/// A recorded request.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) format: Format,
    pub(super) method: Vec<u8>,
    pub(super) scheme: Vec<u8>,
    pub(super) authority: Vec<u8>,
    /// Said beside the authority by some, and by others instead of it.
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) peer: Vec<u8>,
    pub(super) server_name: Vec<u8>,
    pub(super) tls_version: Vec<u8>,
    pub(super) ja4: Vec<u8>,
    pub(super) mtls: bool,
    pub(super) time: Vec<u8>,
    pub(super) headers: Headers,
    /// How many requests it stands for.
    pub(super) weight: u64,
    /// What an event tells of what a trusted hop said: the score, and conditions' inputs.
    pub(super) told: Told,
    pub(super) proof: Option<(Assurance, i64)>,
    /// A key of the device renews the session.
    pub(super) bound: bool,
    /// A lesser proof beside that one, just given.
    pub(super) also: Option<Assurance>,
    now: Option<Timestamp>,
    by_hop: bool,
}

/// What a trusted hop said of a client, as an event tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) score: u64,
    /// Attributes and values.
    pub(super) inputs: Vec<(String, Vec<u8>)>,
}

/// Why a recording cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lacking {
    #[error("it has no method; Envoy itself refused such a request, or the log does not tell")]
    Method,
    #[error("it has no authority (the host that was asked for)")]
    Authority,
    #[error("it has no path")]
    Path,
    #[error("`{0}` is not a time; write it as RFC 3339 or as seconds since 1970")]
    Time(String),
    #[error("`{0}` is not an address that is asked for over http or https")]
    Url(String),
    #[error("it has more than {MAX_HEADERS} headers")]
    Headers,
    #[error("it is no JSON object")]
    NotAnObject,
}

/// Headers in buffers that are used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    pool: Vec<(String, Vec<u8>)>,
    used: usize,
}

impl Headers {
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// Are there more than a request has?
    fn too_many(&self) -> bool {
        self.used > MAX_HEADERS
    }

    /// Room for a header; it counts once [`Self::keep`] is called. None where there are too many.
    pub(super) fn room(&mut self) -> Option<&mut (String, Vec<u8>)> {
        if self.too_many() {
            return None;
        }
        if self.used == self.pool.len() {
            self.pool.push(Default::default());
        }
        let header = self.pool.get_mut(self.used)?;
        header.0.clear();
        header.1.clear();
        Some(header)
    }

    pub(super) fn keep(&mut self) {
        self.used = self.used.saturating_add(1).min(self.pool.len());
    }

    pub(super) fn push(&mut self, name: &str, value: &[u8]) {
        if self.used == self.pool.len() {
            self.pool.push(Default::default());
        }
        if let Some((known, bytes)) = self.pool.get_mut(self.used) {
            known.clear();
            known.push_str(name);
            bytes.clear();
            bytes.extend_from_slice(value);
            self.used += 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[(String, Vec<u8>)] {
        self.pool.get(..self.used).unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.as_slice().iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }
}

impl Record {
    /// Forgets the request before.
    pub(super) fn clear(&mut self) {
        for field in [
            &mut self.method,
            &mut self.scheme,
            &mut self.authority,
            &mut self.host,
            &mut self.path,
            &mut self.peer,
            &mut self.server_name,
            &mut self.tls_version,
            &mut self.ja4,
            &mut self.time,
        ] {
            field.clear();
        }
        self.format = Format::AccessLog;
        self.mtls = false;
        self.headers.clear();
        self.weight = 1;
        self.told.score = 0;
        self.told.inputs.clear();
        self.proof = None;
        self.bound = false;
        self.also = None;
        self.now = None;
        self.by_hop = false;
    }

    /// Takes what was read for a request.
    pub(super) fn finish(&mut self, defaults: &Defaults) -> Result<(), Lacking> {
        if self.authority.is_empty() {
            std::mem::swap(&mut self.authority, &mut self.host);
        }
        if self.method.is_empty() {
            return Err(Lacking::Method);
        }
        if self.authority.is_empty() {
            return Err(Lacking::Authority);
        }
        if self.path.is_empty() {
            return Err(Lacking::Path);
        }
        if self.headers.too_many() {
            return Err(Lacking::Headers);
        }
        if self.scheme.is_empty() {
            self.scheme.extend_from_slice(b"https");
        }
        self.now = Some(if self.time.is_empty() {
            defaults.now
        } else {
            time(&self.time)
                .ok_or_else(|| Lacking::Time(String::from_utf8_lossy(&self.time).into_owned()))?
        });
        if self.peer.is_empty() {
            // Envoy appends the peer to what the client sent.
            let forwarded = self.headers.get("x-forwarded-for");
            let last = forwarded.and_then(|hops| hops.rsplit(|&byte| byte == b',').next());
            let peer = last.unwrap_or(defaults.peer.as_bytes()).trim_ascii();
            self.peer.extend_from_slice(peer);
        }
        Ok(())
    }

    /// Puts in what depends on the set that decides: what its trusted hop says, the session, and the
    /// pseudo headers. It is taken out again by [`Self::undress`].
    pub(super) fn dress(
        &mut self,
        hop: Option<&HopFacts>,
        defaults: &Defaults,
        cookies: &mut Cookies,
    ) -> usize {
        let mark = self.headers.used;
        for (name, value) in [
            (":method", &self.method),
            (":scheme", &self.scheme),
            (":authority", &self.authority),
            (":path", &self.path),
        ] {
            self.headers.push(name, value);
        }
        let told = self.told.score > 0 || !self.told.inputs.is_empty();
        if let Some(hop) = hop.filter(|_| told) {
            self.by_hop = true;
            self.headers.push("x-forwarded-for", &self.peer);
            if let Some(header) = hop.score_header.as_ref().filter(|_| self.told.score > 0) {
                let score = self.told.score.to_string();
                self.headers.push(header, score.as_bytes());
            }
            for (attribute, header) in &hop.headers {
                let mut inputs = self.told.inputs.iter();
                if let Some((_, value)) = inputs.find(|(known, _)| known == attribute) {
                    self.headers.push(header, value);
                }
            }
        }
        let proof = match defaults.session {
            Some(given) => Some(Proof {
                assurance: given.assurance,
                at: match given.age_s {
                    0 => JUST_NOW,
                    age_s => self.now(defaults).as_seconds().saturating_sub(age_s),
                },
                also: given.also,
                bound: false,
            }),
            None => self.proof.map(|(assurance, age_s)| Proof {
                bound: self.bound,
                assurance,
                at: self.now(defaults).as_seconds().saturating_sub(age_s),
                also: self.also,
            }),
        };
        if let Some(proof) = proof {
            let cookie = cookies.get(&self.authority, proof);
            self.headers.push("cookie", cookie);
        }
        mark
    }

    /// Takes out what [`Self::dress`] put in.
    pub(super) fn undress(&mut self, mark: usize) {
        self.headers.used = mark;
        self.by_hop = false;
    }

    /// When it came.
    pub(super) fn now(&self, defaults: &Defaults) -> Timestamp {
        self.now.unwrap_or(defaults.now)
    }

    /// The other end of the connection.
    pub(super) fn peer<'a>(&'a self, hop: Option<&'a HopFacts>) -> &'a [u8] {
        match hop.filter(|_| self.by_hop) {
            Some(hop) => hop.address.as_bytes(),
            None => &self.peer,
        }
    }

    /// As the engine sees it.
    pub(super) fn request<'a>(
        &'a self,
        revision: &Revision,
        hop: Option<&'a HopFacts>,
        defaults: &Defaults,
    ) -> Request<'a> {
        let told = |bytes: &'a Vec<u8>| (!bytes.is_empty()).then_some(bytes.as_slice());
        let connection = Connection {
            peer: Some(self.peer(hop)),
            server_name: told(&self.server_name),
            tls_version: told(&self.tls_version),
            mtls: self.mtls,
            ja4: told(&self.ja4),
        };
        let now = self.now(defaults);
        Request::new(revision, self.headers.as_slice(), connection, now)
    }
}

/// RFC 3339, or seconds since 1970 with or without a fraction.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let nanos = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.as_nanosecond(),
        Err(_) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let digits =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
                return None;
            }
            let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
            whole.parse::<i128>().ok()?.checked_mul(1_000_000_000)? + fraction
        }
    };
    // Sessions have no time before 1970.
    let nanos = i64::try_from(nanos).ok().filter(|nanos| *nanos >= 0)?;
    Some(Timestamp::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_logs_write_them() {
        for (text, nanos) in [
            ("2026-01-01T12:00:00Z", 1_767_268_800_000_000_000),
            ("2026-01-01T13:00:00.250+01:00", 1_767_268_800_250_000_000),
            ("1767268800", 1_767_268_800_000_000_000),
            ("1767268800.5", 1_767_268_800_500_000_000),
        ] {
            let expected = Some(Timestamp::from_nanos(nanos));
            assert_eq!(time(text.as_bytes()), expected, "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-01-01",
            "-1",
            "1.",
            ".5",
            "1.0000000001",
            "1969-12-31T23:59:59Z",
            "99999999999999999999",
        ] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
        assert_eq!(time(b"\xff"), None);
    }

    #[test]
    fn headers_at_the_limit_are_kept_and_one_more_is_too_many() {
        let mut headers = Headers::default();
        for _ in 0..MAX_HEADERS {
            assert!(headers.room().is_some());
            headers.keep();
        }
        assert!(!headers.too_many());
        assert!(headers.room().is_some());
        headers.keep();
        assert!(headers.too_many());
        assert!(headers.room().is_none());
    }

    #[test]
    fn the_peer_of_a_log_without_one_is_the_last_that_was_appended() {
        let defaults = Defaults {
            now: Timestamp::from_seconds(1),
            peer: "192.0.2.9".to_owned(),
            session: None,
        };
        let mut record = Record::default();
        let mut peer = |forwarded: Option<&str>| {
            record.clear();
            for field in [&mut record.method, &mut record.authority, &mut record.path] {
                field.push(b'/');
            }
            if let Some(forwarded) = forwarded {
                record.headers.push("x-forwarded-for", forwarded.as_bytes());
            }
            record.finish(&defaults).unwrap();
            String::from_utf8(record.peer.clone()).unwrap()
        };
        assert_eq!(peer(Some("198.51.100.1, 203.0.113.7")), "203.0.113.7");
        assert_eq!(peer(None), "192.0.2.9");
    }
}
