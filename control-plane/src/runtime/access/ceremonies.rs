//! Making a passkey and signing in with one: asked, answered, and answered once.
//!
//! What is asked goes to the browser sealed and comes back with the answer, to whichever replica. Nothing
//! is kept of it until an answer proves something, so that strangers cannot fill a table; then its id is
//! kept until it would have expired, so that the same answer proves nothing a second time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_webauthn::{Fault, Question, Waiting};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Access;
use super::admin::short_id;
use super::credential::{self, registered};
use super::passkeys::{ListedPasskey, PasskeyError, Passkeys, bounded_name, object};
use super::sign_in::SignedIn;
use crate::access::{
    Caller, Identity, PasskeyEntry, Refusal, Role, Secret, SignIn, SignedInBy, TokenHash,
    UnverifiedToken,
};
use crate::clock;
use crate::limits::{self, millis};
use crate::store::{Answered, PasskeyChange, PasskeyUse};

/// Who made a passkey that no token and no passkey made.
const BOOTSTRAP: &str = "bootstrap";
/// What the audit log says of an answer that comes again.
const REPLAYED: &str = "its answer was used before";

/// A question for a browser.
#[derive(Debug)]
pub struct Asked {
    /// `registration` or `discovery`.
    pub kind: &'static str,
    /// For `navigator.credentials`, by `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    pub options: Value,
    /// To be brought back with the answer.
    pub ceremony: String,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Ceremony {
    id: String,
    expires_ms: u64,
    purpose: Purpose,
    waiting: Waiting,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    SignIn,
    /// Another passkey for who is signed in so.
    Another {
        by: String,
        name: String,
    },
    /// The first passkey, for a one-time token.
    First {
        once: String,
        identity: String,
        name: String,
    },
}

impl Ceremony {
    fn answered(&self) -> Answered {
        Answered {
            id: self.id.clone(),
            expires_ms: self.expires_ms,
        }
    }
}

impl Access {
    /// Asks for another passkey of who is signed in.
    ///
    /// # Errors
    /// When they may not make one, or the store fails.
    pub async fn ask_passkey(&self, caller: &Caller, name: &str) -> Result<Asked, PasskeyError> {
        let passkeys = self.passkeys()?;
        self.root(&caller.identity)?;
        let name = bounded_name(name)?;
        let identity = caller.identity.name();
        let known = self.store.passkeys_of(identity).await?;
        let question = credential::question(passkeys, identity, &known)?;
        let by = caller.identity.source().to_string();
        self.asked(passkeys, question, Purpose::Another { by, name })
    }

    /// Makes the passkey that was asked for.
    ///
    /// # Errors
    /// When the answer proves nothing, or the store fails: then nothing is changed.
    pub async fn make_passkey(
        &self,
        caller: &Caller,
        ceremony: &str,
        answer: Value,
        action: &str,
    ) -> Result<ListedPasskey, PasskeyError> {
        let passkeys = self.passkeys()?;
        let (role, token) = self.root(&caller.identity)?;
        let created_by = caller.identity.source().to_string();
        let ceremony = self.brought_back(passkeys, ceremony)?;
        let Purpose::Another { by, name } = &ceremony.purpose else {
            return Err(PasskeyError::Over);
        };
        if *by != created_by {
            return Err(PasskeyError::Over);
        }
        let entry = PasskeyEntry {
            role,
            token,
            ..self.new_entry(name, caller.identity.name(), created_by)?
        };
        let passkey = registered(passkeys, &ceremony.waiting, answer, entry)?;
        caller.note.on(object(&passkey.entry));
        let row = self.row(caller, action);
        let answered = ceremony.answered();
        made_or(self.store.add_passkey(&passkey, &answered, &row).await?)?;
        caller.note.written();
        self.read().await?;
        let book = self.book.borrow();
        Ok(ListedPasskey::new(passkey.entry, &book, self.clock.now()))
    }

    /// Asks for the first passkey, of who holds a one-time token.
    ///
    /// # Errors
    /// When the token is no good, or the store fails.
    pub async fn ask_first_passkey(
        &self,
        caller: &Caller,
        once: &str,
        (identity, name): (&str, &str),
        action: &str,
    ) -> Result<Asked, PasskeyError> {
        let passkeys = self.passkeys()?;
        let read = UnverifiedToken::read(once.trim());
        let once = read.map_err(|error| self.attempted(caller, action, error.into()))?;
        let now = self.clock.now();
        if !once.is_once() || !self.store.is_bootstrap(once.hash(), now).await? {
            return Err(self.attempted(caller, action, PasskeyError::NotOnce));
        }
        let identity = bounded_name(identity)?;
        let purpose = Purpose::First {
            once: once.hash().to_hex(),
            name: bounded_name(name)?,
            identity: identity.clone(),
        };
        let question = credential::question(passkeys, &identity, &[])?;
        self.asked(passkeys, question, purpose)
    }

