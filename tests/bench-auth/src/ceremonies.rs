//! Ceremonies of each kind, as pages and their people go through them: what has to be there before is
//! prepared, and the ceremonies alone are measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::hmac;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passkey::types::Passkey;
use reqwest::Client;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::fido;
use crate::mail::Mails;
use crate::sidecar::Sidecar;
use crate::visitor::{HOST, Visitor, ticket};

/// What is asked for. A registration is `fido` of a device that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fido,
    FidoRegistration,
    Pow,
    Captcha,
    OtpEmail,
    Totp,
    Nojs,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Fido,
        Self::FidoRegistration,
        Self::Pow,
        Self::Captcha,
        Self::OtpEmail,
        Self::Totp,
        Self::Nojs,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fido => "fido",
            Self::FidoRegistration => "fido_registration",
            Self::Pow => "pow",
            Self::Captcha => "captcha",
            Self::OtpEmail => "otp_email",
            Self::Totp => "totp",
            Self::Nojs => "nojs",
        }
    }
}

/// The form without JavaScript has to be held for five seconds.
const NOJS_WAIT: Duration = Duration::from_millis(5_100);
/// A step of an authenticator app.
const STEP_S: i64 = 30;

/// Where ceremonies are held.
#[derive(Debug)]
pub(crate) struct Places {
    client: Client,
    origin: String,
    mails: Mails,
    mailed: u32,
}

/// Devices that are ready for their ceremony.
#[derive(Debug)]
pub(crate) struct Prepared {
    kind: Kind,
    devices: Vec<Device>,
}

#[derive(Debug)]
struct Device {
    visitor: Visitor,
    passkey: Option<Passkey>,
    /// The key of its authenticator app.
    app: Vec<u8>,
}

impl Places {
    pub(crate) fn new(sidecar: &Sidecar, mails: Mails) -> Result<Self> {
        Ok(Self {
            client: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            origin: sidecar.origin.clone(),
            mails,
            mailed: 0,
        })
    }

    /// So many devices, with what the kind takes for granted.
    pub(crate) async fn prepare(&self, kind: Kind, number: usize) -> Result<Prepared> {
        let mut devices = Vec::with_capacity(number);
        for _ in 0..number {
            let mut device = Device {
                visitor: Visitor::new(&self.client, &self.origin),
                passkey: None,
                app: Vec::new(),
            };
            if matches!(kind, Kind::Fido | Kind::Totp) {
                device.with_key().await?;
            }
            if kind == Kind::Totp {
                device.set_up_app().await?;
            }
            devices.push(device);
        }
        Ok(Prepared { kind, devices })
    }

    /// One ceremony of each device.
    pub(crate) async fn pass(&mut self, prepared: &mut Prepared) -> Result<()> {
        let devices = &mut prepared.devices;
        match prepared.kind {
            Kind::Fido | Kind::FidoRegistration => {
                for device in devices {
                    device.with_key().await?;
                }
            }
            Kind::Pow => {
                for Device { visitor, .. } in devices {
                    let ceremony = visitor.begin("pow", "effort", Value::Null).await?;
                    visitor
                        .end(&ceremony, &solved(&ceremony["options"])?)
                        .await?;
                }
            }
            Kind::Captcha => {
                for (number, Device { visitor, .. }) in devices.iter_mut().enumerate() {
                    let ceremony = visitor.begin("captcha", "human", Value::Null).await?;
                    // Each token is good once; the stand-in repeats the ceremony's data from it.
                    let data = ceremony["options"]["data"].as_str().context("no data")?;
                    let token = format!("{data}.{number:0>1000}");
                    visitor.end(&ceremony, &json!({ "token": token })).await?;
                }
            }
            Kind::OtpEmail => self.by_mail(devices).await?,
            Kind::Totp => {
                for device in devices {
                    let begun = device
                        .visitor
                        .begin("totp", "possession", Value::Null)
                        .await?;
                    let code = json!({ "code": shown(&device.app, step()) });
                    device.visitor.end(&begun, &code).await?;
                }
            }
            Kind::Nojs => without_script(devices).await?,
        }
        Ok(())
    }

    async fn by_mail(&mut self, devices: &mut [Device]) -> Result<()> {
        let mut begun = Vec::with_capacity(devices.len());
        for device in devices {
            self.mailed = self.mailed.saturating_add(1);
            let address = format!("person-{}@shop.example", self.mailed);
            let input = json!({ "address": address, "language": "en" });
            let visitor = &mut device.visitor;
            let ceremony = visitor.begin("otp_email", "possession", input).await?;
            begun.push((visitor, ceremony, address));
        }
        for (visitor, ceremony, address) in begun {
            let code = self.mails.code(&address).await?;
            visitor.end(&ceremony, &json!({ "code": code })).await?;
        }
        Ok(())
    }
}

