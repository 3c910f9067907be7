//! One attempt at a challenge: begun, kept, taken once, and turned into a session. What is asked and
//! what an answer proves is the kind's own ([`crate::kinds`]).

use std::net::IpAddr;

use axum::http::{HeaderName, HeaderValue, header};
use serde_json::Value;

use crate::app::App;
use crate::assurance::Assurance;
use crate::authority::Authority;
use crate::bound;
use crate::cause::Cause;
use crate::compromise;
use crate::cookies;
use crate::held;
use crate::http::Refusal;
use crate::keys::tag::Use;
use crate::kind::Kind;
use crate::kinds::{self, Answering, Asked, Asking, Miss};
use crate::limits;
use crate::lockout::Subject;
use crate::outcome::Step;
use crate::pairing;
use crate::peer::Prefix;
use crate::rate::What;
use crate::session::{Carried, Grant, Session};
use crate::store::StoreError;
use crate::store::ceremonies::CeremonyRow;
use crate::store::tickets::Attempt;
use crate::ticket::Ticket;
use crate::world::opaque_id;

/// Offers a browser to bind a session.
const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");

/// A ceremony that waits for its answer.
pub struct Begun {
    /// Unguessable; names the ceremony once.
    pub id: String,
    /// What is asked for.
    pub kind: Kind,
    /// The kind's variant.
    pub mode: &'static str,
    /// For the page.
    pub options: Value,
}

/// What a passed ceremony gives the browser.
pub struct Passed {
    /// Where to.
    pub return_path: String,
    /// The session.
    pub session_cookie: HeaderValue,
    /// The device; none where the browser has one that it should keep.
    pub device_cookie: Option<HeaderValue>,
    /// Lets the browser bind the session to a key; none where that would gain nothing.
    pub registration: Option<HeaderValue>,
}

impl Passed {
    /// As headers.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let session = self.session_cookie.clone();
        let registration = self.registration.clone();
        std::iter::once(session)
            .chain(self.device_cookie.clone())
            .map(|cookie| (header::SET_COOKIE, cookie))
            .chain(registration.map(|value| (REGISTRATION, value)))
    }
}

/// Who answers.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The host that was asked.
    pub host: &'a Authority,
    /// The device that the browser names.
    pub cookie: Option<&'a str>,
    /// Where from.
    pub address: Option<IpAddr>,
    /// The good session that came along.
    pub session: Option<&'a Session>,
}

impl Caller<'_> {
    fn from(&self) -> Option<Prefix> {
        self.address.map(Prefix::of)
    }
}

/// Begins a ceremony of that kind; the first that is offered, if the page names none.
pub async fn begin(app: &App, kind: Option<Kind>, asking: &Asking<'_>) -> Result<Begun, Refusal> {
    let ticket = asking.ticket;
    let refuse = |cause| Refusal::with(cause, ticket);
    let now_ms = app.clock.now_ms();
    if !app.rates.allow(What::Begin, asking.from, now_ms) {
        return Err(refuse(Cause::RateBegin));
    }
    if app.keys.borrow().signer.is_none() {
        return Err(refuse(Cause::NotReady));
    }
    let offered = kinds::offered(app, ticket).map_err(refuse)?;
    let kind = match kind {
        Some(kind) if offered.contains(&kind) => kind,
        Some(kind) => return Err(refuse(Cause::KindUnsupported).of_kind(kind)),
        None => offered
            .first()
            .copied()
            .ok_or_else(|| refuse(Cause::KindUnsupported))?,
    };
    let refuse = |cause| Refusal::with(cause, ticket).of_kind(kind);
    let Asked {
        device,
        mode,
        options,
        state,
        tries,
        lifetime_s,
        letter,
    } = kinds::ask(app, kind, asking)
        .await
        .map_err(|refusal| refusal.of_kind(kind))?;
    let had_cookie = device.is_some();
    let row = CeremonyRow {
        id: opaque_id(app.random.as_ref())?,
        host: ticket.host().as_str().to_owned(),
        device: match device {
            Some(device) => device,
            None => opaque_id(app.random.as_ref())?,
        },
        had_cookie,
        ticket: ticket.to_stored(),
        state,
        kind,
        tries,
        expires_s: app.clock.now_s().saturating_add(lifetime_s),
        origin: origin(app, asking.from),
    };
    let mut tx = app.store.write().await?;
    if let Some(device) = asking.cookie {
        let key = Subject::Device(device).key(&app.tagger);
        let failures = app.store.failures(&mut tx, &key).await?;
        if failures.is_locked(app.clock.now_s()) {
            tx.rollback().await?;
            return Err(refuse(Cause::DeviceLocked));
        }
    }
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
    let evicted = app.store.keep_ceremony(&mut tx, &row).await?;
    app.metrics.evicted.inc_by(evicted);
    let device = if had_cookie { &row.device } else { "" };
    app.record(&mut tx, ticket, Some(kind), Step::Started, device)
        .await?;
    tx.commit().await?;
    app.spool_grew.notify_one();
    if let (Some(letter), Some(mailer)) = (letter, &app.channels.mailer) {
        mailer.post(letter).map_err(|_| refuse(Cause::MailAway))?;
    }
    app.metrics
        .ceremonies
        .with_label_values(&[kind.word()])
        .inc();
    Ok(Begun {
        id: row.id,
        kind,
        mode,
        options,
    })
}