    /// Makes the first passkey, an approver's; the one-time token ends, and who made it is signed in.
    ///
    /// # Errors
    /// When the answer proves nothing, or the store fails: then nothing is changed, and the one-time token
    /// is as good as it was.
    pub async fn make_first_passkey(
        &self,
        caller: &Caller,
        ceremony: &str,
        answer: Value,
        action: &str,
    ) -> Result<SignedIn, PasskeyError> {
        let passkeys = self.passkeys()?;
        let ceremony = self.brought_back(passkeys, ceremony)?;
        let Purpose::First {
            once,
            identity,
            name,
        } = &ceremony.purpose
        else {
            return Err(PasskeyError::Over);
        };
        let once = TokenHash::from_hex(once).ok_or(PasskeyError::Over)?;
        let entry = PasskeyEntry {
            role: Role::Approver,
            ..self.new_entry(name, identity, BOOTSTRAP.to_owned())?
        };
        let passkey = registered(passkeys, &ceremony.waiting, answer, entry)
            .map_err(|error| self.attempted(caller, action, error))?;
        let (cookie, sign_in) = self.new_sign_in(&passkey.entry)?;
        let owner = as_owner(caller, Identity::of_passkey(&passkey.entry));
        owner.note.on(object(&passkey.entry));
        let row = self.row(&owner, action);
        let answered = ceremony.answered();
        let made = self
            .store
            .first_passkey(once, &passkey, &answered, &sign_in, &row);
        match made.await? {
            PasskeyChange::Missing => {
                return Err(self.attempted(caller, action, PasskeyError::NotOnce));
            }
            change => made_or(change)?,
        }
        self.read().await?;
        Ok(SignedIn {
            caller: owner,
            cookie,
        })
    }

    /// Asks for a passkey of whoever it is.
    ///
    /// # Errors
    /// When nothing random can be had.
    pub fn ask_sign_in(&self) -> Result<Asked, PasskeyError> {
        let passkeys = self.passkeys()?;
        let question = passkeys.at.party.ask_discovery();
        let question = question.map_err(PasskeyError::Rejected)?;
        self.asked(passkeys, question, Purpose::SignIn)
    }

    /// Signs in whoever answered.
    ///
    /// # Errors
    /// When the answer proves nothing, its passkey is good no more, or the store fails.
    pub async fn sign_in_by_passkey(
        &self,
        caller: &Caller,
        ceremony: &str,
        answer: Value,
        action: &str,
    ) -> Result<SignedIn, PasskeyError> {
        let passkeys = self.passkeys()?;
        let ceremony = self.brought_back(passkeys, ceremony)?;
        if !matches!(ceremony.purpose, Purpose::SignIn) {
            return Err(PasskeyError::Over);
        }
        let party = &passkeys.at.party;
        let strange = |fault: Fault| self.refuse_answer(caller, action, &fault.to_string());
        let claimed = party.claimed(&answer).map_err(strange)?;
        let stored = self.store.passkey_of(&claimed.credential_id).await?;
        let stored = stored.filter(|it| it.user_handle == claimed.user.to_string());
        let stored = stored.ok_or_else(|| strange(Fault::CredentialUnknown))?;

        let caller = &as_owner(caller, Identity::of_passkey(&stored.entry));
        caller.note.on(object(&stored.entry));
        let refuse = |fault: Fault| self.refuse_answer(caller, action, &fault.to_string());
        let mut passkey = credential::read(&stored)?;
        let verified = party.verify_discovered(&ceremony.waiting, answer, &passkey);
        let proof = verified.map_err(refuse)?;
        let changed = proof.apply_to(&mut passkey);
        changed.ok_or_else(|| refuse(Fault::CredentialUnknown))?;
        // Only who has the key is told that it is good no more.
        let now = self.clock.now();
        let good = || self.book.borrow().by_passkey(&stored.entry, now);
        if good().is_err() {
            // Another replica may have made its token a moment ago.
            self.read().await?;
        }
        good().map_err(|ended| self.refuse_ended(caller, action, ended))?;
        self.rate(&caller.identity)?;

        let (cookie, sign_in) = self.new_sign_in(&stored.entry)?;
        let used = PasskeyUse {
            credential: credential::write(&passkey)?,
            counter: proof.counter,
            used_ms: now,
            id: stored.entry.id,
        };
        let row = self.row(caller, action);
        let answered = ceremony.answered();
        let done = self
            .store
            .sign_in_by_passkey(&used, &answered, &sign_in, &row);
        match done.await? {
            PasskeyChange::Cloned => return Err(refuse(Fault::CredentialCloned)),
            PasskeyChange::Answered => {
                return Err(match self.refuse_answer(caller, action, REPLAYED) {
                    PasskeyError::Refused(Refusal::PasskeyRejected) => PasskeyError::Over,
                    later => later,
                });
            }
            PasskeyChange::Missing => {
                return Err(self.refuse_ended(caller, action, Refusal::PasskeyRemoved));
            }
            PasskeyChange::Full => return Err(PasskeyError::SignIns),
            change => made_or(change)?,
        }
        self.read().await?;
        Ok(SignedIn {
            caller: caller.clone(),
            cookie,
        })
    }

