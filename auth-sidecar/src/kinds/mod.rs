//! What is particular to each kind: what it asks, and what an answer proves. What all of them share
//! (tickets, attempts, taking once, the session) is in [`crate::ceremony`].
//!
//! A new kind is a module with `ask` and `verify`, and one arm in each `match` below.

use std::net::IpAddr;

use serde_json::Value;

use crate::app::App;
use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::http::Refusal;
use crate::kind::Kind;
use crate::limits;
use crate::otp::letter::Letter;
use crate::peer::Prefix;
use crate::store::ceremonies::CeremonyRow;
use crate::store::{Connection, StoreError};
use crate::ticket::Ticket;

pub mod captcha;
pub mod fido;
pub mod nojs;
pub mod otp_email;
pub mod pow;
pub mod totp;

/// Who asks to be challenged, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The ticket, verified.
    pub ticket: &'a Ticket,
    /// The device that the browser's cookie names. Only a word that somebody sent, until a
    /// credential of that device proves it.
    pub cookie: Option<&'a str>,
    /// The same device, where a good session of this request names it as well.
    pub proven: Option<&'a str>,
    /// Where the request came from.
    pub from: Option<Prefix>,
    /// Make a new credential though the device has one.
    pub renew: bool,
    /// What else the page says; of a shape that the kind gives it.
    pub input: &'a Value,
}

/// What a kind asks.
#[derive(Debug)]
pub struct Asked {
    /// The device that the answer will be for; `None`: a new one.
    pub device: Option<String>,
    /// The variant of the kind: `registration`, `authentication`; empty where there is one only.
    pub mode: &'static str,
    /// For the page.
    pub options: Value,
    /// What the verifier has to remember.
    pub state: String,
    /// How many answers it takes until one is right; 1 = none may be wrong.
    pub tries: u32,
    /// How long it waits for its answer.
    pub lifetime_s: u64,
    /// Sent once the ceremony stands.
    pub letter: Option<Letter>,
}

impl Asked {
    /// One answer, within the usual time.
    #[must_use]
    pub fn once(device: Option<&str>, options: Value, state: String) -> Self {
        Self {
            device: device.map(str::to_owned),
            mode: "",
            options,
            state,
            tries: 1,
            lifetime_s: limits::CEREMONY_LIFETIME_S,
            letter: None,
        }
    }
}

/// An answer that comes to a ceremony, and what is known of the ceremony.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// The ceremony as it was taken.
    pub row: &'a CeremonyRow,
    /// Its ticket.
    pub ticket: &'a Ticket,
    /// Who asked for the answer to be looked at.
    pub from: Option<Prefix>,
    /// Their address, for those who judge by it.
    pub address: Option<IpAddr>,
    /// Now, in seconds.
    pub now_s: u64,
}

/// Why an answer proves nothing.
#[derive(Debug)]
pub struct Miss {
    /// The reason.
    pub cause: Cause,
    /// The ceremony may go on, if it has tries left.
    pub again: bool,
}

impl Miss {
    /// Another answer may be right: a code that was mistyped.
    #[must_use]
    pub fn again(cause: Cause) -> Self {
        Self { cause, again: true }
    }
}

impl From<Cause> for Miss {
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            again: false,
        }
    }
}

/// An answer that is right. What it proves is known once it is written down: a credential's counter,
/// a code's step must not have been used meanwhile.
#[derive(Debug)]
pub enum Verified {
    /// A WebAuthn answer.
    Fido(Box<fido::Answer>),
    /// A captcha's token.
    Captcha(captcha::Answer),
    /// A code that was mailed.
    OtpEmail(otp_email::Answer),
    /// A code of an authenticator app.
    Totp(totp::Answer),
    /// Nothing is to be written.
    Proof(Proof),
}

/// What was proven, computed from what was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The grade.
    pub assurance: Assurance,
    /// How (RFC 8176, where it has a word).
    pub amr: &'static [&'static str],
}

