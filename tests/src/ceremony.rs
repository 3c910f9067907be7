//! A client of the challenge that is no page: it asks and answers like one, and changes what it likes
//! in between. The browser is only its authenticator.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::cdp::Page;
use crate::expect::{CHALLENGE, text};
use crate::forge::{decode, encode};
use crate::http::{Client, Reply, cookie_pair, send};
use crate::stack::Stack;

/// A browser's cookies and manners without the browser.
#[derive(Debug)]
pub struct Program {
    client: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// A question that was asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The ceremony's id.
    pub ceremony: String,
    /// `registration` or `authentication`.
    pub kind: String,
    /// What the browser is asked.
    pub options: Value,
}

impl Program {
    /// A program that visits `stack` over https.
    ///
    /// # Errors
    /// When the stack's authority cannot be read.
    pub fn new(stack: &Stack) -> Result<Self> {
        Ok(Self {
            client: stack.client()?,
            origin: stack.https().to_owned(),
            cookies: BTreeMap::new(),
        })
    }

    /// Opens the challenge page.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn open(&mut self, ticket: &str) -> Result<Reply> {
        let path = format!("{CHALLENGE}?ticket={ticket}");
        let request = self.client.navigating()?.request(Method::GET, &path);
        self.exchange(request)
    }

    /// Starts a ceremony and takes whatever is answered.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn try_begin(&mut self, ticket: &str) -> Result<Reply> {
        self.post("/.countersign/ceremonies", &json!({"ticket": ticket}))
    }

    /// Starts a ceremony.
    ///
    /// # Errors
    /// When it is refused.
    pub fn begin(&mut self, ticket: &str) -> Result<Question> {
        let told = self.try_begin(ticket)?.expect(200)?.json()?;
        Ok(Question {
            ceremony: text(&told, "ceremony")?.to_owned(),
            kind: text(&told, "mode")?.to_owned(),
            options: told["options"].clone(),
        })
    }

    /// Answers a ceremony.
    ///
    /// # Errors
    /// When there is no answer to the answer.
    pub fn finish(&mut self, question: &Question, credential: &Value) -> Result<Reply> {
        let path = format!("/.countersign/ceremonies/{}", question.ceremony);
        self.post(&path, &json!({"credential": credential}))
    }

    /// POST as a page of this origin does it.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Reply> {
        let origin = HeaderValue::from_str(&self.origin)?;
        let request = self.client.request(Method::POST, path).json(body);
        self.exchange(
            request
                .header("origin", origin)
                .header("sec-fetch-site", "same-origin"),
        )
    }

    /// Opens a path of this site as a page.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&mut self, path: &str) -> Result<Reply> {
        let request = self.client.navigating()?.request(Method::GET, path);
        self.exchange(request)
    }

    /// Sends a request that was made for it, with its cookies.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&mut self, request: reqwest::blocking::RequestBuilder) -> Result<Reply> {
        self.exchange(request)
    }

    /// Forgets who it is.
    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    /// The session, once there is one.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.cookies
            .get(crate::visitor::SESSION)
            .map(String::as_str)
    }

    fn exchange(&mut self, request: reqwest::blocking::RequestBuilder) -> Result<Reply> {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut headers = HeaderMap::new();
        if !pairs.is_empty() {
            headers.insert("cookie", HeaderValue::from_str(&pairs.join("; "))?);
        }
        let reply = send(request.headers(headers))?;
        self.keep(&reply)?;
        Ok(reply)
    }

    /// Takes the cookies of an answer, as the browser does that asked.
    ///
    /// # Errors
    /// When one is none.
    pub fn keep(&mut self, reply: &Reply) -> Result<()> {
        for cookie in reply.headers.get_all("set-cookie") {
            let (name, value) = cookie_pair(cookie.to_str()?)?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

impl Page {
    /// Has the browser's authenticator answer a question; the tab must show the question's origin.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn answer(&mut self, question: &Question) -> Result<Value> {
        let (call, parse) = match question.kind.as_str() {
            "registration" => ("create", "parseCreationOptionsFromJSON"),
            _ => ("get", "parseRequestOptionsFromJSON"),
        };
        self.evaluate(&format!(
            "(async o => (await navigator.credentials.{call}(
                {{publicKey: PublicKeyCredential.{parse}(o)}})).toJSON())({})",
            question.options
        ))
    }
}

/// The answer with one member of what the browser signed changed.
///
/// # Errors
/// When the answer is none.
pub fn with_client_data(
    credential: &Value,
    member: &str,
    value: impl Into<Value>,
) -> Result<Value> {
    let at = "/response/clientDataJSON";
    let client_data = credential.pointer(at).and_then(Value::as_str);
    let mut client_data: Value =
        serde_json::from_slice(&decode(client_data.context("no clientDataJSON")?)?)?;
    client_data[member] = value.into();
    let mut changed = credential.clone();
    changed["response"]["clientDataJSON"] = encode(client_data.to_string()).into();
    Ok(changed)
}

/// A registration that says its user was not verified. Without attestation nothing signs it, so a
/// program can claim either.
///
/// # Errors
/// When the answer is none.
pub fn without_user_verification(credential: &Value, rp_id: &str) -> Result<Value> {
    /// Bit 2 of the flags (WebAuthn level 3, section 6.1).
    const USER_VERIFIED: u8 = 0x04;
    let object = credential
        .pointer("/response/attestationObject")
        .and_then(Value::as_str);
    let mut object = decode(object.context("no attestationObject")?)?;
    // The authenticator data begin with the hash of the relying party's id; the flags follow it.
    let hash = Sha256::digest(rp_id);
    let start = object
        .windows(hash.len())
        .position(|window| window == hash.as_slice());
    let flags = object
        .get_mut(start.context("no authenticator data")? + hash.len())
        .context("no flags")?;
    ensure!(
        *flags & USER_VERIFIED != 0,
        "the user was not verified anyway"
    );
    *flags &= !USER_VERIFIED;
    let mut changed = credential.clone();
    changed["response"]["attestationObject"] = encode(object).into();
    // A copy that some clients send and the verifier need not read.
    if let Some(response) = changed["response"].as_object_mut() {
        response.remove("authenticatorData");
    }
    Ok(changed)
}
