//! The way back: a small form brings a token, and what it stands for is put in its place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::answer::Lost;
use super::proof::{Proof, proof};
use super::restore::Restored;
use super::{Call, Kept, TAKE_PATH, TOKEN_FIELD};
use crate::limits::MAX_REPLAY_BYTES;
use crate::session::{self, Carried, SessionState, Showing};
use crate::{Request, Revision, WorkerMemory};

/// Characters of a token: 256 random bits in base64url.
const TOKEN_CHARACTERS: usize = 43;

/// Can the body of this request be a token? A form sends `text/plain` only where its page says so,
/// which nearly none does, and a token is small; so hardly another request is read to its end.
#[must_use]
pub fn may_bring_token(request: &Request<'_>, body_follows: bool) -> bool {
    body_follows
        && request.method() == b"POST"
        && request
            .header("content-type")
            .is_some_and(|kind| essence(kind).eq_ignore_ascii_case(b"text/plain"))
        && super::stated_length(request)
            .is_some_and(|length| (1..=MAX_REPLAY_BYTES as u64).contains(&length))
        && request.header("content-encoding").is_none()
        && request.is_navigation()
        // Only our own page brings one: another site's form must not be able to.
        && request
            .header("sec-fetch-site")
            .is_none_or(|site| site == b"same-origin")
}

fn essence(kind: &[u8]) -> &[u8] {
    let end = kind.iter().position(|&byte| byte == b';');
    kind.get(..end.unwrap_or(kind.len()))
        .unwrap_or_default()
        .trim_ascii()
}

/// The token of a form's body (HTML section 4.10.21.8, text/plain), if that and nothing else is in it.
#[must_use]
pub fn token(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let token = text
        .strip_prefix(TOKEN_FIELD)?
        .strip_prefix('=')?
        .trim_end_matches(['\r', '\n']);
    let fits = token.len() == TOKEN_CHARACTERS
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    fits.then_some(token)
}

/// Asks the sidecar for what the token stands for, in the name of the session's device.
///
/// # Errors
/// The answer, when there is no session that could ask.
#[inline(never)]
pub fn take(
    revision: &Revision,
    request: &Request<'_>,
    memory: &mut WorkerMemory,
    token: &str,
) -> Result<Call, Lost> {
    // Decided about later: then a proof of possession is noted.
    let carried = Carried::token(revision, request);
    let state = session::present_as(
        revision,
        request,
        carried,
        &mut memory.sessions,
        Showing::Same,
    );
    let SessionState::Valid(session) = state else {
        return Err(Lost::no_session());
    };
    let target = std::str::from_utf8(request.target()).ok();
    let (Some(authority), Some(path)) = (request.authority(), target) else {
        return Err(Lost::elsewhere());
    };
    let call = proof(
        revision,
        TAKE_PATH,
        &Proof {
            act: "take",
            aud: &authority.to_string(),
            path,
            sub: &session.device,
            len: token.len() as u64,
            ..Proof::at(request.now())
        },
    );
    call.ok_or_else(|| Lost::away(""))
}

/// What the sidecar gave.
#[derive(Debug)]
pub struct Taken {
    kept: Kept,
}

impl Taken {
    /// Reads the answer of the sidecar: its status and what it says of the body.
    ///
    /// # Errors
    /// The answer to the person, when it gave nothing.
    pub fn read(status: Option<u16>, kept: Option<&[u8]>) -> Result<Self, Lost> {
        match status {
            Some(200) => {}
            Some(403) => return Err(Lost::elsewhere()),
            Some(409) => return Err(Lost::used()),
            Some(410) => return Err(Lost::expired()),
            _ => return Err(Lost::away("")),
        }
        let kept = kept
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|json| serde_json::from_slice::<Kept>(&json).ok())
            // It was a header once and becomes one again.
            .filter(Kept::is_fit);
        kept.map(|kept| Self { kept }).ok_or_else(|| Lost::away(""))
    }

    /// The request as it was, with a body of that length.
    #[must_use]
    pub fn restored(&self, request: &Request<'_>, length: usize) -> Restored {
        Restored::new(&self.kept, request, length)
    }
}

impl Kept {
    fn is_fit(&self) -> bool {
        let fits = |text: &str| super::text(text.as_bytes()).is_some();
        let told = [
            &self.content_type,
            &self.content_encoding,
            &self.origin,
            &self.referer,
            &self.site,
        ];
        let method = self.method.as_bytes();
        !method.is_empty()
            && method.iter().all(u8::is_ascii_alphabetic)
            && !matches!(method, b"GET" | b"HEAD" | b"CONNECT")
            && told.into_iter().flatten().all(|text| fits(text))
    }
}
