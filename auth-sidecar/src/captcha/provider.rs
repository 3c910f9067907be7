//! Who is asked, and what the page has to know of them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use url::Url;

use super::Captcha;
use crate::cause::Cause;

/// What the widget is told that it is for; providers that repeat it must repeat this.
pub const ACTION: &str = "countersign";

/// Further sources of a widget's parts: reCAPTCHA has two.
const MOST_PARTS: usize = 8;

/// The providers that are known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// Google reCAPTCHA, version 2 or, with a least score, version 3.
    Recaptcha,
    /// hCaptcha.
    Hcaptcha,
    /// Cloudflare Turnstile.
    Turnstile,
    /// Another that speaks the same protocol: its addresses are given.
    Custom,
}

/// What holds while the provider cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenAway {
    /// Nobody passes by captcha.
    Deny,
    /// Who has a token passes, with no more than `effort`.
    Allow,
}

/// The JavaScript interface of the widget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Api {
    /// `grecaptcha`
    Grecaptcha,
    /// `hcaptcha`
    Hcaptcha,
    /// `turnstile`
    Turnstile,
}

impl Api {
    /// The name of the global object.
    #[must_use]
    pub fn global(self) -> &'static str {
        match self {
            Self::Grecaptcha => "grecaptcha",
            Self::Hcaptcha => "hcaptcha",
            Self::Turnstile => "turnstile",
        }
    }
}

/// Options of the command line.
#[derive(Debug, Clone, Args)]
pub struct CaptchaOptions {
    /// Who judges captchas. Without one, the kind `captcha` is not offered.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_PROVIDER", value_enum, requires_all = ["captcha_site_key", "captcha_secret_file"])]
    pub captcha_provider: Option<Known>,
    /// The provider's key for pages.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_SITE_KEY")]
    pub captcha_site_key: Option<String>,
    /// A file that holds the provider's secret.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_SECRET_FILE")]
    pub captcha_secret_file: Option<PathBuf>,
    /// The least score, 0 to 1, where 1 is surely a person (hCaptcha counts the other way; its scores
    /// are turned). 0 asks for none. With reCAPTCHA's widget, a score means a key of version 3.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_MIN_SCORE", default_value_t = 0.0)]
    pub captcha_min_score: f64,
    /// What holds while the provider is away: `deny`, or `allow` with the grade `effort` at most.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_WHEN_AWAY", value_enum, default_value_t = WhenAway::Deny)]
    pub captcha_when_away: WhenAway,
    /// Where tokens are verified, for `custom`.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_VERIFY_URL")]
    pub captcha_verify_url: Option<Url>,
    /// The widget's script, for `custom`; the page allows its origin.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_SCRIPT_URL")]
    pub captcha_script_url: Option<Url>,
    /// Where the widget of `custom` loads its parts from besides, by commas: origins, or addresses that end
    /// in `/` and stand for all below them.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_ORIGINS", value_delimiter = ',')]
    pub captcha_origins: Vec<Url>,
    /// Whose interface the widget of `custom` has.
    #[arg(long, env = "COUNTERSIGN_CAPTCHA_API", value_enum, default_value_t = Api::Turnstile)]
    pub captcha_api: Api,
}

impl Default for CaptchaOptions {
    fn default() -> Self {
        Self {
            captcha_provider: None,
            captcha_site_key: None,
            captcha_secret_file: None,
            captcha_min_score: 0.0,
            captcha_when_away: WhenAway::Deny,
            captcha_verify_url: None,
            captcha_script_url: None,
            captcha_origins: Vec::new(),
            captcha_api: Api::Turnstile,
        }
    }
}

