//! Sessions and tickets as the stack itself makes them, and as an attacker would.
//!
//! The keys are real: this process joins the control plane as a second sidecar, registers its own
//! session key and receives the ticket keys, exactly as the product's sidecar does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{
    SessionKeys, SidecarHello, SidecarMessage, control_message, sidecar_message,
};
use countersign_proto::policy::v1::{SessionKey, TicketKey};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

/// A key is live once every node has the revision that holds it.
const LIVE_LIMIT: Duration = Duration::from_secs(15);
/// Messages that may wait on the stream to the control plane.
const QUEUE: usize = 4;

/// A second sidecar: its keys are known to the filter for as long as this lives.
#[derive(Debug)]
pub struct Forge {
    key: SigningKey,
    kid: String,
    ticket_key: TicketKey,
    _stream: mpsc::Sender<SidecarMessage>,
    _runtime: Runtime,
}

/// How a node's part reaches the control plane.
#[derive(Clone)]
pub struct NodeAccess {
    /// Of gRPC, on loopback.
    pub port: u16,
    /// A node's.
    pub token: String,
}

impl Forge {
    /// Joins a control plane, and waits until the filters hold its key.
    ///
    /// # Errors
    /// When the control plane does not take the key.
    pub fn join(to: &NodeAccess, name: &str) -> Result<Self> {
        let key = SigningKey::from_bytes(&seed(name));
        let kid = format!("{name}-{}", now());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let joined = runtime.block_on(async {
            tokio::time::timeout(LIVE_LIMIT, register(to, name, &kid, &key)).await
        });
        let (stream, ticket_key) = joined.context("the key did not become live in time")??;
        Ok(Self {
            key,
            kid,
            ticket_key,
            _stream: stream,
            _runtime: runtime,
        })
    }

    /// The id of the session key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The header of a good session.
    #[must_use]
    pub fn session_header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "JWT", "kid": self.kid})
    }

    /// A session signed as the sidecar signs.
    #[must_use]
    pub fn session(&self, claims: &Value) -> String {
        self.session_with(&self.session_header(), claims)
    }

    /// A session with a header of one's own, signed with the good key.
    #[must_use]
    pub fn session_with(&self, header: &Value, claims: &Value) -> String {
        let input = signing_input(header, claims);
        let signature = self.key.sign(input.as_bytes()).to_bytes();
        format!("{input}.{}", encode(signature))
    }

    /// A ticket signed as the filter signs.
    #[must_use]
    pub fn ticket(&self, claims: &Value) -> String {
        let header = json!({
            "alg": "HS256", "typ": "countersign-ticket+jwt", "kid": self.ticket_key.kid,
        });
        hs256(&header, claims, &self.ticket_key.secret)
    }

    /// The id of the ticket key.
    #[must_use]
    pub fn ticket_kid(&self) -> &str {
        &self.ticket_key.kid
    }
}

/// The claims of a session that is good for `host` now.
#[must_use]
pub fn session_claims(host: &str) -> Value {
    let now = now();
    json!({
        "iss": "countersign", "aud": host, "sub": "device-of-the-tests",
        "iat": now, "exp": now + 3600, "auth_time": now, "jti": format!("{host}-{now}"),
        "acr": "uv", "amr": ["hwk", "user"],
    })
}

/// The claims of a ticket that is good for `authority` (with its port) now.
#[must_use]
pub fn ticket_claims(authority: &str, scheme: &str, path: &str) -> Value {
    let now = now();
    json!({
        "iss": "countersign-filter", "aud": authority, "scheme": scheme, "path": path,
        "policy": "bot-score-challenge", "jti": event_id(), "acr": "uv", "max_age": 0,
        "kinds": ["fido"], "fallback": [], "iat": now, "exp": now + 600,
    })
}

/// With one claim changed.
#[must_use]
pub fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(fields) = claims.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
    claims
}

/// A token with `alg: none` and no signature.
#[must_use]
pub fn unsigned(claims: &Value) -> String {
    let header = json!({"alg": "none", "typ": "JWT"});
    format!("{}.", signing_input(&header, claims))
}

