//! WebAuthn: what is asked of the browser, and what its answer proves.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    Credential, Passkey, PasskeyAuthentication, PasskeyRegistration, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::{
    AttestationConveyancePreference, AuthenticatorAttachment, PublicKeyCredential,
    PublicKeyCredentialHints, RegisterPublicKeyCredential, ResidentKeyRequirement,
    UserVerificationPolicy,
};

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
    by_origin: HashMap<String, Arc<Webauthn>>,
    // Oldest first: which one to forget.
    order: VecDeque<String>,
}

/// One origin's verifier.
pub struct RelyingParty {
    id: String,
    webauthn: Arc<Webauthn>,
}

/// What the verifier remembers between question and answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Waiting {
    /// For a new credential.
    Registration(PasskeyRegistration),
    /// For a use of a credential that is known.
    Authentication(PasskeyAuthentication),
}

/// A question for the browser.
pub struct Question {
    /// `registration` or `authentication`.
    pub kind: &'static str,
    /// The options as `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` takes them.
    pub options: Value,
    /// To be kept until the answer comes.
    pub waiting: Waiting,
}

/// What an answer has proven. Made by [`RelyingParty::verify`] only.
pub struct Proof {
    /// The credential's id in base64url.
    pub credential_id: String,
    /// The signature counter that came with it.
    pub counter: u32,
    user_verified: bool,
    backup_eligible: bool,
    change: Change,
}

enum Change {
    New(Box<Passkey>),
    Used(Box<webauthn_rs::prelude::AuthenticationResult>),
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
        let webauthn = match ready.by_origin.get(&origin) {
            Some(webauthn) => Arc::clone(webauthn),
            None => {
                let webauthn = Arc::new(build(rp_id, &origin).map_err(|_| Cause::HostUnfit)?);
                while ready.order.len() >= limits::RELYING_PARTIES {
                    if let Some(oldest) = ready.order.pop_front() {
                        ready.by_origin.remove(&oldest);
                    }
                }
                ready.order.push_back(origin.clone());
                ready.by_origin.insert(origin, Arc::clone(&webauthn));
                webauthn
            }
        };
        Ok(RelyingParty {
            id: rp_id.to_owned(),
            webauthn,
        })
    }
}

fn build(rp_id: &str, origin: &str) -> Result<Webauthn, WebauthnError> {
    let origin = Url::parse(origin).map_err(|_| WebauthnError::Configuration)?;
    // Neither subdomains nor other ports: an answer made elsewhere on this machine is not ours.
    WebauthnBuilder::new(rp_id, &origin)?
        .rp_name(rp_id)
        .allow_subdomains(false)
        .allow_any_port(false)
        .timeout(limits::PROMPT_TIMEOUT)
        .build()
}

impl RelyingParty {
    /// The relying party id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks for a new credential. `user` is the handle that the authenticator files it under.
    pub fn ask_registration(&self, user: Uuid) -> Result<Question, Cause> {
        let (challenge, state) = self
            .webauthn
            .start_passkey_registration(user, &self.id, &self.id, None)
            .map_err(|e| cause(&e))?;
        let mut options = challenge.public_key;
        let mut selection = options.authenticator_selection.unwrap_or_default();
        // Hints to the browser, not checks: without attestation a program can claim any of them.
        selection.authenticator_attachment = Some(AuthenticatorAttachment::Platform);
        // We always name the credential by the device cookie, so it need not be discoverable; where
        // a platform can keep it out of the account's synced list, it does, and stays bound.
        selection.resident_key = Some(ResidentKeyRequirement::Discouraged);
        selection.require_resident_key = false;
        selection.user_verification = UserVerificationPolicy::Required;
        options.authenticator_selection = Some(selection);
        options.hints = Some(vec![PublicKeyCredentialHints::ClientDevice]);
        options.attestation = Some(AttestationConveyancePreference::None);
        Ok(Question {
            kind: "registration",
            options: serde_json::to_value(options).map_err(|_| Cause::Internal)?,
            waiting: Waiting::Registration(state),
        })
    }

    /// Asks for a use of one of these credentials.
    pub fn ask_authentication(&self, passkeys: &[Passkey]) -> Result<Question, Cause> {
        let (challenge, state) = self
            .webauthn
            .start_passkey_authentication(passkeys)
            .map_err(|e| cause(&e))?;
        let mut options = challenge.public_key;
        options.user_verification = UserVerificationPolicy::Required;
        options.hints = Some(vec![PublicKeyCredentialHints::ClientDevice]);
        Ok(Question {
            kind: "authentication",
            options: serde_json::to_value(options).map_err(|_| Cause::Internal)?,
            waiting: Waiting::Authentication(state),
        })
    }

