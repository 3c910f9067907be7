//! `/.countersign/totp`: where a device sets up its authenticator app. Forms, no script.
//!
//! Only for a device that a good session proves, of at least `possession`: otherwise whoever holds a
//! stolen device cookie could add a second way in beside the owner's.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::document::document;
use super::{Refusal, guard};
use crate::app::App;
use crate::assurance::Assurance;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::cookies;
use crate::keys::kek::SealError;
use crate::language::{DeviceMessages, Language};
use crate::limits;
use crate::lockout::Subject;
use crate::look::Look;
use crate::store::totp::Slot;
use crate::ticket::Scheme;
use crate::totp::texts::Texts;
use crate::totp::{Secret, qr, typed_code};
use crate::world::opaque_id;

const CSS: &str = concat!(
    include_str!("../../assets/page.css"),
    include_str!("../../assets/totp.css")
);

#[derive(Template)]
#[template(path = "totp.html")]
struct Page<'a> {
    lang: &'a str,
    rtl: bool,
    nonce: &'a str,
    css: &'a str,
    heading: String,
    t: &'a Texts,
    state: &'a str,
    said: &'a str,
    shown: Option<Shown>,
    asks_code: bool,
    may_begin: bool,
    has_app: bool,
    words: &'a DeviceMessages,
    /// Set as the page is rendered.
    look: Option<&'a Look>,
}

/// A form of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// Which.
    r#do: Do,
    /// The code that the app shows.
    #[serde(default)]
    code: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Do {
    Begin,
    Confirm,
    Remove,
}

/// What is shown once.
struct Shown {
    svg: String,
    secret: String,
}

/// What the page says after something was done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Wrong,
    Locked,
    Over,
    Done,
    Removed,
}

/// The page, and what its forms do.
pub(super) async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    let language = app.catalog.choose(request.headers());
    let host = guard::host(
        request.uri().authority().map(|a| a.as_str()),
        request.headers(),
    );
    let host = host.map_or_else(|_| String::new(), |host| host.audience().to_owned());
    match answer(&app, language, request).await {
        Ok(response) => response,
        Err(refusal) if refusal.cause == Cause::EnrolmentSession => {
            refused(&app, language, &host, &refusal).await
        }
        Err(refusal) => refusal.page(&app, language, |_| None).await,
    }
}

async fn answer(app: &App, language: &Language, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
        .map_err(Refusal::of)?;
    let form: Option<Form> = if request.method() == Method::POST {
        guard::same_origin(&headers, &host, &[Scheme::Https, Scheme::Http]).map_err(Refusal::of)?;
        let form = guard::form(request, limits::FORM_BYTES).await;
        Some(form.map_err(Refusal::of)?)
    } else {
        None
    };
    let device = device(app, &headers, &host)?;
    let slot = Slot {
        device: &device,
        host: host.audience(),
    };
    let (said, shown) = match form {
        None => (Said::Nothing, None),
        Some(Form {
            r#do: Do::Begin, ..
        }) => (Said::Nothing, Some(begin(app, language, slot).await?)),
        Some(Form {
            r#do: Do::Confirm,
            code,
        }) => (confirm(app, slot, &code).await?, None),
        Some(Form {
            r#do: Do::Remove, ..
        }) => {
            let mut tx = app.store.write().await?;
            app.store.remove_totp(&mut tx, slot).await?;
            tx.commit().await?;
            tracing::info!(device, "an authenticator app was removed");
            (Said::Removed, None)
        }
    };
    let t = app.totp_texts.of(language.tag);
    let (state, text) = match said {
        Said::Nothing => ("", ""),
        Said::Wrong => ("failed", t.wrong.as_str()),
        Said::Locked => ("failed", t.locked.as_str()),
        Said::Over => ("expired", t.over.as_str()),
        Said::Done => ("done", t.done.as_str()),
        Said::Removed => ("done", t.removed.as_str()),
    };
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: "",
        css: CSS,
        heading: t.heading.replace("{host}", host.audience()),
        t,
        state,
        said: text,
        asks_code: shown.is_some() || said == Said::Wrong,
        shown,
        may_begin: true,
        has_app: app.store.totp(slot).await?.is_some(),
        words: &language.devices,
        look: None,
    };
    Ok(render(app, StatusCode::OK, page))
}

