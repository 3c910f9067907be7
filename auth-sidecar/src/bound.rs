//! Sessions bound to a key of the device: Device Bound Session Credentials (W3C draft, as Chromium
//! speaks it).
//!
//! With a passed ceremony goes an offer. A browser that knows it makes a key, registers it, and gets a
//! copy of the session that lasts for minutes; from then on it signs a challenge for every new copy, until
//! the session's own end. A cookie that somebody else copied ends with those minutes. A browser that does
//! not know the offer ignores it and keeps the cookie that it has.

use axum::http::HeaderValue;
use serde_json::{Value, json};

use crate::app::App;
use crate::cause::Cause;
use crate::cookies;
use crate::http::Refusal;
use crate::limits;
use crate::session::{CannotSign, Claims};
use crate::settings::Settings;
use crate::store::bound::{BoundRow, OfferRow};
use crate::store::{Connection, StoreError};
use crate::ticket::{Scheme, Ticket};
use crate::world::opaque_id;

pub mod response;

use response::{PublicKey, UnverifiedResponse};

/// Where a browser brings its key.
pub const REGISTER_PATH: &str = "/.countersign/bound";
/// Where it asks for another copy.
pub const RENEW_PATH: &str = "/.countersign/bound/renew";

/// What becomes of bound sessions, for counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// A session was earned whose browser may bind it.
    Offered,
    /// A key was registered.
    Registered,
    /// A challenge was given out.
    Challenged,
    /// A key got another copy.
    Renewed,
}

impl Life {
    /// One of each, for metrics that begin at zero.
    pub const EACH: [Self; 4] = [
        Self::Offered,
        Self::Registered,
        Self::Challenged,
        Self::Renewed,
    ];

    /// The metric label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Registered => "registered",
            Self::Challenged => "challenged",
            Self::Renewed => "renewed",
        }
    }
}

/// What a key gets.
pub struct Copy {
    /// The new cookie.
    pub cookie: HeaderValue,
    /// What the browser has to know about the session.
    pub instructions: Value,
}

/// What a browser that asks for another copy is answered.
pub enum Renewal {
    /// Sign this first.
    Challenge(HeaderValue),
    /// Here it is.
    Copy(Copy),
}

/// Offers a session that was just earned to be bound; none where that would gain nothing, or it is bound
/// already. Gives the value of `Secure-Session-Registration`.
pub async fn offer(
    app: &App,
    tx: &mut Connection,
    settings: &Settings,
    ticket: &Ticket,
    claims: &Claims,
) -> Result<Option<HeaderValue>, Refusal> {
    let now_s = app.clock.now_s();
    let shorter = |life_s: u64| claims.expires_s() > now_s.saturating_add(life_s);
    // Browsers bind what came over TLS only.
    if claims.is_copy()
        || !settings.bound_lifetime_s.is_some_and(shorter)
        || ticket.scheme() != Scheme::Https
    {
        return Ok(None);
    }
    let id = opaque_id(app.random.as_ref())?;
    let challenge = opaque_id(app.random.as_ref())?;
    let origin = format!("{}://{}", ticket.scheme().as_str(), ticket.host().as_str());
    let row = OfferRow {
        id: &id,
        origin: &origin,
        host: ticket.host().audience(),
        device: claims.device(),
        claims: &to_stored(claims)?,
        challenge: &challenge,
        expires_s: now_s.saturating_add(limits::BOUND_OFFER_S),
    };
    app.store.offer_bound(tx, &row).await?;
    count(app, Life::Offered);
    let value = format!(
        "(ES256);path=\"{REGISTER_PATH}\";challenge=\"{challenge}\";authorization=\"{id}\""
    );
    Ok(HeaderValue::from_str(&value).ok())
}