    /// Checks an answer against the question that was asked.
    pub fn verify(&self, waiting: &Waiting, answer: Value) -> Result<Proof, Cause> {
        match waiting {
            Waiting::Registration(state) => {
                let answer: RegisterPublicKeyCredential =
                    serde_json::from_value(answer).map_err(|_| Cause::AnswerMalformed)?;
                let passkey = self
                    .webauthn
                    .finish_passkey_registration(&answer, state)
                    .map_err(|e| cause(&e))?;
                let credential = Credential::from(passkey.clone());
                Ok(Proof {
                    credential_id: URL_SAFE_NO_PAD.encode(passkey.cred_id()),
                    counter: credential.counter,
                    user_verified: credential.user_verified,
                    backup_eligible: credential.backup_eligible,
                    change: Change::New(Box::new(passkey)),
                })
            }
            Waiting::Authentication(state) => {
                let answer: PublicKeyCredential =
                    serde_json::from_value(answer).map_err(|_| Cause::AnswerMalformed)?;
                let result = self
                    .webauthn
                    .finish_passkey_authentication(&answer, state)
                    .map_err(|e| cause(&e))?;
                Ok(Proof {
                    credential_id: URL_SAFE_NO_PAD.encode(result.cred_id()),
                    counter: result.counter(),
                    user_verified: result.user_verified(),
                    backup_eligible: result.backup_eligible(),
                    change: Change::Used(Box::new(result)),
                })
            }
        }
    }
}

impl Proof {
    /// The credential, if it is a new one.
    #[must_use]
    pub fn registered(&self) -> Option<&Passkey> {
        match &self.change {
            Change::New(passkey) => Some(passkey),
            Change::Used(_) => None,
        }
    }

    /// The stored credential after this use; `None` when it is another credential's.
    pub fn apply_to(&self, stored: &mut Passkey) -> Option<()> {
        match &self.change {
            Change::New(_) => None,
            Change::Used(result) => stored.update_credential(result).map(|_| ()),
        }
    }

    /// The grade, given the credential as it is stored after this answer.
    #[must_use]
    pub fn assurance(&self, stored: &Passkey) -> Assurance {
        let stored = Credential::from(stored.clone());
        Assurance::of_answer(
            self.user_verified,
            self.backup_eligible || stored.backup_eligible || stored.backup_state,
        )
    }
}

/// Which of our constants the library's reason is.
fn cause(error: &WebauthnError) -> Cause {
    use WebauthnError as E;
    match error {
        E::MismatchedChallenge | E::ChallengeNotFound => Cause::ChallengeMismatch,
        E::InvalidRPOrigin | E::CredentialCrossOrigin => Cause::OriginMismatch,
        E::InvalidRPIDHash => Cause::RpIdMismatch,
        E::UserNotPresent => Cause::UserNotPresent,
        E::UserNotVerified => Cause::UserNotVerified,
        E::CredentialPossibleCompromise => Cause::CredentialCloned,
        E::CredentialNotFound => Cause::CredentialUnknown,
        E::CredentialAlreadyExists | E::CredentialExcludedFromRequest => Cause::CredentialTaken,
        E::AuthenticationFailure | E::SignatureInvalid => Cause::SignatureInvalid,
        E::CredentialBackupEligibilityInconsistent
        | E::CredentialAlteredAlgFromRequest
        | E::CredentialInsecureCryptography
        | E::CredentialMayNotBeHardwareBound
        | E::COSEKeyInvalidCBORValue
        | E::COSEKeyInvalidType
        | E::COSEKeyEDUnsupported
        | E::COSEKeyECDSAXYInvalid
        | E::COSEKeyRSANEInvalid
        | E::COSEKeyECDSAInvalidCurve
        | E::COSEKeyEDDSAXInvalid
        | E::COSEKeyEDDSAInvalidCurve
        | E::COSEKeyInvalidAlgorithm
        | E::EcdsaPointInvalid
        | E::RsaParametersInvalid => Cause::CredentialInconsistent,
        E::AttestationNotSupported
        | E::AttestationStatementMapInvalid
        | E::AttestationStatementResponseMissing
        | E::AttestationStatementResponseInvalid
        | E::AttestationStatementSigMissing
        | E::AttestationStatementSigInvalid
        | E::AttestationTrustFailure
        | E::AttestationNotVerifiable
        | E::AttestationCertificateRequirementsNotMet => Cause::AttestationInvalid,
        E::Configuration | E::InvalidUsername | E::InvalidUserUniqueId => Cause::Internal,
        // What is left says that bytes were not what their place demands.
        _ => Cause::AnswerMalformed,
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
