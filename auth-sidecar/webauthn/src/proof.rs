//! What a verified answer proves, and what it changes of the stored credential.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use webauthn_rs::prelude::{AuthenticationResult, Credential, Passkey};

/// What an answer has proven. Made by [`crate::RelyingParty`] only.
#[derive(Debug)]
pub struct Proof {
    /// The credential's id in base64url.
    pub credential_id: String,
    /// The signature counter that came with it.
    pub counter: u32,
    user_verified: bool,
    backup_eligible: bool,
    change: Change,
}

#[derive(Debug)]
enum Change {
    New(Box<Passkey>),
    Used(Box<AuthenticationResult>),
}

impl Proof {
    pub(crate) fn registration(passkey: Passkey) -> Self {
        let credential = Credential::from(passkey.clone());
        Self {
            credential_id: URL_SAFE_NO_PAD.encode(passkey.cred_id()),
            counter: credential.counter,
            user_verified: credential.user_verified,
            backup_eligible: credential.backup_eligible,
            change: Change::New(Box::new(passkey)),
        }
    }

    pub(crate) fn authentication(result: AuthenticationResult) -> Self {
        Self {
            credential_id: URL_SAFE_NO_PAD.encode(result.cred_id()),
            counter: result.counter(),
            user_verified: result.user_verified(),
            backup_eligible: result.backup_eligible(),
            change: Change::Used(Box::new(result)),
        }
    }

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

    /// Did the authenticator say that it verified its user?
    #[must_use]
    pub fn user_verified(&self) -> bool {
        self.user_verified
    }

    /// Did it say that the credential may leave its device?
    #[must_use]
    pub fn backup_eligible(&self) -> bool {
        self.backup_eligible
    }
}

/// May this credential be in more than one device?
#[must_use]
pub fn may_be_synced(passkey: &Passkey) -> bool {
    let stored = Credential::from(passkey.clone());
    stored.backup_eligible || stored.backup_state
}
