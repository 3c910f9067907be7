//! One relying party at one origin: what it asks, and how it checks the answer.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AttestedPasskeyRegistration, DiscoverableAuthentication, DiscoverableKey, Passkey,
    PasskeyAuthentication, PasskeyRegistration,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::{
    AttestationConveyancePreference, AttestationFormat, PublicKeyCredential,
    PublicKeyCredentialCreationOptions, RegisterPublicKeyCredential, ResidentKeyRequirement,
    UserVerificationPolicy,
};

use crate::attestation::Roots;
use crate::authenticator::{self, Class};
use crate::fault::Fault;
use crate::proof::Proof;

/// One origin's verifier.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: String,
    webauthn: Arc<Webauthn>,
}

/// The id and the origin make no relying party: no URL, or the id is neither the origin's host nor what
/// that host is below of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the relying party's id is neither the host of its origin nor a domain above it")]
pub struct Unfit;

/// What the verifier remembers between question and answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Waiting {
    /// For a new credential.
    Registration(PasskeyRegistration),
    /// For a new credential that a maker vouches for: what the library keeps, without its list of
    /// roots, which whoever asked has and is long.
    Attested(Value),
    /// For a use of a credential that is known.
    Authentication(PasskeyAuthentication),
    /// For a use of whichever credential the authenticator has.
    Discovery(DiscoverableAuthentication),
}

/// A question for the browser.
#[derive(Debug)]
pub struct Question {
    /// `registration`, `authentication` or `discovery`.
    pub kind: &'static str,
    /// The options as `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` takes them.
    pub options: Value,
    /// To be kept until the answer comes.
    pub waiting: Waiting,
}

/// Where a new credential is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept<'a> {
    /// By an authenticator of one of these classes, found by its id: whoever asks for it names it.
    ByItsId(&'a [Class]),
    /// Wherever its owner likes, found by the relying party: nobody has to be named to be asked.
    Discoverable,
}

/// What a new credential is made for.
#[derive(Clone, Copy, Debug)]
pub struct NewCredential<'a> {
    /// What the authenticator files it under.
    pub user: Uuid,
    /// What it shows beside it.
    pub name: &'a str,
    /// Where it is to be.
    pub kept: Kept<'a>,
    /// What the same user has already: an authenticator that has one of these makes no other.
    pub known: &'a [Passkey],
}

/// What an answer says of itself; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The credential's id in base64url.
    pub credential_id: String,
    /// What the authenticator filed it under.
    pub user: Uuid,
}

impl RelyingParty {
    /// A verifier of answers that were made at `origin`, and nowhere else. `prompt` is how long browser
    /// and person have.
    ///
    /// # Errors
    /// When the two do not go together.
    pub fn new(id: &str, origin: &str, prompt: Duration) -> Result<Self, Unfit> {
        let origin = Url::parse(origin).map_err(|_| Unfit)?;
        // Neither subdomains nor other ports: an answer made elsewhere on this machine is not ours.
        let webauthn = WebauthnBuilder::new(id, &origin)
            .map_err(|_| Unfit)?
            .rp_name(id)
            .allow_subdomains(false)
            .allow_any_port(false)
            .timeout(prompt)
            .build()
            .map_err(|_| Unfit)?;
        Ok(Self {
            id: id.to_owned(),
            webauthn: Arc::new(webauthn),
        })
    }

    /// The relying party id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks for a new credential.
    ///
    /// # Errors
    /// When the library cannot ask.
    pub fn ask_registration(&self, new: &NewCredential<'_>) -> Result<Question, Fault> {
        let known = new.known.iter().map(|known| known.cred_id().clone());
        let (challenge, state) = self
            .webauthn
            .start_passkey_registration(new.user, new.name, new.name, Some(known.collect()))
            .map_err(|error| Fault::from(&error))?;
        let mut options = challenge.public_key;
        select(&mut options, new.kept);
        options.attestation = Some(AttestationConveyancePreference::None);
        Ok(Question {
            kind: "registration",
            options: serde_json::to_value(options).map_err(|_| Fault::Internal)?,
            waiting: Waiting::Registration(state),
        })
    }

