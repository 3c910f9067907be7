//! `otp_email`: a code that came by mail. It proves that somebody reads what is sent to an address that
//! they chose; who they are it does not tell, and the session does not name the address.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::app::App;
use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::http::Refusal;
use crate::limits;
use crate::lockout::Subject;
use crate::otp::address::Address;
use crate::otp::letter::Letter;
use crate::otp::{Delivery, Waiting};
use crate::rate::What;
use crate::store::{Connection, StoreError};
use crate::world::opaque_id;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    address: String,
    /// The language of the page.
    #[serde(default)]
    language: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

/// A right code.
#[derive(Debug)]
pub struct Answer {
    address_key: String,
    mail_key: String,
}

/// Makes a code for the address. Whether it is sent shows neither in the answer nor in its time: every
/// address takes the same way through the store, and the mail goes later.
pub(super) async fn ask(app: &App, asking: &Asking<'_>) -> Result<Asked, Refusal> {
    let refuse = |cause| Refusal::with(cause, asking.ticket);
    let mailer = app.channels.mailer.as_ref();
    let mailer = mailer.ok_or_else(|| refuse(Cause::KindUnsupported))?;
    let input: Input =
        Input::deserialize(asking.input).map_err(|_| refuse(Cause::AddressInvalid))?;
    let address = Address::parse(&input.address).map_err(|_| refuse(Cause::AddressInvalid))?;
    mailer.ready().map_err(|_| refuse(Cause::MailAway))?;
    let (now_ms, now_s) = (app.clock.now_ms(), app.clock.now_s());
    if !app.rates.allow(What::Mail, asking.from, now_ms) {
        return Err(refuse(Cause::RateMail));
    }

    let key = |subject: Subject<'_>| subject.key(&app.tagger);
    let address_key = key(Subject::Address(address.plain()));
    let mail_key = key(Subject::Mail(address.plain()));
    let mut tx = app.store.write().await?;
    let failed = app.store.failures(&mut tx, &address_key).await?;
    let mailed = app.store.failures(&mut tx, &mail_key).await?;
    let locked = failed.is_locked(now_s) || mailed.is_locked(now_s);
    let delivery = if mailer.serves(&address) && !locked {
        Delivery::Sent
    } else {
        Delivery::Withheld
    };
    // A mail that is not sent must not lengthen the lock-out of who waits for one.
    let counted = match delivery {
        Delivery::Sent => mail_key.clone(),
        Delivery::Withheld => key(Subject::Mail("")),
    };
    app.store
        .note_failure(&mut tx, &counted, limits::MAIL_PATIENCE, now_s)
        .await?;
    tx.commit().await?;

    let random = app.random.as_ref();
    let (mut waiting, code) = Waiting::new(&app.tagger, random, delivery)?;
    waiting.address_key = address_key;
    waiting.mail_key = mail_key;
    let letter = Letter {
        to: (delivery == Delivery::Sent).then_some(address),
        language: app.catalog.tag(&input.language),
        host: asking.ticket.host().audience().to_owned(),
        code,
        now_s,
        id: opaque_id(random)?,
    };
    let state = serde_json::to_string(&waiting).map_err(|_| refuse(Cause::Internal))?;
    let options = json!({ "digits": 6, "lifetime_s": limits::CODE_LIFETIME_S });
    Ok(Asked {
        tries: limits::CODE_TRIES,
        lifetime_s: limits::CODE_LIFETIME_S,
        letter: Some(letter),
        ..Asked::once(asking.proven, options, state)
    })
}

/// Compares the code.
pub(super) async fn verify(
    app: &App,
    answering: &Answering<'_>,
    answer: Value,
) -> Result<Result<Verified, Miss>, StoreError> {
    let waiting: Waiting = serde_json::from_str(&answering.row.state)
        .map_err(|_| StoreError::Corrupt("ceremonies"))?;
    let Ok(Code { code }) = serde_json::from_value(answer) else {
        return Ok(Err(Miss::again(Cause::AnswerMalformed)));
    };
    let prefix_key = Subject::Prefix(answering.from).key(&app.tagger);
    let now_s = answering.now_s;
    let mut tx = app.store.write().await?;
    let crowd = app.store.failures(&mut tx, &prefix_key).await?;
    if crowd.is_locked(now_s) {
        tx.rollback().await?;
        return Ok(Err(Miss::again(Cause::CodesLocked)));
    }
    let failed = app.store.failures(&mut tx, &waiting.address_key).await?;
    // Compared also while the address is locked, and told as wrong: who guesses learns nothing from it.
    let right = waiting.is(&app.tagger, &code);
    if right && !failed.is_locked(now_s) {
        tx.rollback().await?;
        let Waiting {
            address_key,
            mail_key,
            ..
        } = waiting;
        return Ok(Ok(Verified::OtpEmail(Answer {
            address_key,
            mail_key,
        })));
    }
    for (key, patience) in [
        (&waiting.address_key, limits::ADDRESS_PATIENCE),
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
    /// The owner of the address was here: its failures are forgiven, those of the prefix are not, because
    /// everybody has an address of his own to pass with.
    pub(super) async fn settle(&self, app: &App, tx: &mut Connection) -> Result<Proof, StoreError> {
        app.store.forgive(tx, &self.address_key).await?;
        app.store.forgive(tx, &self.mail_key).await?;
        Ok(Proof {
            assurance: Assurance::Possession,
            amr: &["otp", "email"],
        })
    }
}
