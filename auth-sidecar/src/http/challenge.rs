//! `GET /.countersign/challenge?ticket=…`: where the filter sends a navigation.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::page::Teller;
use super::{Refusal, frame, guard, page};
use crate::app::App;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::cookies;
use crate::held;
use crate::kind::Kind;
use crate::kinds;
use crate::outcome::Step;
use crate::session::Session;
use crate::store::StoreError;
use crate::store::totp::Slot;
use crate::ticket::{Ticket, UnverifiedTicket};

/// The page, or the way home, or the reason why neither.
pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    match answer(&app, &request).await {
        Ok(response) => response,
        Err(refusal) => {
            refusal
                .page(&app, app.catalog.choose(&request.headers), |ticket| {
                    teller(&request, ticket)
                })
                .await
        }
    }
}

async fn answer(app: &App, request: &Parts) -> Result<Response, Refusal> {
    let (uri, headers) = (&request.uri, &request.headers);
    let host = guard::host(uri.authority().map(|a| a.as_str()), headers).map_err(Refusal::of)?;
    let token = ticket_of(uri).ok_or_else(|| Refusal::of(Cause::TicketMissing))?;
    let settings = app
        .current_settings()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let ticket =
        UnverifiedTicket::new(&token).verify(&settings.ticket_keys, &host, app.clock.now_s())?;

    let teller = teller(request, &ticket);
    if teller.is_none() && frame::is_of_another_origin(headers) {
        return Ok(frame::page(
            app,
            app.catalog.choose(headers),
            &ticket,
            &token,
        ));
    }
    let home = || match &teller {
        Some(teller) => page::passed(app, app.catalog.choose(headers), &ticket, teller),
        None => home(&ticket),
    };
    let session = app.session_of(headers, &host);
    if app.store.ticket_passed(ticket.event_id()).await? {
        return match session {
            Some(_) => Ok(home()),
            None => Err(Refusal::with(Cause::TicketUsed, &ticket)),
        };
    }
    // Another tab passed after this ticket was made, or the request could not bring the session. One that
    // the filter has seen was not enough for it, and would send the browser straight back.
    let unseen = |session: &Session| {
        session.issued_s > ticket.issued_s()
            || (ticket.is_without_session()
                && held::is_sender(headers, ticket.event_id(), &host, &settings.ticket_keys))
    };
    let enough = |session: &Session| {
        session.proves(ticket.demanded(), ticket.max_age_s(), app.clock.now_s())
    };
    if let Some(session) =
        // For somebody else one gives proof anew, and says yes to that.
        session.filter(|session| !ticket.is_pairing() && enough(session) && unseen(session))
    {
        pass(app, &ticket, &session).await?;
        return Ok(home());
    }
    let mut kinds = kinds::offered(app, &ticket).map_err(|cause| Refusal::with(cause, &ticket))?;
    if kinds.contains(&Kind::Totp) && !has_app(app, headers, &host).await? {
        kinds.retain(|kind| *kind != Kind::Totp);
        if kinds.is_empty() {
            return Err(Refusal::with(Cause::KindUnsupported, &ticket));
        }
    }

    if is_seen(&request.method, headers) {
        let mut tx = app.store.write().await?;
        if app.store.note_page(&mut tx, &ticket).await? {
            app.record(&mut tx, &ticket, None, Step::PageServed, "")
                .await?;
        }
        tx.commit().await?;
        app.spool_grew.notify_one();
    }
    Ok(page::challenge(
        app,
        app.catalog.choose(headers),
        &ticket,
        &token,
        &kinds,
        teller.as_ref(),
    ))
}

/// Whether this browser's device has an authenticator app here; without one, its code is no way to offer.
async fn has_app(app: &App, headers: &HeaderMap, host: &Authority) -> Result<bool, Refusal> {
    let Some(device) = cookies::device(headers) else {
        return Ok(false);
    };
    let host = host.audience();
    Ok(app.store.totp(Slot { device, host }).await?.is_some())
}

/// `tell` in the address: `countersign.js` opened this page. What it asked for by GET must not be asked
/// for once more by going there, so it is told instead.
fn teller(request: &Parts, ticket: &Ticket) -> Option<Teller> {
    let query = request.uri.query().unwrap_or_default();
    let asked = url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "tell");
    let site = request.headers.get("sec-fetch-site");
    asked.then(|| Teller::new(ticket, site.is_some_and(|site| site == "same-origin")))
}

/// The one `ticket` of the query.
fn ticket_of(uri: &Uri) -> Option<String> {
    let mut tickets =
        url::form_urlencoded::parse(uri.query()?.as_bytes()).filter(|(name, _)| name == "ticket");
    match (tickets.next(), tickets.next()) {
        (Some((_, ticket)), None) => Some(ticket.into_owned()),
        _ => None,
    }
}

/// Passes the challenge with a session, as a ceremony would: it counts as passed, and the request that
/// waits is the device's.
async fn pass(app: &App, ticket: &Ticket, session: &Session) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    // Else another tab has just done it.
    if app.store.pass_ticket(&mut tx, ticket).await? {
        held::bind(app, &mut tx, ticket, &session.device).await?;
        let passed = Step::Passed {
            assurance: session.proven.assurance,
            session: &session.id,
        };
        app.record(&mut tx, ticket, None, passed, &session.device)
            .await?;
    }
    tx.commit().await?;
    app.spool_grew.notify_one();
    Ok(())
}

/// A look ahead by a program is no page served to a person.
fn is_seen(method: &Method, headers: &HeaderMap) -> bool {
    let purpose = headers.get("sec-purpose").map(|value| value.as_bytes());
    method == Method::GET && !purpose.is_some_and(|purpose| purpose.starts_with(b"prefetch"))
}

fn home(ticket: &Ticket) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, ticket.way_on())]).into_response()
}