/// Why there is no captcha.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCaptcha {
    /// The file.
    #[error(
        "cannot read the captcha secret `{path}`: {source}; give the right file with --captcha-secret-file"
    )]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing in it.
    #[error(
        "the captcha secret `{0}` is empty or longer than 4 KiB: it holds the provider's secret on one line"
    )]
    SecretSize(PathBuf),
    /// Not given.
    #[error("--captcha-provider {provider} needs {option}")]
    Missing {
        /// The provider.
        provider: &'static str,
        /// The option.
        option: &'static str,
    },
    /// Given to a provider whose addresses are known.
    #[error(
        "{option} is for --captcha-provider custom: the addresses of {provider} are known; leave it out, or name `custom` and say with --captcha-api whose widget it is"
    )]
    Known {
        /// The provider.
        provider: &'static str,
        /// The option.
        option: &'static str,
    },
    /// Out of range.
    #[error("--captcha-min-score {0} is not between 0 and 1")]
    Score(f64),
    /// The secret would travel in clear.
    #[error(
        "`{0}` is not an https address: the secret would travel in clear; http is taken for this machine only"
    )]
    Plaintext(Url),
    /// Not fit for a content security policy.
    #[error("`{0}` has no origin that a page could allow")]
    Origin(Url),
    /// A source of parts that is none.
    #[error(
        "`{0}` is nothing that a page could allow: --captcha-origins takes addresses like `https://static.example.com` or `https://static.example.com/widget/`, over https, without a name, a query or `;`"
    )]
    Part(Url),
    /// More sources of parts than a widget has.
    #[error("--captcha-origins takes {MOST_PARTS} at the most")]
    Parts,
    /// TLS.
    #[error("cannot set up the captcha client: {0}")]
    Client(reqwest::Error),
}

/// A provider that can be asked.
#[derive(Debug, Clone)]
pub struct Provider {
    pub(super) verify_url: Url,
    /// Where the page gets the widget.
    pub script_url: Url,
    /// The widget's interface.
    pub api: Api,
    /// The provider's key for pages.
    pub site_key: String,
    /// Origins that the page allows for scripts, frames, styles and calls; nothing else.
    pub origins: Vec<String>,
    /// The widget asks nobody anything and gives a score.
    pub invisible: bool,
    pub(super) when_away: WhenAway,
    min_score: f64,
    // Scores that count up with the risk.
    inverted: bool,
    pub(super) repeats_ceremony: bool,
}

impl Provider {
    /// Reads the options; `None` where no provider is named.
    pub fn from_options(options: &CaptchaOptions) -> Result<Option<Captcha>, InvalidCaptcha> {
        let Some(known) = options.captcha_provider else {
            return Ok(None);
        };
        let missing = |option| InvalidCaptcha::Missing {
            provider: known.word(),
            option,
        };
        let site_key = options
            .captcha_site_key
            .clone()
            .filter(|key| !key.is_empty())
            .ok_or_else(|| missing("--captcha-site-key"))?;
        let file = options
            .captcha_secret_file
            .as_deref()
            .ok_or_else(|| missing("--captcha-secret-file"))?;
        let verify = options.captcha_verify_url.clone();
        let script = options.captcha_script_url.clone();
        let urls = match known.urls() {
            Some((verify, script)) => Url::parse(verify).ok().zip(Url::parse(script).ok()),
            None => None,
        };
        let given = [
            ("--captcha-verify-url", verify.is_some()),
            ("--captcha-script-url", script.is_some()),
            ("--captcha-origins", !options.captcha_origins.is_empty()),
        ];
        let (verify_url, script_url) = match urls {
            // Taken and not used, they would have somebody believe that others are asked.
            Some(_) if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) => {
                let provider = known.word();
                return Err(InvalidCaptcha::Known { provider, option });
            }
            Some(urls) => urls,
            None => (
                verify.ok_or_else(|| missing("--captcha-verify-url"))?,
                script.ok_or_else(|| missing("--captcha-script-url"))?,
            ),
        };
        let score = options.captcha_min_score;
        if !(0.0..=1.0).contains(&score) {
            return Err(InvalidCaptcha::Score(score));
        }
        for url in [&verify_url, &script_url] {
            if url.scheme() != "https" && !is_this_machine(url) {
                return Err(InvalidCaptcha::Plaintext(url.clone()));
            }
        }
        let api = known.api().unwrap_or(options.captcha_api);
        let provider = Self {
            origins: known.origins(&script_url, &options.captcha_origins)?,
            verify_url,
            script_url,
            api,
            site_key,
            invisible: api == Api::Grecaptcha && score > 0.0,
            when_away: options.captcha_when_away,
            min_score: score,
            inverted: known == Known::Hcaptcha,
            repeats_ceremony: known == Known::Turnstile,
        };
        Captcha::new(provider, secret(file)?).map(Some)
    }

    /// Whether the score will do. A provider that gives none where one is asked for is set up wrongly,
    /// and nobody passes by that.
    pub(super) fn check_score(&self, score: Option<f64>) -> Result<(), Cause> {
        if self.min_score <= 0.0 {
            return Ok(());
        }
        let score = score.ok_or(Cause::CaptchaScore)?;
        let human = if self.inverted { 1.0 - score } else { score };
        // Written so that what is no number does not pass.
        if human >= self.min_score {
            Ok(())
        } else {
            Err(Cause::CaptchaScore)
        }
    }
}

