//! Requests of a client that behaves: reqwest with the stack's CA, no redirects followed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

/// No answer of the stack takes longer.
pub const REPLY_LIMIT: Duration = Duration::from_secs(10);
/// How much of a body a failed test shows.
const SHOWN_CHARACTERS: usize = 500;
/// A hop that no policy of the tests trusts.
pub const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body.
    pub body: String,
}

impl Reply {
    /// The first value of a header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("no JSON: {}", self.body))
    }

    /// The event's id that every decision carries.
    ///
    /// # Errors
    /// When there is none.
    pub fn event_id(&self) -> Result<String> {
        let id = self.header("countersign-event-id");
        Ok(id.context("no `countersign-event-id`")?.to_owned())
    }

    /// Where it points to.
    ///
    /// # Errors
    /// When it does not.
    pub fn location(&self) -> Result<&str> {
        self.header("location").context("no `location`")
    }

    /// Fails unless the status is this one.
    ///
    /// # Errors
    /// With the whole reply.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "expected {status}, got {self}");
        Ok(self)
    }
}

impl std::fmt::Display for Reply {
    /// Enough of it to understand a failed test.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = self.body.chars().take(SHOWN_CHARACTERS).collect();
        write!(f, "{}: {:?}\n{body}", self.status, self.headers)
    }
}

/// A client of one origin.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::blocking::Client,
    origin: String,
    headers: HeaderMap,
}

impl Client {
    /// A client of `origin` that trusts `authority` (PEM) and comes from `source`.
    ///
    /// # Errors
    /// When the certificate cannot be read.
    pub fn new(origin: &str, authority: Option<&[u8]>, source: Option<IpAddr>) -> Result<Self> {
        let mut builder = reqwest::blocking::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(REPLY_LIMIT)
            .local_address(source)
            // `localhost` may also mean ::1, where nothing listens.
            .resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .resolve("shop.test", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        if let Some(authority) = authority {
            let certificate = reqwest::Certificate::from_pem(authority)?;
            builder = builder.tls_certs_only([certificate]);
        }
        Ok(Self {
            inner: builder.build()?,
            origin: origin.to_owned(),
            headers: HeaderMap::new(),
        })
    }

    /// The same client that sends one header field more.
    ///
    /// # Errors
    /// When it is none.
    pub fn with(&self, name: &'static str, value: &str) -> Result<Self> {
        let mut other = self.clone();
        other.headers.append(name, HeaderValue::from_str(value)?);
        Ok(other)
    }

    /// With a token of the control plane.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        let mut other = self.clone();
        if let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) {
            other.headers.append("authorization", value);
        }
        other
    }

    /// As a browser that opens a page.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn navigating(&self) -> Result<Self> {
        self.with("sec-fetch-mode", "navigate")?
            .with("sec-fetch-dest", "document")?
            .with("accept", "text/html,application/xhtml+xml")
    }

    /// With a session.
    ///
    /// # Errors
    /// When it is no header's value.
    pub fn with_session(&self, token: &str) -> Result<Self> {
        self.with("cookie", &format!("__Host-countersign={token}"))
    }

    /// With the score of a trusted hop.
    ///
    /// # Errors
    /// When it is no header's value.
    pub fn with_score(&self, score: &str) -> Result<Self> {
        self.with("x-bot-score", score)
    }

    /// A request to be completed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.origin);
        let request = self.inner.request(method, url);
        request.headers(self.headers.clone())
    }

    /// GET.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, path: &str) -> Result<Reply> {
        send(self.request(Method::GET, path))
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        send(self.request(Method::POST, path).json(body))
    }
}

/// Name and value of a `Set-Cookie`.
///
/// # Errors
/// When it has none.
pub fn cookie_pair(set_cookie: &str) -> Result<(&str, &str)> {
    let pair = set_cookie.split(';').next().unwrap_or_default();
    pair.split_once('=').context("a cookie without a value")
}

/// Sends and reads to the end.
///
/// # Errors
/// When there is no answer.
pub fn send(request: RequestBuilder) -> Result<Reply> {
    let response = request.send()?;
    Ok(Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text()?,
    })
}
