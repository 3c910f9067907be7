//! The HTML: one template for the challenge and for every page that says why there is none.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use countersign_webauthn::Class;
use serde_json::json;

use self::teller::Tell;
use super::secured::secured;
use crate::app::App;
use crate::cause::Face;
use crate::cookies;
use crate::kind::Kind;
use crate::language::{DeviceMessages, Language, Messages};
use crate::limits;
use crate::look::Look;
use crate::pairing;
use crate::return_path::ReturnPath;
use crate::ticket::Ticket;
use crate::world::opaque_id;

mod teller;
mod ways;

pub(super) use teller::Teller;

pub(super) const CSS: &str = include_str!("../../assets/page.css");
const JS: &str = include_str!("../../assets/page.js");
/// Kinds that most pages do without: put where page.js says so, where one of them is offered.
const CHANNELS_JS: &str = include_str!("../../assets/channels.js");
const CHANNELS_CSS: &str = include_str!("../../assets/totp.css");
const CHANNELS_HERE: &str = "/* channels.js */";
const FORMS_JS: &str = include_str!("../../assets/forms.js");
const FORMS_HERE: &str = "/* forms.js */";
/// Ways that most pages do without: where the policy accepts authenticators outside of the device.
const KEYS_JS: &str = include_str!("../../assets/keys.js");
const KEYS_HERE: &str = "/* keys.js */";
/// Proof given on another device: put where page.js says so, where that is allowed.
const ELSEWHERE_JS: &str = include_str!("../../assets/elsewhere.js");
const ELSEWHERE_HERE: &str = "/* elsewhere.js */";

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    lang: &'a str,
    rtl: bool,
    nonce: &'a str,
    title: &'a str,
    heading: &'a str,
    css: &'a str,
    js: &'a str,
    challenge: Option<Challenge<'a>>,
    form: Option<Form<'a>>,
    tell: Option<Tell<'a>>,
    state: &'a str,
    text: &'a str,
    link: &'a str,
    link_text: &'a str,
    reference: &'a str,
    event_id: &'a str,
    /// What the page says of its site's links.
    words: &'a DeviceMessages,
    /// Set as the page is rendered.
    look: Option<&'a Look>,
}

/// What is sent without JavaScript.
struct Form<'a> {
    action: &'a str,
    text: &'a str,
    /// Empty where the action says all.
    ticket: &'a str,
    button: &'a str,
    /// The button appears when it is worth pressing it.
    waits: bool,
}

struct Challenge<'a> {
    why: &'a str,
    before: &'a str,
    host: &'a str,
    after: &'a str,
    messages: &'a Messages,
    config: String,
}

