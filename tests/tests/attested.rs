//! Authenticators in a real browser: which are asked, what their keys are worth, and that demands of
//! different height send nobody round in circles.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_e2e::cdp::{Browser, Options};
use countersign_e2e::paths::Scratch;
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::visitor::Visitor;
use countersign_e2e::wait;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    (
        "authenticators.yaml",
        include_str!("../policies/authenticators.yaml"),
    ),
];
const ECDSA_WITH_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// The sidecar looks at its files each quarter of a minute.
const REREAD_LIMIT: Duration = Duration::from_secs(40);
/// The sidecar's file of roots.
const ROOTS: &str = "roots.pem";
const KEY_WAY: &str = "#ways [data-kind=\"fido:security-key\"]";

struct Place {
    stack: Stack,
    roots: Scratch,
}

/// The sidecar believes a maker whose authenticators nobody here has.
fn start() -> Result<Place> {
    let folder = Scratch::new("roots")?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&KeyPair::generate()?)?;
    std::fs::write(folder.path().join(ROOTS), root.pem())?;
    let file = folder.path().join(ROOTS).display().to_string();
    let roots = ("COUNTERSIGN_ATTESTATION_ROOTS", file);
    Ok(Place {
        stack: Stack::start_with_environment("attested", &POLICIES, &[roots])?,
        roots: folder,
    })
}

fn with_place(test: impl FnOnce(&Place) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<Place>> = OnceLock::new();
    match PLACE.get_or_init(start) {
        Ok(place) => place.stack.watched(|_| test(place)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    with_place(|place| test(&place.stack))
}

/// The certificate of this browser's authenticators, as a statement of one of them brings it.
fn certificate(person: &mut Visitor) -> Result<Vec<u8>> {
    let object = person.page.text(
        "(async () => {
          const made = await navigator.credentials.create({publicKey: {
            challenge: new Uint8Array(16),
            rp: {name: 'measured'},
            user: {id: new Uint8Array(16), name: 'measured', displayName: 'measured'},
            pubKeyCredParams: [{type: 'public-key', alg: -7}],
            authenticatorSelection: {authenticatorAttachment: 'cross-platform'},
            attestation: 'direct',
          }});
          return btoa(String.fromCharCode(...new Uint8Array(made.response.attestationObject)));
        })()",
    )?;
    let object = STANDARD.decode(object)?;
    // \"x5c\": a list of one, bytes whose length has two bytes.
    let mark = b"\x63x5c\x81\x59";
    let at = object.windows(mark.len()).position(|it| it == mark);
    let rest = at.and_then(|at| object.get(at + mark.len()..));
    let (length, rest) = rest
        .and_then(|it| it.split_first_chunk())
        .context("no certificate")?;
    let certificate = rest.get(..u16::from_be_bytes(*length).into());
    Ok(certificate.context("half a certificate")?.to_vec())
}

/// Its maker as a root: Chromium signs these certificates with the key that they certify, so a root has
/// that key and that name. Nobody looks at the signature of a root, and this one has none.
fn root_of(certificate: &[u8]) -> Result<String> {
    let (_, leaf) = X509Certificate::from_der(certificate)?;
    let tbs = &leaf.tbs_certificate;
    let algorithm = tlv(0x30, &[&tlv(0x06, &[&ECDSA_WITH_SHA256])]);
    let extension =
        |oid: [u8; 3], value: &[u8]| tlv(0x30, &[&tlv(0x06, &[&oid]), &tlv(0x04, &[value])]);
    let extensions = tlv(
        0x30,
        &[
            // Basic constraints: it is an authority. Key usage: it signs certificates.
            &extension([0x55, 0x1d, 0x13], &[0x30, 0x03, 0x01, 0x01, 0xff]),
            &extension([0x55, 0x1d, 0x0f], &[0x03, 0x02, 0x02, 0x04]),
        ],
    );
    let issuer = tbs.issuer.as_raw();
    let validity = tlv(
        0x30,
        &[
            &tlv(0x17, &[b"200101000000Z"]),
            &tlv(0x17, &[b"491231235959Z"]),
        ],
    );
    let body = tlv(
        0x30,
        &[
            &tlv(0xa0, &[&tlv(0x02, &[&[2]])]),
            &tlv(0x02, &[&[1]]),
            &algorithm,
            issuer,
            &validity,
            issuer,
            tbs.subject_pki.raw,
            &tlv(0xa3, &[&extensions]),
        ],
    );
    let root = tlv(0x30, &[&body, &algorithm, &tlv(0x03, &[&[0, 0x30, 0x00]])]);
    let lines: Vec<String> = STANDARD
        .encode(root)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    Ok(format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    ))
}

