//! The dashboard in a real browser, on a real control plane with real traffic behind it.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::screen::Screen;
use countersign_e2e::stack::Stack;
use countersign_e2e::{expect, tour};

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(|| Stack::start("dashboard", &tour::POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// Opens the dashboard at `path` and signs in there.
fn signed_in(
    browser: &countersign_e2e::cdp::Browser,
    stack: &Stack,
    token: &str,
) -> Result<Screen> {
    let page = browser.profile()?.page()?;
    let mut screen = Screen::open(page, stack.dashboard())?;
    screen.shows("Sign in")?;
    // That nobody is signed in yet is told by a 401, which the console notes.
    let noted = screen.page().take_complaints()?;
    ensure!(noted.iter().all(|it| it.contains("401")), "{noted:?}");
    screen.fill("Access token", token)?;
    screen.press("Sign in")?;
    screen.shows("Mitigation")?;
    Ok(screen)
}

#[test]
fn an_operator_makes_a_policy_sees_it_work_explains_an_event_and_takes_it_back() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut screen = signed_in(&browser, stack, stack.approvers_token())?;
        let client = stack.client()?;
        let bot = client.with_score("85")?;
        expect::served(client.get("/products/of-the-page")?)?;

        screen.go("/policies/mitigation/new?view=form")?;
        screen.fill("Name", "from-the-page")?;
        screen.fill("Priority", "1")?;
        screen.fill("Endpoints", "/products/of-the-page*")?;
        screen.fill("Action", "block")?;
        screen.press("Save …")?;
        screen.shows("Save the new mitigation policy")?;
        screen.press("Save and roll out")?;
        screen.shows("Saved as revision")?;
        stack.wait_until_live()?;

        let event = expect::blocked(bot.get("/products/of-the-page")?)?;

        // The numbers rise by themselves.
        screen.go("/dashboards/mitigation?policy=from-the-page")?;
        screen.wait_for(
            "[...document.querySelectorAll('a')].some(e => e.getAttribute('aria-label') === 'block: 1, show events')",
        )?;

        screen.go(&format!("/events/{event}"))?;
        screen.shows("from-the-page")?;
        screen.shows("/products/of-the-page")?;

        screen.go("/policies/mitigation/from-the-page")?;
        screen.press("Delete")?;
        screen.shows("Delete from-the-page?")?;
        screen.press("Delete")?;
        screen.wait_for("location.pathname === '/policies/mitigation'")?;
        stack.wait_until_live()?;
        expect::told_to_prove(bot.get("/products/of-the-page")?)?;
        screen.without_complaint()
    })
}

#[test]
fn a_viewer_can_look_and_is_told_what_it_may_not() -> Result<()> {
    with_stack(|stack| {
        let token = stack.folder().join("viewer.token");
        let out = format!("--token-out={}", token.display());
        let made = stack.cli(&[
            "access",
            "tokens",
            "create",
            "viewer",
            "--role=viewer",
            &out,
        ])?;
        ensure!(made.status.success(), "{made:?}");
        let token = std::fs::read_to_string(token)?;
        let browser = stack.browser()?;
        let mut screen = signed_in(&browser, stack, token.trim())?;
        for (path, shows) in [
            ("/policies/mitigation", "bot-score-challenge"),
            ("/events", "Events"),
            ("/rollouts", "Rollouts"),
            ("/rollouts/nodes", "LIVE"),
        ] {
            screen.go(path)?;
            screen.shows(shows)?;
            screen.without_complaint()?;
        }
        screen.go("/policies/mitigation/new?view=form")?;
        screen.shows("You can look, not change")?;
        // What the page only shows, the server enforces.
        let status = screen.page().evaluate(
            "fetch('/api/v1/resources', {method: 'POST', headers: {'content-type': 'application/yaml'}, body: 'x: 1'}).then(r => r.status)",
        )?;
        ensure!(status == 403, "{status}");
        Ok(())
    })
}

#[test]
fn pages_come_compressed_under_a_policy_that_lets_nothing_else_in() -> Result<()> {
    with_stack(|stack| {
        let client = stack.api()?;
        let page = client.with("accept", "text/html")?.get("/events")?;
        ensure!(page.status == 200, "{}", page.status);
        let policy = page.header("content-security-policy").unwrap_or_default();
        ensure!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        let script = page
            .body
            .split('"')
            .find(|part| part.starts_with("/assets/") && part.ends_with(".js"))
            .context("the page names its script")?;
        let script = client.with("accept-encoding", "br")?.get(script)?;
        ensure!(
            script.header("content-encoding") == Some("br"),
            "not compressed"
        );
        let lasting = script.header("cache-control").unwrap_or_default();
        ensure!(lasting.contains("immutable"), "{lasting}");
        // A slip in the API's path is the API's answer.
        let slip = client.with("accept", "text/html")?.get("/api/v1/polices")?;
        ensure!(slip.status == 404, "{}", slip.status);
        Ok(())
    })
}
