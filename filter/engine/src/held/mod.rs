//! Requests with a body that are challenged: the body is kept by the sidecar while its sender gives
//! proof, and put in place when the browser comes back with a token for it. Everything here is words:
//! who reads bodies and calls the sidecar is the host.
//!
//! Hold: [`Hold::of`] → the body is read → [`Hold::store`] → [`Hold::answer`].
//! Repeat: [`may_bring_token`] → the body is read → [`token`] → [`take`] → [`Taken::read`] →
//! [`Taken::restored`] → [`crate::decide`] on what was restored.

mod answer;
mod proof;
mod restore;
mod sender;
mod taken;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use answer::{Lost, Stored};
pub use proof::{PROOF_TYPE, SIDECAR_AUTHORITY};
pub use restore::{Change, Restored};
pub use sender::SENDER_TYPE;
pub use taken::{Taken, may_bring_token, take, token};

use crate::decide::{Action, Challenge, Denial};
use crate::limits::{MAX_HELD_COOKIES, MAX_HELD_VALUE_BYTES};
use crate::reply::{self, Origin, Reply};
use crate::request::Scheme;
use crate::{Request, Revision, Timestamp};
use proof::{Proof, proof};

/// Where the filter brings a body, and the browser finds the page that repeats the request.
pub const HELD_PATH: &str = "/.countersign/held";
/// Where the filter takes a body.
pub const TAKE_PATH: &str = "/.countersign/held/take";
/// Says that the filter asks: nobody else can, since what clients send under this prefix is taken off.
pub const PROOF_HEADER: &str = "countersign-proof";
/// What the sidecar says of a body that it gives: [`Kept`] as JSON in base64url.
pub const KEPT_HEADER: &str = "countersign-held";
/// The field of the form that brings the token.
pub const TOKEN_FIELD: &str = "countersign-replay";

/// Noted in the event of a request whose body was kept.
pub const HELD_NOTE: &str = "held";
/// Noted in the event of a request whose body was put in place.
pub const REPEATED_NOTE: &str = "repeated";

/// What a request was, as far as its repetition has to be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// As sent.
    pub method: String,
    /// As sent; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// As sent: bytes are bytes, and these say what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// Who made the browser send it. The repetition comes from a page of this origin; an upstream that
    /// refuses what other origins make browsers send must see the first sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// See `origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
    /// `Sec-Fetch-Site`, see `origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Names of the cookies that came with it, unless this site itself sent it: a form of another site
    /// gets no `SameSite` cookies, and must get none by being held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookies: Option<Vec<String>>,
}

/// A call to the sidecar.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Pseudo headers included.
    pub headers: Vec<(&'static str, String)>,
}

/// What is to be done with the body of a challenged request.
#[derive(Debug)]
pub enum Body {
    /// Nothing: it is no navigation, has no body, or the policy keeps none.
    Leave,
    /// It cannot be kept.
    Refuse(Lost),
    /// It is read and kept.
    Hold(Box<Hold>),
}

/// A challenged request whose body is to be kept.
#[derive(Debug)]
pub struct Hold {
    limit: usize,
    event: String,
    host: String,
    path: String,
    client: String,
    kept: Kept,
    location: String,
    /// Tells the sidecar that the browser which comes back is the one that sent it.
    sender: String,
    without: String,
}

/// Is the body of this request one that is kept, up to so many bytes? Where a script or a program sent it,
/// they repeat it themselves.
pub(crate) fn may_hold(request: &Request<'_>, bytes: u32, body_follows: bool) -> bool {
    body_follows
        && bytes > 0
        && request.is_navigation()
        && !matches!(request.method(), b"GET" | b"HEAD" | b"CONNECT")
        && request.header("upgrade").is_none()
}

impl Hold {
    /// Looks at a challenged request. `body_follows`: the headers did not end it.
    #[must_use]
    #[inline(never)]
    pub fn of(
        revision: &Revision,
        request: &Request<'_>,
        denial: &Denial,
        body_follows: bool,
    ) -> Body {
        let Action::Challenge(demand) = &denial.action else {
            return Body::Leave;
        };
        let holds = !demand.dpop && may_hold(request, demand.hold_body, body_follows);
        let event = denial.outcome().event_id.to_string();
        match holds.then(|| Self::new(revision, request, denial.policy(), demand, event)) {
            None | Some(None) => Body::Leave,
            Some(Some(Err(lost))) => Body::Refuse(lost),
            Some(Some(Ok(hold))) => Body::Hold(Box::new(hold)),
        }
    }

