//! A program that is challenged, and the key that it may hold. The key lives in a tab: what makes proofs of
//! possession is the browser's WebCrypto, not what verifies them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::cdp::Page;
use crate::expect::text;
use crate::forge;
use crate::http::{Client, Reply, send};

const GRANT_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

/// A program that has read what it needs (the document of its 403) and waits for its person.
#[derive(Debug)]
pub struct Waiting {
    client: Client,
    device_code: String,
    /// What the program shows: the address with the code in it, and the code.
    pub address: String,
    /// As it is shown.
    pub code: String,
    /// How long to wait between two questions.
    pub interval: Duration,
    asked: Option<Instant>,
}

impl Waiting {
    /// Begins with the document of a 403.
    ///
    /// # Errors
    /// When it is refused.
    pub fn begin(client: &Client, document: &Value) -> Result<Self> {
        let endpoint = path_of(text(document, "device_authorization_endpoint")?)?;
        let fields = format!("client_id=a-program&ticket={}", text(document, "ticket")?);
        let form = form(client.request(Method::POST, &endpoint), fields);
        let told = send(form)?.expect(200)?.json()?;
        let interval = told["interval"].as_u64().context("no interval")?;
        Ok(Self {
            client: client.clone(),
            device_code: text(&told, "device_code")?.to_owned(),
            address: path_of(text(&told, "verification_uri_complete")?)?,
            code: text(&told, "user_code")?.to_owned(),
            interval: Duration::from_secs(interval),
            asked: None,
        })
    }

    /// Asks for the token at once, with a proof of possession or without.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(&mut self, proof: Option<&str>) -> Result<Reply> {
        self.asked = Some(Instant::now());
        let mut request = self.client.request(Method::POST, "/.countersign/token");
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let fields = format!("grant_type={GRANT_TYPE}&device_code={}", self.device_code);
        send(form(request, fields))
    }

    /// Waits as long as the protocol says, then asks.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask_in_time(&mut self, proof: Option<&str>) -> Result<Reply> {
        if let Some(asked) = self.asked {
            // The pace is the protocol's (RFC 8628 section 3.5), and nothing is waited for by it.
            std::thread::sleep(self.interval.saturating_sub(asked.elapsed()));
        }
        self.ask(proof)
    }
}

/// A form's fields, which need no escaping.
pub fn form(request: RequestBuilder, fields: String) -> RequestBuilder {
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(fields)
}

/// The word of a refusal (RFC 6749 section 5.2).
///
/// # Errors
/// When it is none.
pub fn refused(reply: Reply) -> Result<String> {
    let document = reply.expect(400)?.json()?;
    Ok(text(&document, "error")?.to_owned())
}

fn path_of(address: &str) -> Result<String> {
    let (_, rest) = address.split_once("://").context("no address")?;
    let slash = rest.find('/').context("no path")?;
    Ok(rest.get(slash..).unwrap_or_default().to_owned())
}

/// A P-256 key in a tab.
#[derive(Debug)]
pub struct Key<'p> {
    page: &'p mut Page,
    jwk: Value,
}

/// What a proof is for.
#[derive(Debug, Clone)]
pub struct Proof<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole address.
    pub address: &'a str,
    /// The token that it goes with.
    pub token: Option<&'a str>,
    /// When, in seconds.
    pub at: i64,
    /// Its name.
    pub id: &'a str,
}

impl<'p> Key<'p> {
    /// A new one; the tab must stay where it is.
    ///
    /// # Errors
    /// When the browser makes none.
    pub fn new(page: &'p mut Page) -> Result<Self> {
        let jwk = page.evaluate(
            "crypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign', 'verify'])
             .then(async (pair) => { const n = (window.keys ??= []).push(pair.privateKey);
               return {...await crypto.subtle.exportKey('jwk', pair.publicKey), n: n - 1}; })",
        )?;
        ensure!(jwk["crv"] == "P-256", "{jwk}");
        Ok(Self { page, jwk })
    }

    /// Another key in the same tab.
    ///
    /// # Errors
    /// When the browser makes none.
    pub fn another(&mut self) -> Result<Key<'_>> {
        Key::new(self.page)
    }

    /// The thumbprint (RFC 7638), by hand.
    ///
    /// # Errors
    /// When the key is none.
    pub fn thumbprint(&self) -> Result<String> {
        let (x, y) = (text(&self.jwk, "x")?, text(&self.jwk, "y")?);
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(forge::encode(Sha256::digest(canonical)))
    }

    /// A proof (RFC 9449 section 4.2).
    ///
    /// # Errors
    /// When the browser does not sign.
    pub fn proof(&mut self, proof: &Proof<'_>) -> Result<String> {
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "x": self.jwk["x"], "y": self.jwk["y"],
        });
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let mut claims = json!({
            "jti": proof.id, "htm": proof.method, "htu": proof.address, "iat": proof.at,
        });
        if let Some(token) = proof.token {
            claims["ath"] = forge::encode(Sha256::digest(token)).into();
        }
        let signed = format!(
            "{}.{}",
            forge::encode(header.to_string()),
            forge::encode(claims.to_string())
        );
        let signature = self.page.text(&format!(
            "crypto.subtle.sign({{name: 'ECDSA', hash: 'SHA-256'}}, window.keys[{}],
             new TextEncoder().encode({})).then((s) => btoa(String.fromCharCode(...new Uint8Array(s)))
             .replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, ''))",
            self.jwk["n"],
            Value::from(signed.as_str()),
        ))?;
        Ok(format!("{signed}.{signature}"))
    }
}
