//! `totp`: a code of the authenticator app that this device has set up (`/.countersign/totp`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::app::App;
use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::http::Refusal;
use crate::limits;
use crate::lockout::Subject;
use crate::store::totp::Slot;
use crate::store::{Connection, StoreError};
use crate::totp::{Secret, typed_code};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

/// A right code.
#[derive(Debug)]
pub struct Answer {
    step: u64,
    key: String,
}

/// Asks for the code. A device without an app is asked like any other: what a device has set up is told
/// to nobody but its own page.
pub(super) fn ask(asking: &Asking<'_>) -> Result<Asked, Refusal> {
    // Without a name there is no app that could be meant.
    let device = asking
        .cookie
        .ok_or_else(|| Refusal::with(Cause::KindUnsupported, asking.ticket))?;
    Ok(Asked {
        tries: limits::CODE_TRIES,
        ..Asked::once(Some(device), json!({ "digits": 6 }), String::new())
    })
}

/// Compares the code.
pub(super) async fn verify(
    app: &App,
    answering: &Answering<'_>,
    answer: Value,
) -> Result<Result<Verified, Miss>, StoreError> {
    let Ok(Code { code }) = serde_json::from_value(answer) else {
        return Ok(Err(Miss::again(Cause::AnswerMalformed)));
    };
    let device = answering.row.device.as_str();
    let slot = Slot {
        device,
        host: answering.ticket.host().audience(),
    };
    let known = app.store.totp(slot).await?;
    let (secret, last_step) = match &known {
        Some(known) => (known.open(app, slot)?, known.last_step),
        None => (None, 0),
    };
    // Of a device without an app, or with one under another key file, a secret that nobody knows.
    let is_known = secret.is_some();
    let secret = match secret {
        Some(secret) => secret,
        None => match Secret::random(app.random.as_ref()) {
            Ok(secret) => secret,
            Err(_) => return Ok(Err(Cause::Internal.into())),
        },
    };
    let typed = typed_code(&code).unwrap_or_default();
    let step = secret.step_of(&typed, answering.now_s, last_step);

    let key = Subject::Totp(device).key(&app.tagger);
    let prefix_key = Subject::Prefix(answering.from).key(&app.tagger);
    let now_s = answering.now_s;
    let mut tx = app.store.write().await?;
    for key in [&key, &prefix_key] {
        if app.store.failures(&mut tx, key).await?.is_locked(now_s) {
            tx.rollback().await?;
            return Ok(Err(Cause::CodesLocked.into()));
        }
    }
    if let (Some(step), true) = (step, is_known) {
        tx.rollback().await?;
        return Ok(Ok(Verified::Totp(Answer { step, key })));
    }
    for (key, patience) in [
        (&key, limits::TOTP_PATIENCE),
        (&prefix_key, limits::PREFIX_PATIENCE),
    ] {
        app.store
            .note_failure(&mut tx, key, patience, now_s)
            .await?;
    }
    tx.commit().await?;
    Ok(Err(Miss::again(Cause::CodeWrong)))
}

impl Answer {
    /// Uses the step up: of two answers with one code, at whatever sidecars, one is right.
    pub(super) async fn settle(
        &self,
        app: &App,
        tx: &mut Connection,
        answering: &Answering<'_>,
    ) -> Result<Result<Proof, Cause>, StoreError> {
        let slot = Slot {
            device: &answering.row.device,
            host: answering.ticket.host().audience(),
        };
        let used = app
            .store
            .use_totp_step(tx, slot, self.step, answering.now_s);
        if !used.await? {
            return Ok(Err(Cause::CodeUsed));
        }
        app.store.forgive(tx, &self.key).await?;
        Ok(Ok(Proof {
            assurance: Assurance::Possession,
            amr: &["otp"],
        }))
    }
}
