//! Proof of possession: a session that is bound to a key is good only with a proof that whoever sends it
//! holds that key (RFC 9449 section 7).

use countersign_dpop::{Expected, ProofError, Replays, Thumbprint, UnverifiedProof, normal_uri};

use super::Problem;
use super::carried::Carried;
use crate::Request;

/// Checks the proof of a session that is bound. One that is not needs none.
pub(super) fn check(
    request: &Request<'_>,
    carried: &Carried<'_>,
    bound_to: Option<&Thumbprint>,
    leeway_s: i64,
    proofs: Option<&mut Replays>,
) -> Result<(), Problem> {
    match bound_to {
        None if carried.as_bound => Err(Problem::Unbound),
        None => Ok(()),
        // RFC 9449 section 7.2: a bound token that is brought as a free one is refused.
        Some(_) if !carried.as_bound => Err(Problem::Proof(ProofError::Missing)),
        Some(key) => proven(request, carried.value, key, leeway_s, proofs).map_err(Problem::Proof),
    }
}

#[inline(never)]
fn proven(
    request: &Request<'_>,
    token: &[u8],
    key: &Thumbprint,
    leeway_s: i64,
    proofs: Option<&mut Replays>,
) -> Result<(), ProofError> {
    let mut all = request.header_all("dpop");
    let proof = match (all.next(), all.next()) {
        (None, _) => return Err(ProofError::Missing),
        (Some(proof), None) => proof.trim_ascii(),
        (Some(_), Some(_)) => return Err(ProofError::Several),
    };
    let authority = request
        .authority()
        .map(ToString::to_string)
        .unwrap_or_default();
    let uri =
        normal_uri(request.scheme().word(), &authority, request.target()).ok_or(ProofError::Uri)?;
    let now_s = request.now().as_seconds();
    let proof = UnverifiedProof::parse(proof)?.verify(&Expected {
        method: request.method(),
        uri: &uri,
        token: Some(token),
        key: Some(key),
        now_s,
        leeway_s,
    })?;
    match proofs {
        Some(proofs) => proofs.admit(&proof, now_s, leeway_s),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