/// The device that this browser's session and its cookie both name.
fn device(app: &App, headers: &HeaderMap, host: &Authority) -> Result<String, Refusal> {
    let session = app
        .session_of(headers, host)
        .filter(|session| session.proven.assurance >= Assurance::Possession)
        .ok_or_else(|| Refusal::of(Cause::EnrolmentSession))?;
    if cookies::device(headers) != Some(session.device.as_str()) {
        return Err(Refusal::of(Cause::EnrolmentSession));
    }
    Ok(session.device)
}

/// Makes a secret and shows it, this once.
async fn begin(app: &App, language: &Language, slot: Slot<'_>) -> Result<Shown, Refusal> {
    let secret = Secret::random(app.random.as_ref())?;
    let sealed = app
        .kek
        .seal(&slot.seal_name(), secret.bytes(), app.random.as_ref())
        .map_err(|error: SealError| {
            tracing::error!(%error, "cannot seal the secret of an authenticator app");
            Refusal::of(Cause::Internal)
        })?;
    let now_s = app.clock.now_s();
    let until_s = now_s.saturating_add(limits::ENROLMENT_S);
    let mut tx = app.store.write().await?;
    app.store
        .begin_totp(&mut tx, slot, &sealed, until_s, now_s)
        .await?;
    tx.commit().await?;
    let label = &app.totp_texts.of(language.tag).qr;
    let svg = qr::svg(&secret.uri(slot.host), label).map_err(|_| Refusal::of(Cause::Internal))?;
    Ok(Shown {
        svg,
        secret: secret.typed(),
    })
}

/// Puts the app in use, if the code is one that it shows now.
async fn confirm(app: &App, slot: Slot<'_>, code: &str) -> Result<Said, Refusal> {
    let now_s = app.clock.now_s();
    let Some(pending) = app.store.pending_totp(slot, now_s).await? else {
        return Ok(Said::Over);
    };
    let Some(secret) = pending.open(app, slot)? else {
        return Ok(Said::Over);
    };
    let step = secret.step_of(&typed_code(code).unwrap_or_default(), now_s, 0);
    let key = Subject::Totp(slot.device).key(&app.tagger);
    let mut tx = app.store.write().await?;
    let failures = app.store.failures(&mut tx, &key).await?;
    if failures.is_locked(now_s) {
        tx.rollback().await?;
        return Ok(Said::Locked);
    }
    let Some(step) = step else {
        let patience = limits::TOTP_PATIENCE;
        let failures = app.store.note_failure(&mut tx, &key, patience, now_s);
        let locked = failures.await?.is_locked(now_s);
        tx.commit().await?;
        return Ok(if locked { Said::Locked } else { Said::Wrong });
    };
    let confirmed = app.store.confirm_totp(&mut tx, slot, &pending, step, now_s);
    if !confirmed.await? {
        tx.rollback().await?;
        return Ok(Said::Over);
    }
    app.store.forgive(&mut tx, &key).await?;
    tx.commit().await?;
    tracing::info!(device = slot.device, "an authenticator app was set up");
    Ok(Said::Done)
}

/// The page for who has to confirm first that it is them.
async fn refused(app: &App, language: &Language, host: &str, refusal: &Refusal) -> Response {
    refusal.settle(app).await;
    let t = app.totp_texts.of(language.tag);
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: "",
        css: CSS,
        heading: t.heading.replace("{host}", host),
        t,
        state: "failed",
        said: &t.session,
        shown: None,
        asks_code: false,
        may_begin: false,
        has_app: false,
        words: &language.devices,
        look: None,
    };
    render(app, StatusCode::FORBIDDEN, page)
}

fn render(app: &App, status: StatusCode, page: Page<'_>) -> Response {
    let Ok(nonce) = opaque_id(app.random.as_ref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let settings = app.current_settings();
    let html = match (Page {
        nonce: &nonce,
        look: settings.as_ref().map(|settings| &settings.look),
        ..page
    })
    .render()
    {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "cannot render the page");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let csp = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    document(status, html, &csp)
}
