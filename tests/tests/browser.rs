//! The browser harness on its own, against a page that this test serves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use anyhow::Result;
use countersign_e2e::cdp::{Browser, Options};
use countersign_e2e::process;

const PAGE: &str = "<!doctype html><link rel=icon href='data:,'><title>here</title>\
    <button id=b onclick='document.title=\"clicked\"'>press</button>";

/// Serves the page to whoever asks, for as long as the test process lives.
fn serve(headers: &'static str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|l| l.is_ok_and(|l| !l.is_empty())) {}
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{headers}\
                 content-length: {}\r\nconnection: close\r\n\r\n{PAGE}",
                PAGE.len()
            );
        }
    });
    Ok(format!("http://localhost:{port}/"))
}

const ROUND_TRIP: &str = "(async () => {
    const rnd = n => crypto.getRandomValues(new Uint8Array(n));
    const made = await navigator.credentials.create({publicKey: {
        challenge: rnd(32), rp: {id: 'localhost', name: 'x'}, timeout: 5000,
        user: {id: rnd(16), name: 'a', displayName: 'a'},
        pubKeyCredParams: [{type: 'public-key', alg: -7}],
        authenticatorSelection: {authenticatorAttachment: 'platform', userVerification: 'required'}}});
    const got = await navigator.credentials.get({publicKey: {
        challenge: rnd(32), timeout: 5000, userVerification: 'required',
        allowCredentials: [{type: 'public-key', id: made.rawId}]}});
    return got.id === made.id; })()";

#[test]
fn a_credential_is_made_and_used() -> Result<()> {
    let url = serve("")?;
    let browser = Browser::launch(&Options::default())?;
    let mut page = browser.profile()?.page()?;
    let authenticator = page.add_authenticator()?;
    assert_eq!(page.navigate(&url)?, 200);
    assert_eq!(page.evaluate(ROUND_TRIP)?, true);
    let held = page.credentials(&authenticator)?;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].sign_count(), 2);
    page.put_credential(&authenticator, &held[0].cloned_at(0))?;
    assert_eq!(page.credentials(&authenticator)?[0].sign_count(), 0);
    page.set_user_verified(&authenticator, false)?;
    let refused = page.evaluate(ROUND_TRIP).unwrap_err().to_string();
    assert!(refused.contains("NotAllowedError"), "{refused}");
    Ok(())
}

#[test]
fn a_click_arrives_and_profiles_are_apart() -> Result<()> {
    let url = serve("set-cookie: seen=1\r\n")?;
    let browser = Browser::launch(&Options::default())?;
    let (one, other) = (browser.profile()?, browser.profile()?);
    let mut page = one.page()?;
    page.navigate(&url)?;
    page.click("#b")?;
    page.wait_for("document.title === 'clicked'")?;
    assert!(page.cookie(&url, "seen")?.is_some());
    assert!(other.page()?.cookies(&url)?.is_empty());
    page.screenshot("browser-clicked")?;
    Ok(())
}

#[test]
fn a_violated_content_security_policy_is_a_complaint() -> Result<()> {
    let url = serve("content-security-policy: script-src 'none'\r\n")?;
    let browser = Browser::launch(&Options::default())?;
    let mut page = browser.profile()?.page()?;
    let complaint = page.navigate(&url).unwrap_err();
    assert!(
        complaint.to_string().contains("Content Security Policy"),
        "{complaint:#}"
    );
    Ok(())
}

#[test]
fn nothing_of_the_browser_is_left() -> Result<()> {
    let browser = Browser::launch(&Options::default())?;
    let group = browser.process_group();
    assert!(!process::members(group).is_empty());
    drop(browser);
    countersign_e2e::wait::until("it is gone", std::time::Duration::from_secs(5), || {
        Ok(process::members(group).is_empty().then_some(()))
    })
}