impl Known {
    fn word(self) -> &'static str {
        match self {
            Self::Recaptcha => "recaptcha",
            Self::Hcaptcha => "hcaptcha",
            Self::Turnstile => "turnstile",
            Self::Custom => "custom",
        }
    }

    /// Where tokens are verified, and where the widget comes from.
    fn urls(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Recaptcha => Some((
                "https://www.google.com/recaptcha/api/siteverify",
                "https://www.google.com/recaptcha/api.js",
            )),
            Self::Hcaptcha => Some((
                "https://api.hcaptcha.com/siteverify",
                "https://js.hcaptcha.com/1/api.js",
            )),
            Self::Turnstile => Some((
                "https://challenges.cloudflare.com/turnstile/v0/siteverify",
                "https://challenges.cloudflare.com/turnstile/v0/api.js",
            )),
            Self::Custom => None,
        }
    }

    fn api(self) -> Option<Api> {
        match self {
            Self::Recaptcha => Some(Api::Grecaptcha),
            Self::Hcaptcha => Some(Api::Hcaptcha),
            Self::Turnstile => Some(Api::Turnstile),
            Self::Custom => None,
        }
    }

    /// What each provider's documents say a content security policy needs.
    fn origins(self, script: &Url, parts: &[Url]) -> Result<Vec<String>, InvalidCaptcha> {
        let named: &[&str] = match self {
            Self::Recaptcha => &[
                "https://www.google.com/recaptcha/",
                "https://www.gstatic.com/recaptcha/",
                "https://recaptcha.google.com/recaptcha/",
            ],
            Self::Hcaptcha => &["https://hcaptcha.com", "https://*.hcaptcha.com"],
            Self::Turnstile => &["https://challenges.cloudflare.com"],
            Self::Custom => {
                let origin = script.origin();
                if !origin.is_tuple() {
                    return Err(InvalidCaptcha::Origin(script.clone()));
                }
                if parts.len() > MOST_PARTS {
                    return Err(InvalidCaptcha::Parts);
                }
                let parts = parts.iter().map(source);
                return std::iter::once(Ok(origin.ascii_serialization()))
                    .chain(parts)
                    .collect();
            }
        };
        Ok(named.iter().map(|&origin| origin.to_owned()).collect())
    }
}

/// A source of a content security policy (CSP level 3, section 2.3.1): an origin, or what is below a path.
fn source(url: &Url) -> Result<String, InvalidCaptcha> {
    let safe = url.scheme() == "https" || is_this_machine(url);
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    // Either would end the source, and begin another or another directive.
    if !safe || !plain || url.path().contains([';', ',', '\'']) {
        return Err(InvalidCaptcha::Part(url.clone()));
    }
    let origin = url.origin().ascii_serialization();
    Ok(match url.path() {
        "/" => origin,
        path => format!("{origin}{path}"),
    })
}

fn is_this_machine(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

fn secret(path: &Path) -> Result<String, InvalidCaptcha> {
    let text = std::fs::read_to_string(path).map_err(|source| InvalidCaptcha::Secret {
        path: path.to_owned(),
        source,
    })?;
    let secret = text.trim();
    if secret.is_empty() || secret.len() > 4096 {
        return Err(InvalidCaptcha::SecretSize(path.to_owned()));
    }
    Ok(secret.to_owned())
}
