//! The dashboard in a real browser, on a real control plane with real traffic behind it.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::http::Client;
use countersign_e2e::screen::Screen;
use countersign_e2e::stack::Stack;
use countersign_e2e::{expect, tour, wait};

/// Nothing here takes longer unless it is broken.
const LIMIT: Duration = Duration::from_secs(40);

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
    screen.press("Sign in with the token")?;
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

        screen.go("/policies/mitigation/+new?view=form")?;
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
        screen.go("/policies/mitigation/+new?view=form")?;
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

#[test]
fn a_policy_called_new_is_edited_and_the_charts_are_filtered_by_it() -> Result<()> {
    with_stack(|stack| {
        let policy = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: new}\n\
            spec: {endpoints: [\"/products/newest\"], action: block, priority: 2}\n";
        stack.admin().apply("new.yaml", policy)?;
        stack.wait_until_live()?;
        let client = stack.client()?;
        expect::blocked(client.get("/products/newest")?)?;
        expect::served(client.get("/products/others")?)?;

        let browser = stack.browser()?;
        let mut screen = signed_in(&browser, stack, stack.approvers_token())?;
        screen.go("/policies/mitigation")?;
        screen.press("new")?;
        screen.wait_for("document.querySelector('h1')?.innerText === 'new'")?;
        screen.wait_for("location.pathname === '/policies/mitigation/new'")?;
        screen.shows("Changed")?;

        screen.go("/dashboards/mitigation?range=15m")?;
        screen.wait_for("[...document.querySelectorAll('option')].some(e => e.value === 'new')")?;
        screen.fill("Policy", "new")?;
        screen.wait_for("new URLSearchParams(location.search).get('policy') === 'new'")?;
        // What it did is there, and nothing of the others.
        screen.wait_for(
            "[...document.querySelectorAll('a')].some(e => e.getAttribute('aria-label') === 'block: 1, show events')
             && [...document.querySelectorAll('a')].some(e => e.getAttribute('aria-label') === 'Decisions: 1, show events')",
        )?;
        screen
            .page()
            .click("a[aria-label='block: 1, show events']")?;
        screen.wait_for("location.pathname === '/events'")?;
        screen.shows("/products/newest")?;
        screen.without_complaint()
    })
}

/// The node that gets changes first.
const CANARY: &str = "edge-canary";
/// The other nodes follow when somebody says so: its time is longer than any test.
const STAGES: &str = r#"apiVersion: countersign.dev/v1
kind: RolloutStrategy
metadata: {name: default}
spec:
  stages:
  - {nodes: "locality.zone == 'canary'", for: 1h}
  - {percent: 100}
"#;

#[test]
fn a_change_goes_out_in_stages_is_promoted_and_is_rolled_back() -> Result<()> {
    let (file, settings) = tour::POLICIES[0];
    let stack = Stack::start(
        "dashboard-stages",
        &[(file, settings), ("stages.yaml", STAGES)],
    )?;
    stack.watched(|stack| {
        let second = stack.second_envoy(CANARY, "canary")?;
        // What a new policy begins with asks for a score.
        let (canary, other) = (second.client()?, stack.client()?);
        let (canary, other) = (canary.with_score("85")?, other.with_score("85")?);
        let blocks = |client: &Client, path: &str| anyhow::Ok(client.get(path)?.status == 403);
        let browser = stack.browser()?;
        let mut screen = signed_in(&browser, stack, stack.approvers_token())?;

        screen.go("/policies/mitigation/+new?view=form")?;
        screen.fill("Name", "in-stages")?;
        screen.fill("Endpoints", "/products/in-stages")?;
        screen.fill("Action", "block")?;
        screen.press("Save …")?;
        screen.press("Save and begin stages")?;
        screen.shows("Saved as revision")?;

        screen.go("/rollouts")?;
        screen.shows("progressing")?;
        screen.shows("1 live on the candidate, 1 reached, 2 connected")?;
        let path = "/products/in-stages";
        wait::until("the canary blocks", LIMIT, || {
            Ok(blocks(&canary, path)?.then_some(()))
        })?;
        ensure!(
            !blocks(&other, path)?,
            "the second stage has begun by itself"
        );

        screen.press("Next stage")?;
        screen.shows("The stage ends now")?;
        screen.fill("Why", "it looks right")?;
        screen.press("Next stage")?;
        screen.shows("complete")?;
        screen.shows("it looks right")?;
        wait::until("the other node blocks", LIMIT, || {
            Ok(blocks(&other, path)?.then_some(()))
        })?;

        // Back to what was there before, everywhere.
        let before = stack.rest("/api/v1/revisions")?["revisions"][1]["revision"].clone();
        let before = before.as_str().context("no former revision")?;
        screen.go(&format!("/rollouts/history/{before}"))?;
        screen.press("Roll back to this")?;
        screen.fill("Why", "on second thought")?;
        screen.press("Roll back")?;
        screen.shows("Rolled back by revision")?;
        screen.go("/rollouts")?;
        screen.press("All stages")?;
        screen.shows("without waiting for gates")?;
        screen.press("All stages")?;
        screen.shows("complete")?;
        wait::until("both nodes serve it again", LIMIT, || {
            let blocked = blocks(&canary, path)? || blocks(&other, path)?;
            Ok((!blocked).then_some(()))
        })?;
        screen.without_complaint()
    })
}
