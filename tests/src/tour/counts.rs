//! Step 5: the numbers that the control plane gives equal what was done, by policy.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::stack::{PUSH_LIMIT, Stack};
use crate::visitor::Visitor;
use crate::{expect, wait};

/// How often each thing is done.
const UNANSWERED: Range<u64> = 0..3;
const BLOCKED: Range<u64> = 0..2;
const REDIRECTED: Range<u64> = 0..3;
const ALLOWED: Range<u64> = 0..2;
const MONITORED: Range<u64> = 0..2;

pub(super) fn agree(stack: &Stack) -> Result<String> {
    let client = stack.client()?;
    for _ in UNANSWERED {
        expect::told_to_prove(client.get("/products/count/challenge")?)?;
    }
    for _ in BLOCKED {
        expect::blocked(client.get("/products/count/block")?)?;
    }
    for _ in REDIRECTED {
        let reply = client.get("/products/count/redirect")?.expect(307)?;
        ensure!(reply.location()? == "/elsewhere", "{reply}");
    }
    for _ in ALLOWED {
        expect::served(client.get("/products/count/allow")?)?;
    }
    for _ in MONITORED {
        expect::served(
            client
                .with("x-tour", "monitor")?
                .get("/products/count/watched")?,
        )?;
    }
    let browser = stack.browser()?;
    let mut person = Visitor::arrive(&browser, stack)?;
    person.pass("/products/count/challenge")?;
    person.open_served("/products/count/challenge")?;

    // One passed of four: three programs did not answer, one person did and came back twice.
    let wanted = [
        (
            "count-challenge",
            json!({"challenge": 4, "page_served": 1, "started": 1, "passed": 1,
            "satisfied": 2, "pass_rate": 0.25, "rejected": 0, "cancelled": 0, "unsupported": 0}),
        ),
        ("count-block", json!({"block": 2})),
        ("count-redirect", json!({"redirect": 3})),
        ("count-allow", json!({"allow": 2})),
        ("count-monitor", json!({"monitor": 2})),
    ];
    for (policy, counts) in &wanted {
        rest_says(stack, policy, counts)?;
        metrics_say(stack, policy, counts)?;
    }
    let explained = explanation(stack)?;
    Ok(format!(
        "4 challenges, 1 passed: pass rate 0.25 by REST and metrics; {explained}"
    ))
}

fn rest_says(stack: &Stack, policy: &str, wanted: &Value) -> Result<()> {
    let path = format!("/api/v1/challenges?policy={policy}");
    wait::until("the REST API says the same", PUSH_LIMIT, || {
        let answer = stack.rest(&path)?;
        let policies = answer["policies"].as_array();
        let found = policies
            .into_iter()
            .flatten()
            .find(|it| it["policy"] == policy);
        let counts = &found.with_context(|| format!("no {policy} in {answer}"))?["counts"];
        for (name, value) in wanted.as_object().into_iter().flatten() {
            ensure!(
                same(&counts[name], value),
                "{policy}: {wanted} wanted, {counts} told"
            );
            if name == "pass_rate" {
                continue;
            }
            let points = answer["points"].as_array().into_iter().flatten();
            let over_time: u64 = points.filter_map(|it| it["counts"][name].as_u64()).sum();
            ensure!(
                value.as_u64() == Some(over_time),
                "{policy}: {name} is {over_time} over time, {value} in all"
            );
        }
        Ok(Some(()))
    })
}

fn same(told: &Value, wanted: &Value) -> bool {
    match (told.as_f64(), wanted.as_f64()) {
        (Some(told), Some(wanted)) => (told - wanted).abs() < 0.001,
        _ => told == wanted,
    }
}

/// The control plane's metrics and the filter's own counters.
fn metrics_say(stack: &Stack, policy: &str, wanted: &Value) -> Result<()> {
    let told = stack.control_plane_metrics()?;
    let counted = stack.envoy_metrics()?;
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let by_policy = ("policy", policy);
        let (what, told) = match name.as_str() {
            "pass_rate" => (
                "countersign_challenge_pass_ratio",
                told.sum("countersign_challenge_pass_ratio", &[by_policy]),
            ),
            "challenge" | "block" | "redirect" | "allow" | "monitor" => {
                let labels = [by_policy, ("action", name.as_str())];
                let filter = counted.sum("countersign_decisions_total", &labels);
                ensure!(
                    Some(filter) == value.as_f64(),
                    "{policy}: the filter counted {filter} {name}, {value} wanted"
                );
                (
                    "countersign_decisions_total",
                    told.sum("countersign_decisions_total", &labels),
                )
            }
            "satisfied" => continue,
            step => (
                "countersign_challenge_steps_total",
                told.sum(
                    "countersign_challenge_steps_total",
                    &[by_policy, ("step", step)],
                ),
            ),
        };
        ensure!(
            same(&told.into(), value),
            "{policy}: {what} of {name} is {told}, {value} wanted"
        );
    }
    Ok(())
}

/// `countersign events get` tells policy, reasons, score and inputs.
fn explanation(stack: &Stack) -> Result<String> {
    let robot = stack
        .client()?
        .with_score("60")?
        .with("user-agent", "TouringRobot/1")?;
    let event = robot.get("/")?.event_id()?;
    let shown = wait::until("the event can be read", PUSH_LIMIT, || {
        let output = stack.cli(&["events", "get", &event])?;
        Ok(output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
    })?;
    for part in [
        event.as_str(),
        "bot-score-challenge",
        "POSSIBLE_BROWSER_AUTOMATION",
        "85",
        "score",
        "127.0.0.1",
    ] {
        ensure!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    Ok(format!("event {event} is explained"))
}
