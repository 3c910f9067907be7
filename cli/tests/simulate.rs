//! `countersign simulate` as a shell sees it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use countersign_control_plane::clock::Clock;
use countersign_control_plane::runtime::{Config, start};
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/simulate")
        .join(name)
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it on the new policies; arguments that name a fixture stand for its path.
fn simulate(args: &[&str], stdin: &str) -> Output {
    let mut command = command();
    command
        .arg("simulate")
        .arg("--policies")
        .arg(fixture("new"));
    for arg in args {
        let path = fixture(arg);
        if !arg.starts_with('-') && path.exists() {
            command.arg(path);
        } else {
            command.arg(arg);
        }
    }
    let mut child = command
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

fn report(args: &[&str]) -> Value {
    let mut args = args.to_vec();
    args.extend(["-o", "json"]);
    let output = simulate(&args, "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The counts of totals, in the order of the words.
fn totals(report: &Value) -> [u64; 6] {
    [
        "allowed",
        "challenged",
        "blocked",
        "redirected",
        "exempt",
        "satisfied",
    ]
    .map(|word| report["totals"][word].as_u64().unwrap())
}

fn policy<'r>(report: &'r Value, name: &str) -> &'r Value {
    let mut policies = report["by_policy"].as_array().unwrap().iter();
    policies.find(|policy| policy["policy"] == name).unwrap()
}

#[test]
fn lines_of_access_logs_are_judged_and_those_that_are_none_are_shown() {
    let report = report(&["--requests", "access.jsonl"]);
    assert_eq!(totals(&report), [2, 1, 2, 1, 1, 0]);
    let read = &report["read"];
    assert_eq!(read["requests"], 7);
    assert_eq!(read["access_log"], 7);
    assert_eq!(read["unreadable"], 3);
    let shown: Vec<&str> = read["unreadable_shown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["place"].as_str().unwrap())
        .collect();
    assert_eq!(shown, ["line 2", "line 6", "line 10"]);
    let watch = policy(&report, "watch");
    assert_eq!(
        (&watch["matched"], &watch["monitored"]),
        (&3.into(), &3.into())
    );
    let never = policy(&report, "never");
    assert_eq!(never["matched"], 0);
    assert_eq!(report["by_signal"][0]["held"], 3);
    assert_eq!(report["by_signal"][1]["held"], 1);
    assert_eq!(report["by_signal"][1]["errors"], 4);
    assert_eq!(report["by_signal"][1]["error"], "no such key: `x-tenant`");
    assert_eq!(
        report["notes"],
        json!([{"note": "preflight_not_challenged", "requests": 1}])
    );
    assert_eq!(report["against"], Value::Null);
}

#[test]
fn a_har_file_is_judged_entry_by_entry() {
    let report = report(&["--requests", "browser.har"]);
    assert_eq!(totals(&report), [1, 1, 0, 0, 0, 0]);
    assert_eq!(report["read"]["har"], 2);
    assert_eq!(report["read"]["unreadable_shown"][0]["place"], "entry 3");
}

#[test]
fn events_stand_for_as_many_as_they_say_and_a_hops_score_is_told_again() {
    for file in ["events.json", "events.jsonl"] {
        let report = report(&["--requests", file]);
        // The session of the second one satisfies the till's challenge.
        assert_eq!(totals(&report), [1, 1, 100, 0, 0, 1], "{file}");
        assert_eq!(report["read"]["events"], 3);
        assert_eq!(policy(&report, "bots")["decided"], 100);
    }
}

#[test]
fn several_recordings_are_one_simulation() {
    let report = report(&["--requests", "access.jsonl", "browser.har", "events.json"]);
    assert_eq!(totals(&report), [4, 3, 102, 1, 1, 1]);
}

#[test]
fn a_session_for_everybody_satisfies_what_its_grade_can() {
    let with = |grade| totals(&report(&["--requests", "access.jsonl", "--session", grade]));
    assert_eq!(with("uv"), [3, 0, 2, 1, 1, 1]);
    assert_eq!(with("human"), [2, 1, 2, 1, 1, 0]);
}

#[test]
fn what_changes_is_counted_with_examples() {
    let report = report(&["--requests", "access.jsonl", "--against", "old"]);
    let against = &report["against"];
    assert_eq!(against["changed"], 3);
    assert_eq!(against["other_policy"], 0);
    assert_eq!(against["totals"]["allowed"], 4);
    let changes = against["changes"].as_array().unwrap();
    let kinds: Vec<(&Value, &Value, &Value)> = changes
        .iter()
        .map(|change| (&change["from"], &change["to"], &change["requests"]))
        .collect();
    assert_eq!(
        kinds,
        [
            (&json!("allowed"), &json!("blocked"), &json!(2)),
            (&json!("redirected"), &json!("redirected"), &json!(1))
        ]
    );
    let example = &changes[0]["examples"][1];
    assert_eq!(example["path"], "/products/lamp");
    assert_eq!(example["place"], "line 9");
    assert_eq!(example["score_after"], 85);
    assert_eq!(example["policy_before"], Value::Null);
    assert_eq!(example["policy_after"], "bots");
}

#[test]
fn a_change_fails_only_where_that_is_asked_for() {
    let args = ["--requests", "access.jsonl", "--against", "old"];
    assert_eq!(simulate(&args, "").status.code(), Some(0));
    let strict = [&args[..], &["--fail-on-change"]].concat();
    assert_eq!(simulate(&strict, "").status.code(), Some(1));
    let same = [
        "--requests",
        "access.jsonl",
        "--against",
        "new",
        "--fail-on-change",
    ];
    let output = simulate(&same, "");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("no request gets another answer"));
}

#[test]
fn the_table_says_it_in_words() {
    let output = simulate(&["--requests", "access.jsonl", "--against", "old"], "");
    let seen = text(&output.stdout);
    for line in [
        "7 requests from 7 lines of access logs\n",
        "3 could not be read, such as\n",
        ", line 6: it is no JSON: expected ident\n",
        "blocked     2   28.6 %\n",
        "POLICY  ACTION     MATCHED  DECIDED  COUNTED  SATISFIED  FAILED\n",
        "bots    block            1        1        0          0       0\n",
        "1 policy did nothing\n",
        "tenant  TROUBLE     +10     1       4\n",
        "  tenant: no such key: `x-tenant`\n",
        "3 requests get another answer (42.9 %)\n",
        "  from \\ to   allowed  challenged  blocked  redirected  exempt\n",
        "  allowed           2           -        2           -       -\n",
        "allowed \u{2192} blocked: 2\n  GET shop.example.com/admin/users\n    score 0; no policy \u{2192} admin; ",
        "redirected \u{2192} redirected elsewhere: 1\n",
    ] {
        assert!(seen.contains(line), "{line}\n{seen}");
    }
    assert!(!seen.contains('\u{1b}'), "no colour into a pipe");
    assert_eq!(text(&output.stderr), "", "no bar into a pipe");
}

#[test]
fn standard_input_is_a_recording_too() {
    let log = std::fs::read_to_string(fixture("access.jsonl")).unwrap();
    let output = simulate(&["--requests", "-", "-o", "json"], &log);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(totals(&report), [2, 1, 2, 1, 1, 0]);
    assert_eq!(report["read"]["unreadable_shown"][0]["file"], "<stdin>");
}

#[test]
fn what_a_stranger_wrote_does_not_move_the_cursor() {
    let line = r#"{"method":"GET","authority":"shop.example.com","path":"/admin/\u001b[2J"}"#;
    let broken = "{\"method\": \u{1b}[2J}";
    let log = format!("{line}\n{broken}\n");
    let output = simulate(&["--requests", "-", "--against", "old"], &log);
    let seen = text(&output.stdout);
    assert!(seen.contains("/admin/\u{fffd}[2J"), "{seen}");
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
}

#[test]
fn what_is_no_recording_is_1() {
    for stdin in [
        "",
        "\n\n",
        "a\nb\n",
        "{\"method\": \"GET\"}\n",
        "[1, 2]",
        "{\"log\": {\"entries\": [",
    ] {
        let output = simulate(&["--requests", "-"], stdin);
        assert_eq!(output.status.code(), Some(1), "{stdin:?}");
        let seen = text(&output.stdout);
        assert!(seen.starts_with("0 requests\n"), "{stdin:?}: {seen}");
        let why = ["nothing to judge", "hardly a recording"];
        assert!(why.iter().any(|why| seen.contains(why)), "{seen}");
    }
    let readable = r#"{"method": "GET", "path": "/", "authority": "a.example"}"#;
    let half = format!("{readable}\nx\n");
    assert_eq!(simulate(&["--requests", "-"], &half).status.code(), Some(0));
    let more = format!("{readable}\nx\ny\n");
    assert_eq!(simulate(&["--requests", "-"], &more).status.code(), Some(1));
}

#[test]
fn what_is_asked_wrongly_is_1_and_an_absent_control_plane_is_2() {
    for (args, message) in [
        (&["--requests", "nowhere.jsonl"][..], "is not there"),
        (&["--requests", "old"], "is a directory"),
        (
            &["--requests", "access.jsonl", "--fail-on-change"],
            "something to compare with",
        ),
        (
            &["--requests", "access.jsonl", "--against", "access.jsonl"],
            "error",
        ),
        (
            &["--requests", "-", "--against", "-"],
            "standard input in two places",
        ),
        (
            &[
                "--requests",
                "access.jsonl",
                "--against",
                "old",
                "--against-current",
            ],
            "cannot be used with",
        ),
    ] {
        let output = simulate(args, "");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let seen = text(&output.stderr);
        assert!(seen.contains(message), "{args:?}: {seen}");
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let output = simulate(
        &[
            "--requests",
            "access.jsonl",
            "--against-current",
            "--control-plane",
            &address,
        ],
        "",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("countersign up"));
}

/// Runs `countersign` against a control plane.
fn at(address: &str, args: &[&str]) -> Output {
    let mut command = command();
    let mut all = vec!["--control-plane", address];
    all.extend(args);
    command.args(all).output().unwrap()
}

#[test]
fn what_changes_from_what_is_in_force_is_asked_of_the_control_plane() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("simulate-current-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let any = ([127, 0, 0, 1], 0).into();
    let config = Config {
        grpc_listen: any,
        http_listen: any,
        database_url: format!("sqlite://{}", directory.join("state.db").display()),
        policies: None,
        filter_module: "/lib/countersign.wasm".to_owned(),
        module_cluster: None,
        access: countersign_control_plane::runtime::AccessConfig::default(),
        tls: None,
    };
    let running = runtime.block_on(start(config, Clock::system())).unwrap();
    let address = format!("http://{}", running.grpc_address());
    let [new, old, log] =
        ["new", "old", "access.jsonl"].map(|name| fixture(name).to_str().unwrap().to_owned());
    let simulate = [
        "simulate",
        "--policies",
        &new,
        "--requests",
        &log,
        "--against-current",
        "--fail-on-change",
        "-o",
        "json",
    ];

    let nothing = at(&address, &simulate);
    assert_eq!(nothing.status.code(), Some(1));
    let seen = text(&nothing.stderr);
    assert!(seen.contains("has no policies in force"), "{seen}");

    for (policies, changed, code) in [(&old, 3, 1), (&new, 0, 0)] {
        let applied = at(&address, &["apply", "-f", policies]);
        assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stderr));
        let output = at(&address, &simulate);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["against"]["changed"], changed);
        assert_eq!(report["against"]["policies"]["policies"], 6);
    }
    runtime.block_on(running.shutdown());
    std::fs::remove_dir_all(directory).unwrap();
}
