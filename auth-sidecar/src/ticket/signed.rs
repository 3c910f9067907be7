//! What filter and sidecar sign for one another: compact JWS, HS256 (RFC 7515), told apart by their type.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::de::DeserializeOwned;

use super::{TicketError, TicketKey};
use crate::limits;

/// The claims of a token of that type, if one of the keys signed it.
pub(crate) fn verified<C: DeserializeOwned>(
    text: &str,
    keys: &[TicketKey],
    typ: &str,
) -> Result<C, TicketError> {
    if text.len() > limits::TICKET_BYTES {
        return Err(TicketError::TooLarge);
    }
    let header = decode_header(text).map_err(|_| TicketError::Malformed)?;
    // RFC 7515: a `crit` that we do not understand must be refused, and we understand none.
    if header.alg != Algorithm::HS256 || header.typ.as_deref() != Some(typ) || header.crit.is_some()
    {
        return Err(TicketError::Type);
    }
    let kid = header.kid.ok_or(TicketError::KeyUnknown)?;
    let key = keys
        .iter()
        .find(|key| key.kid == kid)
        .ok_or(TicketError::KeyUnknown)?;
    let token =
        decode::<C>(text, &key.secret, &signature_only()).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TicketError::Altered,
            _ => TicketError::Malformed,
        })?;
    Ok(token.claims)
}

/// The library checks the signature and nothing else: it would read the machine's clock for `exp`,
/// and the other claims are checked one by one so that each has its own cause.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}
