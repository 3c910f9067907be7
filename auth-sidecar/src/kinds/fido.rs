//! `fido`: WebAuthn. A device registers a credential the first time and asserts with it afterwards.

use countersign_webauthn::{Passkey, Proof as KeyProof, Question, Waiting};
use serde_json::Value;
use uuid::Uuid;

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::app::App;
use crate::cause::Cause;
use crate::http::Refusal;
use crate::store::credentials::CredentialRow;
use crate::store::{Connection, StoreError};
use crate::webauthn;
use crate::world::NoRandomness;

/// How it was proven (RFC 8176 and its registry): a key was used (`pop`), its user was there
/// (`user`) and was verified by something they are or know (`mfa`). Neither `hwk` nor `fpt` or
/// `face`: nothing attests the hardware, and WebAuthn does not tell the method.
const METHODS: [&str; 3] = ["pop", "user", "mfa"];

/// A verified answer.
#[derive(Debug)]
pub struct Answer {
    proof: KeyProof,
    rp_id: String,
}

/// An authentication where the device has a credential, else a registration.
pub(super) async fn ask(app: &App, asking: &Asking<'_>) -> Result<Asked, Refusal> {
    let refuse = |cause| Refusal::with(cause, asking.ticket);
    let party = app.relying_parties.of(asking.ticket).map_err(refuse)?;
    let known = match asking.cookie {
        Some(device) if !asking.renew => passkeys(app, device, party.id()).await?,
        _ => Vec::new(),
    };
    let (device, question) = if known.is_empty() {
        // A device that is proven by its session is upgraded. Any other is a new one, also when the
        // browser names one: without its credential the name is only a word that somebody sent.
        let device = asking.proven.filter(|_| !asking.renew);
        let question = webauthn::ask_registration(&party, user_handle(app)?);
        (device, question)
    } else {
        (asking.cookie, party.ask_authentication(&known))
    };
    let Question {
        kind,
        options,
        waiting,
    } = question.map_err(|fault| refuse(fault.into()))?;
    let state = serde_json::to_string(&waiting).map_err(|_| refuse(Cause::Internal))?;
    Ok(Asked {
        mode: kind,
        ..Asked::once(device, options, state)
    })
}

/// Checks what the authenticator signed.
pub(super) fn verify(
    app: &App,
    answering: &Answering<'_>,
    answer: Value,
) -> Result<Result<Verified, Miss>, StoreError> {
    let waiting: Waiting = serde_json::from_str(&answering.row.state)
        .map_err(|_| StoreError::Corrupt("ceremonies"))?;
    let party = match app.relying_parties.of(answering.ticket) {
        Ok(party) => party,
        Err(cause) => return Ok(Err(cause.into())),
    };
    Ok(match party.verify(&waiting, answer) {
        Ok(proof) => Ok(Verified::Fido(Box::new(Answer {
            proof,
            rp_id: party.id().to_owned(),
        }))),
        Err(fault) => Err(Cause::from(fault).into()),
    })
}

impl Answer {
    /// Adds the new credential, or writes what its use has changed.
    pub(super) async fn settle(
        &self,
        app: &App,
        tx: &mut Connection,
        answering: &Answering<'_>,
    ) -> Result<Result<Proof, Cause>, StoreError> {
        let kept = match self.proof.registered() {
            Some(passkey) => self.add(app, tx, answering, passkey).await?,
            None => self.update(app, tx, answering.now_s).await?,
        };
        Ok(kept.map(|passkey| Proof {
            assurance: webauthn::assurance(&self.proof, &passkey),
            amr: &METHODS,
        }))
    }

    async fn add(
        &self,
        app: &App,
        tx: &mut Connection,
        answering: &Answering<'_>,
        passkey: &Passkey,
    ) -> Result<Result<Passkey, Cause>, StoreError> {
        let row = CredentialRow {
            id: self.proof.credential_id.clone(),
            rp_id: self.rp_id.clone(),
            device: answering.row.device.clone(),
            passkey: json(passkey)?,
            counter: self.proof.counter,
        };
        let added = app.store.add_credential(tx, &row, answering.now_s).await?;
        Ok(if added {
            Ok(passkey.clone())
        } else {
            Err(Cause::CredentialTaken)
        })
    }

    async fn update(
        &self,
        app: &App,
        tx: &mut Connection,
        now_s: u64,
    ) -> Result<Result<Passkey, Cause>, StoreError> {
        let proof = &self.proof;
        let Some(stored) = app.store.credential(tx, &proof.credential_id).await? else {
            return Ok(Err(Cause::CredentialUnknown));
        };
        let mut passkey: Passkey =
            serde_json::from_str(&stored).map_err(|_| StoreError::Corrupt("credentials"))?;
        if proof.apply_to(&mut passkey).is_none() {
            return Ok(Err(Cause::CredentialUnknown));
        }
        let passkey_json = json(&passkey)?;
        let updated = app
            .store
            .update_credential(
                tx,
                &proof.credential_id,
                &passkey_json,
                proof.counter,
                now_s,
            )
            .await?;
        Ok(if updated {
            Ok(passkey)
        } else {
            Err(Cause::CredentialCloned)
        })
    }
}

fn json(passkey: &Passkey) -> Result<String, StoreError> {
    serde_json::to_string(passkey).map_err(|_| StoreError::Corrupt("credentials"))
}

async fn passkeys(app: &App, device: &str, rp_id: &str) -> Result<Vec<Passkey>, StoreError> {
    let rows = app.store.credentials(device, rp_id).await?;
    let read = |row: CredentialRow| {
        serde_json::from_str(&row.passkey).map_err(|_| StoreError::Corrupt("credentials"))
    };
    rows.into_iter().map(read).collect()
}

/// What the authenticator files the credential under: random, so that it tells nobody anything.
fn user_handle(app: &App) -> Result<Uuid, NoRandomness> {
    let mut bytes = [0; 16];
    app.random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