impl Verified {
    /// Writes down what the answer has changed, within the transaction that passes the ticket.
    pub async fn settle(
        self,
        app: &App,
        tx: &mut Connection,
        answering: &Answering<'_>,
    ) -> Result<Result<Proof, Cause>, StoreError> {
        match self {
            Self::Fido(answer) => answer.settle(app, tx, answering).await,
            Self::Captcha(answer) => answer.settle(app, tx, answering).await,
            Self::OtpEmail(answer) => answer.settle(app, tx).await.map(Ok),
            Self::Totp(answer) => answer.settle(app, tx, answering).await,
            Self::Proof(proof) => Ok(Ok(proof)),
        }
    }
}

/// Whether this sidecar can pose a challenge of the kind for the ticket.
pub fn available(app: &App, kind: Kind, ticket: &Ticket) -> Result<(), Cause> {
    match kind {
        Kind::Fido => app.relying_parties.of(ticket).map(|_| ()),
        Kind::Captcha => has(app.channels.captcha.is_some()),
        Kind::OtpEmail => has(app.channels.mailer.is_some()),
        Kind::Pow | Kind::Nojs | Kind::Totp => Ok(()),
    }
}

/// What the operator has set up.
fn has(it: bool) -> Result<(), Cause> {
    if it {
        Ok(())
    } else {
        Err(Cause::KindUnsupported)
    }
}

/// The kinds that the ticket asks for, that this sidecar has, and that can prove as much as is
/// demanded, in the ticket's order. None: why not.
pub fn offered(app: &App, ticket: &Ticket) -> Result<Vec<Kind>, Cause> {
    let mut why_not = Cause::KindUnsupported;
    let mut offered = Vec::new();
    for kind in ticket.kinds() {
        match fits(app, kind, ticket) {
            Ok(()) => offered.push(kind),
            // What the operator can do about: a kind that is there, and does not reach or fit.
            Err(cause) if why_not == Cause::KindUnsupported => why_not = cause,
            Err(_) => {}
        }
    }
    if offered.is_empty() {
        return Err(why_not);
    }
    Ok(offered)
}

fn fits(app: &App, kind: Kind, ticket: &Ticket) -> Result<(), Cause> {
    available(app, kind, ticket)?;
    // Told before the person lifts a finger: nothing they do here could reach it.
    let demanded = ticket.demanded();
    if demanded <= kind.highest(app.channels.attestation.is_some()) {
        Ok(())
    } else if demanded <= kind.highest(true) {
        Err(Cause::AttestationRootsMissing)
    } else {
        Err(Cause::AssuranceTooLow)
    }
}

/// Asks.
pub async fn ask(app: &App, kind: Kind, asking: &Asking<'_>) -> Result<Asked, Refusal> {
    match kind {
        Kind::Fido => fido::ask(app, asking).await,
        Kind::Pow => pow::ask(app, asking),
        Kind::Nojs => Ok(nojs::ask(asking, app.clock.now_s())),
        Kind::Captcha => captcha::ask(app, asking),
        Kind::OtpEmail => otp_email::ask(app, asking).await,
        Kind::Totp => totp::ask(asking),
    }
}

/// Looks at an answer. Nothing is written here, so that it may take its time.
pub async fn verify(
    app: &App,
    answering: &Answering<'_>,
    answer: Value,
) -> Result<Result<Verified, Miss>, StoreError> {
    match answering.row.kind {
        Kind::Fido => fido::verify(app, answering, answer),
        Kind::Pow => pow::verify(answering, answer),
        Kind::Nojs => Ok(nojs::verify(answering)),
        Kind::Captcha => Ok(captcha::verify(app, answering, answer).await),
        Kind::OtpEmail => otp_email::verify(app, answering, answer).await,
        Kind::Totp => totp::verify(app, answering, answer).await,
    }
}
