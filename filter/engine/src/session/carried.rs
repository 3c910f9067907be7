//! How a session came: in the cookie of a browser, or in the `Authorization` of a program.
//!
//! A token says for which of the two it was made, and is good for that one only. A cookie is sent by
//! browsers unasked, never seen by scripts, and perhaps bound to its device; brought in `Authorization`
//! it would have got out of all that. And a program's token that is planted in a browser as a cookie
//! would make its visitor somebody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::headers::Known;
use crate::limits::{MAX_TOKEN_BYTES, MAX_TOKEN_HEADER_BYTES};
use crate::{Request, Revision};

/// The `typ` of a session that a program carries.
pub const BEARER_TYPE: &str = "countersign-bearer+jwt";

/// What a session is carried by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The cookie of a browser.
    Cookie,
    /// The `Authorization` of a program.
    Header,
}

/// A token of a request, not verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried<'a> {
    pub(super) by: Carrier,
    /// Brought as bound to a key (`Authorization: DPoP`, RFC 9449 section 7.1).
    pub(super) as_bound: bool,
    pub(super) value: &'a [u8],
}

impl<'a> Carried<'a> {
    pub(super) const fn cookie(value: &'a [u8]) -> Self {
        Self {
            by: Carrier::Cookie,
            as_bound: false,
            value,
        }
    }

    /// The token in `Authorization`, if it says that it is one of ours: its header names our type and a
    /// key of this revision. Everything else is somebody else's, and neither looked at nor counted.
    ///
    /// What is ours is not for the upstream, whatever it is worth: that would refuse it, or log it, or
    /// could bring it itself.
    pub(crate) fn token(revision: &Revision, request: &Request<'a>) -> Option<Self> {
        let mut all = request.headers().every(Known::Authorization);
        // Two credentials are none (RFC 9110 section 5.3): the field is no list.
        let (Some(field), None) = (all.next(), all.next()) else {
            return None;
        };
        let space = field.iter().position(|&byte| byte == b' ')?;
        let (scheme, value) = field.split_at_checked(space)?;
        let as_bound = match scheme {
            scheme if scheme.eq_ignore_ascii_case(b"bearer") => false,
            scheme if scheme.eq_ignore_ascii_case(b"dpop") => true,
            _ => return None,
        };
        let value = value.trim_ascii();
        names_us(revision, value).then_some(Self {
            by: Carrier::Header,
            as_bound,
            value,
        })
    }
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    kid: String,
}

fn names_us(revision: &Revision, token: &[u8]) -> bool {
    let Some(dot) = token.iter().position(|&byte| byte == b'.') else {
        return false;
    };
    if dot > MAX_TOKEN_HEADER_BYTES || token.len() > MAX_TOKEN_BYTES {
        return false;
    }
    let header = token.get(..dot).unwrap_or_default();
    let Ok(json) = URL_SAFE_NO_PAD.decode(header) else {
        return false;
    };
    // Nearly every token is somebody else's: those are told by their bytes.
    let ours = BEARER_TYPE.as_bytes();
    if !json.windows(ours.len()).any(|part| part == ours) {
        return false;
    }
    let keys = &revision.view().session_keys;
    serde_json::from_slice::<Header>(&json).is_ok_and(|header| {
        header.typ == BEARER_TYPE && keys.iter().any(|key| key.kid == header.kid)
    })
}

#[cfg(test)]
mod tests;
