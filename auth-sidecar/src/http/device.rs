//! `/.countersign/device`: where a person enters the code that another device shows, and says yes or no
//! once they have given proof. Forms, no script.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::document::document;
use super::{Refusal, guard};
use crate::app::App;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::language::{DeviceMessages, Language};
use crate::limits;
use crate::lockout::Subject;
use crate::look::Look;
use crate::pairing::{self, code, texts::Texts};
use crate::peer::Prefix;
use crate::rate::What;
use crate::store::pairings::{PairingRow, State as Stage};
use crate::ticket::{Scheme, Ticket};
use crate::world::opaque_id;

const CSS: &str = concat!(
    include_str!("../../assets/page.css"),
    include_str!("../../assets/totp.css")
);

#[derive(Template)]
#[template(path = "device.html")]
struct Page<'a> {
    lang: &'a str,
    rtl: bool,
    nonce: &'a str,
    css: &'a str,
    t: &'a Texts,
    state: &'a str,
    said: &'a str,
    /// Filled in by the address; nothing is sent before its person says so.
    code: Option<&'a str>,
    asks: Option<Asks<'a>>,
    words: &'a DeviceMessages,
    look: Option<&'a Look>,
}

/// What waits for a yes.
struct Asks<'a> {
    lead: String,
    what: &'a str,
    code: String,
    where_from: &'a str,
    event: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    code: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    r#do: Option<Do>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Do {
    Approve,
    Deny,
}

/// Who asks for the page.
struct Visit<'a> {
    host: Authority,
    headers: &'a HeaderMap,
    from: Option<IpAddr>,
}

/// The page, and what its forms do.
pub(super) async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let language = app.catalog.choose(&headers);
    match answer(&app, language, request, &headers).await {
        Ok(response) => response,
        Err(refusal) => refused(&app, language, refusal).await,
    }
}

async fn answer(
    app: &App,
    language: &Language,
    request: Request,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let visit = Visit {
        host: guard::host(request.uri().authority().map(|a| a.as_str()), headers)
            .map_err(Refusal::of)?,
        headers,
        from: app.channels.client(headers, request.extensions()),
    };
    if request.method() != Method::POST {
        let event = parameter(request.uri(), "event");
        if !event.is_empty()
            && let Some(row) = waiting_for(app, &visit, &event).await?
        {
            return Ok(approval(app, language, &visit, &row));
        }
        let code = parameter(request.uri(), "code");
        let code = code::typed(&code).map(|code| code::shown(&code));
        return Ok(ask_code(app, language, code.as_deref().unwrap_or_default()));
    }
    let schemes = [Scheme::Https, Scheme::Http];
    guard::not_cross_site(headers, &visit.host, &schemes).map_err(Refusal::of)?;
    let form: Form = guard::form(request, limits::FORM_BYTES)
        .await
        .map_err(Refusal::of)?;
    match form.r#do {
        None => entered(app, &visit, &form.code).await,
        Some(said) => {
            // The yes itself comes from our own page, and browsers that cannot say so cannot give it.
            guard::same_origin(headers, &visit.host, &schemes).map_err(Refusal::of)?;
            settle(app, language, &visit, &form.event, said).await
        }
    }
}

