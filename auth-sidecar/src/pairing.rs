//! Proof given on another device: for a program (RFC 8628), and for a browser that cannot give it.
//!
//! Whoever waits holds a secret and shows a code. Its person enters the code on a device of theirs, passes
//! the challenge there, is shown what waits, and says yes. Only then does the secret fetch a session: one
//! of the waiting device, with what was proven, as of when it was proven.
//!
//! What that opens: who sends his own code to somebody else may get a session with that one's proof (RFC
//! 8628 section 5.4). Hence the page before the yes. The session is of a new device of his own and names
//! nobody else; as a device's proof it never counts for more than `uv`, which programs can give
//! themselves wherever nobody attests their authenticator.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_dpop::Thumbprint;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::assurance::Assurance;
use crate::bound;
use crate::cause::Cause;
use crate::held;
use crate::http::Refusal;
use crate::keys::tag::Use;
use crate::limits;
use crate::peer::Prefix;
use crate::rate::What;
use crate::session::{Carried, Claims, Grant, Session};
use crate::store::pairings::{Asker, Given, PairingRow, State};
use crate::store::{Connection, StoreError};
use crate::ticket::Ticket;
use crate::world::{NoRandomness, opaque_id};

pub mod code;
pub mod texts;

/// What the waiting one is told.
#[derive(Debug)]
pub struct Begun {
    /// 256 bits; what it asks with.
    pub secret: String,
    /// As it is shown.
    pub code: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds.
    pub interval: u64,
}

/// What was proven on the other device.
#[derive(Debug, Serialize, Deserialize)]
struct Proven {
    acr: Assurance,
    amr: Vec<String>,
}

/// A session for the one who waited.
#[derive(Debug)]
pub struct Earned {
    /// The token.
    pub token: String,
    /// What it proves.
    pub assurance: Assurance,
    /// What it says.
    pub claims: Claims,
    /// The ticket it waited with.
    pub ticket: Ticket,
}

/// Whether what a ticket demands may be proven on another device.
#[must_use]
pub fn is_allowed(ticket: &Ticket) -> bool {
    !ticket.is_for_own_device() && !ticket.is_pairing() && ticket.demanded() <= Assurance::Uv
}

/// Who begins to wait.
#[derive(Debug, Clone, Copy)]
pub enum Waits<'a> {
    /// A program.
    Program,
    /// A browser.
    Browser {
        /// The device that the session will be of: what the browser calls itself, where its session proves
        /// that, else a new one. A proof that is given elsewhere says nothing of whose name this is.
        device: &'a str,
        /// What it calls itself.
        named: Option<&'a str>,
    },
}

/// Begins to wait.
pub async fn begin(
    app: &App,
    ticket: &Ticket,
    who: Waits<'_>,
    from: Option<IpAddr>,
) -> Result<Begun, Refusal> {
    let refuse = |cause| Refusal::with(cause, ticket);
    let now_ms = app.clock.now_ms();
    let prefix = from.map(Prefix::of);
    if !app.rates.allow(What::Begin, prefix, now_ms) {
        return Err(refuse(Cause::RateBegin));
    }
    if !is_allowed(ticket) {
        return Err(refuse(Cause::PairingForbidden));
    }
    if app.store.ticket_passed(ticket.event_id()).await? {
        return Err(refuse(Cause::TicketUsed));
    }
    let secret = secret(app)?;
    let code = code::fresh(app.random.as_ref())?;
    let (asker, interval_s, device, named) = match who {
        Waits::Program => (Asker::Program, limits::PAIRING_INTERVAL_S, "", None),
        Waits::Browser { device, named } => (
            Asker::Browser,
            limits::PAIRING_BROWSER_INTERVAL_S,
            device,
            named,
        ),
    };
    let row = PairingRow {
        event_id: ticket.event_id().to_owned(),
        secret: hash(&secret),
        code: code.clone(),
        host: ticket.host().as_str().to_owned(),
        ticket: ticket.to_stored(),
        asker,
        device: device.to_owned(),
        named: named.unwrap_or_default().to_owned(),
        origin: origin(app, prefix),
        state: State::Pending,
        approver: String::new(),
        assurance: String::new(),
        proven_s: 0,
        interval_s,
        asked_ms: 0,
        expires_s: app.clock.now_s().saturating_add(limits::PAIRING_LIFETIME_S),
    };
    let mut tx = app.store.write().await?;
    app.store.keep_pairing(&mut tx, &row).await?;
    tx.commit().await?;
    count(app, "begun");
    Ok(Begun {
        secret,
        code: code::shown(&code),
        expires_in: limits::PAIRING_LIFETIME_S,
        interval: interval_s,
    })
}