    /// `None` where there would be no challenge page to come back from.
    fn new(
        revision: &Revision,
        request: &Request<'_>,
        policy: &str,
        demand: &Challenge,
        event: String,
    ) -> Option<Result<Self, Lost>> {
        let authority = request.authority()?;
        let scheme = request.scheme();
        // Over plaintext the browser is first sent to https, with its body.
        if scheme == Scheme::Http && !authority.is_loopback() {
            return None;
        }
        let path = std::str::from_utf8(request.target())
            .ok()
            .filter(|path| reply::is_same_origin_path(path))?
            .to_owned();
        let at = Origin { authority, scheme };
        let to = |path, held| {
            reply::challenge_path(revision, request, policy, demand, &event, at, path, held)
        };
        let location = to(path.clone(), true)?;
        let without = to(reply::return_path(request), false)?;
        let limit = demand.hold_body as usize;
        let host = authority.to_string();
        let hold = Self {
            limit,
            sender: sender::cookie(revision, &event, &host)?,
            host,
            path,
            client: client_network(request),
            kept: Kept::default(),
            location,
            without,
            event,
        };
        if stated_length(request).is_some_and(|length| length > limit as u64) {
            return Some(Err(hold.too_large()));
        }
        Some(match Kept::of(request) {
            Some(kept) => Ok(Self { kept, ..hold }),
            None => Err(hold.unreadable()),
        })
    }

    /// Bytes that may be read. One more is too many.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Brings the body to the sidecar.
    #[must_use]
    pub fn store(&self, revision: &Revision, length: usize, now: Timestamp) -> Option<Call> {
        proof(
            revision,
            HELD_PATH,
            &Proof {
                act: "store",
                jti: &self.event,
                aud: &self.host,
                path: &self.path,
                client: &self.client,
                len: length as u64,
                kept: Some(&self.kept),
                ..Proof::at(now)
            },
        )
    }

    /// The answer when the sidecar has said what it did; the word for the counter.
    #[must_use]
    pub fn answer(&self, stored: Stored) -> (Reply, &'static str) {
        answer::to_hold(&self.event, &self.location, &self.sender, stored)
    }

    /// The body is longer than the policy lets be kept.
    #[must_use]
    pub fn too_large(&self) -> Lost {
        Lost::too_large(&self.event, &self.without, self.limit)
    }

    /// The upstream asked for proof before the body had come through.
    #[must_use]
    pub fn unread(&self) -> Lost {
        Lost::unread(&self.event, &self.without)
    }

    fn unreadable(&self) -> Lost {
        Lost::unreadable(&self.event)
    }
}

impl Kept {
    /// `None` when what says what the body is cannot be kept.
    fn of(request: &Request<'_>) -> Option<Self> {
        let value = |name: &str| match request.header(name) {
            None => Some(None),
            Some(bytes) => text(bytes).map(Some),
        };
        // What is only told along is left out where it cannot be kept.
        let told = |name: &str| value(name).flatten();
        let site = told("sec-fetch-site");
        let own = matches!(site.as_deref(), Some("same-origin" | "same-site" | "none"));
        Some(Self {
            method: text(request.method())?,
            content_type: value("content-type")?,
            content_encoding: value("content-encoding")?,
            origin: told("origin"),
            referer: told("referer"),
            cookies: (!own).then(|| {
                restore::cookie_names(request)
                    .take(MAX_HELD_COOKIES)
                    .map(str::to_owned)
                    .collect()
            }),
            site,
        })
    }
}

/// Visible ASCII of a bounded length: what a header can hold and JSON need not escape.
fn text(bytes: &[u8]) -> Option<String> {
    let fits = bytes.len() <= MAX_HELD_VALUE_BYTES
        && bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    fits.then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn stated_length(request: &Request<'_>) -> Option<u64> {
    let value = std::str::from_utf8(request.header("content-length")?).ok()?;
    value.parse().ok()
}

/// The network of the client, so that nobody can take all the room there is: /24 of IPv4, /56 of IPv6.
fn client_network(request: &Request<'_>) -> String {
    match request.client() {
        None => String::new(),
        Some(std::net::IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(std::net::IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
    }
}
