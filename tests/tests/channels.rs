//! Codes in a real browser: by mail, over a real mail server, and of an authenticator app.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::paths::{self, Scratch};
use countersign_e2e::stack::Stack;
use countersign_e2e::visitor::Visitor;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    ("channels.yaml", include_str!("../policies/channels.yaml")),
];
const PASSWORD: &str = "between parts of a test";

/// Another implementation of the standard: the code that an app shows, so many seconds from now.
const APP: &str = "
import base64, hashlib, hmac, struct, sys, time
key = base64.b32decode(sys.argv[1].replace(' ', ''))
step = struct.pack('>Q', int(time.time() + float(sys.argv[2])) // 30)
mac = hmac.new(key, step, hashlib.sha1).digest()
at = mac[19] & 15
print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000))
";

/// The mail server, and what it has taken.
struct Mail {
    _server: Child,
    _folder: Scratch,
    taken: Receiver<Value>,
}

struct Place {
    stack: Stack,
    mail: Mutex<Mail>,
}

/// Starts aiosmtpd; gives what the sidecar has to be told. It ends with its standard input, which ends
/// with this process.
fn mail_server() -> Result<(Mail, Vec<(&'static str, String)>)> {
    let folder = Scratch::new("mail")?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = folder.path().join(name);
        std::fs::File::create(&path)?.write_all(text.as_bytes())?;
        Ok(path.display().to_string())
    };
    let certificate = file("cert.pem", &certificate.pem())?;
    let key = file("key.pem", &key.serialize_pem())?;
    let password = file("password", PASSWORD)?;
    let scripts = paths::repository().join("scripts");
    let site = Command::new(scripts.join("fetch-aiosmtpd.sh")).output()?;
    ensure!(site.status.success(), "{site:?}");
    let mut server = Command::new("python3")
        .arg(scripts.join("mail-server.py"))
        .args([&certificate, &key, "sidecar", PASSWORD])
        .env("PYTHONPATH", String::from_utf8(site.stdout)?.trim())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut lines = BufReader::new(server.stdout.take().context("no output")?).lines();
    let first = lines.next().context("the mail server ended")??;
    let port = first.strip_prefix("port ").context("no port")?.to_owned();
    let (send, taken) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Ok(mail) = serde_json::from_str(&line) {
                let _ = send.send(mail);
            }
        }
    });
    let environment = vec![
        ("COUNTERSIGN_SMTP_URL", format!("smtp://localhost:{port}")),
        ("COUNTERSIGN_SMTP_USER", "sidecar".to_owned()),
        ("COUNTERSIGN_SMTP_PASSWORD_FILE", password),
        ("COUNTERSIGN_SMTP_CA", certificate),
        (
            "COUNTERSIGN_MAIL_FROM",
            "Shop <no-reply@shop.example>".to_owned(),
        ),
    ];
    let mail = Mail {
        _server: server,
        _folder: folder,
        taken,
    };
    Ok((mail, environment))
}

fn start() -> Result<Place> {
    let (mail, environment) = mail_server()?;
    let stack = Stack::start_with_environment("channels", &POLICIES, &environment)?;
    Ok(Place {
        stack,
        mail: Mutex::new(mail),
    })
}

fn with_place(test: impl FnOnce(&Place) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<Place>> = OnceLock::new();
    match PLACE.get_or_init(start) {
        Ok(place) => place.stack.watched(|_| test(place)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// Types into the field of the page and sends it off.
fn type_in(person: &mut Visitor, text: &str) -> Result<()> {
    person.page.wait_for("document.querySelector('#typed')")?;
    let text = Value::from(text);
    let focused = person.page.evaluate(&format!(
        "(() => {{ const field = document.querySelector('#typed'); field.value = {text}; \
         return document.activeElement === field; }})()"
    ))?;
    ensure!(focused == true, "the field has no focus");
    person.page.click("#panel button[type=submit]")
}

fn shown(person: &mut Visitor, selector: &str) -> Result<String> {
    person
        .page
        .text(&format!("document.querySelector('{selector}').textContent"))
}

fn app_shows(secret: &str, in_seconds: &str) -> Result<String> {
    let out = Command::new("python3")
        .args(["-c", APP, secret, in_seconds])
        .output()?;
    ensure!(out.status.success(), "{out:?}");
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

#[test]
fn a_code_that_came_by_mail_opens_the_page() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_challenged("/account")?;
        type_in(&mut person, "nobody")?;
        person.wait_for_state("failed")?;
        type_in(&mut person, "ann@example.com")?;
        let mail = place.mail.lock().unwrap_or_else(PoisonError::into_inner);
        let mail = mail.taken.recv_timeout(Duration::from_secs(15))?;
        ensure!(
            mail["to"] == json!(["ann@example.com"])
                && mail["subject"] == "Your code for localhost"
                && mail["tls"] == true,
            "{mail}"
        );
        let text = mail["text"].as_str().context("no text")?;
        let code = text.lines().find_map(|line| line.strip_prefix("    "));
        let code = code.context("no code")?;
        person.wait_for_state("ready")?;
        person.page.screenshot("challenge-otp-email")?;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        type_in(&mut person, wrong)?;
        person.wait_for_state("failed")?;
        let said = shown(&mut person, "#status")?;
        ensure!(said == "That code is not right.", "{said}");
        type_in(&mut person, code)?;
        person.comes_to("/account")?;
        person.has_earned("possession", &["otp", "email"])?;
        person.page.without_complaint()
    })
}

#[test]
fn an_app_is_set_up_and_opens_the_page_later() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        // Nothing is set up before it is known who asks.
        person.open("/.countersign/totp")?;
        ensure!(person.page.status() == Some(403), "{:?}", person.page);
        person.page.take_complaints()?;
        // A device without an app is offered its key.
        person.pass("/checkout/cart")?;
        let device = person.device()?;
        person.open("/.countersign/totp")?;
        person.page.click("#begin")?;
        person.page.wait_for("document.querySelector('.secret')")?;
        person.page.screenshot("totp-set-up")?;
        let secret = shown(&mut person, ".secret")?;
        let uri = person
            .page
            .evaluate("document.querySelector('svg.qr path:last-child').getBBox().width > 20")?;
        ensure!(uri == true, "no code to scan");
        let code = Value::from(app_shows(&secret, "0")?);
        person
            .page
            .evaluate(&format!("document.querySelector('#code').value = {code}"))?;
        person.page.click("form:has(#code) button")?;
        person.wait_for_state("done")?;

        // Later, without a session: the app comes first now. The next code, because one is good once.
        person.forget_session()?;
        person.open_challenged("/checkout/cart")?;
        person.page.screenshot("challenge-totp")?;
        type_in(&mut person, &app_shows(&secret, "30")?)?;
        person.comes_to("/checkout/cart")?;
        let claims = person.claims()?;
        ensure!(
            claims["acr"] == "possession"
                && claims["amr"] == json!(["otp"])
                && claims["sub"] == device.as_str(),
            "{claims}"
        );
        person.page.without_complaint()
    })
}