/// A code was entered: on to the challenge, with a ticket that leads back here.
async fn entered(app: &App, visit: &Visit<'_>, text: &str) -> Result<Response, Refusal> {
    let (now_ms, now_s) = (app.clock.now_ms(), app.clock.now_s());
    let prefix = visit.from.map(Prefix::of);
    if !app.rates.allow(What::Answer, prefix, now_ms) {
        return Err(Refusal::of(Cause::RateAnswer));
    }
    let key = Subject::Prefix(prefix).key(&app.tagger);
    let mut tx = app.store.write().await?;
    let failures = app.store.failures(&mut tx, &key).await?;
    tx.rollback().await?;
    if failures.is_locked(now_s) {
        return Err(Refusal::of(Cause::CodesLocked));
    }
    let row = match code::typed(text) {
        Some(code) => app.store.pairing_of_code(&code).await?,
        None => None,
    };
    // Of another host, over, or answered: as unknown as one that never was.
    let row = row.filter(|row| {
        row.host == visit.host.as_str() && row.state == Stage::Pending && row.expires_s >= now_s
    });
    let Some(row) = row else {
        let mut tx = app.store.write().await?;
        app.store
            .note_failure(&mut tx, &key, limits::PREFIX_PATIENCE, now_s)
            .await?;
        tx.commit().await?;
        return Err(Refusal::of(Cause::PairingCode));
    };
    let ticket = Ticket::from_stored(&row.ticket)
        .map_err(|_| crate::store::StoreError::Corrupt("pairings"))?;
    let settings = app
        .current_settings()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let token = ticket
        .for_approval(now_s, row.expires_s)
        .sign(&settings.ticket_keys)
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let location = format!("/.countersign/challenge?ticket={token}");
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// What waits for the yes of this browser's device.
async fn waiting_for(
    app: &App,
    visit: &Visit<'_>,
    event: &str,
) -> Result<Option<PairingRow>, Refusal> {
    let Some(session) = app.session_of(visit.headers, &visit.host) else {
        return Ok(None);
    };
    let row = app.store.pairing_proven_by(event, &session.device).await?;
    let now_s = app.clock.now_s();
    Ok(row.filter(|row| {
        row.host == visit.host.as_str() && row.state == Stage::Proven && row.expires_s >= now_s
    }))
}

/// Yes or no.
async fn settle(
    app: &App,
    language: &Language,
    visit: &Visit<'_>,
    event: &str,
    said: Do,
) -> Result<Response, Refusal> {
    let session = app
        .session_of(visit.headers, &visit.host)
        .ok_or_else(|| Refusal::of(Cause::PairingDevice))?;
    let (state, word) = match said {
        Do::Approve => (Stage::Approved, "approved"),
        Do::Deny => (Stage::Denied, "denied"),
    };
    let now_s = app.clock.now_s();
    let settled = app
        .store
        .settle_pairing(event, &session.device, state, now_s)
        .await?;
    if !settled {
        return Err(Refusal::of(Cause::PairingDevice));
    }
    pairing::count(app, word);
    tracing::info!(
        event_id = event,
        device = session.device,
        word,
        "answered for another device"
    );
    let t = app.pairing_texts.of(language.tag);
    let text = match said {
        Do::Approve => &t.approved,
        Do::Deny => &t.denied,
    };
    Ok(show(
        app,
        language,
        StatusCode::OK,
        ("done", text),
        None,
        None,
    ))
}

/// The form for a code.
fn ask_code(app: &App, language: &Language, code: &str) -> Response {
    show(
        app,
        language,
        StatusCode::OK,
        ("ready", ""),
        Some(code),
        None,
    )
}

/// The page that asks for the yes.
fn approval(app: &App, language: &Language, visit: &Visit<'_>, row: &PairingRow) -> Response {
    let t = app.pairing_texts.of(language.tag);
    let ticket = Ticket::from_stored(&row.ticket).ok();
    let near = row.origin == pairing::origin(app, visit.from.map(Prefix::of));
    let what = ticket.as_ref().map_or("", Ticket::asks);
    let asks = Asks {
        lead: t.ask.replace("{host}", visit.host.audience()),
        what,
        code: code::shown(&row.code),
        where_from: if near { &t.near } else { &t.far },
        event: &row.event_id,
    };
    show(
        app,
        language,
        StatusCode::OK,
        ("ready", ""),
        None,
        Some(asks),
    )
}

/// A refusal, with the form again where a new code helps.
async fn refused(app: &App, language: &Language, refusal: Refusal) -> Response {
    let t = app.pairing_texts.of(language.tag);
    let said = match refusal.cause {
        Cause::PairingCode | Cause::PairingDevice => &t.wrong,
        Cause::CodesLocked => &t.locked,
        _ => return refusal.page(app, language, |_| None).await,
    };
    refusal.settle(app).await;
    let status = refusal.cause.face().status();
    show(app, language, status, ("failed", said), Some(""), None)
}

fn show(
    app: &App,
    language: &Language,
    status: StatusCode,
    (state, said): (&str, &str),
    code: Option<&str>,
    asks: Option<Asks<'_>>,
) -> Response {
    let Ok(nonce) = opaque_id(app.random.as_ref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let settings = app.current_settings();
    let page = Page {
        words: &language.devices,
        look: settings.as_ref().map(|settings| &settings.look),
        lang: language.tag,
        rtl: language.rtl,
        nonce: &nonce,
        css: CSS,
        t: app.pairing_texts.of(language.tag),
        state,
        said,
        code,
        asks,
    };
    let csp = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'self'"
    );
    match page.render() {
        Ok(html) => document(status, html, &csp),
        Err(error) => {
            tracing::error!(%error, "cannot render the page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn parameter(uri: &Uri, name: &str) -> String {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
