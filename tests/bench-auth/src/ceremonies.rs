//! Ceremonies of each kind, as pages and their people go through them: what has to be there before is
//! prepared, and the ceremonies alone are measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::hmac;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_stand_ins::passkey_client::PasskeyClient;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::mail::Mails;
use crate::sidecar::Sidecar;
use crate::visitor::{HOST, Visitor, ticket};

/// What is asked for. A registration is `fido` of a device that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
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
/// People who are at it at the same time: enough that the sidecar always has something to do, as one that
/// is near its limits has.
const AT_ONCE: usize = 8;
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
    passkey: PasskeyClient,
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
                passkey: PasskeyClient::at(&format!("https://{HOST}")),
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

    /// One ceremony of each device, [`AT_ONCE`] of them at any time. Codes by mail and the form without
    /// JavaScript have something to wait for in the middle: all of them wait for it together.
    pub(crate) async fn pass(&mut self, prepared: &mut Prepared) -> Result<()> {
        let devices = prepared.devices.iter_mut();
        match prepared.kind {
            Kind::Fido | Kind::FidoRegistration => {
                all(devices.map(Device::with_key)).await?;
            }
            Kind::Pow => {
                all(devices.map(Device::with_work)).await?;
            }
            Kind::Captcha => {
                all(devices.map(Device::with_captcha)).await?;
            }
            Kind::Totp => {
                all(devices.map(Device::with_app)).await?;
            }
            Kind::OtpEmail => {
                let mailed = self.mailed..;
                self.mailed += u32::try_from(devices.len())?;
                let begun = all(devices.zip(mailed).map(|(it, n)| it.ask_for_mail(n))).await?;
                // The one mailbox is looked through in turn, by this process, which is not measured.
                let mut ends = Vec::with_capacity(begun.len());
                for (visitor, ceremony, address) in begun {
                    let code = json!({ "code": self.mails.code(&address).await? });
                    ends.push(async move { visitor.end(&ceremony, &code).await });
                }
                all(ends.into_iter()).await?;
            }
            Kind::Nojs => {
                let begun = all(devices.map(Device::without_script)).await?;
                tokio::time::sleep(NOJS_WAIT).await;
                all(begun.into_iter().map(|(visitor, action)| async move {
                    let answer = visitor.form(&action, "").await?;
                    ensure!(answer.status == 303, "{}", answer.status);
                    Ok(())
                }))
                .await?;
            }
        }
        Ok(())
    }
}

/// All of them, [`AT_ONCE`] at any time.
async fn all<T>(work: impl Iterator<Item = impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    futures_util::stream::iter(work)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

impl Device {
    async fn with_work(&mut self) -> Result<()> {
        let ceremony = self.visitor.begin("pow", "effort", Value::Null).await?;
        let answer = solved(&ceremony["options"])?;
        self.visitor.end(&ceremony, &answer).await
    }

    async fn with_captcha(&mut self) -> Result<()> {
        let ceremony = self.visitor.begin("captcha", "human", Value::Null).await?;
        // As long as a real one; the stand-in repeats the ceremony's data from it.
        let data = ceremony["options"]["data"].as_str().context("no data")?;
        let token = format!("{data}.{:0>1000}", "");
        self.visitor
            .end(&ceremony, &json!({ "token": token }))
            .await
    }

    async fn with_app(&mut self) -> Result<()> {
        let begun = self.visitor.begin("totp", "possession", Value::Null);
        let begun = begun.await?;
        let code = json!({ "code": shown(&self.app, step()) });
        self.visitor.end(&begun, &code).await
    }

    /// Asks for a code by mail; gives the ceremony and the address.
    async fn ask_for_mail(&mut self, number: u32) -> Result<(&mut Visitor, Value, String)> {
        let address = format!("person-{number}@shop.example");
        let input = json!({ "address": address, "language": "en" });
        let begun = self.visitor.begin("otp_email", "possession", input);
        let ceremony = begun.await?;
        Ok((&mut self.visitor, ceremony, address))
    }

    /// Sends the first form; gives where the second one goes.
    async fn without_script(&mut self) -> Result<(&mut Visitor, String)> {
        let form = format!("ticket={}", ticket("nojs", "effort")?);
        let page = self.visitor.form("/.countersign/nojs", &form).await?;
        let action = page
            .text
            .split("action=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .with_context(|| format!("no form: {}", page.status))?;
        Ok((&mut self.visitor, action.to_owned()))
    }

    /// Registers, or asserts with what it has.
    async fn with_key(&mut self) -> Result<()> {
        let ceremony = self.visitor.begin("fido", "uv", Value::Null).await?;
        let options = &ceremony["options"];
        let answer = if ceremony["mode"] == "registration" {
            self.passkey.register(options).await
        } else {
            self.passkey.authenticate(options).await
        };
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
