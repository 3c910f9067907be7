//! One attempt at a challenge: begun, kept, taken once, and turned into a session.

use axum::http::HeaderValue;
use countersign_webauthn::{Passkey, Proof, Question, RelyingParty, Waiting};
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::assurance::Assurance;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::cookies;
use crate::http::Refusal;
use crate::limits;
use crate::outcome::Step;
use crate::session::Grant;
use crate::store::ceremonies::CeremonyRow;
use crate::store::credentials::CredentialRow;
use crate::store::tickets::Attempt;
use crate::store::{Connection, StoreError};
use crate::ticket::Ticket;
use crate::webauthn;
use crate::world::opaque_id;

/// A ceremony that waits for its answer.
pub struct Begun {
    /// Unguessable; names the ceremony once.
    pub id: String,
    /// `registration` or `authentication`.
    pub kind: &'static str,
    /// For the browser.
    pub options: Value,
}

/// What a passed ceremony gives the browser.
pub struct Passed {
    /// Where to.
    pub return_path: String,
    /// The session.
    pub session_cookie: HeaderValue,
    /// The device.
    pub device_cookie: HeaderValue,
}

/// Whether this sidecar has what the ticket asks for.
pub fn answerable(app: &App, ticket: &Ticket) -> Result<RelyingParty, Cause> {
    if !ticket.accepts_fido() {
        return Err(Cause::KindUnsupported);
    }
    // Told before the person lifts a finger: nothing they do here could reach it.
    if ticket.demanded() > Assurance::REACHABLE {
        return Err(Cause::AssuranceTooLow);
    }
    app.relying_parties.of(ticket)
}

/// Begins a ceremony: an authentication where the device has a credential, else a registration.
pub async fn begin(
    app: &App,
    ticket: &Ticket,
    cookie: Option<&str>,
    renew: bool,
) -> Result<Begun, Refusal> {
    let refuse = |cause| Refusal::with(cause, ticket);
    if app.keys.borrow().signer.is_none() {
        return Err(refuse(Cause::NotReady));
    }
    let party = answerable(app, ticket).map_err(refuse)?;
    let known = match cookie {
        Some(device) if !renew => passkeys(app, device, party.id()).await?,
        _ => Vec::new(),
    };
    let (device, question) = match cookie {
        Some(device) if !known.is_empty() => (device.to_owned(), party.ask_authentication(&known)),
        // A new device, also when the browser names one: without its credential the name is only a
        // word that somebody sent.
        _ => (
            opaque_id(app.random.as_ref())?,
            webauthn::ask_registration(&party, user_handle(app)?),
        ),
    };
    let Question {
        kind,
        options,
        waiting,
    } = question.map_err(|fault| refuse(fault.into()))?;
    let row = CeremonyRow {
        id: opaque_id(app.random.as_ref())?,
        host: ticket.host().as_str().to_owned(),
        had_cookie: kind == "authentication",
        ticket: ticket.to_stored(),
        state: serde_json::to_string(&waiting).map_err(|_| refuse(Cause::Internal))?,
        expires_s: app
            .clock
            .now_s()
            .saturating_add(limits::CEREMONY_LIFETIME_S),
        device,
    };
    let mut tx = app.store.write().await?;
    match app.store.note_attempt(&mut tx, ticket).await? {
        Attempt::Granted => {}
        refused => {
            // The refusal writes for itself, and SQLite has one writer.
            tx.rollback().await?;
            return Err(refuse(match refused {
                Attempt::Passed => Cause::TicketUsed,
                Attempt::Granted | Attempt::TooMany => Cause::TooManyAttempts,
            }));
        }
    }
    app.store.keep_ceremony(&mut tx, &row).await?;
    app.record(
        &mut tx,
        ticket,
        Step::Started,
        if row.had_cookie { &row.device } else { "" },
    )
    .await?;
    tx.commit().await?;
    app.spool_grew.notify_one();
    app.metrics.ceremonies.with_label_values(&[kind]).inc();
    Ok(Begun {
        id: row.id,
        kind,
        options,
    })
}