    /// Asks for a new credential with a statement of its authenticator's maker.
    ///
    /// # Errors
    /// When the library cannot ask.
    pub fn ask_attested_registration(
        &self,
        new: &NewCredential<'_>,
        roots: &Roots,
    ) -> Result<Question, Fault> {
        let known = new.known.iter().map(|known| known.cred_id().clone());
        let (challenge, state) = self
            .webauthn
            .start_attested_passkey_registration(
                new.user,
                new.name,
                new.name,
                Some(known.collect()),
                roots.list().clone(),
                None,
            )
            .map_err(|error| Fault::from(&error))?;
        let mut options = challenge.public_key;
        select(&mut options, new.kept);
        options.attestation = Some(AttestationConveyancePreference::Direct);
        // The one form that can be verified and names its model; of TPMs the library verifies none.
        options.attestation_formats = Some(vec![AttestationFormat::Packed]);
        // User verification is demanded of each answer here. An authenticator that cannot demand it
        // by itself (`credProtect`) is not turned away for that.
        options.extensions = None;
        let mut state = serde_json::to_value(state).map_err(|_| Fault::Internal)?;
        set_roots(&mut state, json!({ "cas": {} }))?;
        Ok(Question {
            kind: "registration",
            options: serde_json::to_value(options).map_err(|_| Fault::Internal)?,
            waiting: Waiting::Attested(state),
        })
    }

    /// Asks for a use of one of these credentials, in an authenticator of one of these classes.
    ///
    /// # Errors
    /// When the library cannot ask.
    pub fn ask_authentication(
        &self,
        passkeys: &[Passkey],
        classes: &[Class],
    ) -> Result<Question, Fault> {
        let (challenge, state) = self
            .webauthn
            .start_passkey_authentication(passkeys)
            .map_err(|error| Fault::from(&error))?;
        let mut options = challenge.public_key;
        options.user_verification = UserVerificationPolicy::Required;
        options.hints = Some(authenticator::hints(classes));
        Ok(Question {
            kind: "authentication",
            options: serde_json::to_value(options).map_err(|_| Fault::Internal)?,
            waiting: Waiting::Authentication(state),
        })
    }

    /// Asks for a use of whichever credential the person chooses.
    ///
    /// # Errors
    /// When the library cannot ask.
    pub fn ask_discovery(&self) -> Result<Question, Fault> {
        let (challenge, state) = self
            .webauthn
            .start_discoverable_authentication()
            .map_err(|error| Fault::from(&error))?;
        let mut options = challenge.public_key;
        options.user_verification = UserVerificationPolicy::Required;
        Ok(Question {
            kind: "discovery",
            options: serde_json::to_value(options).map_err(|_| Fault::Internal)?,
            waiting: Waiting::Discovery(state),
        })
    }

