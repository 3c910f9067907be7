//! The proof that the filter asks: a compact JWS with the ticket key (RFC 7515), of a type of its own,
//! good for half a minute.

use serde::Serialize;

use super::{Call, Kept, PROOF_HEADER};
use crate::ticket::TICKET_ISSUER;
use crate::{Revision, Timestamp};

/// The `typ` of a proof; no ticket and no session has it.
pub const PROOF_TYPE: &str = "countersign-held+jwt";
/// The authority under which the filter calls the sidecar. No host of a site can be called that.
pub const SIDECAR_AUTHORITY: &str = "countersign-auth-sidecar";

/// A call takes milliseconds; clocks of two machines may differ by more.
const GOOD_FOR_SECONDS: i64 = 30;

/// What a proof says.
#[derive(Debug, Default, Serialize)]
pub(super) struct Proof<'a> {
    pub(super) iss: &'static str,
    pub(super) exp: i64,
    /// `store` or `take`: one cannot stand for the other.
    pub(super) act: &'static str,
    /// The authority as the browser sees it.
    pub(super) aud: &'a str,
    /// Path and query of the request.
    pub(super) path: &'a str,
    /// Of a store: the event, which is the ticket's.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) jti: &'a str,
    /// Of a take: the device of the verified session.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) sub: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) client: &'a str,
    /// Bytes of the call's body.
    pub(super) len: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<&'a Kept>,
}

impl Proof<'_> {
    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            iss: TICKET_ISSUER,
            exp: now.as_seconds().saturating_add(GOOD_FOR_SECONDS),
            ..Self::default()
        }
    }
}

/// A call with its proof. `None` without a ticket key.
pub(super) fn proof(revision: &Revision, path: &str, proof: &Proof<'_>) -> Option<Call> {
    let proof = revision
        .view()
        .tickets
        .as_ref()?
        .sign_as(PROOF_TYPE, proof)?;
    Some(Call {
        headers: vec![
            (":method", "POST".to_owned()),
            (":path", path.to_owned()),
            (":authority", SIDECAR_AUTHORITY.to_owned()),
            ("content-type", "application/octet-stream".to_owned()),
            (PROOF_HEADER, proof),
        ],
    })
}