/// One value in DER.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut value = vec![tag];
    match u8::try_from(body.len()) {
        Ok(short) if short < 0x80 => value.push(short),
        _ => {
            value.push(0x82);
            value.extend_from_slice(&u16::try_from(body.len()).unwrap_or_default().to_be_bytes());
        }
    }
    value.extend_from_slice(&body);
    value
}

/// Somebody whose device has no authenticator of its own, and who holds this one instead.
fn with_only(browser: &Browser, stack: &Stack, transport: &str, synced: bool) -> Result<Visitor> {
    let mut person = Visitor::arrive(browser, stack)?;
    let own = person.authenticator.clone();
    person.page.remove_authenticator(&own)?;
    person.authenticator = person.page.add_authenticator_like(transport, synced)?;
    Ok(person)
}

fn earned(person: &mut Visitor, assurance: &str) -> Result<()> {
    let claims = person.claims()?;
    ensure!(claims["acr"] == assurance, "{claims}");
    Ok(())
}

fn said(person: &mut Visitor) -> Result<String> {
    person.page.text("document.body.innerText")
}

#[test]
fn a_security_key_passes_where_it_is_accepted() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = with_only(&browser, stack, "usb", false)?;
        person.open_challenged("/checkout/key")?;
        let shown = said(&mut person)?;
        ensure!(shown.contains("Use a security key"), "{shown}");
        person.page.screenshot("challenge-security-key")?;
        person.page.click("#verify")?;
        person.comes_to("/checkout/key")?;
        earned(&mut person, "uv_bound")?;
        // The next time it is asked for by its id.
        person.forget_session()?;
        person.open_challenged("/checkout/key")?;
        person.page.click("#verify")?;
        person.comes_to("/checkout/key")
    })
}

#[test]
fn a_security_key_is_not_asked_for_where_it_is_not_accepted() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = with_only(&browser, stack, "usb", false)?;
        person.open("/checkout/device")?;
        person.wait_for_state("unsupported")?;
        let shown = said(&mut person)?;
        ensure!(!shown.contains("security key"), "{shown}");
        ensure!(person.session().is_err(), "a session without a proof");
        Ok(())
    })
}

#[test]
fn where_both_are_accepted_a_person_may_choose() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let key = person.page.add_authenticator_like("usb", false)?;
        person.open_challenged("/checkout/bound")?;
        person.page.click(KEY_WAY)?;
        person.comes_to("/checkout/bound")?;
        let made = person.page.credentials(&key)?;
        ensure!(made.len() == 1, "the key made {} credentials", made.len());
        ensure!(person.credentials()?.is_empty(), "the device made one");
        Ok(())
    })
}

#[test]
fn a_key_that_can_be_copied_is_refused_in_words_and_another_way_is_offered() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = with_only(&browser, stack, "internal", true)?;
        person.open_challenged("/checkout/bound")?;
        person.page.click("#verify")?;
        person.wait_for_state("failed")?;
        let shown = said(&mut person)?;
        ensure!(shown.contains("copied to your other devices"), "{shown}");
        person.page.screenshot("challenge-synced")?;
        ensure!(person.session().is_err(), "a session all the same");

        person.page.add_authenticator_like("usb", false)?;
        person.page.click(KEY_WAY)?;
        person.comes_to("/checkout/bound")?;
        earned(&mut person, "uv_bound")
    })
}

