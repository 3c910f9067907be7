//! Sessions: what a passed ceremony earned, carried in a cookie, checked here.

mod cache;
mod cookie;
mod token;

use std::sync::Arc;

use countersign_proto::event::v1::Session as SessionEvent;

pub use cache::SessionCache;
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
    /// No session cookie.
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

/// Verifies the session cookies of a request. Several of one name: the strongest that verifies
/// counts, so that a stale copy beside a good one does no harm; none verifies: the first one's problem
/// is told.
#[inline(never)]
pub(crate) fn present(
    revision: &Revision,
    request: &Request<'_>,
    cache: &mut SessionCache,
) -> SessionState {
    let Some(host) = request.authority().map(|authority| authority.host()) else {
        return SessionState::Absent;
    };
    let mut state = SessionState::Absent;
    let mut forged = 0;
    for value in cookie::values(request, SESSION_COOKIE) {
        let presented = match verify(revision, host, request.now(), value, cache) {
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
    now: Timestamp,
    value: &[u8],
    cache: &mut SessionCache,
) -> Result<Session, Problem> {
    let view = revision.view();
    let claims = match cache.get(value, &view.session_keys) {
        Some(claims) => claims,
        None => cache.insert(value, signed(value, &view.session_keys)?),
    };
    claims.check(
        host,
        now,
        view.settings.session_leeway_s(),
        &view.revocations,
    )
}

/// A token is met for the first time once; every other time it is remembered.
#[cold]
fn signed(value: &[u8], keys: &[SessionKey<'_>]) -> Result<Arc<SignedClaims>, Problem> {
    let signed = UnverifiedToken::parse(value)?.verify_signature(keys)?;
    Ok(Arc::new(signed))
}
