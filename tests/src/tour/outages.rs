//! Step 6: the control plane, the sidecar and Envoy die and come back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use countersign_proto::admin::v1::NodeState;

use crate::cdp::Browser;
use crate::http::Client;
use crate::stack::{PUSH_LIMIT, Part, Stack};
use crate::visitor::Visitor;
use crate::{expect, wait};

/// Requests that are asked while something is down.
const REQUESTS: usize = 20;

pub(super) fn are_survived(stack: &mut Stack) -> Result<String> {
    let browser = stack.browser()?;
    let mut person = Visitor::arrive(&browser, stack)?;
    person.pass("/checkout/cart")?;
    let proven = stack.client()?.with_session(&person.session()?.value)?;

    let live = control_plane(stack, &browser, &proven)?;
    sidecar(stack, &proven)?;
    let mut late = Visitor::arrive(&browser, stack)?;
    late.pass("/checkout/cart")
        .context("after the sidecar came back")?;
    let serving = envoy(stack, &proven)?;
    Ok(format!(
        "control plane: LIVE {} ms after its start; sidecar: clear page; Envoy: serving {} ms after its end",
        live.as_millis(),
        serving.as_millis()
    ))
}

/// The last policy goes on working in every way.
fn goes_on(stack: &Stack, proven: &Client) -> Result<()> {
    for _ in 0..REQUESTS {
        let fresh = stack.client()?;
        expect::served(fresh.get("/")?)?;
        expect::sent_to_challenge(fresh.with_score("85")?.navigating()?.get("/")?)?;
        expect::served(proven.get("/checkout/cart")?)?;
        expect::blocked(proven.get("/admin/x")?)?;
    }
    Ok(())
}

fn control_plane(stack: &mut Stack, browser: &Browser, proven: &Client) -> Result<Duration> {
    let before = stack.admin().nodes()?.target_revision;
    stack.crash(Part::ControlPlane)?;
    goes_on(stack, proven).context("without the control plane")?;
    let mut newcomer = Visitor::arrive(browser, stack)?;
    newcomer
        .pass("/checkout/cart")
        .context("a proof without the control plane")?;
    let start = Instant::now();
    stack.revive(Part::ControlPlane)?;
    wait::until("the node is LIVE again", PUSH_LIMIT, || {
        let answer = stack.admin().nodes()?;
        let live = answer.nodes.iter().any(|it| it.state() == NodeState::Live);
        ensure!(
            answer.target_revision == before,
            "{before} became {}",
            answer.target_revision
        );
        Ok(live.then_some(()))
    })?;
    let took = start.elapsed();
    goes_on(stack, proven).context("with the control plane back")?;
    Ok(took)
}

fn sidecar(stack: &mut Stack, proven: &Client) -> Result<()> {
    stack.crash(Part::Sidecar)?;
    goes_on(stack, proven).context("without the sidecar")?;
    let scored = stack.client()?.with_score("85")?;
    let ticket = expect::sent_to_challenge(scored.navigating()?.get("/")?)?;
    let path = format!("{}?ticket={ticket}", expect::CHALLENGE);
    let page = stack.client()?.navigating()?.get(&path)?.expect(503)?;
    let kind = page.header("content-type").unwrap_or_default();
    ensure!(
        kind.starts_with("text/html"),
        "the page is {kind}: {}",
        page.body
    );
    ensure!(
        page.body.contains("Try again"),
        "no clear page: {}",
        page.body
    );
    let program = stack.client()?.get(&path)?.expect(503)?;
    expect::problem(&program).context("for a program")?;
    stack.revive(Part::Sidecar)?;
    wait::until("the challenge page is back", PUSH_LIMIT, || {
        Ok((stack.client()?.navigating()?.get(&path)?.status == 200).then_some(()))
    })
}

fn envoy(stack: &mut Stack, proven: &Client) -> Result<Duration> {
    let start = Instant::now();
    // `up` starts it again by itself.
    stack.crash(Part::Envoy)?;
    wait::until("Envoy serves again", PUSH_LIMIT, || {
        Ok((stack.client()?.get("/")?.status == 200).then_some(()))
    })?;
    let took = start.elapsed();
    goes_on(stack, proven).context("after Envoy came back")?;
    stack.wait_until_live()?;
    Ok(took)
}