/// Has the next copies of a bound session say as well what was proven with this one. There is nothing to do
/// for any other session.
pub async fn add_proof(app: &App, tx: &mut Connection, copy: &Claims) -> Result<(), Refusal> {
    if !copy.is_copy() {
        return Ok(());
    }
    let corrupt = |_| StoreError::Corrupt("bound_sessions");
    let kept = app.store.bound_claims(tx, copy.device(), copy.host());
    let Some((id, kept)) = kept.await? else {
        return Ok(());
    };
    let kept: Claims = serde_json::from_str(&kept).map_err(corrupt)?;
    // Another session has taken its place; the copy ends by itself.
    if kept.id() != copy.id() {
        return Ok(());
    }
    let claims = to_stored(&kept.and(copy.also().cloned()))?;
    Ok(app.store.set_bound_claims(tx, &id, &claims).await?)
}

/// The cookie of a session. Of one that a key renews, the browser drops the cookie, and asks for the next,
/// before a filter refuses its token: by what rounding and the way take.
#[must_use]
pub fn cookie(token: &str, claims: &Claims, now_s: u64) -> Option<HeaderValue> {
    let lasts_s = claims.lasts_s(now_s);
    let early_s = match claims.is_copy() {
        true => (lasts_s / 10).clamp(1, limits::BOUND_EARLY_S),
        false => 0,
    };
    cookies::set_session(token, lasts_s.saturating_sub(early_s).max(1))
}

/// Binds an offered session to the key that the browser brings.
pub async fn register(app: &App, response: &str) -> Result<Copy, Refusal> {
    let (key, signed) = UnverifiedResponse::parse(response)
        .and_then(UnverifiedResponse::register)
        .map_err(Refusal::of)?;
    let refuse = |cause| Err(Refusal::of(cause));
    let Some(id) = signed.authorization.as_deref() else {
        return refuse(Cause::BoundAuthorization);
    };
    let Some(row) = known(app, id).await? else {
        return refuse(Cause::BoundAuthorization);
    };
    // Used: a copy of the response that registered the key.
    if !row.public_key.is_empty() {
        return refuse(Cause::BoundReplayed);
    }
    if row.challenge != signed.jti {
        return refuse(Cause::BoundChallenge);
    }
    if !signed.is_for(&row.origin, REGISTER_PATH) {
        return refuse(Cause::BoundElsewhere);
    }
    if app.clock.now_s() > row.expires_s {
        return refuse(Cause::BoundOver);
    }
    let copy = next(app, id, &row).await?;
    let mut tx = app.store.write().await?;
    let bound = app
        .store
        .bind_session(&mut tx, id, &key.to_stored(), copy.ends_s())
        .await?;
    if !bound {
        tx.rollback().await?;
        return refuse(Cause::BoundReplayed);
    }
    let copy = sign(app, &mut tx, id, &row, &copy).await?;
    tx.commit().await?;
    count(app, Life::Registered);
    Ok(copy)
}

/// Gives whoever holds the session's key another copy.
pub async fn renew(app: &App, id: &str, response: Option<&str>) -> Result<Renewal, Refusal> {
    let refuse = |cause| Err(Refusal::of(cause));
    let row = match known(app, id).await? {
        Some(row) if !row.public_key.is_empty() => row,
        _ => return refuse(Cause::BoundUnknown),
    };
    // Before a challenge is given: a session that has ended is not worth a signature.
    let copy = next(app, id, &row).await?;
    let Some(response) = response else {
        return challenge(app, id).await;
    };
    let key =
        PublicKey::from_stored(&row.public_key).ok_or(StoreError::Corrupt("bound_sessions"))?;
    let signed = UnverifiedResponse::parse(response)
        .and_then(|response| response.renew(&key))
        .map_err(Refusal::of)?;
    if signed.sub.as_deref().is_some_and(|sub| sub != id) || !signed.is_for(&row.origin, RENEW_PATH)
    {
        return refuse(Cause::BoundElsewhere);
    }
    let in_time = app.clock.now_s() <= row.challenge_expires_s;
    let mut tx = app.store.write().await?;
    if !in_time
        || !app
            .store
            .spend_bound_challenge(&mut tx, id, &signed.jti)
            .await?
    {
        tx.rollback().await?;
        // Signed with the right key, so it may be the browser's, and late: it is asked again. A copy of
        // an older response gets as much, which is of no use without the key.
        Refusal::of(Cause::BoundChallenge).settle(app).await;
        return challenge(app, id).await;
    }
    let copy = sign(app, &mut tx, id, &row, &copy).await?;
    tx.commit().await?;
    count(app, Life::Renewed);
    Ok(Renewal::Copy(copy))
}

