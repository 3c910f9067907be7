//! A captcha's provider on this machine, at an origin of its own: the widget's script with the interface that
//! reCAPTCHA, hCaptcha and Turnstile share, the frame with the box to tick, and `siteverify`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::paths::Scratch;

/// The key that pages carry.
pub const SITE_KEY: &str = "site-key-of-the-shop";
/// What only the sidecar and the provider know. The characters have to survive a form.
const SECRET: &str = "s3cret & more+=%";
const SCRIPT: &str = include_str!("captcha/api.js");
const FRAME: &str = include_str!("captcha/frame.html");

/// What the provider does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// Whoever ticks the box gets a token, and the token is good once.
    #[default]
    Good,
    /// Tokens that it does not vouch for.
    Refuses,
    /// The widget works, and `siteverify` does not.
    Away,
    /// The puzzle's time is over.
    Expires,
    /// The widget says that it does not work.
    Fails,
    /// Not even the script is served.
    Gone,
}

/// What came to `siteverify`: the form's fields.
pub type Form = HashMap<String, String>;

#[derive(Debug, Default)]
struct Inner {
    mood: Mood,
    tokens: HashMap<String, Solved>,
    given: u32,
    forms: Vec<Form>,
    fetched: Vec<String>,
}

#[derive(Debug)]
struct Solved {
    hostname: String,
    action: String,
    at: String,
    good: bool,
}

type Shared = Arc<Mutex<Inner>>;

/// The provider; it ends with the process.
#[derive(Debug)]
pub struct Captcha {
    address: SocketAddr,
    inner: Shared,
    folder: Scratch,
}

fn locked(inner: &Shared) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Captcha {
    /// Listens.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> Result<Self> {
        let inner = Shared::default();
        let router = Router::new()
            .route("/api.js", get(script))
            .route("/widget", get(frame))
            .route("/solve", post(solve))
            .route("/siteverify", post(siteverify))
            .with_state(Arc::clone(&inner));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router).await
            })
        });
        let folder = Scratch::new("captcha")?;
        std::fs::write(folder.path().join("secret"), SECRET)?;
        Ok(Self {
            address,
            inner,
            folder,
        })
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the sidecar is told of it, as an operator does.
    #[must_use]
    pub fn environment(&self, when_away: &str) -> Vec<(&'static str, String)> {
        let secret = self.folder.path().join("secret").display().to_string();
        vec![
            ("COUNTERSIGN_CAPTCHA_PROVIDER", "custom".to_owned()),
            ("COUNTERSIGN_CAPTCHA_API", "hcaptcha".to_owned()),
            ("COUNTERSIGN_CAPTCHA_SITE_KEY", SITE_KEY.to_owned()),
            ("COUNTERSIGN_CAPTCHA_SECRET_FILE", secret),
            ("COUNTERSIGN_CAPTCHA_WHEN_AWAY", when_away.to_owned()),
            (
                "COUNTERSIGN_CAPTCHA_VERIFY_URL",
                format!("{}/siteverify", self.origin()),
            ),
            (
                "COUNTERSIGN_CAPTCHA_SCRIPT_URL",
                format!("{}/api.js?hl=en", self.origin()),
            ),
        ]
    }

    /// From now on.
    pub fn is(&self, mood: Mood) {
        locked(&self.inner).mood = mood;
    }

    /// What came to `siteverify` since this was asked last.
    #[must_use]
    pub fn asked(&self) -> Vec<Form> {
        std::mem::take(&mut locked(&self.inner).forms)
    }

    /// What browsers fetched since this was asked last.
    #[must_use]
    pub fn fetched(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.inner).fetched)
    }
}

async fn script(State(inner): State<Shared>) -> Response {
    let mut inner = locked(&inner);
    inner.fetched.push("script".to_owned());
    if inner.mood == Mood::Gone {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT).into_response()
}

async fn frame(State(inner): State<Shared>, Query(asked): Query<Form>) -> Response {
    locked(&inner).fetched.push("frame".to_owned());
    if asked.get("sitekey").is_none_or(|key| key != SITE_KEY) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Html(FRAME).into_response()
}

/// The box was ticked: what the widget tells the page.
async fn solve(State(inner): State<Shared>, Json(asked): Json<Form>) -> Json<Value> {
    let mut inner = locked(&inner);
    inner.given += 1;
    let token = format!("token-{}", inner.given);
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let solved = Solved {
        hostname: field("hostname"),
        action: field("action"),
        at: field("at"),
        good: inner.mood != Mood::Refuses,
    };
    let what = match inner.mood {
        Mood::Expires => "expired-callback",
        Mood::Fails => "error-callback",
        Mood::Good | Mood::Refuses | Mood::Away | Mood::Gone => "callback",
    };
    inner.tokens.insert(token.clone(), solved);
    Json(json!({ "what": what, "token": token }))
}

async fn siteverify(State(inner): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let form: Form = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let mut inner = locked(&inner);
    inner.forms.push(form.clone());
    if inner.mood == Mood::Away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let kind = headers.get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    Json(judged(&mut inner, &form, is_form).unwrap_or_else(|| no("invalid-input-response")))
        .into_response()
}

/// `None`: no token of ours, one that was used, or one that is not vouched for.
fn judged(inner: &mut Inner, form: &Form, is_form: bool) -> Option<Value> {
    if !is_form {
        return Some(no("bad-request"));
    }
    if form.get("secret").is_none_or(|secret| secret != SECRET) {
        return Some(no("invalid-input-secret"));
    }
    let token = form.get("response").context("no response").ok()?;
    let solved = inner.tokens.remove(token)?;
    solved.good.then(|| {
        json!({
            "success": true, "hostname": solved.hostname, "action": solved.action,
            "challenge_ts": solved.at, "score": 0.1, "error-codes": [],
        })
    })
}

fn no(code: &str) -> Value {
    json!({ "success": false, "error-codes": [code] })
}
