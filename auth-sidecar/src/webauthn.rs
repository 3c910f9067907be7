//! WebAuthn for tickets: which relying party asks, and what an answer's proof is worth.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use countersign_webauthn::{
    Class, Fault, Kept, NewCredential, Passkey, Proof, Question, RelyingParty, Roots, may_be_synced,
};
use uuid::Uuid;

use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::limits;
use crate::ticket::{Scheme, Ticket};

/// Verifiers kept ready, one for each origin.
#[derive(Default)]
pub struct RelyingParties {
    ready: Mutex<Ready>,
}

#[derive(Default)]
struct Ready {
    by_origin: HashMap<String, RelyingParty>,
    // Oldest first: which one to forget.
    order: VecDeque<String>,
}

impl RelyingParties {
    /// The verifier of the ticket's origin.
    pub fn of(&self, ticket: &Ticket) -> Result<RelyingParty, Cause> {
        let rp_id = ticket.host().rp_id().ok_or(Cause::HostUnfit)?;
        // Browsers offer WebAuthn in secure contexts only.
        if ticket.scheme() == Scheme::Http && !ticket.host().is_localhost() {
            return Err(Cause::HostUnfit);
        }
        let origin = ticket.origin();
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(party) = ready.by_origin.get(&origin) {
            return Ok(party.clone());
        }
        let party = RelyingParty::new(rp_id, &origin, limits::PROMPT_TIMEOUT)
            .map_err(|_| Cause::HostUnfit)?;
        while ready.order.len() >= limits::RELYING_PARTIES {
            if let Some(oldest) = ready.order.pop_front() {
                ready.by_origin.remove(&oldest);
            }
        }
        ready.order.push_back(origin.clone());
        ready.by_origin.insert(origin, party.clone());
        Ok(party)
    }
}

/// Asks for a new credential; with roots, for one that a maker vouches for. `user` is the handle that the
/// authenticator files it under.
pub fn ask_registration(
    party: &RelyingParty,
    user: Uuid,
    classes: &[Class],
    roots: Option<&Roots>,
) -> Result<Question, Fault> {
    let new = NewCredential {
        user,
        name: party.id(),
        // The device cookie names it.
        kept: Kept::ByItsId(classes),
        known: &[],
    };
    match roots {
        Some(roots) => party.ask_attested_registration(&new, roots),
        None => party.ask_registration(&new),
    }
}

/// The grade of an answer, given the credential as it is stored after it.
#[must_use]
pub fn assurance(proof: &Proof, stored: &Passkey, attested: bool) -> Assurance {
    Assurance::of_answer(
        proof.user_verified(),
        proof.backup_eligible() || may_be_synced(stored),
        attested,
    )
}

/// Which of our constants the fault is.
impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::ChallengeMismatch => Self::ChallengeMismatch,
            Fault::OriginMismatch => Self::OriginMismatch,
            Fault::RpIdMismatch => Self::RpIdMismatch,
            Fault::UserNotPresent => Self::UserNotPresent,
            Fault::UserNotVerified => Self::UserNotVerified,
            Fault::CredentialCloned => Self::CredentialCloned,
            Fault::CredentialUnknown => Self::CredentialUnknown,
            Fault::CredentialTaken => Self::CredentialTaken,
            Fault::SignatureInvalid => Self::SignatureInvalid,
            Fault::CredentialInconsistent => Self::CredentialInconsistent,
            Fault::AttestationInvalid => Self::AttestationInvalid,
            Fault::AttestationUntrusted => Self::AttestationUntrusted,
            Fault::MayBeSynced => Self::CredentialSynced,
            Fault::AnswerMalformed => Self::AnswerMalformed,
            Fault::Internal => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(host: &str) -> Ticket {
        let claims = serde_json::json!({
            "iss": "countersign-filter", "aud": host, "scheme": "https", "path": "/",
            "policy": "p", "jti": "e", "acr": "uv", "iat": 1, "exp": 2,
        });
        Ticket::from_stored(&claims.to_string()).unwrap()
    }

    #[test]
    fn many_hosts_do_not_fill_the_memory() {
        let parties = RelyingParties::default();
        for number in 0..=limits::RELYING_PARTIES {
            parties
                .of(&ticket(&format!("shop-{number}.example")))
                .map_err(|c| c.name())
                .unwrap();
        }
        let ready = parties.ready.lock().unwrap();
        assert_eq!((ready.by_origin.len(), ready.order.len()), (256, 256));
        assert!(!ready.by_origin.contains_key("https://shop-0.example"));
    }

    #[test]
    fn ports_of_one_host_have_verifiers_of_their_own() {
        let parties = RelyingParties::default();
        for host in ["localhost:1", "localhost:2", "localhost:1"] {
            assert_eq!(
                parties
                    .of(&ticket(host))
                    .map_err(|c| c.name())
                    .unwrap()
                    .id(),
                "localhost"
            );
        }
        assert_eq!(parties.ready.lock().unwrap().order.len(), 2);
    }
}
