//! A browser's side of the sidecar's HTTP: cookies, an address of its own, tickets.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::control::{KID, SECRET};

/// The host that is protected.
pub(crate) const HOST: &str = "shop.example.com";

/// Everybody so far: each has a network of its own, as visitors have, so that no brake on one network is
/// what is measured.
static VISITORS: AtomicU32 = AtomicU32::new(0);
static TICKETS: AtomicU32 = AtomicU32::new(0);

/// One device.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    client: Client,
    origin: String,
    address: Ipv4Addr,
    cookies: BTreeMap<String, String>,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Result<Value> {
        ensure!(self.status.is_success(), "{}: {}", self.status, self.text);
        Ok(serde_json::from_str(&self.text)?)
    }
}

impl Visitor {
    /// A device that nobody knows, at the sidecar of this origin.
    pub(crate) fn new(client: &Client, origin: &str) -> Self {
        let number = VISITORS.fetch_add(1, Ordering::Relaxed);
        Self {
            client: client.clone(),
            origin: origin.to_owned(),
            address: Ipv4Addr::from(0x0b00_0001_u32.saturating_add(number << 8)),
            cookies: BTreeMap::new(),
        }
    }

    /// Begins a ceremony of this kind with a ticket of its own.
    pub(crate) async fn begin(
        &mut self,
        kind: &str,
        assurance: &str,
        input: Value,
    ) -> Result<Value> {
        let body = json!({ "ticket": ticket(kind, assurance)?, "kind": kind, "input": input });
        self.post("/.countersign/ceremonies", &body).await?.json()
    }

    /// Ends it.
    pub(crate) async fn end(&mut self, ceremony: &Value, answer: &Value) -> Result<()> {
        let id = ceremony["ceremony"].as_str().context("no ceremony")?;
        let path = format!("/.countersign/ceremonies/{id}");
        self.post(&path, &json!({ "answer": answer }))
            .await?
            .json()?;
        Ok(())
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Reply> {
        let request = self.request(Method::POST, path).json(body);
        self.send(request).await
    }

    /// Sends a form.
    pub(crate) async fn form(&mut self, path: &str, fields: &str) -> Result<Reply> {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields.to_owned());
        self.send(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.client
            .request(method, format!("{}{path}", self.origin))
            .header("host", HOST)
            .header("origin", format!("https://{HOST}"))
            .header("sec-fetch-site", "same-origin")
            // As Envoy appends it.
            .header("x-forwarded-for", self.address.to_string())
            .header("cookie", cookies.join("; "))
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Reply> {
        let answer = request.send().await?;
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(Reply {
            status: answer.status(),
            text: answer.text().await?,
        })
    }
}

/// As the filter signs it.
pub(crate) fn ticket(kind: &str, assurance: &str) -> Result<String> {
    let number = TICKETS.fetch_add(1, Ordering::Relaxed);
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "iss": "countersign-filter", "aud": HOST, "scheme": "https", "path": "/checkout?step=2",
        "policy": "checkout", "jti": format!("bench-{number}"), "acr": assurance, "max_age": 0,
        "kinds": [kind], "fallback": [], "iat": now, "exp": now + 600,
    });
    let header = json!({ "alg": "HS256", "typ": "countersign-ticket+jwt", "kid": KID });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(&claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).context("HMAC takes any key")?;
    mac.update(input.as_bytes());
    Ok(format!(
        "{input}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    ))
}
