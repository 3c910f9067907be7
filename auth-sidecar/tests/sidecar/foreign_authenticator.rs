//! The same ceremony with a client and an authenticator that others wrote.

use axum::http::StatusCode;
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

use crate::browser::Browser;
use crate::world::World;

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

fn options(ceremony: &Value) -> Value {
    json!({ "publicKey": ceremony["options"] })
}

/// As a browser's `toJSON()` would: bytes in base64url. The crate writes them as lists of numbers.
fn to_json(credential: &impl serde::Serialize) -> Value {
    fn tidy(value: Value) -> Value {
        match value {
            Value::Array(items) if items.iter().all(Value::is_u64) => {
                let byte = |item: &Value| u8::try_from(item.as_u64().unwrap()).unwrap();
                URL_SAFE_NO_PAD
                    .encode(items.iter().map(byte).collect::<Vec<_>>())
                    .into()
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

#[tokio::test]
async fn a_client_that_others_wrote_registers_and_then_asserts() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser.host = "shop.example.com".to_owned();
    let origin = Url::parse("https://shop.example.com").unwrap();
    let ticket = || world.ticket_with("aud", "shop.example.com".into());
    let store: Option<Passkey> = None;
    let mut client = Client::new(Authenticator::new(
        Aaguid::new_empty(),
        store,
        VerifiedUser,
        AwsLcRsBackend,
    ));

    let ceremony = browser.begin(&ticket()).await.json();
    let request: CredentialCreationOptions = serde_json::from_value(options(&ceremony)).unwrap();
    let created = client
        .register(&origin, request, DefaultClientData)
        .await
        .unwrap();
    let passed = browser.end(&ceremony, &to_json(&created)).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);

    let ceremony = browser.begin(&ticket()).await.json();
    assert_eq!(ceremony["mode"], "authentication");
    let request: CredentialRequestOptions = serde_json::from_value(options(&ceremony)).unwrap();
    let used = client
        .authenticate(&origin, request, DefaultClientData)
        .await
        .unwrap();
    let passed = browser.end(&ceremony, &to_json(&used)).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
}
