//! `POST /.countersign/device_authorization` and `POST /.countersign/token`: a program asks for a token
//! that its person approves elsewhere (RFC 8628).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use countersign_dpop::ProofError;
use serde::Deserialize;
use serde_json::json;

use super::presented::{Presented, TicketBody};
use super::{Refusal, guard};
use crate::app::App;
use crate::cause::{Cause, Face};
use crate::limits;
use crate::pairing::{self, Waits};
use crate::peer::Prefix;
use crate::possession;
use crate::rate::What;
use crate::store::pairings::{Asker, PairingRow};
use crate::ticket::{Scheme, Ticket};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TOKEN_PATH: &str = "/.countersign/token";

/// What is sent besides (`client_id`, `scope`) means nothing here, and clients send it.
#[derive(Deserialize)]
struct Begin {
    ticket: String,
}

impl TicketBody for Begin {
    fn ticket(&self) -> &str {
        &self.ticket
    }
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    device_code: String,
}

/// Begins to wait.
pub(super) async fn authorize(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_authorize(&app, request).await {
        Ok(response) => response,
        Err(refusal) => error(&app, refusal).await,
    }
}

async fn try_authorize(app: &App, request: Request) -> Result<Response, Refusal> {
    let from = app.channels.client(request.headers(), request.extensions());
    let Presented { ticket, .. } = Presented::<Begin>::read_form(app, request).await?;
    let begun = pairing::begin(app, &ticket, Waits::Program, from).await?;
    let at = format!("{}/.countersign/device", ticket.origin());
    Ok(Json(json!({
        "device_code": begun.secret,
        "user_code": begun.code,
        "verification_uri": at,
        "verification_uri_complete": format!("{at}?code={}", begun.code),
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    }))
    .into_response())
}

/// Asks for the token.
pub(super) async fn ask(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_ask(&app, request).await {
        Ok(response) => response,
        Err(Refused::Pending) => answer(StatusCode::BAD_REQUEST, "authorization_pending", ""),
        Err(Refused::Proof(problem)) => {
            let word = problem.word();
            app.metrics.proofs_refused.with_label_values(&[word]).inc();
            tracing::info!(problem = word, "a proof of possession was refused");
            answer(StatusCode::BAD_REQUEST, "invalid_dpop_proof", "")
        }
        Err(Refused::Other(refusal)) => error(&app, *refusal).await,
    }
}

enum Refused {
    /// Nobody has said yes or no.
    Pending,
    /// The proof of possession is none.
    Proof(ProofError),
    Other(Box<Refusal>),
}

impl<E: Into<Refusal>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Other(Box::new(error.into()))
    }
}

async fn try_ask(app: &App, request: Request) -> Result<Response, Refused> {
    let headers = request.headers().clone();
    let from = app.channels.client(&headers, request.extensions());
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
        .map_err(Refusal::of)?;
    guard::not_cross_site(&headers, &host, &[Scheme::Https, Scheme::Http]).map_err(Refusal::of)?;
    let Ask {
        grant_type,
        device_code,
    } = guard::form(request, limits::FORM_BYTES)
        .await
        .map_err(Refusal::of)?;
    if grant_type != GRANT_TYPE {
        return Err(Refusal::of(Cause::GrantType).into());
    }
    let now_ms = app.clock.now_ms();
    if !app.rates.allow(What::Answer, from.map(Prefix::of), now_ms) {
        return Err(Refusal::of(Cause::RateAnswer).into());
    }
    let row = pairing::waiting(app, &device_code, Asker::Program, host.as_str()).await?;
    paced(app, &row, now_ms).await?;
    let ticket = Ticket::from_stored(&row.ticket)
        .map_err(|_| crate::store::StoreError::Corrupt("pairings"))?;
    let now_s = app.clock.now_s();
    let key = possession::key(&headers, ticket.scheme(), &host, TOKEN_PATH, now_s)
        .map_err(Refused::Proof)?;
    if key.is_none() && ticket.wants_possession() {
        return Err(Refused::Proof(ProofError::Missing));
    }
    let earned = pairing::redeem(app, &row, key.as_ref(), None).await?;
    let earned = earned.ok_or(Refused::Pending)?;
    Ok(Json(json!({
        "access_token": earned.token,
        "token_type": if key.is_some() { "DPoP" } else { "Bearer" },
        "expires_in": earned.claims.lasts_s(app.clock.now_s()),
        "acr": earned.assurance.word(),
    }))
    .into_response())
}

/// Who asks too soon has to wait longer from then on (RFC 8628 section 3.5). The clock may have been set
/// back meanwhile: that makes nobody wait.
async fn paced(app: &App, row: &PairingRow, now_ms: u64) -> Result<(), Refusal> {
    let soonest = row
        .asked_ms
        .saturating_add(row.interval_s.saturating_mul(1000));
    // A second of it is the network's.
    let soon = row.asked_ms > 0 && now_ms >= row.asked_ms && now_ms + 1000 < soonest;
    let interval_s = if soon {
        row.interval_s
            .saturating_add(limits::PAIRING_INTERVAL_S)
            .min(limits::PAIRING_LIFETIME_S)
    } else {
        row.interval_s
    };
    app.store
        .note_asked(&row.secret, now_ms, interval_s)
        .await?;
    if soon {
        return Err(Refusal::of(Cause::PairingTooFast));
    }
    Ok(())
}

/// A refusal in the words of RFC 6749 section 5.2 and RFC 8628 section 3.5.
async fn error(app: &App, refusal: Refusal) -> Response {
    refusal.settle(app).await;
    let face = refusal.cause.face();
    let word = match (refusal.cause, face) {
        (Cause::PairingExpired, _) => "expired_token",
        (Cause::PairingDenied | Cause::PairingForbidden, _) => "access_denied",
        (Cause::GrantType, _) => "unsupported_grant_type",
        (_, Face::SlowDown) => "slow_down",
        (_, Face::TicketInvalid | Face::TicketExpired | Face::TicketUsed | Face::CeremonyOver) => {
            "invalid_grant"
        }
        (_, Face::Busy | Face::NotReady | Face::Internal) => "temporarily_unavailable",
        _ => "invalid_request",
    };
    let status = match face {
        Face::Busy | Face::NotReady | Face::Internal => face.status(),
        _ => StatusCode::BAD_REQUEST,
    };
    answer(status, word, face.title())
}

fn answer(status: StatusCode, word: &str, description: &str) -> Response {
    let mut body = json!({ "error": word });
    if let (false, Some(members)) = (description.is_empty(), body.as_object_mut()) {
        members.insert("error_description".to_owned(), description.into());
    }
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