/// Answers a ceremony. It cannot be answered again, unless its kind forgives a wrong answer.
pub async fn end(
    app: &App,
    id: &str,
    caller: Caller<'_>,
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
    let now_ms = app.clock.now_ms();
    // Before the ceremony is taken, as well: who is slowed down may answer it later.
    if !app.rates.allow(What::Answer, caller.from(), now_ms) {
        return Err(Refusal::of(Cause::RateAnswer));
    }

    let row = app
        .store
        .take_ceremony(id)
        .await?
        .ok_or_else(|| Refusal::of(Cause::CeremonyUnknown))?;
    let ticket = Ticket::from_stored(&row.ticket).map_err(|_| StoreError::Corrupt("ceremonies"))?;
    let refuse = |cause| {
        let refusal = Refusal::with(cause, &ticket).of_kind(row.kind);
        refusal.by(if row.had_cookie { &row.device } else { "" })
    };
    check_binding(&row, &caller, now_s).map_err(refuse)?;
    let answering = Answering {
        row: &row,
        ticket: &ticket,
        from: caller.from(),
        address: caller.address,
        now_s,
    };
    let verified = match kinds::verify(app, &answering, answer).await? {
        Ok(verified) => verified,
        Err(miss) if miss.cause == Cause::CredentialCloned => {
            return Err(compromise::end_device(app, &ticket, &row, caller.from()).await?);
        }
        Err(miss) => return Err(missed(app, &row, &miss, refuse(miss.cause)).await?),
    };

    let mut tx = app.store.write().await?;
    let proof = match verified.settle(app, &mut tx, &answering).await? {
        Ok(proof) => proof,
        Err(cause) => {
            tx.rollback().await?;
            if cause == Cause::CredentialCloned {
                return Err(compromise::end_device(app, &ticket, &row, caller.from()).await?);
            }
            return Err(refuse(cause));
        }
    };
    let device_cookie = device_cookie(app, &row, caller.cookie).await?;
    if proof.assurance < ticket.demanded() {
        // What was registered is kept: the next page that asks for less need not ask again.
        tx.commit().await?;
        let cause = match (row.kind, proof.assurance) {
            // A verified user, and more was demanded: it is the key that falls short.
            (Kind::Fido, Assurance::Uv) => Cause::CredentialSynced,
            _ => Cause::AssuranceTooLow,
        };
        return Err(refuse(cause).cookie(device_cookie));
    }
    if !app.store.pass_ticket(&mut tx, &ticket).await? {
        // The counter stays as this answer left it.
        tx.commit().await?;
        return Err(refuse(Cause::TicketUsed));
    }
    let key = Subject::Device(&row.device).key(&app.tagger);
    app.store.forgive(&mut tx, &key).await?;
    let grant = Grant {
        host: caller.host,
        device: &row.device,
        assurance: proof.assurance,
        amr: proof.amr,
        stronger: caller
            .session
            .filter(|session| session.is_stronger(&row.device, proof.assurance, now_s)),
        id: opaque_id(app.random.as_ref())?,
        now_s,
        proven_s: now_s,
        lifetime_s: settings.session_lifetime_s,
        carried: Carried::Cookie,
    };
    let claims = grant.claims();
    let token = claims.sign(signer).map_err(|error| {
        tracing::error!(%error, "cannot sign");
        refuse(Cause::Internal)
    })?;
    held::bind(app, &mut tx, &ticket, &row.device).await?;
    bound::add_proof(app, &mut tx, &claims).await?;
    let registration = bound::offer(app, &mut tx, &settings, &ticket, &claims).await?;
    pairing::proven(
        app,
        &mut tx,
        &ticket,
        &row.device,
        proof.assurance,
        proof.amr,
    )
    .await?;
    app.store
        .note_signed(&mut tx, &signer.kid, claims.expires_s())
        .await?;
    let passed = Step::Passed {
        assurance: proof.assurance,
        session: claims.id(),
    };
    app.record(&mut tx, &ticket, Some(row.kind), passed, &row.device)
        .await?;
    tx.commit().await?;
    app.spool_grew.notify_one();
    app.metrics
        .sessions
        .with_label_values(&[proof.assurance.word()])
        .inc();
    tracing::info!(
        event_id = ticket.event_id(),
        device = row.device,
        kind = row.kind.word(),
        assurance = proof.assurance.word(),
        "passed"
    );
    Ok(Passed {
        return_path: ticket.way_on(),
        session_cookie: bound::cookie(&token, &claims, now_s)
            .ok_or_else(|| refuse(Cause::Internal))?,
        device_cookie,
        registration,
    })
}

