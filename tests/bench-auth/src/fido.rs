//! The authenticator: the crate `passkey`, client and all.

use anyhow::{Result, anyhow};
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

use crate::visitor::HOST;

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

/// Answers one ceremony; `kept` is what the authenticator has, and has afterwards.
pub(crate) async fn answer(ceremony: &Value, kept: &mut Option<Passkey>) -> Result<Value> {
    let origin = Url::parse(&format!("https://{HOST}"))?;
    let options = json!({ "publicKey": ceremony["options"] });
    let authenticator = Authenticator::new(
        Aaguid::new_empty(),
        kept.take(),
        VerifiedUser,
        AwsLcRsBackend,
    );
    let mut client = Client::new(authenticator);
    let answer = if ceremony["mode"] == "registration" {
        let request: CredentialCreationOptions = serde_json::from_value(options)?;
        let created = client.register(&origin, request, DefaultClientData).await;
        to_json(&created.map_err(|error| anyhow!("{error:?}"))?)?
    } else {
        let request: CredentialRequestOptions = serde_json::from_value(options)?;
        let used = client.authenticate(&origin, request, DefaultClientData);
        to_json(&used.await.map_err(|error| anyhow!("{error:?}"))?)?
    };
    *kept = client.authenticator().store().clone();
    Ok(answer)
}

/// As a browser's `toJSON()` would: bytes in base64url. The crate writes them as lists of numbers.
fn to_json(credential: &impl serde::Serialize) -> Result<Value> {
    fn tidy(value: Value) -> Value {
        match value {
            Value::Array(items) if items.iter().all(Value::is_u64) => {
                let byte = |item: &Value| {
                    let number = item.as_u64().unwrap_or_default();
                    u8::try_from(number).unwrap_or_default()
                };
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
    Ok(tidy(serde_json::to_value(credential)?))
}
