//! What there is to see: the policies of the examples, real visitors, a day before them, and a rollout that is
//! under way.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use super::Gallery;
use crate::expect;
use crate::paths;
use crate::showcase::Day;
use crate::stack::Stack;
use crate::visitor::Visitor;
use crate::{past, wait};

/// Enough for full pages, and told within some seconds by a debug build.
const DECISIONS: u64 = 6_000;
/// Nothing here takes longer unless it is broken.
const LIMIT: Duration = Duration::from_secs(40);
/// Requests of each side of the rollout, above what gates wait for.
const COMPARED: u32 = 120;
/// The node that gets changes first.
const CANARY: &str = "edge-canary";

const SETTINGS: (&str, &str) = (
    "settings.yaml",
    include_str!("../../policies/settings.yaml"),
);
const SHOWCASE: &str = include_str!("../../policies/showcase.yaml");
/// The change that is on its way while the pages are looked at.
const NEXT: &str = include_str!("../../policies/showcase-next.yaml");
const EXAMPLES: [(&str, &str); 6] = [
    ("bot-score-challenge", "Ask who looks like a bot for proof"),
    (
        "checkout-protection",
        "Everybody proves themselves before paying",
    ),
    ("scanner-block", "Scanners get no further"),
    ("new-rule-validation", "Try the rule for scripted clients"),
    ("sale-redirect", "The summer sale is over"),
    ("account-monitor", "How many odd visits do accounts get?"),
];

pub(super) fn gallery(name: &str) -> Result<Gallery> {
    let stack = Stack::start(name, &[SETTINGS])?;
    let shown = || stack.logs();
    let second = stack.second_envoy(CANARY, "canary").with_context(shown)?;
    for (example, why) in EXAMPLES {
        let file = paths::repository().join(format!("envoy/examples/{example}.yaml"));
        apply(&stack, &file, &["--message", why])?;
    }
    let own = stack.folder().join("showcase.yaml");
    std::fs::write(&own, SHOWCASE)?;
    apply(
        &stack,
        &own,
        &["--message", "Signals, lists and rules of the shop"],
    )?;
    stack.wait_until_live().with_context(shown)?;
    let (passed, blocked) = visit(&stack).with_context(shown)?;
    history(&stack).with_context(shown)?;
    let viewer = viewers_token(&stack)?;
    stack.admin().revoke_device("device-2f61")?;
    let next = stack.folder().join("gift-cards.yaml");
    std::fs::write(&next, NEXT)?;
    let why = "Gift cards are bought with stolen cards";
    apply(
        &stack,
        &next,
        &["--strategy=canary-first", "--message", why],
    )?;
    wait::until("the canary runs the change", LIMIT, || {
        let reached = stack.admin().rollout()?.and_then(|rollout| rollout.nodes);
        Ok(reached.filter(|nodes| nodes.live > 0))
    })
    .with_context(shown)?;
    // What the gates compare: as much on one side as on the other.
    for client in [second.client()?, stack.client()?] {
        for number in 0..COMPARED {
            client.get(&format!("/products/{number}"))?;
        }
    }
    Ok(Gallery {
        stack,
        viewer,
        passed,
        blocked,
        _second: second,
    })
}

fn apply(stack: &Stack, file: &Path, options: &[&str]) -> Result<()> {
    let file = format!("--file={}", file.display());
    let done = stack.cli(&[&["apply", &file], options].concat())?;
    ensure!(done.status.success(), "{file} is refused: {done:?}");
    Ok(())
}

/// Real requests through a real Envoy: a person who passes, and others who do not get that far. Gives the
/// events of a challenge that was passed and of a request that was blocked.
fn visit(stack: &Stack) -> Result<(String, String)> {
    let client = stack.client()?;
    for path in ["/", "/products", "/products/1042", "/old-sale/summer"] {
        client.get(path)?;
    }
    let blocked = expect::blocked(client.get("/admin/config.php")?)?;
    expect::told_to_prove(
        client
            .with("user-agent", "python-requests/2.34.2")?
            .get("/products/77")?,
    )?;
    let browser = stack.browser()?;
    let mut person = Visitor::arrive(&browser, stack)?;
    person.scored("85")?;
    person.pass("/products?page=2")?;
    for path in ["/", "/products?page=3"] {
        person.open_served(path)?;
    }
    let passed = wait::until("the challenge is known to be passed", LIMIT, || {
        let events = stack.admin().events("bot-score-challenge")?;
        let ended = events.into_iter().find(|event| event.outcomes.len() > 2);
        Ok(ended
            .and_then(|event| event.decision)
            .map(|decision| decision.event_id))
    })?;
    Ok((passed, blocked))
}

fn history(stack: &Stack) -> Result<()> {
    let until = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let day = Day {
        decisions: DECISIONS,
        until_ms: u64::try_from(until.as_millis())?,
    };
    let node = stack.node_access()?;
    past::tell(&node, "edge-of-yesterday", day.decisions())?;
    past::tell_outcomes(&node, "sidecar-of-yesterday", day.outcomes())
}

fn viewers_token(stack: &Stack) -> Result<String> {
    let file = stack.folder().join("viewer.token");
    let out = format!("--token-out={}", file.display());
    let made = stack.cli(&[
        "access",
        "tokens",
        "create",
        "support",
        "--role=viewer",
        &out,
    ])?;
    ensure!(made.status.success(), "{made:?}");
    Ok(std::fs::read_to_string(file)?.trim().to_owned())
}
