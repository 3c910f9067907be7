//! Bodies of challenged requests: kept sealed while their sender gives proof, then given to the filter,
//! once. Only the filter may bring and fetch them; a browser only sees a form with a token.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::cookies;
use crate::limits;
use crate::store::held::{Claim, HeldRow, NotGiven};
use crate::store::{Connection, StoreError};
use crate::ticket::{Ticket, TicketKey, verified};
use crate::world::NoRandomness;

/// The `typ` of the filter's proof.
pub const TYP: &str = "countersign-held+jwt";
/// The `typ` of the cookie by which the filter marks the browser that sent a request which is held.
pub const SENDER_TYP: &str = "countersign-sender+jwt";
/// The header that carries it. The filter takes off what clients send under this prefix.
pub const PROOF_HEADER: &str = "countersign-proof";
/// The header that says what a given body is.
pub const KEPT_HEADER: &str = "countersign-held";

const ISSUER: &str = "countersign-filter";

/// What the filter wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Brings a body.
    Store,
    /// Fetches one.
    Take,
}

/// What the filter's proof says.
#[derive(Debug, Deserialize)]
pub struct Proof {
    iss: String,
    exp: u64,
    act: Act,
    /// Host and port as the browser sees them.
    pub aud: String,
    /// Path and query of the request.
    pub path: String,
    /// Of a store: the event.
    #[serde(default)]
    pub jti: String,
    /// Of a take: the device of the verified session.
    #[serde(default)]
    pub sub: String,
    /// The network of the client.
    #[serde(default)]
    pub client: String,
    /// Bytes of the call's body.
    pub len: u64,
    /// What the request was: the filter's own words, kept and given back as they came.
    #[serde(default)]
    pub kept: serde_json::Value,
}

impl Proof {
    /// Checks a proof.
    #[must_use]
    pub fn verify(text: &str, keys: &[TicketKey], act: Act, now_s: u64) -> Option<Self> {
        let proof: Self = verified(text, keys, TYP).ok()?;
        let good = proof.iss == ISSUER
            && proof.act == act
            && now_s <= proof.exp.saturating_add(limits::TICKET_LEEWAY_S)
            && proof.client.len() <= 64
            && proof.jti.len() <= 64
            && (act == Act::Take || !proof.jti.is_empty());
        good.then_some(proof)
    }
}

/// What the cookie of a sender says.
#[derive(Deserialize)]
struct Sender {
    iss: String,
    aud: String,
    jti: String,
}

/// Whether this browser sent the request that is held under that event. A ticket is an address: who
/// follows one that somebody else sent on must not send somebody else's form with cookies of their own.
#[must_use]
pub fn is_sender(
    headers: &HeaderMap,
    event_id: &str,
    host: &Authority,
    keys: &[TicketKey],
) -> bool {
    cookies::values(headers, &format!("{}{event_id}", cookies::SENDER))
        .into_iter()
        .filter_map(|text| verified::<Sender>(text, keys, SENDER_TYP).ok())
        .any(|sender| sender.iss == ISSUER && sender.aud == host.as_str() && sender.jti == event_id)
}

/// What is sealed: what the request was, beside its body.
#[derive(Serialize, Deserialize)]
struct Sealed {
    kept: serde_json::Value,
}

