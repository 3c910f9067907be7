//! A passkey's key: asked for, verified, and written as the store keeps it.

use countersign_webauthn::{Fault, Kept, NewCredential, Passkey, Question, Waiting};
use serde_json::Value;
use uuid::Uuid;

use super::passkeys::{PasskeyError, Passkeys};
use crate::access::PasskeyEntry;
use crate::store::{StoreError, StoredPasskey};

const UNREADABLE: StoreError = StoreError::Unreadable { what: "passkey" };

/// Asks for a new one. An authenticator that has one of `known` makes no other.
pub(super) fn question(
    passkeys: &Passkeys,
    identity: &str,
    known: &[StoredPasskey],
) -> Result<Question, PasskeyError> {
    let known = known.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let new = NewCredential {
        user: handle(passkeys, identity),
        name: identity,
        kept: Kept::Discoverable,
        known: &known,
    };
    let asked = passkeys.at.party.ask_registration(&new);
    asked.map_err(PasskeyError::Rejected)
}

/// The new one of an answer.
pub(super) fn registered(
    passkeys: &Passkeys,
    waiting: &Waiting,
    answer: Value,
    entry: PasskeyEntry,
) -> Result<StoredPasskey, PasskeyError> {
    let verified = passkeys.at.party.verify(waiting, answer);
    let proof = verified.map_err(PasskeyError::Rejected)?;
    let passkey = proof.registered();
    let passkey = passkey.ok_or(PasskeyError::Rejected(Fault::AnswerMalformed))?;
    if !proof.user_verified() {
        return Err(PasskeyError::Rejected(Fault::UserNotVerified));
    }
    Ok(StoredPasskey {
        user_handle: handle(passkeys, &entry.identity).to_string(),
        credential: write(passkey)?,
        credential_id: proof.credential_id,
        counter: proof.counter,
        entry,
    })
}

/// The key as the verifier takes it.
pub(super) fn read(stored: &StoredPasskey) -> Result<Passkey, StoreError> {
    serde_json::from_str(&stored.credential).map_err(|_| UNREADABLE)
}

/// The key as the store keeps it.
pub(super) fn write(passkey: &Passkey) -> Result<String, StoreError> {
    serde_json::to_string(passkey).map_err(|_| UNREADABLE)
}

/// One for each person: an authenticator has one passkey of a person and replaces it, and the handle tells
/// nobody whose it is.
fn handle(passkeys: &Passkeys, identity: &str) -> Uuid {
    Uuid::from_bytes(passkeys.seal.handle(identity))
}
