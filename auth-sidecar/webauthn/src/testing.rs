//! An authenticator made by hand, so that each part of its answer can be made wrong.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "for tests, and a test that fails panics"
)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

mod maker;

pub use maker::{Maker, Statement};

const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;

/// One credential and what the authenticator claims about its user.
pub struct Authenticator {
    pub key: EcdsaKeyPair,
    pub id: Vec<u8>,
    /// What it files its credential under, once it has one.
    pub user: Value,
    pub counter: u32,
    /// Whether it counts at all; synced passkeys do not.
    pub counts: bool,
    pub verifies: bool,
    pub present: bool,
    /// Backup eligible and backed up: a synced passkey.
    pub synced: bool,
    /// Breaks the signature.
    pub forged: bool,
    /// Signs for this relying party instead.
    pub rp_id: Option<String>,
    /// Its model.
    pub aaguid: Uuid,
    /// What it says of itself, where it is asked.
    pub statement: Statement,
    /// `authenticatorAttachment`, as the browser reports it.
    pub attachment: &'static str,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self::new()
    }
}

impl Authenticator {
    #[must_use]
    pub fn new() -> Self {
        let mut id = [0; 16];
        getrandom::fill(&mut id).unwrap();
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: id.to_vec(),
            user: Value::Null,
            counter: 0,
            counts: true,
            verifies: true,
            present: true,
            synced: false,
            forged: false,
            rp_id: None,
            aaguid: Uuid::nil(),
            statement: Statement::None,
            attachment: "platform",
        }
    }

    /// Answers what was asked, as the page at `origin` would send it.
    pub fn answer(&mut self, ceremony: &Value, origin: &str) -> Value {
        // Where there are several kinds of challenge, `kind` names this one and `mode` its variant.
        let mode = ceremony.get("mode").unwrap_or(&ceremony["kind"]);
        match mode.as_str().unwrap() {
            "registration" => self.create(&ceremony["options"], origin),
            "authentication" | "discovery" => self.get(&ceremony["options"], origin),
            other => panic!("{other}"),
        }
    }

    pub fn create(&mut self, options: &Value, origin: &str) -> Value {
        let client_data = client_data("webauthn.create", options, origin);
        self.user = options["user"]["id"].clone();
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), AT);
        // Without a statement browsers take the model out (WebAuthn, §5.1.3).
        let aaguid = match self.statement {
            Statement::None => Uuid::nil(),
            _ => self.aaguid,
        };
        data.extend_from_slice(aaguid.as_bytes());
        data.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend_from_slice(&self.id);
        data.extend_from_slice(&self.cose_key());
        let asked = options["attestation"] == "direct";
        let mut signed = data.clone();
        signed.extend_from_slice(&Sha256::digest(&client_data));
        // {"fmt": text, "attStmt": map, "authData": bytes}
        let mut object = vec![0xa3];
        object.extend_from_slice(b"\x63fmt");
        match &self.statement {
            statement if !asked || matches!(statement, Statement::None) => {
                object.extend_from_slice(b"\x64none\x67attStmt\xa0");
            }
            statement => {
                object.extend_from_slice(b"\x66packed\x67attStmt");
                object.extend_from_slice(&statement.packed(&self.key, &signed));
            }
        }
        object.extend_from_slice(b"\x68authData\x59");
        object.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend_from_slice(&data);
        self.credential(json!({
            "clientDataJSON": B64.encode(client_data),
            "attestationObject": B64.encode(object),
            "transports": ["internal"],
        }))
    }

    pub fn get(&mut self, options: &Value, origin: &str) -> Value {
        let client_data = client_data("webauthn.get", options, origin);
        let named = options["allowCredentials"]
            .as_array()
            .is_some_and(|named| !named.is_empty());
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let mut signed = data.clone();
        signed.extend_from_slice(&Sha256::digest(&client_data));
        if self.forged {
            signed.push(0);
        }
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(json!({
            "clientDataJSON": B64.encode(client_data),
            "authenticatorData": B64.encode(data),
            "signature": B64.encode(signature.as_ref()),
            // Told where nobody was named.
            "userHandle": if named { Value::Null } else { self.user.clone() },
        }))
    }

    fn credential(&self, response: Value) -> Value {
        let id = B64.encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "authenticatorAttachment": self.attachment, "response": response,
        })
    }

    fn data(&mut self, rp_id: &str, more: u8) -> Vec<u8> {
        self.counter += u32::from(self.counts);
        let mut flags = more;
        for (on, bits) in [
            (self.present, UP),
            (self.verifies, UV),
            (self.synced, BE | BS),
        ] {
            flags |= if on { bits } else { 0 };
        }
        let mut data = Sha256::digest(self.rp_id.as_deref().unwrap_or(rp_id)).to_vec();
        data.push(flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    fn cose_key(&self) -> Vec<u8> {
        // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        let point = self.key.public_key().as_ref();
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend_from_slice(&point[1..33]);
        key.extend_from_slice(&[0x22, 0x58, 0x20]);
        key.extend_from_slice(&point[33..]);
        key
    }
}

fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
    let data = json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false });
    data.to_string().into_bytes()
}