/// Both forms; what has to be waited for is waited for together.
async fn without_script(devices: &mut [Device]) -> Result<()> {
    let mut waiting = Vec::with_capacity(devices.len());
    for Device { visitor, .. } in devices {
        let form = format!("ticket={}", ticket("nojs", "effort")?);
        let page = visitor.form("/.countersign/nojs", &form).await?;
        let action = page
            .text
            .split("action=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .with_context(|| format!("no form: {}", page.status))?;
        waiting.push((visitor, action.to_owned()));
    }
    tokio::time::sleep(NOJS_WAIT).await;
    for (visitor, action) in waiting {
        let answer = visitor.form(&action, "").await?;
        ensure!(answer.status == 303, "{}", answer.status);
    }
    Ok(())
}

impl Device {
    /// Registers, or asserts with what it has.
    async fn with_key(&mut self) -> Result<()> {
        let ceremony = self.visitor.begin("fido", "uv", Value::Null).await?;
        let answer = fido::answer(&ceremony, &mut self.passkey).await?;
        self.visitor.end(&ceremony, &answer).await
    }

    /// Sets up an authenticator app with the code of a step ago, so that the one of now is not used up.
    async fn set_up_app(&mut self) -> Result<()> {
        const PAGE: &str = "/.countersign/totp";
        let page = self.visitor.form(PAGE, "do=begin").await?;
        let (_, rest) = page
            .text
            .split_once("class=\"secret\">")
            .with_context(|| format!("no key: {}", page.status))?;
        let typed: String = rest.chars().take_while(|c| *c != '<').collect();
        self.app = base32(&typed)?;
        let code = shown(&self.app, step() - 1);
        let form = format!("do=confirm&code={code}");
        let done = self.visitor.form(PAGE, &form).await?;
        ensure!(
            done.text.contains("data-state=\"done\""),
            "the app is not set up: {}",
            done.status
        );
        Ok(())
    }
}

/// A stand-in of a captcha's provider: whoever asks is told that a person solved it, here and now.
pub(crate) async fn provider() -> Result<SocketAddr> {
    async fn siteverify(body: String) -> String {
        let mut form = url::form_urlencoded::parse(body.as_bytes());
        let token = form.find(|(name, _)| name == "response");
        let token = token
            .map(|(_, token)| token.into_owned())
            .unwrap_or_default();
        let data = token.split('.').next().unwrap_or_default();
        let now = jiff::Timestamp::now().to_string();
        json!({ "success": true, "hostname": HOST, "challenge_ts": now, "cdata": data,
                "action": "countersign" })
        .to_string()
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = axum::Router::new().route("/siteverify", post(siteverify));
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

/// What the page's worker does.
fn solved(options: &Value) -> Result<Value> {
    let seed = URL_SAFE_NO_PAD.decode(options["seed"].as_str().context("no seed")?)?;
    let below = options["below"].as_u64().context("no bound")?;
    let puzzles = u32::try_from(options["puzzles"].as_u64().context("no puzzles")?)?;
    let solves = |puzzle: u32, number: u32| {
        let mut hash = Sha256::new();
        hash.update(&seed);
        hash.update(puzzle.to_be_bytes());
        hash.update(number.to_be_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        u64::from(u32::from_be_bytes([a, b, c, d])) < below
    };
    let numbers: Option<Vec<u32>> = (0..puzzles)
        .map(|puzzle| (0..u32::MAX).find(|&number| solves(puzzle, number)))
        .collect();
    Ok(json!({ "numbers": numbers.context("a puzzle has no solution")? }))
}

fn step() -> i64 {
    jiff::Timestamp::now().as_second() / STEP_S
}

/// RFC 6238, six digits.
fn shown(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last().copied().unwrap_or_default() & 15);
    let four = tag.get(at..).and_then(|rest| rest.first_chunk::<4>());
    let number = u32::from_be_bytes(four.copied().unwrap_or_default()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// RFC 4648, as a person types it.
fn base32(typed: &str) -> Result<Vec<u8>> {
    let (mut bits, mut number, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in typed.chars().filter(|c| !c.is_whitespace()) {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter);
        number = (number << 5) | u32::try_from(value.context("no base32")?)?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((number >> bits) & 0xff)?);
        }
        number &= (1 << bits) - 1;
    }
    Ok(bytes)
}
