//! `fido`: WebAuthn. A device registers a credential the first time and asserts with it afterwards.

use countersign_webauthn::{
    Class, Passkey, Proof as KeyProof, Question, Waiting, may_be_synced, says_otherwise,
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::app::App;
use crate::assurance::Assurance;
use crate::attestation::{Attestation, Standing};
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
/// The same, where a maker vouches for the hardware that holds the key (`hwk`).
const ATTESTED_METHODS: [&str; 4] = ["pop", "user", "mfa", "hwk"];

/// A verified answer.
#[derive(Debug)]
pub struct Answer {
    proof: KeyProof,
    rp_id: String,
}

/// What the page says besides: with which of the accepted authenticators.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    authenticator: Option<Class>,
}

/// An authentication where the device has a credential that can reach what is demanded, else a
/// registration.
pub(super) async fn ask(app: &App, asking: &Asking<'_>) -> Result<Asked, Refusal> {
    let refuse = |cause| Refusal::with(cause, asking.ticket);
    let party = app.relying_parties.of(asking.ticket).map_err(refuse)?;
    let classes = classes(asking).map_err(refuse)?;
    let known = match asking.cookie {
        Some(device) if !asking.renew => {
            let mut known = passkeys(app, device, party.id()).await?;
            known.retain(|passkey| reaches(app, asking.ticket.demanded(), passkey));
            known
        }
        _ => Vec::new(),
    };
    let (device, question) = if known.is_empty() {
        // A device that is proven by its session is upgraded. Any other is a new one, also when the
        // browser names one: without its credential the name is only a word that somebody sent.
        let device = asking.proven.filter(|_| !asking.renew);
        let trust = app.channels.attestation.as_ref().map(Attestation::trust);
        // Asked for only where it is demanded: it tells a site which model somebody has.
        let trust = trust.filter(|_| asking.ticket.demanded() == Assurance::UvAttested);
        let roots = trust.as_ref().map(|trust| trust.roots());
        let user = user_handle(app)?;
        let question = webauthn::ask_registration(&party, user, &classes, roots);
        (device, question)
    } else {
        (asking.cookie, party.ask_authentication(&known, &classes))
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

/// The authenticators that are asked: the one that the person chose, or all that the policy accepts.
fn classes(asking: &Asking<'_>) -> Result<Vec<Class>, Cause> {
    let accepted = asking.ticket.authenticators();
    let input = match asking.input {
        Value::Null => Input::default(),
        input => Input::deserialize(input).map_err(|_| Cause::BodyMalformed)?,
    };
    match input.authenticator {
        None => Ok(accepted),
        Some(class) if accepted.contains(&class) => Ok(vec![class]),
        Some(_) => Err(Cause::AuthenticatorClass),
    }
}

/// Whether an answer with this credential can prove as much: asking for one that cannot would be a loop.
fn reaches(app: &App, demanded: Assurance, passkey: &Passkey) -> bool {
    let standing = standing(app, passkey);
    let attested = standing == Standing::Attested;
    standing != Standing::Refused
        && Assurance::of_answer(true, may_be_synced(passkey), attested) >= demanded
}

fn standing(app: &App, passkey: &Passkey) -> Standing {
    let attestation = app.channels.attestation.as_ref();
    attestation.map_or(Standing::Unattested, |it| it.trust().standing(passkey))
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
    if says_otherwise(&answering.ticket.authenticators(), &answer) {
        return Ok(Err(Cause::AuthenticatorClass.into()));
    }
    let verified = match (&waiting, &app.channels.attestation) {
        (Waiting::Attested(_), Some(attestation)) => {
            party.verify_attested(&waiting, answer, attestation.trust().roots())
        }
        // Asked by a sidecar that has roots, or by this one before they were taken away.
        (Waiting::Attested(_), None) => return Ok(Err(Cause::AttestationRootsMissing.into())),
        _ => party.verify(&waiting, answer),
    };
    Ok(match verified {
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
        // As it stands now, not as it stood when the credential was made: makers learn of their
        // mistakes later.
        Ok(kept.and_then(|passkey| {
            let attested = match standing(app, &passkey) {
                Standing::Refused => return Err(Cause::AuthenticatorRefused),
                standing => standing == Standing::Attested,
            };
            Ok(Proof {
                assurance: webauthn::assurance(&self.proof, &passkey, attested),
                amr: if attested {
                    &ATTESTED_METHODS
                } else {
                    &METHODS
                },
            })
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
