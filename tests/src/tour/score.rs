//! Step 1: a score of 85 from a trusted hop is challenged, each client in its own way.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::stack::{PUSH_LIMIT, Stack};
use crate::{expect, wait};

pub(super) fn is_challenged(stack: &Stack) -> Result<String> {
    let scored = stack.client()?.with_score("85")?;
    let page = scored.navigating()?.get("/")?;
    let page_event = page.event_id()?;
    expect::sent_to_challenge(page).context("a navigation with score 85")?;

    let told = expect::told_to_prove(scored.get("/")?).context("a program with score 85")?;
    ensure!(told["kinds"] == json!(["fido"]), "{told}");
    ensure!(told["min_assurance"] == "uv", "{told}");
    let url = expect::text(&told, "challenge_url")?;
    let path = url.strip_prefix(stack.https());
    let shown = stack
        .client()?
        .navigating()?
        .get(path.with_context(|| format!("{url} is elsewhere"))?)?
        .expect(200)
        .context("the challenge's address")?;
    let kind = shown.header("content-type").unwrap_or_default();
    ensure!(kind.starts_with("text/html"), "the page is {kind}");

    let boundary = |score: &str| stack.client()?.with_score(score)?.get("/");
    expect::told_to_prove(boundary("70")?).context("score 70, the threshold")?;
    expect::served(boundary("69")?).context("score 69")?;
    expect::served(stack.stranger()?.with_score("85")?.get("/")?)
        .context("score 85 from a hop that nobody trusts")?;

    let stored = wait::until("the event is stored", PUSH_LIMIT, || {
        Ok(stack.admin().event(&page_event)?.and_then(|it| it.decision))
    })?;
    ensure!(
        stored.policy == "bot-score-challenge" && stored.score == 85 && stored.status == 303,
        "{stored:?}"
    );
    Ok("303 for a page, 403 with the address for a program, nothing for a stranger's score".into())
}