/// The page that asks.
pub(super) fn challenge(
    app: &App,
    language: &Language,
    ticket: &Ticket,
    token: &str,
    kinds: &[Kind],
    teller: Option<&Teller>,
) -> Response {
    // Who waits for a word has scripts, and this way would end at the address of the request itself.
    let others: Vec<Kind> = kinds
        .iter()
        .copied()
        .filter(|kind| *kind != Kind::Nojs)
        .collect();
    let kinds = if teller.is_some() && !others.is_empty() {
        &others
    } else {
        kinds
    };
    let m = &language.messages;
    let channel = |kind: &Kind| matches!(kind, Kind::Captcha | Kind::OtpEmail | Kind::Totp);
    let channels = kinds.iter().any(channel);
    let authenticators = ticket.authenticators();
    let keys = authenticators.iter().any(|it| *it != Class::ClientDevice);
    let elsewhere = pairing::is_allowed(ticket);
    let config = json!({
        "ticket": token,
        "kinds": ways::ways(kinds, &authenticators),
        "host": ticket.host().audience(),
        "timeout": u64::try_from(limits::PROMPT_TIMEOUT.as_millis()).unwrap_or(60_000),
        "messages": m,
        "devices": language.devices,
        "channels": channels.then(|| app.channel_texts.of(language.tag)),
        "elsewhere": elsewhere.then(|| app.pairing_texts.of(language.tag).of_page()),
    });
    let mut js = JS.to_owned();
    if channels {
        js = js
            .replacen(CHANNELS_HERE, CHANNELS_JS, 1)
            .replacen(FORMS_HERE, FORMS_JS, 1);
    }
    if keys {
        js = js.replacen(KEYS_HERE, KEYS_JS, 1);
    }
    if elsewhere {
        js = js.replacen(ELSEWHERE_HERE, ELSEWHERE_JS, 1);
    }
    let css = if channels || elsewhere {
        format!("{CSS}{CHANNELS_CSS}")
    } else {
        CSS.to_owned()
    };
    // The words of the kind that is preferred; the page puts others in when another is chosen.
    let (title, heading, lead, why) = match kinds.first() {
        Some(Kind::Fido) => (&m.title, &m.heading, &m.lead, m.why.as_str()),
        _ => (&m.check_heading, &m.check_heading, &m.lead_check, ""),
    };
    let (before, after) = lead.split_once("{host}").unwrap_or((lead, ""));
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: "",
        title,
        heading,
        css: &css,
        js: &js,
        challenge: Some(Challenge {
            why,
            before,
            host: ticket.host().audience(),
            after,
            messages: m,
            // `<` is the one character by which JSON could leave its element.
            config: config.to_string().replace('<', "\\u003c"),
        }),
        form: kinds.contains(&Kind::Nojs).then_some(Form {
            action: "/.countersign/nojs",
            text: &m.nojs_why,
            ticket: token,
            button: &m.nojs_start,
            waits: false,
        }),
        tell: teller.map(|teller| teller.at_once("")),
        state: "",
        text: "",
        link: &ticket.return_path().location(),
        link_text: &m.back,
        reference: &m.reference,
        event_id: ticket.event_id(),
        words: &language.devices,
        look: None,
    };
    let form = page.form.is_some();
    let captcha = app.channels.captcha.as_ref();
    let origins = captcha
        .filter(|_| kinds.contains(&Kind::Captcha))
        .map(|captcha| captcha.provider().origins.join(" "));
    let mut response = answer_with(app, StatusCode::OK, page, &origins.unwrap_or_default());
    if let (true, Some(probe)) = (form, cookies::set_probe()) {
        response.headers_mut().append(header::SET_COOKIE, probe);
    }
    response
}

/// The page that waits, and needs no JavaScript for it. `early`: somebody did not.
pub(super) fn wait(
    app: &App,
    language: &Language,
    ticket: &Ticket,
    ceremony: &str,
    early: bool,
) -> Response {
    let m = &language.messages;
    let text = if early { &m.nojs_early } else { &m.nojs_wait };
    let text = text.replace("{seconds}", &limits::NOJS_WAIT_S.to_string());
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: "",
        title: &m.check_heading,
        heading: &m.check_heading,
        css: CSS,
        js: "",
        challenge: None,
        form: Some(Form {
            action: &format!("/.countersign/nojs/{ceremony}"),
            text: "",
            ticket: "",
            button: &m.nojs_continue,
            waits: true,
        }),
        tell: None,
        state: if early { "failed" } else { "ready" },
        text: &text,
        link: "",
        link_text: "",
        reference: &m.reference,
        event_id: ticket.event_id(),
        words: &language.devices,
        look: None,
    };
    answer(app, StatusCode::OK, page)
}