#[test]
fn two_demands_of_different_height_do_not_loop_and_the_device_stays() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = with_only(&browser, stack, "internal", true)?;
        person.pass("/checkout/device")?;
        earned(&mut person, "uv")?;
        let device = person.device()?;

        person.page.add_authenticator_like("usb", false)?;
        person.open_challenged("/checkout/bound")?;
        person.page.click(KEY_WAY)?;
        person.comes_to("/checkout/bound")?;
        earned(&mut person, "uv_bound")?;
        ensure!(person.device()? == device, "another device");
        for path in ["/checkout/device", "/checkout/bound", "/checkout/device"] {
            person.open_served(path)?;
        }
        Ok(())
    })
}

#[test]
fn a_maker_helps_once_it_is_believed_and_without_a_restart() -> Result<()> {
    with_place(|place| {
        let stack = &place.stack;
        let browser = stack.browser()?;
        let mut person = with_only(&browser, stack, "usb", false)?;
        person.pass("/checkout/key")?;
        person.open_challenged("/checkout/attested")?;
        person.page.click("#verify")?;
        person.wait_for_state("failed")?;
        let shown = said(&mut person)?;
        ensure!(shown.contains("stronger proof"), "{shown}");
        person.page.screenshot("challenge-unattested")?;
        earned(&mut person, "uv_bound")?;
        wait::until("the refusal is counted", PUSH_LIMIT, || {
            let refused = stack.sidecar_metrics()?.sum(
                "countersign_sidecar_refusals_total",
                &[("cause", "ATTESTATION_UNTRUSTED")],
            );
            Ok((refused > 0.0).then_some(()))
        })?;

        let root = root_of(&certificate(&mut person)?)?;
        std::fs::write(place.roots.path().join(ROOTS), root)?;
        wait::until("the sidecar has read it", REREAD_LIMIT, || {
            person.open_challenged("/checkout/attested")?;
            person.page.click("#verify")?;
            person.page.wait_for(
                "location.pathname === '/checkout/attested' \
                 || document.querySelector('#status')?.dataset.state === 'failed'",
            )?;
            Ok((person.path()? == "/checkout/attested").then_some(()))
        })?;
        earned(&mut person, "uv_attested")?;
        // The device is the same, and lesser demands are satisfied.
        for path in ["/checkout/key", "/checkout/bound", "/checkout/attested"] {
            person.open_served(path)?;
        }
        // Its credential is enough the next time.
        person.forget_session()?;
        person.pass("/checkout/attested")?;
        earned(&mut person, "uv_attested")
    })
}

#[test]
fn who_blocks_cookies_is_told_so_and_not_sent_round_in_circles() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_with(Options {
            without_cookies: true,
            ..Options::default()
        })?;
        let mut person = Visitor::arrive(&browser, stack)?;
        // It would start by itself.
        person.open("/products")?;
        person.wait_for_state("failed")?;
        let shown = said(&mut person)?;
        ensure!(shown.contains("Cookies are blocked"), "{shown}");
        person.page.screenshot("challenge-cookies")?;
        let pages = person.page.documents().len();
        ensure!(pages <= 2, "{:?}", person.page.documents());
        Ok(())
    })
}

#[test]
fn who_blocks_cookies_and_javascript_is_told_so_as_well() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_with(Options {
            without_cookies: true,
            ..Options::default()
        })?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let off = json!({"value": true});
        person
            .page
            .call("Emulation.setScriptExecutionDisabled", off)?;
        person.open("/products")?;
        person.page.click("#nojs button")?;
        person
            .page
            .wait_for("document.body.innerText.includes('Cookies are blocked')")
            .context("the page after the form")
    })
}