async fn known(app: &App, id: &str) -> Result<Option<BoundRow>, StoreError> {
    if id.is_empty() || id.len() > limits::BOUND_ID_BYTES {
        return Ok(None);
    }
    app.store.bound(id).await
}

async fn challenge(app: &App, id: &str) -> Result<Renewal, Refusal> {
    let fresh = opaque_id(app.random.as_ref())?;
    let now_s = app.clock.now_s();
    let expires_s = now_s.saturating_add(limits::BOUND_CHALLENGE_S);
    let challenge = app
        .store
        .bound_challenge(id, &fresh, expires_s, now_s)
        .await?
        .ok_or_else(|| Refusal::of(Cause::BoundUnknown))?;
    count(app, Life::Challenged);
    let value = format!("\"{challenge}\";id=\"{id}\"");
    let value = HeaderValue::from_str(&value).map_err(|_| Refusal::of(Cause::Internal))?;
    Ok(Renewal::Challenge(value))
}

/// What the next copy says, if there may be one.
async fn next(app: &App, id: &str, row: &BoundRow) -> Result<Claims, Refusal> {
    let settings = app
        .current_settings()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let claims: Claims =
        serde_json::from_str(&row.claims).map_err(|_| StoreError::Corrupt("bound_sessions"))?;
    if claims.is_revoked(&settings.revocations) {
        app.store.end_bound(id).await?;
        return Err(Refusal::of(Cause::BoundRevoked));
    }
    // Switched off since: what is bound already stays so until it ends.
    let life_s = settings
        .bound_lifetime_s
        .unwrap_or(limits::BOUND_LIFETIME_DEFAULT_S);
    let Some(copy) = claims.renewed(life_s, app.clock.now_s()) else {
        app.store.end_bound(id).await?;
        return Err(Refusal::of(Cause::BoundOver));
    };
    Ok(copy)
}

async fn sign(
    app: &App,
    tx: &mut Connection,
    id: &str,
    row: &BoundRow,
    copy: &Claims,
) -> Result<Copy, Refusal> {
    let ring = app.keys.borrow().clone();
    let signer = ring
        .signer
        .as_ref()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let token = copy.sign(signer).map_err(|error: CannotSign| {
        tracing::error!(%error, "cannot sign");
        Refusal::of(Cause::Internal)
    })?;
    app.store
        .note_signed(tx, &signer.kid, copy.expires_s())
        .await?;
    Ok(Copy {
        cookie: cookie(&token, copy, app.clock.now_s())
            .ok_or_else(|| Refusal::of(Cause::Internal))?,
        instructions: instructions(id, &row.origin, copy),
    })
}

/// What the browser does with the session: which requests wait for a copy, and where it gets one.
fn instructions(id: &str, origin: &str, copy: &Claims) -> Value {
    json!({
        "session_identifier": id,
        "refresh_url": RENEW_PATH,
        "scope": {
            "origin": origin,
            "include_site": false,
            // Nothing of ours asks for a session, and a challenge must not wait for what it replaces.
            "scope_specification": [
                { "type": "exclude", "domain": copy.host(), "path": "/.countersign/" },
            ],
        },
        "credentials": [{
            "type": "cookie",
            "name": cookies::SESSION,
            "attributes": cookies::ATTRIBUTES,
        }],
    })
}

fn to_stored(claims: &Claims) -> Result<String, Refusal> {
    serde_json::to_string(claims).map_err(|_| Refusal::of(Cause::Internal))
}

fn count(app: &App, life: Life) {
    app.metrics.bound.with_label_values(&[life.word()]).inc();
}
