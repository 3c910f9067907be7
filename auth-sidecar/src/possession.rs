//! Proof of possession when a token is asked for (RFC 9449 section 5): the token will be bound to the key
//! of the proof.
//!
//! Proofs are not remembered here: a token is given once for each device code, and what a proof that is
//! shown again gets before that is "not yet".

use axum::http::HeaderMap;
use countersign_dpop::{Expected, ProofError, Thumbprint, UnverifiedProof, normal_uri};

use crate::authority::Authority;
use crate::limits;
use crate::ticket::Scheme;

/// The key of the one `DPoP` header; `None` where there is none.
pub fn key(
    headers: &HeaderMap,
    scheme: Scheme,
    host: &Authority,
    path: &str,
    now_s: u64,
) -> Result<Option<Thumbprint>, ProofError> {
    let mut all = headers.get_all("dpop").iter();
    let proof = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(proof), None) => proof.as_bytes().trim_ascii(),
        (Some(_), Some(_)) => return Err(ProofError::Several),
    };
    let uri = normal_uri(scheme.as_str(), host.as_str(), path.as_bytes()).ok_or(ProofError::Uri)?;
    let expected = Expected {
        method: b"POST",
        uri: &uri,
        token: None,
        key: None,
        now_s: i64::try_from(now_s).unwrap_or(i64::MAX),
        leeway_s: limits::PROOF_LEEWAY_S,
    };
    Ok(Some(UnverifiedProof::parse(proof)?.verify(&expected)?.key))
}
