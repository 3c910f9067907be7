//! Sessions: what a passed ceremony earned, carried in a cookie by browsers and in `Authorization` by
//! programs, checked here.

mod cache;
mod carried;
mod cookie;
mod possession;
mod token;

use std::sync::Arc;

use countersign_proto::event::v1::Session as SessionEvent;

pub use cache::SessionCache;
pub(crate) use carried::Carried;
pub use carried::{BEARER_TYPE, Carrier};
use token::SignedClaims;
pub use token::{Problem, UnverifiedToken};

use crate::limits::MAX_FORGED_COOKIES;
use crate::revision::SessionKey;
use crate::{Assurance, Request, Revision, Timestamp};

/// The name of the session cookie. The prefix makes browsers refuse it from anything but this very
/// host over a secure connection (RFC 6265bis section 4.1.3.2).
pub const SESSION_COOKIE: &str = "__Host-countersign";

/// The `iss` claim of a session.
pub const SESSION_ISSUER: &str = "countersign";

/// Whether the request brought a session's cookie, good or not.
pub(crate) fn is_brought(request: &Request<'_>) -> bool {
    cookie::values(request, SESSION_COOKIE).next().is_some()
}

/// A session whose every claim was verified for this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The grade proven.
    pub assurance: Assurance,
    /// The device that proved it.
    pub device: String,
    /// The token's own id.
    pub id: String,
    /// When the proof was given, seconds since the epoch.
    pub authenticated_at: i64,
    /// A proof of a lower grade that is newer than the one above.
    pub also: Option<Also>,
    /// A key of the device renews it, so that a copy of the cookie is good for minutes only.
    pub bound: bool,
    /// It is bound to a key, and its sender has shown with this request that they hold it (DPoP).
    pub key_proven: bool,
}

/// A newer, lesser proof: given where a policy demands a fresh one, and kept beside the stronger proof
/// so that it does not cost whoever gave it what they had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Also {
    /// The grade proven.
    pub assurance: Assurance,
    /// When the proof was given, seconds since the epoch.
    pub authenticated_at: i64,
}

impl Session {
    /// Seconds since the proof; a proof from the future (within the leeway) is fresh.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> i64 {
        age_s(self.authenticated_at, now)
    }

    /// Has it proven as much as this, at most so many seconds ago? 0 = no matter when.
    pub(crate) fn proves(&self, least: Assurance, max_age_s: u32, now: Timestamp) -> bool {
        let also = self
            .also
            .map(|also| (also.assurance, also.authenticated_at));
        std::iter::once((self.assurance, self.authenticated_at))
            .chain(also)
            .any(|(assurance, at)| {
                assurance >= least && (max_age_s == 0 || age_s(at, now) <= i64::from(max_age_s))
            })
    }
}

fn age_s(at: i64, now: Timestamp) -> i64 {
    now.as_seconds().saturating_sub(at).max(0)
}

/// What a request presented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionState {
    /// No session.
    #[default]
    Absent,
    /// One that was not accepted.
    Refused(Problem),
    /// A verified one.
    Valid(Session),
}

impl SessionState {
    /// The verified session.
    #[must_use]
    pub const fn valid(&self) -> Option<&Session> {
        match self {
            Self::Valid(session) => Some(session),
            Self::Absent | Self::Refused(_) => None,
        }
    }

    /// The grade proven; none without a verified session.
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        self.valid()
            .map(|session| session.assurance)
            .unwrap_or_default()
    }

    /// One word for counters: `absent`, `valid` or the problem.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Refused(problem) => problem.word(),
            Self::Valid(_) => "valid",
        }
    }

    pub(crate) fn to_event(&self, now: Timestamp) -> SessionEvent {
        match self {
            Self::Absent => SessionEvent::default(),
            Self::Refused(problem) => SessionEvent {
                problem: problem.word().to_owned(),
                ..SessionEvent::default()
            },
            Self::Valid(session) => SessionEvent {
                valid: true,
                assurance: session.assurance.to_wire().into(),
                age_s: u64::try_from(session.age_s(now)).unwrap_or(0),
                device: session.device.clone(),
                problem: String::new(),
                id: session.id.clone(),
                bound: session.bound,
            },
        }
    }
}

/// Where a condition gets the session from: it is verified when first asked for, once.
pub(crate) trait SessionSource {
    fn session(&self) -> &SessionState;
}

/// Verifies the sessions of a request: its cookies, and the token of a program. Of several the strongest
/// that verifies counts, so that a stale copy beside a good one does no harm; none verifies: the first
/// one's problem is told.
#[cfg(test)]
pub(crate) fn present(
    revision: &Revision,
    request: &Request<'_>,
    cache: &mut SessionCache,
) -> SessionState {
    let token = Carried::token(revision, request);
    present_as(revision, request, token, cache, Showing::First)
}

/// Whether this request's sessions are looked at for the first time. A proof of possession is good once,
/// and a request that is judged again is the same showing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Showing {
    /// What is shown is noted.
    First,
    /// It was noted, or will be.
    Same,
}

/// Verifies the sessions of a request, of which `token` is the one in `Authorization`; see above.
#[inline(never)]
pub(crate) fn present_as(
    revision: &Revision,
    request: &Request<'_>,
    token: Option<Carried<'_>>,
    cache: &mut SessionCache,
    showing: Showing,
) -> SessionState {
    let Some(host) = request.authority().map(|authority| authority.host()) else {
        return SessionState::Absent;
    };
    let mut state = SessionState::Absent;
    let mut forged = 0;
    let cookies = cookie::values(request, SESSION_COOKIE).map(Carried::cookie);
    for carried in cookies.chain(token) {
        let presented = match verify(revision, host, request, &carried, cache, showing) {
            Ok(session) => SessionState::Valid(session),
            Err(problem) => SessionState::Refused(problem),
        };
        forged += usize::from(presented == SessionState::Refused(Problem::Signature));
        let better = match (&state, &presented) {
            (SessionState::Absent, _) => true,
            (SessionState::Refused(_), SessionState::Valid(_)) => true,
            (SessionState::Valid(a), SessionState::Valid(b)) => {
                (b.assurance, b.authenticated_at) > (a.assurance, a.authenticated_at)
            }
            _ => false,
        };
        if better {
            state = presented;
        }
        if forged >= MAX_FORGED_COOKIES {
            break;
        }
    }
    state
}

fn verify(
    revision: &Revision,
    host: &str,
    request: &Request<'_>,
    carried: &Carried<'_>,
    cache: &mut SessionCache,
    showing: Showing,
) -> Result<Session, Problem> {
    let view = revision.view();
    let value = carried.value;
    let claims = match cache.get(value, &view.session_keys) {
        Some(claims) => claims,
        None => cache.insert(value, signed(value, &view.session_keys)?),
    };
    if claims.carrier() != carried.by {
        return Err(Problem::Carrier);
    }
    let leeway_s = view.settings.session_leeway_s();
    let session = claims.check(host, request.now(), leeway_s, &view.revocations)?;
    let proofs = (showing == Showing::First).then_some(&mut cache.proofs);
    possession::check(request, carried, claims.bound_to(), leeway_s, proofs)?;
    Ok(session)
}

/// A token is met for the first time once; every other time it is remembered.
#[cold]
fn signed(value: &[u8], keys: &[SessionKey<'_>]) -> Result<Arc<SignedClaims>, Problem> {
    let signed = UnverifiedToken::parse(value)?.verify_signature(keys)?;
    Ok(Arc::new(signed))
}
