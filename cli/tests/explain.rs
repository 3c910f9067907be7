//! `countersign explain` as a shell sees it. The expected texts are what a person reads; with
//! `UPDATE_GOLDEN=1` they are written anew.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Runs `countersign explain` on the set that has one policy for everything that can come of one, at
/// noon of a certain day.
fn explain(args: &[&str], stdin: &str) -> Output {
    explain_by(&fixture("explain/policies.yaml"), args, stdin)
}

fn explain_by(policies: &Path, args: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .arg("explain")
        .arg("--policies")
        .arg(policies)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // Who does not read it has no use for it.
    let _closed = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn golden(name: &str, args: &[&str]) {
    golden_by(&fixture("explain/policies.yaml"), name, args);
}

fn golden_by(policies: &Path, name: &str, args: &[&str]) {
    let mut args = args.to_vec();
    args.extend(["--time", "2026-11-22T12:00:00Z"]);
    let output = explain_by(policies, &args, "");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let path = fixture(&format!("explain/{name}.txt"));
    let seen = text(&output.stdout);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &seen).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(seen, expected, "{}", path.display());
}

#[test]
fn a_person_at_the_till_is_explained_from_the_address_to_the_challenge() {
    golden(
        "person",
        &[
            "--url",
            "https://shop.example.com/till//cart?a=1",
            "--header",
            "user-agent: robot/1",
            "--header",
            "x-forwarded-for: 203.0.113.7, 10.0.0.9",
            "--header",
            "x-bot-score: 50",
            "--header",
            "sec-fetch-mode: navigate",
            "--peer",
            "10.0.0.1",
            "--session",
            "possession",
            "--session-age",
            "60",
        ],
    );
}

#[test]
fn a_preflight_passes_challenges_and_nothing_else() {
    golden(
        "preflight",
        &[
            "--url",
            "/till/cart",
            "--method",
            "OPTIONS",
            "--header",
            "origin: https://a.example",
            "--header",
            "access-control-request-method: POST",
        ],
    );
}

#[test]
fn where_no_policy_decides_the_enforced_verdict_does() {
    golden(
        "verdict",
        &[
            "--url",
            "/products",
            "--header",
            "x-country: no",
            "--header",
            "accept-language: no",
            "--peer",
            "10.0.0.1",
        ],
    );
}

#[test]
fn an_enforced_challenge_is_satisfied_by_a_session_too() {
    golden(
        "verdict-satisfied",
        &[
            "--url",
            "/products",
            "--header",
            "accept-language: no",
            "--header",
            "x-forwarded-for: 192.0.2.1",
            "--peer",
            "203.0.113.9",
            "--session",
            "uv",
        ],
    );
}

#[test]
fn an_exempt_request_is_asked_nothing_else() {
    golden("exempt", &["--url", "/healthz"]);
}

#[test]
fn what_servers_read_in_two_ways_is_refused_before_any_policy() {
    golden("unreadable", &["--url", "/a/..;/till/cart"]);
}

/// What the recipe says of upstreams that may ask.
fn golden_of_the_recipe(name: &str, args: &[&str]) {
    let recipe = "../docs/recipes/backend-asks/policy.yaml";
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join(recipe);
    golden_by(&recipe, name, args);
}

#[test]
fn an_upstream_that_may_ask_is_named_and_its_demand_becomes_a_challenge() {
    golden_of_the_recipe(
        "step-up",
        &[
            "--url",
            "/orders/new",
            "--method",
            "POST",
            "--header",
            "sec-fetch-mode: navigate",
            "--session",
            "uv",
            "--session-age",
            "400",
            "--upstream",
            "orders",
            "--step-up",
            "uv;max-age=300",
        ],
    );
}

#[test]
fn a_demand_that_comes_to_nothing_is_told_why() {
    golden_of_the_recipe(
        "step-up-untrusted",
        &[
            "--url",
            "/orders/1",
            "--upstream",
            "search",
            "--step-up",
            "uv",
        ],
    );
    golden_of_the_recipe(
        "step-up-nobody",
        &[
            "--url",
            "/search",
            "--upstream",
            "orders",
            "--step-up",
            "uv",
        ],
    );
}

