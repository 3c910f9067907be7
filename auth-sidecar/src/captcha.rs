//! Captchas of others: one client for the protocol that reCAPTCHA, hCaptcha and Turnstile share.
//!
//! The browser gets a token from the provider; the sidecar asks the provider what the token is worth
//! (`siteverify`). What comes back is checked here against the ticket, because a token is good at
//! every site that shares the key: whoever solves captchas for money sells tokens, not visits.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::{Client, StatusCode, redirect};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::cause::Cause;
use crate::limits;

pub mod provider;
#[cfg(test)]
mod tests;

pub use provider::{Api, InvalidCaptcha, Provider, WhenAway};

/// Asks the configured provider.
pub struct Captcha {
    provider: Provider,
    secret: String,
    client: Client,
    /// A provider that answers slowly must not hold every place that the sidecar has.
    places: Arc<Semaphore>,
}

/// What a token proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// The provider vouches for a person.
    Human,
    /// The provider is away, and the operator lets people pass all the same: they have done what
    /// they could, and nothing more is known.
    Unchecked,
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// As the browser sent it.
    pub token: &'a str,
    /// The ceremony that the widget was told, where the provider repeats it.
    pub ceremony: &'a str,
    /// The ticket's host, without port.
    pub host: &'a str,
    /// The client's address, for the provider's own judgement.
    pub address: Option<IpAddr>,
    /// Now.
    pub now_s: u64,
}

/// What every provider answers. Fields of one provider only are left alone.
#[derive(Debug, Deserialize)]
struct Answer {
    success: bool,
    hostname: Option<String>,
    score: Option<f64>,
    action: Option<String>,
    cdata: Option<String>,
    challenge_ts: Option<String>,
    #[serde(rename = "error-codes", default)]
    error_codes: Vec<String>,
}

impl Captcha {
    /// Ready to ask. `secret` is the provider's, and never leaves for anybody else.
    pub fn new(provider: Provider, secret: String) -> Result<Self, InvalidCaptcha> {
        let client = Client::builder()
            .timeout(limits::CAPTCHA_TIMEOUT)
            .connect_timeout(limits::CAPTCHA_CONNECT_TIMEOUT)
            // The secret goes to the address that the operator named, and to no other.
            .redirect(redirect::Policy::none())
            .user_agent("countersign")
            .build()
            .map_err(InvalidCaptcha::Client)?;
        Ok(Self {
            provider,
            secret,
            client,
            places: Arc::new(Semaphore::new(limits::CAPTCHAS_IN_FLIGHT)),
        })
    }

    /// What the page needs.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// What one token is worth.
    ///
    /// # Errors
    /// The cause. `CAPTCHA_AWAY` only where the operator denies then.
    pub async fn verify(&self, asked: Asked<'_>) -> Result<Worth, Cause> {
        if asked.token.is_empty() || asked.token.len() > limits::CAPTCHA_TOKEN_BYTES {
            return Err(Cause::AnswerMalformed);
        }
        match self.ask(asked).await {
            Ok(answer) => self.judge(&answer, asked).map(|()| Worth::Human),
            Err(Fault::Away(why)) => {
                tracing::warn!(why, "the captcha provider is away");
                match self.provider.when_away {
                    WhenAway::Allow => Ok(Worth::Unchecked),
                    WhenAway::Deny => Err(Cause::CaptchaAway),
                }
            }
            Err(Fault::Refused) => Err(Cause::CaptchaRefused),
        }
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<Answer, Fault> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(Fault::Away("every place is waiting for it"));
        };
        let form = self.form(asked);
        let response = self
            .client
            .post(self.provider.verify_url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(|error| {
                Fault::Away(if error.is_timeout() {
                    "no answer in time"
                } else {
                    "no connection"
                })
            })?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Fault::Away("an error of its own"));
        }
        let body = bounded(response).await?;
        let answer: Result<Answer, _> = serde_json::from_slice(&body);
        match answer {
            Ok(answer) => Ok(answer),
            // What is wrong with the request is our fault or the token's, never an outage.
            Err(_) if status.is_client_error() => Err(Fault::Refused),
            Err(_) => Err(Fault::Away("an answer that is none")),
        }
    }

    fn form(&self, asked: Asked<'_>) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("secret", &self.secret)
            .append_pair("response", asked.token);
        if let Some(address) = asked.address {
            form.append_pair("remoteip", &address.to_string());
        }
        form.finish()
    }

    fn judge(&self, answer: &Answer, asked: Asked<'_>) -> Result<(), Cause> {
        if !answer.success {
            let codes = || answer.error_codes.iter().map(String::as_str);
            // Somebody has to mend the configuration: nobody passes until then.
            if codes().any(|code| matches!(code, "missing-input-secret" | "invalid-input-secret")) {
                tracing::error!(
                    "the captcha provider does not know the secret of --captcha-secret-file"
                );
                return Err(Cause::CaptchaSecret);
            }
            let spent = codes().any(|code| {
                matches!(
                    code,
                    "timeout-or-duplicate"
                        | "already-seen-response"
                        | "invalid-or-already-seen-response"
                )
            });
            return Err(if spent {
                Cause::CaptchaSpent
            } else {
                Cause::CaptchaRefused
            });
        }
        let hostname = answer.hostname.as_deref().unwrap_or_default();
        if !hostname
            .trim_end_matches('.')
            .eq_ignore_ascii_case(asked.host)
        {
            return Err(Cause::CaptchaHost);
        }
        if self.provider.repeats_ceremony && answer.cdata.as_deref() != Some(asked.ceremony) {
            return Err(Cause::CaptchaCeremony);
        }
        // Not every provider and kind of key repeats it; where it comes back, it is ours.
        if answer
            .action
            .as_deref()
            .is_some_and(|action| !action.is_empty() && action != provider::ACTION)
        {
            return Err(Cause::CaptchaCeremony);
        }
        let solved_s = answer
            .challenge_ts
            .as_deref()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
            .and_then(|time| u64::try_from(time.as_second()).ok())
            .ok_or(Cause::CaptchaStale)?;
        let oldest = asked.now_s.saturating_sub(limits::CAPTCHA_AGE_S);
        let newest = asked.now_s.saturating_add(limits::CAPTCHA_SKEW_S);
        if !(oldest..=newest).contains(&solved_s) {
            return Err(Cause::CaptchaStale);
        }
        self.provider.check_score(answer.score)
    }
}

/// Why there is no answer.
enum Fault {
    /// The provider's fault, or the network's.
    Away(&'static str),
    /// The provider does not take the request.
    Refused,
}

/// Reads the answer, and not more than an answer can have.
async fn bounded(mut response: reqwest::Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|_| Fault::Away("half an answer"))?
    {
        if body.len().saturating_add(chunk.len()) > limits::CAPTCHA_ANSWER_BYTES {
            return Err(Fault::Away("an answer without an end"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The name under which a token is remembered once it was used.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
