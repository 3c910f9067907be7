//! An operator's passkey in a real browser, from a control plane's first start to its removal.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::cdp::{Browser, Options};
use countersign_e2e::http::Client;
use countersign_e2e::paths::{self, Scratch};
use countersign_e2e::ports::Ports;
use countersign_e2e::process::Group;
use countersign_e2e::screen::Screen;
use countersign_e2e::wait;

const LIMIT: Duration = Duration::from_secs(30);

/// What stands around every page of who is signed in.
const SIGNED_IN: &str = "document.getElementById('main') !== null";

/// A control plane alone, to which nobody has access yet.
struct Plane {
    process: Group,
    ports: Ports,
    once: String,
    _folder: Scratch,
}

impl Plane {
    fn start() -> Result<Self> {
        let (ports, folder) = (Ports::reserve()?, Scratch::new("passkeys")?);
        let at = |file: &str| folder.path().join(file);
        let (once, log) = (at("once.token"), at("plane.log"));
        let module = paths::target("filter")?.join("countersign_filter.wasm");
        let mut command = Command::new(paths::binaries()?.join("countersign-control-plane"));
        command
            .arg(format!("--grpc-listen=127.0.0.1:{}", ports.at(18_000)))
            .arg(format!("--http-listen=127.0.0.1:{}", ports.at(8_080)))
            .arg(format!(
                "--database-url=sqlite://{}",
                at("plane.db").display()
            ))
            .arg(format!("--filter-module={}", module.display()))
            .arg(format!("--bootstrap-token-file={}", once.display()));
        let process = Group::spawn(&mut command, &log)?;
        let address = format!("http://127.0.0.1:{}", ports.at(8_080));
        let client = Client::new(&address, None, None)?;
        let ready = wait::until("the control plane is ready", LIMIT, || {
            Ok((client.get("/readyz")?.status == 200).then_some(()))
        });
        ready.with_context(|| process.tail())?;
        let once = std::fs::read_to_string(once)?.trim().to_owned();
        Ok(Self {
            process,
            ports,
            once,
            _folder: folder,
        })
    }

    fn at(&self, host: &str) -> String {
        format!("http://{host}:{}", self.ports.at(8_080))
    }
}

#[test]
fn the_one_time_token_makes_a_passkey_that_signs_in_until_it_is_removed() -> Result<()> {
    let plane = Plane::start()?;
    walk(&plane).with_context(|| plane.process.tail())
}

fn walk(plane: &Plane) -> Result<()> {
    let browser = Browser::launch(&Options::default())?;
    let mut page = browser.profile()?.page()?;
    let authenticator = page.add_authenticator()?;

    // An address of numbers has no passkeys, and the page says where there are.
    let local = plane.at("localhost");
    let mut screen = Screen::open(page, &plane.at("127.0.0.1"))?;
    screen.shows(&format!("Passkeys work at {local} only."))?;
    screen.press("Open it there")?;
    screen.wait_for(&format!("location.origin === '{local}'"))?;
    let mut screen = screen.at(&local);

    screen.shows("Sign in with a passkey")?;
    screen.fill("Access token", &plane.once)?;
    screen.fill("Your name", "ann")?;
    screen.fill("Name of the passkey", "laptop")?;
    screen.press("Make the first passkey")?;
    screen.wait_for(SIGNED_IN)?;
    let who = screen.page().evaluate(
        "fetch('/api/v1/whoami').then(r => r.json()).then(w => `${w.name}, ${w.role}`)",
    )?;
    ensure!(who == "ann, approver", "{who}");
    let made = screen.page().credentials(&authenticator)?;
    ensure!(made.len() == 1, "{} credentials", made.len());

    screen.press("Sign out")?;
    screen.shows("Sign in with a passkey")?;
    screen.press("Sign in with a passkey")?;
    screen.wait_for(SIGNED_IN)?;

    screen.go("/policies/mitigation/new?view=form")?;
    screen.fill("Name", "by-passkey")?;
    screen.fill("Endpoints", "/admin/*")?;
    screen.fill("Action", "block")?;
    screen.press("Save …")?;
    screen.shows("Save the new mitigation policy")?;
    screen.press("Save and roll out")?;
    screen.shows("Saved as revision")?;
    // Leaving before the page shows what is saved, it would ask whether to.
    screen.wait_for("document.querySelector('h1')?.innerText === 'by-passkey'")?;
    screen.go("/administration/audit")?;
    screen.shows("POST /api/v1/session/passkey/answer")?;
    screen.shows("MitigationPolicy/by-passkey")?;

    screen.go("/administration/passkeys")?;
    screen.shows("this session")?;
    // This authenticator has one of hers.
    screen.press("Make a passkey")?;
    screen.press("Make it")?;
    screen.shows("This device or key has a passkey of yours already.")?;
    screen.press("Cancel")?;

    screen.press("Remove …")?;
    screen.shows("Remove laptop?")?;
    screen.press("Remove")?;
    screen.shows("Sign in with a passkey")?;
    let status = screen
        .page()
        .evaluate("fetch('/api/v1/whoami').then(r => r.status)")?;
    ensure!(status == 401, "{status}");
    screen.press("Sign in with a passkey")?;
    screen.shows("this passkey was removed")?;

    // The one-time token is used up.
    screen.fill("Access token", &plane.once)?;
    screen.fill("Your name", "eve")?;
    screen.press("Make the first passkey")?;
    screen.shows("this one-time token is not good")?;
    Ok(())
}