    fn asked(
        &self,
        passkeys: &Passkeys,
        question: Question,
        purpose: Purpose,
    ) -> Result<Asked, PasskeyError> {
        let id = clock::random_bytes::<16>()?;
        let lasts = millis(limits::CEREMONY_LASTS);
        let ceremony = Ceremony {
            id: URL_SAFE_NO_PAD.encode(id),
            expires_ms: self.clock.now().saturating_add(lasts),
            purpose,
            waiting: question.waiting,
        };
        let sealed = serde_json::to_vec(&ceremony);
        let sealed = sealed.map_err(|_| PasskeyError::Rejected(Fault::Internal))?;
        Ok(Asked {
            kind: question.kind,
            options: question.options,
            ceremony: passkeys.seal.close(&sealed),
        })
    }

    fn brought_back(&self, passkeys: &Passkeys, text: &str) -> Result<Ceremony, PasskeyError> {
        let fits = text.len() <= limits::MAX_CEREMONY_BYTES;
        let opened = fits.then(|| passkeys.seal.open(text)).flatten();
        let ceremony = opened.and_then(|sealed| serde_json::from_slice::<Ceremony>(&sealed).ok());
        ceremony
            .filter(|ceremony| ceremony.expires_ms > self.clock.now())
            .ok_or(PasskeyError::Over)
    }

    /// A viewer's, until it is said otherwise.
    fn new_entry(
        &self,
        name: &str,
        identity: &str,
        created_by: String,
    ) -> Result<PasskeyEntry, PasskeyError> {
        Ok(PasskeyEntry {
            id: short_id()?,
            name: name.to_owned(),
            identity: identity.to_owned(),
            role: Role::Viewer,
            token: None,
            created_ms: self.clock.now(),
            created_by,
            used_ms: None,
            removed_ms: None,
        })
    }

    fn new_sign_in(&self, passkey: &PasskeyEntry) -> Result<(Secret, SignIn), PasskeyError> {
        let cookie = Secret::new(clock::random_bytes()?);
        let by = SignedInBy::Passkey(passkey.id.clone());
        let sign_in = self.sign_in_of(cookie.hash(), by);
        Ok((cookie, sign_in))
    }

    /// An attempt that proved nothing is told, and counts against its address like a wrong token.
    fn attempted(&self, caller: &Caller, action: &str, error: PasskeyError) -> PasskeyError {
        // Of a passkey that is known each attempt is told: there may be a copy of it.
        let strange = !caller.identity.is_known();
        self.tell_attempt(caller, action, strange, &error.to_string());
        self.limited(caller, error)
    }

    /// The audit log is told why; who asks is not.
    fn refuse_answer(&self, caller: &Caller, action: &str, why: &str) -> PasskeyError {
        let strange = !caller.identity.is_known();
        self.tell_attempt(caller, action, strange, why);
        self.count_refused(&Refusal::PasskeyRejected);
        self.limited(caller, Refusal::PasskeyRejected.into())
    }

    fn limited(&self, caller: &Caller, error: PasskeyError) -> PasskeyError {
        match caller.address.map(|address| self.attempt(address)) {
            Some(Err(retry_after)) => Refusal::TooManyAttempts { retry_after }.into(),
            _ => error,
        }
    }

    fn refuse_ended(&self, caller: &Caller, action: &str, ended: Refusal) -> PasskeyError {
        self.count_refused(&ended);
        self.tell_attempt(caller, action, false, &ended.to_string());
        ended.into()
    }
}

fn as_owner(caller: &Caller, identity: Identity) -> Caller {
    Caller {
        identity,
        ..caller.clone()
    }
}

fn made_or(change: PasskeyChange) -> Result<(), PasskeyError> {
    match change {
        PasskeyChange::Made => Ok(()),
        PasskeyChange::Full => Err(PasskeyError::Full),
        PasskeyChange::Exists => Err(PasskeyError::Exists),
        PasskeyChange::Missing | PasskeyChange::Answered | PasskeyChange::Cloned => {
            Err(PasskeyError::Over)
        }
    }
}
