//! What an operator sets up beside the store: a captcha's provider, a mail server, makers of
//! authenticators, the proxies before Envoy.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap};
use clap::Args;
use ipnet::IpNet;

use crate::attestation::{Attestation, AttestationOptions, InvalidAttestation};
use crate::captcha::provider::CaptchaOptions;
use crate::captcha::{Captcha, InvalidCaptcha, Provider};
use crate::metrics::Metrics;
use crate::otp::mailer::Mailer;
use crate::otp::options::{InvalidMail, MailOptions};
use crate::peer;

pub mod texts;

/// Options of the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct ChannelOptions {
    /// Ranges of proxies before Envoy, with commas between them: those of `Settings.trustedHops`. The
    /// client is the last address in `x-forwarded-for` that is none of them.
    #[arg(long, env = "COUNTERSIGN_TRUSTED_HOPS", value_delimiter = ',')]
    pub trusted_hops: Vec<IpNet>,
    /// The captcha's provider.
    #[command(flatten)]
    pub captcha: CaptchaOptions,
    /// The mail server.
    #[command(flatten)]
    pub mail: MailOptions,
    /// Makers of authenticators.
    #[command(flatten)]
    pub attestation: AttestationOptions,
}

/// The same, ready for use.
#[derive(Default)]
pub struct Channels {
    /// Who judges captchas.
    pub captcha: Option<Captcha>,
    /// The way out for codes.
    pub mailer: Option<Mailer>,
    /// Whose word about authenticators counts.
    pub attestation: Option<Attestation>,
    trusted_hops: Vec<IpNet>,
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidChannels {
    /// The captcha's.
    #[error(transparent)]
    Captcha(#[from] InvalidCaptcha),
    /// The mail server's.
    #[error(transparent)]
    Mail(#[from] InvalidMail),
    /// The roots of makers and what belongs to them.
    #[error(transparent)]
    Attestation(#[from] InvalidAttestation),
}

impl Channels {
    /// Reads the options and starts what runs in the background.
    pub fn start(
        options: &ChannelOptions,
        metrics: &Metrics,
        now_s: u64,
    ) -> Result<Self, InvalidChannels> {
        let (mails, up) = (metrics.mails.clone(), metrics.mail_server_up.clone());
        Ok(Self {
            captcha: Provider::from_options(&options.captcha)?,
            mailer: Mailer::start(&options.mail, mails, up)?,
            attestation: Attestation::start(&options.attestation, now_s)?,
            trusted_hops: options.trusted_hops.clone(),
        })
    }

    /// Where a request comes from.
    #[must_use]
    pub fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        peer::address(headers, extensions, &self.trusted_hops)
    }
}