/// Ends a ceremony. Whatever comes of it, it cannot be ended again.
pub async fn end(
    app: &App,
    id: &str,
    host: &Authority,
    cookie: Option<&str>,
    answer: Value,
) -> Result<Passed, Refusal> {
    // Before the ceremony is taken: a sidecar that cannot sign must not spend the person's answer.
    let settings = app
        .current_settings()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let ring = app.keys.borrow().clone();
    let signer = ring
        .signer
        .as_ref()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let now_s = app.clock.now_s();

    let row = app
        .store
        .take_ceremony(id)
        .await?
        .ok_or_else(|| Refusal::of(Cause::CeremonyUnknown))?;
    let ticket = Ticket::from_stored(&row.ticket).map_err(|_| StoreError::Corrupt("ceremonies"))?;
    let refuse =
        |cause| Refusal::with(cause, &ticket).by(if row.had_cookie { &row.device } else { "" });
    check_binding(&row, host, cookie, now_s).map_err(refuse)?;
    let waiting: Waiting =
        serde_json::from_str(&row.state).map_err(|_| StoreError::Corrupt("ceremonies"))?;
    let party = app.relying_parties.of(&ticket).map_err(refuse)?;
    let proof = party
        .verify(&waiting, answer)
        .map_err(|fault| refuse(fault.into()))?;

    let mut tx = app.store.write().await?;
    let passkey =
        match keep_credential(app, &mut tx, &proof, &row.device, party.id(), now_s).await? {
            Ok(passkey) => passkey,
            Err(cause) => {
                tx.rollback().await?;
                return Err(refuse(cause));
            }
        };
    let device_cookie = cookies::set_device(&row.device).ok_or_else(|| refuse(Cause::Internal))?;
    let assurance = webauthn::assurance(&proof, &passkey);
    if assurance < ticket.demanded() {
        // The credential is kept: the next page that asks for less need not register another.
        tx.commit().await?;
        return Err(refuse(Cause::AssuranceTooLow).cookie(Some(device_cookie)));
    }
    if !app.store.pass_ticket(&mut tx, &ticket).await? {
        // The counter stays as this answer left it.
        tx.commit().await?;
        return Err(refuse(Cause::TicketUsed));
    }
    let grant = Grant {
        host,
        device: &row.device,
        assurance,
        id: opaque_id(app.random.as_ref())?,
        now_s,
        lifetime_s: settings.session_lifetime_s,
    };
    let token = grant.sign(signer).map_err(|error| {
        tracing::error!(%error, "cannot sign");
        refuse(Cause::Internal)
    })?;
    app.store
        .note_signed(&mut tx, &signer.kid, grant.exp())
        .await?;
    let passed = Step::Passed {
        assurance,
        session: &grant.id,
    };
    app.record(&mut tx, &ticket, passed, &row.device).await?;
    tx.commit().await?;
    app.spool_grew.notify_one();
    app.metrics
        .sessions
        .with_label_values(&[assurance.word()])
        .inc();
    tracing::info!(
        event_id = ticket.event_id(),
        device = row.device,
        assurance = assurance.word(),
        "passed"
    );
    Ok(Passed {
        return_path: ticket.return_path().location(),
        session_cookie: cookies::set_session(&token, grant.lifetime_s)
            .ok_or_else(|| refuse(Cause::Internal))?,
        device_cookie,
    })
}

fn check_binding(
    row: &CeremonyRow,
    host: &Authority,
    cookie: Option<&str>,
    now_s: u64,
) -> Result<(), Cause> {
    if row.host != host.as_str() {
        return Err(Cause::CeremonyHost);
    }
    if row.had_cookie && cookie != Some(row.device.as_str()) {
        return Err(Cause::CeremonyDevice);
    }
    if now_s > row.expires_s {
        return Err(Cause::CeremonyExpired);
    }
    Ok(())
}

/// Adds the new credential, or writes what its use has changed.
async fn keep_credential(
    app: &App,
    tx: &mut Connection,
    proof: &Proof,
    device: &str,
    rp_id: &str,
    now_s: u64,
) -> Result<Result<Passkey, Cause>, StoreError> {
    let json = |passkey: &Passkey| {
        serde_json::to_string(passkey).map_err(|_| StoreError::Corrupt("credentials"))
    };
    if let Some(passkey) = proof.registered() {
        let row = CredentialRow {
            id: proof.credential_id.clone(),
            rp_id: rp_id.to_owned(),
            device: device.to_owned(),
            passkey: json(passkey)?,
            counter: proof.counter,
        };
        let added = app.store.add_credential(tx, &row, now_s).await?;
        return Ok(if added {
            Ok(passkey.clone())
        } else {
            Err(Cause::CredentialTaken)
        });
    }
    let Some(stored) = app.store.credential(tx, &proof.credential_id).await? else {
        return Ok(Err(Cause::CredentialUnknown));
    };
    let mut passkey: Passkey =
        serde_json::from_str(&stored).map_err(|_| StoreError::Corrupt("credentials"))?;
    if proof.apply_to(&mut passkey).is_none() {
        return Ok(Err(Cause::CredentialUnknown));
    }
    let updated = app
        .store
        .update_credential(
            tx,
            &proof.credential_id,
            &json(&passkey)?,
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

async fn passkeys(app: &App, device: &str, rp_id: &str) -> Result<Vec<Passkey>, StoreError> {
    let rows = app.store.credentials(device, rp_id).await?;
    let read = |row: CredentialRow| {
        serde_json::from_str(&row.passkey).map_err(|_| StoreError::Corrupt("credentials"))
    };
    rows.into_iter().map(read).collect()
}

/// What the authenticator files the credential under: random, so that it tells nobody anything.
fn user_handle(app: &App) -> Result<Uuid, crate::world::NoRandomness> {
    let mut bytes = [0; 16];
    app.random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
