//! A real Envoy behind a relay: policies and refusals pass, and without a control plane it goes on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::stack::{PUSH_LIMIT, Part, Stack};
use countersign_e2e::{expect, tour, wait};
use serde_json::Value;

/// `up` starts the relay again when it dies, as a service manager does.
const OPTIONS: [&str; 2] = ["--relay", "--restart-parts=relay"];
/// An Envoy that died serves again within this. It takes a second; without a relay it would wait 15 for
/// its first policy, and then have none.
const SERVES_WITHIN: Duration = Duration::from_secs(10);
/// Blocked requests of one round; each is an event.
const ROUND: u64 = 25;
/// Events of one round: those, and a challenge.
const EVENTS: u64 = ROUND + 1;

const POLICIES: [(&str, &str); 1] = [(
    "relay.yaml",
    "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: checkout}\n\
     spec: {endpoints: [\"/checkout/*\"], action: challenge}\n---\n\
     apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: admin}\n\
     spec: {endpoints: [\"/admin/*\"], action: block}\n---\n\
     apiVersion: countersign.dev/v1\nkind: Settings\nmetadata: {name: default}\n\
     spec: {allowSampling: 0}\n",
)];

/// The last policy is in force, in each of its ways; blocked requests are counted by who asks.
fn is_protected(stack: &Stack) -> Result<()> {
    expect::served(stack.client()?.get("/")?)?;
    expect::sent_to_challenge(stack.client()?.navigating()?.get("/checkout/cart")?)?;
    for _ in 0..ROUND {
        expect::blocked(stack.client()?.get("/admin/x")?)?;
    }
    Ok(())
}

fn envoy_serves(stack: &Stack) -> Result<()> {
    wait::until("Envoy serves", PUSH_LIMIT, || {
        let answer = stack.client()?.get("/");
        Ok(answer
            .is_ok_and(|answer| answer.status == 200)
            .then_some(()))
    })
}

fn number(document: &Value, pointer: &str) -> Result<u64> {
    let found = document.pointer(pointer).and_then(Value::as_u64);
    found.with_context(|| format!("no {pointer} in {document}"))
}

/// Waits until as many blocked requests are counted as were made, and nothing is lost or waits.
fn all_are_counted(stack: &Stack, rounds: u64) -> Result<()> {
    let blocked = rounds * ROUND;
    wait::until("every decision is delivered", PUSH_LIMIT, || {
        let metrics = stack.control_plane_metrics()?;
        let labels = [("policy", "admin"), ("action", "block")];
        let counted = metrics.sum("countersign_decisions_total", &labels);
        let relays = stack.rest("/api/v1/relays")?;
        let waiting = relays.pointer("/relays/0/events/waiting");
        let waiting = waiting.and_then(Value::as_u64) != Some(0);
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        Ok((!waiting && counted == blocked as f64).then_some(()))
    })?;
    let relays = stack.rest("/api/v1/relays")?;
    let at = |field: &str| number(&relays, &format!("/relays/0/events/{field}"));
    ensure!(at("lost")? == 0, "{relays}");
    ensure!(at("taken")? == at("delivered")?, "{relays}");
    ensure!(at("taken")? == rounds * EVENTS, "{relays}");
    Ok(())
}

#[test]
fn policies_and_refusals_pass_through_a_relay() -> Result<()> {
    tour::take_with(4, &OPTIONS)
}

#[test]
fn envoy_restarts_without_a_control_plane_and_no_decision_is_lost() -> Result<()> {
    let mut stack = Stack::start_with("relay-lkg", &POLICIES, &OPTIONS)?;
    stack.watched_mut(|stack| {
        is_protected(stack)?;
        all_are_counted(stack, 1)?;

        stack.crash(Part::ControlPlane)?;
        is_protected(stack).context("without the control plane")?;
        // What Envoy has not handed over yet dies with it: its log is waited for.
        spooled(stack, 2)?;
        let died = Instant::now();
        stack.crash(Part::Envoy)?;
        envoy_serves(stack)?;
        let took = died.elapsed();
        is_protected(stack).context("after Envoy came back alone")?;
        ensure!(took < SERVES_WITHIN, "{} ms", took.as_millis());

        // The relay as well, so that its disk is all there is.
        spooled(stack, 3)?;
        stack.crash(Part::Relay)?;
        stack.crash(Part::Envoy)?;
        envoy_serves(stack)?;
        is_protected(stack).context("after Envoy and relay came back alone")?;

        stack.revive(Part::ControlPlane)?;
        stack.wait_until_live()?;
        all_are_counted(stack, 4)
    })?;
    stack.stop()
}

/// Waits until the relay has the decisions of so many rounds on disk.
fn spooled(stack: &Stack, rounds: u64) -> Result<()> {
    wait::until("the relay has the decisions", PUSH_LIMIT, || {
        let metrics = stack.relay_metrics()?;
        let spooled = metrics.sum("countersign_relay_events_total", &[("stage", "spooled")]);
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        Ok((spooled >= (rounds * EVENTS) as f64).then_some(()))
    })
}