/// A token with a symmetric signature.
#[must_use]
pub fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let input = signing_input(header, claims);
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mut mac| {
        mac.update(input.as_bytes());
        encode(mac.finalize().into_bytes())
    });
    // HMAC takes keys of any length.
    format!("{input}.{}", mac.unwrap_or_default())
}

/// Seconds since the epoch.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// The part of a token at `index`, decoded as JSON, unverified.
///
/// # Errors
/// When it is no token.
pub fn read(token: &str, index: usize) -> Result<Value> {
    let part = token.split('.').nth(index).context("no such part")?;
    Ok(serde_json::from_slice(
        &BASE64_URL_SAFE_NO_PAD.decode(part)?,
    )?)
}

/// Base64 as tokens use it.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The other way.
///
/// # Errors
/// When it is no base64.
pub fn decode(text: &str) -> Result<Vec<u8>> {
    Ok(BASE64_URL_SAFE_NO_PAD.decode(text)?)
}

fn signing_input(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| encode(part.to_string()));
    format!("{header}.{claims}")
}

/// A version 7 UUID that no filter has issued.
fn event_id() -> String {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let millis = now().unsigned_abs() * 1000;
    let (high, low) = (millis >> 16, millis & 0xffff);
    let process = std::process::id();
    format!("{high:08x}-{low:04x}-7{n:03x}-8000-{process:012x}")
}

/// The tests' keys need not be secret, they need to differ.
fn seed(name: &str) -> [u8; 32] {
    use sha2::Digest as _;
    Sha256::digest(format!("{name} {} {}", std::process::id(), now())).into()
}

type Registered = (mpsc::Sender<SidecarMessage>, TicketKey);

async fn register(to: &NodeAccess, name: &str, kid: &str, key: &SigningKey) -> Result<Registered> {
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", to.port))?;
    let shown = format!("Bearer {}", to.token).parse()?;
    let mut client = NodeServiceClient::new(endpoint.connect().await?);
    let (sender, receiver) = mpsc::channel(QUEUE);
    let hello = SidecarHello {
        sidecar_id: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let keys = SessionKeys {
        keys: vec![SessionKey {
            kid: kid.to_owned(),
            public_key: key.verifying_key().to_bytes().to_vec(),
        }],
    };
    for message in [
        sidecar_message::Message::Hello(hello),
        sidecar_message::Message::Keys(keys),
    ] {
        sender
            .send(SidecarMessage {
                message: Some(message),
            })
            .await?;
    }
    let mut request = tonic::Request::new(ReceiverStream::new(receiver));
    request.metadata_mut().insert("authorization", shown);
    let mut answers = client.connect_sidecar(request).await?.into_inner();
    let (mut ticket_key, mut live) = (None, false);
    while ticket_key.is_none() || !live {
        let answer = answers.message().await?.context("the stream ended")?;
        match answer.message {
            Some(control_message::Message::Settings(settings)) => {
                ticket_key = settings.ticket_keys.into_iter().next();
            }
            Some(control_message::Message::KeysLive(keys)) => {
                live = keys.kids.iter().any(|it| it == kid);
            }
            _ => {}
        }
    }
    // The stream stays open and its answers are read, or the control plane would wait for us.
    tokio::spawn(async move { while let Ok(Some(_)) = answers.message().await {} });
    Ok((sender, ticket_key.context("no ticket key")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back() -> Result<()> {
        let token = hs256(&json!({"alg": "HS256"}), &json!({"a": 1}), b"secret");
        assert_eq!(read(&token, 0)?["alg"], "HS256");
        assert_eq!(read(&token, 1)?["a"], 1);
        assert_eq!(decode(token.rsplit('.').next().unwrap())?.len(), 32);
        Ok(())
    }

    #[test]
    fn event_ids_differ_and_are_uuids() {
        let (one, other) = (event_id(), event_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'7');
    }
}