    /// Checks an answer to a question that named what it asked for.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn verify(&self, waiting: &Waiting, answer: Value) -> Result<Proof, Fault> {
        let proof = match waiting {
            Waiting::Registration(state) => {
                let answer: RegisterPublicKeyCredential = read(answer)?;
                let finished = self.webauthn.finish_passkey_registration(&answer, state);
                Proof::registration(finished.map_err(|error| Fault::from(&error))?)
            }
            Waiting::Authentication(state) => {
                let answer: PublicKeyCredential = read(answer)?;
                let finished = self.webauthn.finish_passkey_authentication(&answer, state);
                Proof::authentication(finished.map_err(|error| Fault::from(&error))?)
            }
            Waiting::Attested(_) | Waiting::Discovery(_) => return Err(Fault::Internal),
        };
        Ok(proof)
    }

    /// The same, where a maker was asked to vouch for the credential: by the roots of today.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn verify_attested(
        &self,
        waiting: &Waiting,
        answer: Value,
        roots: &Roots,
    ) -> Result<Proof, Fault> {
        let Waiting::Attested(state) = waiting else {
            return self.verify(waiting, answer);
        };
        let mut state = state.clone();
        let list = serde_json::to_value(roots.list()).map_err(|_| Fault::Internal)?;
        set_roots(&mut state, list)?;
        let state: AttestedPasskeyRegistration =
            serde_json::from_value(state).map_err(|_| Fault::Internal)?;
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let finished = self
            .webauthn
            .finish_attested_passkey_registration(&answer, &state);
        let attested = finished.map_err(|error| Fault::from(&error))?;
        Ok(Proof::registration(Passkey::from(attested)))
    }

    /// Whose answer is this, as it says itself? So that its credential can be looked up.
    ///
    /// # Errors
    /// When it does not say.
    pub fn claimed(&self, answer: &Value) -> Result<Claimed, Fault> {
        let answer: PublicKeyCredential = read(answer.clone())?;
        let (user, id) = self
            .webauthn
            .identify_discoverable_authentication(&answer)
            .map_err(|error| Fault::from(&error))?;
        Ok(Claimed {
            credential_id: URL_SAFE_NO_PAD.encode(id),
            user,
        })
    }

    /// Checks an answer to a question that named nothing, against the credential that it claims to be of.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn verify_discovered(
        &self,
        waiting: &Waiting,
        answer: Value,
        passkey: &Passkey,
    ) -> Result<Proof, Fault> {
        let Waiting::Discovery(state) = waiting else {
            return Err(Fault::AnswerMalformed);
        };
        let answer: PublicKeyCredential = read(answer)?;
        let finished = self.webauthn.finish_discoverable_authentication_v2(
            &answer,
            state.clone(),
            DiscoverableKey::from(passkey),
        );
        let proof = Proof::authentication(finished.map_err(|error| Fault::from(&error))?);
        // The library was asked to demand it; whoever relies on it need not know how.
        if !proof.user_verified() {
            return Err(Fault::UserNotVerified);
        }
        Ok(proof)
    }
}

/// What is asked of the authenticator that makes a credential.
fn select(options: &mut PublicKeyCredentialCreationOptions, kept: Kept<'_>) {
    let mut selection = options.authenticator_selection.take().unwrap_or_default();
    match kept {
        Kept::ByItsId(classes) => {
            // Hints to the browser, not checks: without attestation a program can claim any of them.
            selection.authenticator_attachment = authenticator::attachment(classes);
            options.hints = Some(authenticator::hints(classes));
            // It is always asked for by its id, so it need not be discoverable; where a platform can
            // keep it out of the account's synced list, it does, and stays bound.
            selection.resident_key = Some(ResidentKeyRequirement::Discouraged);
            selection.require_resident_key = false;
        }
        Kept::Discoverable => {
            selection.authenticator_attachment = None;
            options.hints = None;
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
    }
    selection.user_verification = UserVerificationPolicy::Required;
    options.authenticator_selection = Some(selection);
}

/// Puts a list of roots into what the library keeps. A release that names it otherwise is refused here.
fn set_roots(state: &mut Value, list: Value) -> Result<(), Fault> {
    let place = state.get_mut("ca_list").ok_or(Fault::Internal)?;
    *place = list;
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Fault> {
    serde_json::from_value(answer).map_err(|_| Fault::AnswerMalformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_not_the_origins_makes_no_relying_party() {
        let made = |id, origin| RelyingParty::new(id, origin, Duration::from_secs(60)).is_ok();
        assert!(made("localhost", "http://localhost:8080"));
        assert!(made("example.com", "https://cp.example.com"));
        assert!(!made("cp.example.com", "https://example.com"));
        assert!(!made("example.com", "https://example.com.evil.example"));
        assert!(!made("localhost", "not an origin"));
    }

    #[test]
    fn an_operators_credential_is_asked_to_be_found_without_a_name_and_with_its_user_verified() {
        let party = RelyingParty::new("localhost", "http://localhost", Duration::from_secs(60));
        let party = party.unwrap();
        let new = NewCredential {
            user: Uuid::from_bytes([7; 16]),
            name: "ann",
            kept: Kept::Discoverable,
            known: &[],
        };
        let asked = party.ask_registration(&new).unwrap().options;
        let selection = &asked["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["userVerification"], "required");
        assert_eq!(asked["attestation"], "none");
        let asked = party.ask_discovery().unwrap().options;
        assert_eq!(asked["userVerification"], "required");
        assert!(
            asked["allowCredentials"]
                .as_array()
                .is_none_or(Vec::is_empty)
        );
    }
}
