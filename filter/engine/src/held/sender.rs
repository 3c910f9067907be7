//! Who sent a request that is held: a cookie, set with the answer that leads to the challenge.
//!
//! A ticket is an address, and addresses can be sent on. Without the cookie, a form that a stranger had
//! held and whose ticket somebody else passes would be repeated by that other browser, with its cookies.

use serde::Serialize;

use crate::limits::HELD_SENDER_SECONDS;
use crate::{Revision, ticket};

/// The `typ` of the cookie's value, a compact JWS with the ticket key (RFC 7515).
pub const SENDER_TYPE: &str = "countersign-sender+jwt";
/// The cookie's name begins with this and ends with the event's id: several requests can be held for one
/// browser. The prefix keeps a neighbouring host from planting one (RFC 6265bis section 4.1.3.2).
const SENDER_COOKIE: &str = "__Host-countersign-held-";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    aud: &'a str,
    jti: &'a str,
}

/// The value of `Set-Cookie`. `None` without a ticket key.
pub(super) fn cookie(revision: &Revision, event: &str, host: &str) -> Option<String> {
    let claims = Claims {
        iss: ticket::TICKET_ISSUER,
        aud: host,
        jti: event,
    };
    let value = revision
        .view()
        .tickets
        .as_ref()?
        .sign_as(SENDER_TYPE, &claims)?;
    Some(format!(
        "{SENDER_COOKIE}{event}={value}; Path=/; Max-Age={HELD_SENDER_SECONDS}; Secure; HttpOnly; SameSite=Lax"
    ))
}