/// The page that says why nothing is asked.
pub(super) fn notice(
    app: &App,
    language: &Language,
    face: Face,
    ticket: Option<&Ticket>,
    teller: Option<&Teller>,
) -> Response {
    let (m, h, d) = (&language.messages, &language.held, &language.devices);
    let (state, heading, text) = match face {
        Face::TicketExpired => ("expired", &m.expired_heading, &m.expired),
        Face::HeldGone => ("expired", &h.gone_heading, &h.gone),
        Face::HeldUsed => ("done", &h.used_heading, &h.used),
        Face::HeldElsewhere => ("failed", &m.invalid_heading, &h.elsewhere),
        Face::TicketUsed => ("done", &m.used_heading, &m.used),
        Face::Unanswerable => ("unsupported", &m.unanswerable_heading, &m.unanswerable),
        Face::AssuranceTooLow => ("unsupported", &m.low_heading, &m.low),
        Face::CredentialSynced => ("unsupported", &m.low_heading, &d.synced),
        Face::AuthenticatorClass => ("unsupported", &m.low_heading, &d.class),
        Face::CookiesBlocked => ("unsupported", &d.cookies_heading, &d.cookies),
        Face::TicketInvalid
        | Face::BadRequest
        | Face::Forbidden
        | Face::NotFound
        | Face::BoundRefused
        | Face::MethodNotAllowed
        | Face::TooLarge
        | Face::UnsupportedMedia => ("failed", &m.invalid_heading, &m.invalid),
        Face::TooSoon => ("failed", &m.check_heading, &m.rejected),
        Face::TooManyAttempts => ("failed", &m.error_heading, &m.too_many),
        Face::EnrolmentSession => ("failed", &m.invalid_heading, &m.invalid),
        Face::Busy
        | Face::SlowDown
        | Face::Locked
        | Face::MailAway
        | Face::AddressInvalid
        | Face::CodeWrong
        | Face::HeldFull
        | Face::NotReady
        | Face::Internal
        | Face::CeremonyOver
        | Face::NotVerified
        | Face::Rejected => ("failed", &m.error_heading, &m.error),
    };
    let link = ticket.map_or_else(ReturnPath::root, |ticket| ticket.return_path().clone());
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: "",
        title: heading,
        heading,
        css: CSS,
        js: "",
        challenge: None,
        form: None,
        tell: teller.map(|teller| teller.at_once("")),
        state,
        text,
        link: &link.location(),
        link_text: if ticket.is_some() { &m.back } else { &m.home },
        reference: &m.reference,
        event_id: ticket.map_or("", Ticket::event_id),
        words: &language.devices,
        look: None,
    };
    answer(app, face.status(), page)
}

/// The page for a script whose person has passed already, in another tab.
pub(super) fn passed(app: &App, language: &Language, ticket: &Ticket, teller: &Teller) -> Response {
    let m = &language.messages;
    let page = Page {
        lang: language.tag,
        rtl: language.rtl,
        nonce: "",
        title: &m.title,
        heading: &m.used_heading,
        css: CSS,
        js: "",
        challenge: None,
        form: None,
        tell: Some(teller.at_once("passed")),
        state: "done",
        text: &m.done,
        link: &ticket.return_path().location(),
        link_text: &m.back,
        reference: &m.reference,
        event_id: ticket.event_id(),
        words: &language.devices,
        look: None,
    };
    answer(app, StatusCode::OK, page)
}

fn answer(app: &App, status: StatusCode, page: Page<'_>) -> Response {
    answer_with(app, status, page, "")
}

/// `origins`: of the captcha's provider, on a page that offers it.
fn answer_with(app: &App, status: StatusCode, page: Page<'_>, origins: &str) -> Response {
    // Forms go nowhere, unless there is one; then to us.
    let forms = if page.form.is_some() {
        "'self'"
    } else {
        "'none'"
    };
    let scripts = page.challenge.is_some() || page.tell.is_some();
    let Ok(nonce) = opaque_id(app.random.as_ref()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // A window that a page of another origin opened is cut off from that page, unless a script waits
    // there for the word that the ticket permits.
    let opener = match &page.tell {
        Some(tell) if tell.keeps_opener => "unsafe-none",
        _ => "same-origin",
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
    // Our own paths are exempt from the site's headers, and this page allows itself nothing more
    // than it uses: a site's stricter or laxer policy changes nothing here.
    let scripts = if scripts {
        let frames = if origins.is_empty() {
            String::new()
        } else {
            format!("frame-src {origins}; ")
        };
        format!(
            "script-src 'nonce-{nonce}' {origins}; worker-src 'self'; connect-src 'self' {origins}; {frames}"
        )
    } else {
        String::new()
    };
    // Without origins there is a space too many before a semicolon, which means nothing.
    let csp = format!(
        "default-src 'none'; {scripts}style-src 'nonce-{nonce}' {origins}; img-src 'self' data:; \
         frame-ancestors 'self'; base-uri 'none'; form-action {forms}"
    );
    secured(status, html, &csp, opener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inlined_cannot_close_its_element() {
        for js in [JS, CHANNELS_JS, ELSEWHERE_JS, FORMS_JS, KEYS_JS, teller::JS] {
            assert!(!js.contains("</script") && !js.contains("<!--"));
        }
        assert!(!CSS.contains("</style") && !CHANNELS_CSS.contains("</style"));
        for here in [CHANNELS_HERE, ELSEWHERE_HERE, FORMS_HERE, KEYS_HERE] {
            assert_eq!(JS.matches(here).count(), 1);
        }
    }
}