/// Puts back a ceremony that forgives this answer, with one try less. It was taken before the answer
/// was looked at, so that guesses sent all at once get no more tries than guesses sent one by one.
async fn missed(
    app: &App,
    row: &CeremonyRow,
    miss: &Miss,
    refusal: Refusal,
) -> Result<Refusal, StoreError> {
    let mut tx = app.store.write().await?;
    if row.had_cookie {
        let key = Subject::Device(&row.device).key(&app.tagger);
        let patience = limits::DEVICE_PATIENCE;
        let now_s = app.clock.now_s();
        app.store
            .note_failure(&mut tx, &key, patience, now_s)
            .await?;
    }
    let left = row.tries.saturating_sub(1);
    if !miss.again || left == 0 {
        tx.commit().await?;
        return Ok(refusal);
    }
    let again = CeremonyRow {
        tries: left,
        ..row.clone()
    };
    app.store.keep_ceremony(&mut tx, &again).await?;
    tx.commit().await?;
    Ok(refusal.tries_left(left))
}

/// What a ceremony is counted under.
fn origin(app: &App, from: Option<Prefix>) -> String {
    let bytes = from.map(Prefix::bytes).unwrap_or_default();
    app.tagger.text(Use::Origin, &[&bytes])
}

fn check_binding(row: &CeremonyRow, caller: &Caller<'_>, now_s: u64) -> Result<(), Cause> {
    if row.host != caller.host.as_str() {
        return Err(Cause::CeremonyHost);
    }
    if row.had_cookie && caller.cookie != Some(row.device.as_str()) {
        return Err(Cause::CeremonyDevice);
    }
    if now_s > row.expires_s {
        return Err(Cause::CeremonyExpired);
    }
    Ok(())
}

/// The cookie that names the device.
async fn device_cookie(
    app: &App,
    row: &CeremonyRow,
    cookie: Option<&str>,
) -> Result<Option<HeaderValue>, StoreError> {
    if row.had_cookie || row.kind == Kind::Fido {
        return Ok(cookies::set_device(&row.device));
    }
    name_cookie(app, &row.device, cookie).await
}

/// The cookie that names the device for a browser that calls itself `named`. A proof without a key of this
/// browser must not take from it the name under which its keys are filed.
pub async fn name_cookie(
    app: &App,
    device: &str,
    named: Option<&str>,
) -> Result<Option<HeaderValue>, StoreError> {
    if let Some(named) = named.filter(|named| *named != device)
        && (app.store.has_credentials(named).await? || app.store.has_totp(named).await?)
    {
        return Ok(None);
    }
    Ok(cookies::set_device(device))
}