#[test]
fn json_says_the_same_in_the_same_order() {
    let output = explain(
        &["--url", "/till/cart", "-o", "json", "--time", "1763812800"],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["request"]["time"], "2025-11-22T12:00:00Z");
    assert_eq!(seen["signals"][1]["name"], "robot");
    assert_eq!(seen["signals"][1]["held"], false);
    assert_eq!((&seen["sum"], &seen["score"]), (&15.into(), &15.into()));
    let came: Vec<&str> = seen["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["came_of_it"].as_str().unwrap())
        .collect();
    assert_eq!(
        came,
        [
            "other_method",
            "other_host",
            "other_endpoint",
            "false",
            "failed",
            "false",
            "counts",
            "decides",
            "not_reached",
            "not_reached",
            "not_reached"
        ]
    );
    assert_eq!(seen["reply"]["policy"], "h-challenge");
    assert_eq!(seen["reply"]["min_assurance"], "human");
    let order = text(&output.stdout);
    let steps = [
        "exempt",
        "client",
        "device_rule",
        "signals",
        "score",
        "reasons",
        "verdict",
        "policies",
        "reply",
    ];
    let places = steps.map(|step| order.find(&format!("\n  \"{step}\":")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn a_request_is_read_from_a_file_a_recording_or_standard_input() {
    let event = std::fs::read_to_string(fixture("simulate/events.jsonl")).unwrap();
    let event = event.lines().next().unwrap();
    for (request, line) in [
        (
            "method: POST\npath: /till/card\nfrom: 203.0.113.7\n",
            "POST https://shop.example.com/till/card",
        ),
        (
            "{url: \"http://a.example/\", headers: {accept: [text/html, \"*/*\"]}}",
            "GET http://a.example/",
        ),
        (
            r#"{"start_time": "2026-11-22T03:00:00Z", "method": "GET", "path": "/a", "authority": "b.example"}"#,
            "GET https://b.example/a",
        ),
        (event, "GET https://shop.example.com/till/card"),
    ] {
        let output = explain(&["--request", "-"], request);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let seen = text(&output.stdout);
        assert!(seen.starts_with(line), "{line}\n{seen}");
    }
}

#[test]
fn what_is_no_request_is_1_with_its_place() {
    let output = explain(&["--request", "-"], "method: GET\npth: /a\n");
    assert_eq!(output.status.code(), Some(1));
    let seen = text(&output.stderr);
    assert!(seen.contains("<stdin>:2:"), "{seen}");
    assert!(seen.contains("did you mean `path`?"), "{seen}");
    for (args, message) in [
        (
            ["--url", "/a", "--peer", "nobody"],
            "`nobody` is not an address",
        ),
        (
            ["--url", "/a", "--header", "nothing"],
            "`nothing` is not a header",
        ),
        (["--url", "/a", "--header", ":path: /b"], "is not a header"),
        (["--url", "/a", "--time", "noon"], "`noon` is not a time"),
        (["--url", "https://", "--method", "GET"], "is not a host"),
        (["--url", "/a", "--session", "none"], "invalid value"),
    ] {
        let output = explain(&args, "");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let seen = text(&output.stderr);
        assert!(seen.contains(message), "{args:?}: {seen}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
}

#[test]
fn a_recording_of_several_requests_and_policies_that_do_not_compile_are_1() {
    let log = fixture("simulate/events.json");
    let output = explain(&["--request", log.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    let seen = text(&output.stderr);
    assert!(seen.contains("holds 3 requests"), "{seen}");
    let output = explain(&["--policies", "-", "--url", "/"], "kind: Nothing\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("unknown kind"));
    assert!(text(&output.stdout).contains("nothing was judged"));
    let output = explain(&["--policies", "-", "--request", "-"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("standard input in two places"));
}
