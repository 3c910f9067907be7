//! A client and an authenticator that others wrote: the crate `passkey`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::aws_lc_rs::AwsLcRsBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use serde_json::{Value, json};
use url::Url;

/// A browser with an authenticator that has at most one credential and verifies its user each time.
#[derive(Debug)]
pub struct PasskeyClient {
    origin: Url,
    kept: Option<Passkey>,
}

impl PasskeyClient {
    /// One without a credential, on a page of this origin.
    ///
    /// # Panics
    /// If the origin is none.
    #[must_use]
    pub fn at(origin: &str) -> Self {
        Self {
            origin: origin.parse().expect("an origin"),
            kept: None,
        }
    }

    /// What `navigator.credentials.create` gives for these options, as its `toJSON()` writes it.
    ///
    /// # Panics
    /// If no credential is made.
    pub async fn register(&mut self, options: &Value) -> Value {
        let request: CredentialCreationOptions = asked(options);
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let created = client.register(&self.origin, request, DefaultClientData);
        let created = created.await.expect("a credential is made");
        self.kept.clone_from(client.authenticator().store());
        to_json(&created)
    }

    /// What `navigator.credentials.get` gives for these options, as its `toJSON()` writes it.
    ///
    /// # Panics
    /// If no credential fits.
    pub async fn authenticate(&mut self, options: &Value) -> Value {
        let request: CredentialRequestOptions = asked(options);
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let used = client.authenticate(&self.origin, request, DefaultClientData);
        let used = used.await.expect("a credential fits");
        self.kept.clone_from(client.authenticator().store());
        to_json(&used)
    }

    fn authenticator(&self) -> Authenticator<Option<Passkey>, VerifiedUser, AwsLcRsBackend> {
        let model = Aaguid::new_empty();
        Authenticator::new(model, self.kept.clone(), VerifiedUser, AwsLcRsBackend)
    }
}

/// Whoever is there, always.
struct VerifiedUser;

#[tonic::async_trait]
impl UserValidationMethod for VerifiedUser {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        _presence: bool,
        _verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence: true,
            verification: true,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

fn asked<T: serde::de::DeserializeOwned>(options: &Value) -> T {
    serde_json::from_value(json!({ "publicKey": options })).expect("options of WebAuthn")
}

/// As a browser's `toJSON()` would: bytes in base64url. The crate writes them as lists of numbers.
fn to_json(credential: &impl serde::Serialize) -> Value {
    fn tidy(value: Value) -> Value {
        match value {
            Value::Array(items) if items.iter().all(Value::is_u64) => {
                let byte = |item: &Value| u8::try_from(item.as_u64().unwrap()).unwrap();
                let bytes: Vec<_> = items.iter().map(byte).collect();
                URL_SAFE_NO_PAD.encode(bytes).into()
            }
            Value::Object(map) => map
                .into_iter()
                .map(|(key, value)| (key, tidy(value)))
                .collect(),
            other => other,
        }
    }
    tidy(serde_json::to_value(credential).unwrap())
}