/// A body that is given.
pub struct Given {
    /// What the request was, for [`KEPT_HEADER`].
    pub kept: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

fn name(event_id: &str) -> String {
    format!("held:{event_id}")
}

/// Keeps a body.
pub async fn keep(app: &App, proof: &Proof, body: &[u8]) -> Result<(), Cause> {
    let failed = |error: StoreError| match error {
        StoreError::Full(_) => Cause::HeldFull,
        error => error.cause(),
    };
    let sealed = Sealed {
        kept: proof.kept.clone(),
    };
    let about = serde_json::to_vec(&sealed).map_err(|_| Cause::Internal)?;
    let length = u32::try_from(about.len()).map_err(|_| Cause::Internal)?;
    let plain = [&length.to_be_bytes()[..], &about, body].concat();
    let sealed = app
        .kek
        .seal(&name(&proof.jti), &plain, app.random.as_ref())
        .map_err(|_| Cause::Internal)?;
    let now_s = app.clock.now_s();
    let row = HeldRow {
        event_id: proof.jti.clone(),
        host: proof.aud.clone(),
        path: proof.path.clone(),
        network: proof.client.clone(),
        size: (plain.len() as u64)
            .saturating_add(proof.path.len() as u64)
            .saturating_add(limits::HELD_ROW_BYTES),
        sealed,
        expires_s: now_s.saturating_add(limits::HELD_LIFETIME_S),
    };
    let most = app.held_bytes.load(std::sync::atomic::Ordering::Relaxed);
    let mut tx = app.store.write().await.map_err(failed)?;
    match app.store.keep_held(&mut tx, &row, most).await {
        Ok(()) => {}
        Err(StoreError::Full(_)) => {
            // What is over may still stand there until the next housekeeping.
            tx.rollback().await.map_err(|error| failed(error.into()))?;
            app.store.prune_held(now_s).await.map_err(failed)?;
            tx = app.store.write().await.map_err(failed)?;
            app.store
                .keep_held(&mut tx, &row, most)
                .await
                .map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    tx.commit().await.map_err(|error| failed(error.into()))?;
    app.metrics.held.with_label_values(&["kept"]).inc();
    Ok(())
}

/// The ticket's body is from now on the device's that has passed.
pub async fn bind(
    app: &App,
    on: &mut Connection,
    ticket: &Ticket,
    device: &str,
) -> Result<(), StoreError> {
    if !ticket.is_held() {
        return Ok(());
    }
    let now_s = app.clock.now_s();
    let until_s = now_s.saturating_add(limits::HELD_GRACE_S);
    app.store
        .bind_held(on, ticket.event_id(), device, now_s, until_s)
        .await
}

/// A new token for a body, and the path to post it to.
pub async fn token_for(
    app: &App,
    event_id: &str,
    host: &Authority,
    device: &str,
    by_sender: bool,
) -> Result<(String, String), Cause> {
    let mut bytes = [0; 32];
    app.random
        .fill(&mut bytes)
        .map_err(|NoRandomness| Cause::Internal)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let claim = Claim {
        token: &hash(&token),
        host: host.as_str(),
        path: "",
        device,
        by_sender,
        now_s: app.clock.now_s(),
    };
    match app.store.name_held(event_id, claim).await {
        Ok(Ok(waiting)) => Ok((token, waiting.path)),
        Ok(Err(why)) => Err(cause(why)),
        Err(error) => Err(error.cause()),
    }
}

/// Gives a body, once.
pub async fn take(app: &App, proof: &Proof, token: &str) -> Result<Given, Cause> {
    let claim = Claim {
        token: &hash(token),
        host: &proof.aud,
        path: &proof.path,
        device: &proof.sub,
        by_sender: true,
        now_s: app.clock.now_s(),
    };
    let taken = app.store.take_held(claim).await;
    let taken = taken.map_err(|error| error.cause())?;
    let (event_id, sealed) = taken.map_err(cause)?;
    let plain = app
        .kek
        .unseal(&name(&event_id), &sealed)
        .map_err(|_| Cause::Internal)?;
    let given = opened(&plain).ok_or(Cause::Internal)?;
    app.metrics.held.with_label_values(&["given"]).inc();
    tracing::info!(event_id, device = proof.sub, "a held body was given");
    Ok(given)
}

fn opened(plain: &[u8]) -> Option<Given> {
    let (length, rest) = plain.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (about, body) = rest.split_at_checked(length)?;
    let Sealed { kept } = serde_json::from_slice(about).ok()?;
    Some(Given {
        kept: URL_SAFE_NO_PAD.encode(kept.to_string()),
        body: body.to_vec(),
    })
}

/// A token is random, so a fast hash is enough to keep it by.
fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

fn cause(why: NotGiven) -> Cause {
    match why {
        NotGiven::Unknown => Cause::HeldUnknown,
        NotGiven::Taken => Cause::HeldTaken,
        NotGiven::Expired => Cause::HeldExpired,
        NotGiven::Elsewhere => Cause::HeldElsewhere,
        NotGiven::Device => Cause::HeldDevice,
        NotGiven::Sender => Cause::HeldSender,
    }
}
