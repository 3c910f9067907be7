//! The virtual authenticator under a tab: a platform authenticator that answers at once.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::page::Page;

/// One authenticator of one tab.
#[derive(Debug, Clone)]
pub struct Authenticator {
    id: String,
}

/// A credential as the protocol hands it out, private key included; a clone is one call.
#[derive(Debug, Clone)]
pub struct Credential(Value);

/// What the authenticator lies about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lies {
    /// Every signature is rubbish.
    pub signature: bool,
    /// Says that the user was not verified.
    pub user_verification: bool,
    /// Says that the user was not present.
    pub user_presence: bool,
}

impl Credential {
    /// How often it has signed.
    #[must_use]
    pub fn sign_count(&self) -> u64 {
        let count = self.0.get("signCount").and_then(Value::as_u64);
        count.unwrap_or_default()
    }

    /// The same key with another counter: a cloned device.
    #[must_use]
    pub fn cloned_at(&self, sign_count: u64) -> Self {
        let mut clone = self.0.clone();
        if let Some(fields) = clone.as_object_mut() {
            fields.insert("signCount".to_owned(), sign_count.into());
        }
        Self(clone)
    }

    /// The protocol's own form.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl Page {
    /// Puts a platform authenticator under the tab that verifies its user.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn add_authenticator(&mut self) -> Result<Authenticator> {
        self.add_authenticator_like("internal", false)
    }

    /// Puts one under the tab that is reached by `transport`; `synced`: its credentials may be in other
    /// devices, and are.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn add_authenticator_like(
        &mut self,
        transport: &str,
        synced: bool,
    ) -> Result<Authenticator> {
        self.call("WebAuthn.enable", json!({}))?;
        let answer = self.call(
            "WebAuthn.addVirtualAuthenticator",
            json!({"options": {
                "protocol": "ctap2",
                "transport": transport,
                "hasResidentKey": true,
                "hasUserVerification": true,
                "isUserVerified": true,
                "automaticPresenceSimulation": true,
                "defaultBackupEligibility": synced,
                "defaultBackupState": synced,
            }}),
        )?;
        let id = answer.get("authenticatorId").and_then(Value::as_str);
        Ok(Authenticator {
            id: id.context("no `authenticatorId`")?.to_owned(),
        })
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn remove_authenticator(&mut self, authenticator: &Authenticator) -> Result<()> {
        self.on(
            authenticator,
            "WebAuthn.removeVirtualAuthenticator",
            json!({}),
        )?;
        Ok(())
    }

    /// Will the user pass the verification from now on?
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn set_user_verified(
        &mut self,
        authenticator: &Authenticator,
        verified: bool,
    ) -> Result<()> {
        self.on(
            authenticator,
            "WebAuthn.setUserVerified",
            json!({"isUserVerified": verified}),
        )?;
        Ok(())
    }

    /// Makes it lie from now on.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn set_lies(&mut self, authenticator: &Authenticator, lies: Lies) -> Result<()> {
        self.on(
            authenticator,
            "WebAuthn.setResponseOverrideBits",
            json!({
                "isBogusSignature": lies.signature,
                "isBadUV": lies.user_verification,
                "isBadUP": lies.user_presence,
            }),
        )?;
        Ok(())
    }

    /// Everything it holds.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn credentials(&mut self, authenticator: &Authenticator) -> Result<Vec<Credential>> {
        let mut answer = self.on(authenticator, "WebAuthn.getCredentials", json!({}))?;
        let list = answer.get_mut("credentials").map(Value::take);
        Ok(match list {
            Some(Value::Array(list)) => list.into_iter().map(Credential).collect(),
            _ => Vec::new(),
        })
    }

    /// Puts a credential in, in place of one with the same id.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn put_credential(
        &mut self,
        authenticator: &Authenticator,
        credential: &Credential,
    ) -> Result<()> {
        if let Some(id) = credential.0.get("credentialId") {
            // It may well not be there.
            let _ = self.on(
                authenticator,
                "WebAuthn.removeCredential",
                json!({"credentialId": id}),
            );
        }
        self.on(
            authenticator,
            "WebAuthn.addCredential",
            json!({"credential": credential.0}),
        )?;
        Ok(())
    }

    fn on(
        &mut self,
        authenticator: &Authenticator,
        method: &str,
        mut params: Value,
    ) -> Result<Value> {
        if let Some(fields) = params.as_object_mut() {
            fields.insert("authenticatorId".to_owned(), json!(authenticator.id));
        }
        self.call(method, params)
    }
}