/// Proof was given with a ticket for somebody who waits.
pub async fn proven(
    app: &App,
    on: &mut Connection,
    ticket: &Ticket,
    approver: &str,
    assurance: Assurance,
    amr: &[&str],
) -> Result<(), StoreError> {
    if !ticket.is_pairing() {
        return Ok(());
    }
    let proven = Proven {
        // However firmly the other device's key stays there: it is not this one's.
        acr: assurance.min(Assurance::Uv),
        amr: amr.iter().map(|&method| method.to_owned()).collect(),
    };
    let given = Given {
        event_id: ticket.event_id(),
        approver,
        assurance: &serde_json::to_string(&proven).map_err(|_| StoreError::Corrupt("pairings"))?,
        now_s: app.clock.now_s(),
    };
    app.store.prove_pairing(on, given).await
}

/// Who waits with that secret, if it is of that kind and host and its time is not over.
pub async fn waiting(
    app: &App,
    secret: &str,
    asker: Asker,
    host: &str,
) -> Result<PairingRow, Refusal> {
    let row = app.store.pairing_of_secret(&hash(secret)).await?;
    let row = row
        .filter(|row| row.asker == asker && row.host == host)
        .ok_or_else(|| Refusal::of(Cause::PairingUnknown))?;
    if app.clock.now_s() > row.expires_s {
        return Err(Refusal::of(Cause::PairingExpired));
    }
    if row.state == State::Denied {
        return Err(Refusal::of(Cause::PairingDenied));
    }
    Ok(row)
}

/// Takes what was approved, once, and signs a session for it. `None` while nobody has said yes.
pub async fn redeem(
    app: &App,
    row: &PairingRow,
    key: Option<&Thumbprint>,
    own: Option<&Session>,
) -> Result<Option<Earned>, Refusal> {
    if row.state != State::Approved {
        return Ok(None);
    }
    let not_ready = || Refusal::of(Cause::NotReady);
    let settings = app.current_settings().ok_or_else(not_ready)?;
    let ring = app.keys.borrow().clone();
    // Before it is taken: a sidecar that cannot sign must not spend the person's yes.
    let signer = ring.signer.as_ref().ok_or_else(not_ready)?;
    let now_s = app.clock.now_s();
    let mut tx = app.store.write().await?;
    let Some(row) = app.store.take_pairing(&mut tx, &row.secret, now_s).await? else {
        tx.rollback().await?;
        return Err(Refusal::of(Cause::PairingUnknown));
    };
    let corrupt = || StoreError::Corrupt("pairings");
    let ticket = Ticket::from_stored(&row.ticket).map_err(|_| corrupt())?;
    let proven: Proven = serde_json::from_str(&row.assurance).map_err(|_| corrupt())?;
    let device = match (row.asker, key) {
        (Asker::Browser, _) => row.device.clone(),
        // One key, one device: what it earns again is the same device's.
        (Asker::Program, Some(key)) => device_of(key),
        (Asker::Program, None) => opaque_id(app.random.as_ref())?,
    };
    let amr: Vec<&str> = proven.amr.iter().map(String::as_str).collect();
    let grant = Grant {
        host: ticket.host(),
        device: &device,
        assurance: proven.acr,
        amr: &amr,
        stronger: own.filter(|session| session.is_stronger(&device, proven.acr, now_s)),
        id: opaque_id(app.random.as_ref())?,
        now_s,
        proven_s: row.proven_s,
        lifetime_s: settings.session_lifetime_s,
        carried: match row.asker {
            Asker::Browser => Carried::Cookie,
            Asker::Program => Carried::Header(key),
        },
    };
    let claims = grant.claims();
    let token = claims.sign(signer).map_err(|error| {
        tracing::error!(%error, "cannot sign");
        Refusal::of(Cause::Internal)
    })?;
    held::bind(app, &mut tx, &ticket, &device).await?;
    app.store
        .note_signed(&mut tx, &signer.kid, claims.expires_s())
        .await?;
    bound::add_proof(app, &mut tx, &claims).await?;
    tx.commit().await?;
    let word = proven.acr.word();
    app.metrics.sessions.with_label_values(&[word]).inc();
    count(app, "given");
    tracing::info!(
        event_id = row.event_id,
        device,
        approver = row.approver,
        asker = row.asker.word(),
        bound = key.is_some(),
        assurance = word,
        "a proof given on another device was fetched"
    );
    Ok(Some(Earned {
        token,
        assurance: proven.acr,
        claims,
        ticket,
    }))
}

/// Counts what became of one.
pub fn count(app: &App, result: &str) {
    app.metrics.pairings.with_label_values(&[result]).inc();
}

/// What it is counted and compared under.
#[must_use]
pub fn origin(app: &App, from: Option<Prefix>) -> String {
    let bytes = from.map(Prefix::bytes).unwrap_or_default();
    app.tagger.text(Use::Origin, &[&bytes])
}

fn device_of(key: &Thumbprint) -> String {
    let (first, _) = key.bytes().split_at(16);
    URL_SAFE_NO_PAD.encode(first)
}

fn secret(app: &App) -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    app.random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A secret is random, so a fast hash is enough to keep it by.
fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}
