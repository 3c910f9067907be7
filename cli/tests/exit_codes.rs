//! The command as a shell sees it: what it prints where, and its exit code.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const GOOD: &str = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\nspec: {endpoints: [\"/a/*\"], action: block}\n";

const TEST: &str = "---\napiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: t}\nspec:\n  tests:\n    - {name: it is blocked, request: {path: /a/b}, expect: {action: block, policy: a, status: 403}}\n";

/// A directory of its own for one test.
fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("exit-{name}-{}", std::process::id()))
}

fn file(name: &str, content: &[u8]) -> std::io::Result<PathBuf> {
    let dir = scratch(name);
    std::fs::create_dir_all(&dir)?;
    let path = dir.join("policy.yaml");
    std::fs::write(&path, content)?;
    Ok(path)
}

fn countersign() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    command
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_good_file_is_0_and_says_so_on_stdout() {
    let path = file("good", GOOD.as_bytes()).unwrap();
    let output = countersign().arg("check").arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(out(&output), "1 file, 1 resource: fine\n");
    assert_eq!(err(&output), "");
}

#[test]
fn a_bad_file_is_1_and_shows_place_and_caret_on_stderr() {
    let text = GOOD.replace("action: block", "action: blok");
    let path = file("bad", text.as_bytes()).unwrap();
    let output = countersign().arg("check").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = err(&output);
    assert!(shown.contains("policy.yaml:4:"), "{shown}");
    assert!(shown.contains("^^^^"), "{shown}");
    assert!(shown.contains("block"), "{shown}");
    assert!(
        !shown.contains('\u{1b}'),
        "no colour into a pipe: {shown:?}"
    );
    assert_eq!(out(&output), "1 file: 1 error\n");
}

#[test]
fn a_bad_file_in_json_is_1_and_machine_readable() {
    let text = GOOD.replace("action: block", "action: blok");
    let path = file("json", text.as_bytes()).unwrap();
    let output = countersign()
        .args(["check", "-o", "json"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["diagnostics"][0]["severity"], "error");
    assert_eq!(report["diagnostics"][0]["line"], 4);
    assert_eq!(report["hash"], serde_json::Value::Null);
}

#[test]
fn files_that_are_no_policies_are_1_and_never_a_panic() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    let cases: [(&str, Vec<u8>); 6] = [
        ("not-utf8", b"kind: \xff\xfe\n".to_vec()),
        ("bomb", bomb.as_bytes().to_vec()),
        ("large", vec![b' '; 32 * 1024 * 1024 + 1]),
        ("nested", "[".repeat(100_000).into_bytes()),
        ("nul", vec![0; 1000]),
        ("twice", format!("{GOOD}---\n{GOOD}").into_bytes()),
    ];
    for (name, content) in cases {
        let path = file(name, &content).unwrap();
        let output = countersign().arg("check").arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {}", err(&output));
        assert!(
            !err(&output).contains("panicked"),
            "{name}: {}",
            err(&output)
        );
        assert!(!err(&output).is_empty(), "{name}");
    }
}

#[test]
fn tests_that_pass_are_0_and_one_that_fails_is_1_with_what_differs() {
    let path = file("tests", format!("{GOOD}{TEST}").as_bytes()).unwrap();
    let output = countersign().arg("test").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(
        out(&output),
        "\u{2713} t: it is blocked\n1 passed, 0 failed\n"
    );
    let wrong = TEST.replace("path: /a/b", "path: /b");
    let path = file("tests", format!("{GOOD}{wrong}").as_bytes()).unwrap();
    let output = countersign().arg("test").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = out(&output);
    for line in [
        "action     expected block, was allow",
        "policy     expected a, was none",
        "policy.yaml:11",
        "because",
        "0 passed, 1 failed",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let output = countersign()
        .args(["test", "-o", "json"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&0.into(), &1.into())
    );
    assert_eq!(report["tests"][0]["differences"][0]["actual"], "allow");
    assert_eq!(report["tests"][0]["seen"]["score"], 0);
}

#[test]
fn tests_of_what_does_not_compile_and_no_tests_are_1() {
    let text = format!("{GOOD}{TEST}").replace("expect:", "expct:");
    let path = file("badtests", text.as_bytes()).unwrap();
    let output = countersign().arg("test").arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("did you mean `expect`?"));
    assert_eq!(out(&output), "nothing was tested: 2 errors\n");
    let path = file("notests", GOOD.as_bytes()).unwrap();
    let output = countersign().arg("test").arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("there are no tests"),
        "{}",
        err(&output)
    );
    assert_eq!(out(&output), "");
}

#[test]
fn standard_input_is_a_file_too() {
    let mut child = countersign()
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(GOOD.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn a_missing_file_and_a_wrong_option_are_1() {
    for args in [vec!["check", "/nowhere.yaml"], vec!["check"], vec!["nodez"]] {
        let output = countersign().args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", err(&output));
    }
}

#[test]
fn help_and_version_are_0() {
    for args in [vec!["--help"], vec!["up", "--help"], vec!["--version"]] {
        let output = countersign().args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(out(&output).contains("countersign"), "{args:?}");
    }
}

#[test]
fn completions_know_every_command_in_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = countersign().args(["completions", shell]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        for word in [
            "apply",
            "check",
            "doctor",
            "bootstrap",
            "certificates",
            "promote",
            "unrevoke",
            "token-file",
            "fail-on-change",
        ] {
            assert!(out(&output).contains(word), "{shell}: {word}");
        }
        // The others complete no values.
        let values = ["bash", "fish", "zsh"].contains(&shell);
        assert_eq!(out(&output).contains("page_served"), values, "{shell}");
    }
}

/// What bash offers for a line that is typed so far.
fn offered(line: &str) -> std::io::Result<Vec<String>> {
    const SCRIPT: &str = "source <(\"$0\" completions bash); COMP_WORDS=(\"$@\"); \
         COMP_CWORD=$(($# - 1)); \
         _countersign countersign \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
         printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "-c", SCRIPT, env!("CARGO_BIN_EXE_countersign")])
        .args(line.split(' '))
        .output()?;
    assert!(output.status.success(), "{}", err(&output));
    Ok(out(&output).lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    for (line, expected) in [
        ("countersign roll", vec!["rollback", "rollout"]),
        ("countersign access tokens cr", vec!["create"]),
        ("countersign events list --act", vec!["--action"]),
        ("countersign events list --action re", vec!["redirect"]),
        ("countersign nodes --output y", vec!["yaml"]),
        ("countersign doctor --envoy-c", vec!["--envoy-config"]),
    ] {
        assert_eq!(offered(line).unwrap(), expected, "{line}");
    }
}

#[test]
fn a_token_in_the_command_line_is_refused_and_not_repeated() {
    const TOKEN: &str = "csn_a4dqobyhbebqycqkbmgaybyebykcqobyhbebqycqkbmgaybyebyzzzzzzz";
    let option = format!("--token={TOKEN}");
    for arguments in [
        vec!["nodes", "--token", TOKEN],
        vec!["nodes", &option],
        vec!["nodes", "--token-file", TOKEN],
        vec!["doctor", "--token-file", TOKEN],
        vec!["access", "bootstrap", "--bootstrap-token-file", TOKEN],
        vec!["context", "set", "x", TOKEN],
        vec![TOKEN],
    ] {
        let output = countersign()
            .args(&arguments)
            .env(
                "COUNTERSIGN_CONTEXTS",
                scratch("contexts").join("none.json"),
            )
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = out(&output) + &err(&output);
        assert!(!said.contains(TOKEN), "{arguments:?}: {said}");
    }
}

#[test]
fn no_option_takes_a_token_itself() {
    fn options(arguments: &[&str], seen: &mut Vec<String>) {
        let output = countersign()
            .args(arguments)
            .arg("--help")
            .output()
            .unwrap();
        let help = out(&output);
        let named = help.lines().filter_map(|line| {
            let line = line.trim_start().trim_start_matches("-o, ");
            line.starts_with("--").then(|| line.to_owned())
        });
        seen.extend(named.filter(|line| line.contains("token")));
    }
    let mut seen = Vec::new();
    for arguments in [
        &["nodes"][..],
        &["access", "bootstrap"],
        &["access", "tokens", "create"],
        &["context", "set"],
        &["doctor"],
    ] {
        options(arguments, &mut seen);
    }
    assert!(seen.len() >= 8, "{seen:?}");
    for option in seen {
        let file = option.contains("-file <PATH>") || option.contains("-out <PATH>");
        assert!(file || option.starts_with("--token-stdin"), "{option}");
    }
}

#[test]
fn contexts_are_told_in_every_form_and_never_with_their_token() {
    let folder = scratch("told-contexts");
    let run = |arguments: &[&str], stdin: &str| {
        let mut child = countersign()
            .args(arguments)
            .env("COUNTERSIGN_CONTEXTS", folder.join("contexts.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // Whoever does not read it has ended.
        let _unread = pipe.write_all(stdin.as_bytes());
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", err(&output));
        assert!(!out(&output).contains("csn_"), "{}", out(&output));
        out(&output)
    };
    let set = [
        "context",
        "set",
        "prod",
        "--control-plane",
        "https://cp:1",
        "--token-stdin",
    ];
    assert_eq!(
        run(&set, "csn_secret\n"),
        "context `prod` is https://cp:1\n"
    );
    let kept = std::fs::read_to_string(folder.join("contexts.json")).unwrap();
    assert!(kept.contains("csn_secret"), "{kept}");
    let told = run(&["context", "use", "prod", "-o", "json"], "");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["name"], &told["current"]),
        (&"prod".into(), &true.into())
    );
    let told = run(&["context", "list", "-o", "yaml"], "");
    assert!(told.contains("shows: token"), "{told}");
    assert!(run(&["context", "remove", "prod"], "").contains("forgotten"));
}

#[test]
fn an_absent_control_plane_is_2_with_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for command in [
        "nodes",
        "history",
        "diff",
        "traffic",
        "get",
        "relays",
        "audit",
        "proposals",
    ] {
        let output = countersign()
            .args([command, "--control-plane", &address])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(err(&output).contains("countersign up"), "{}", err(&output));
    }
}

#[test]
fn a_taken_port_is_2_in_one_line_with_port_part_and_option() {
    // Some base whose part can be taken: the sidecar's port is the base's plus 8,080.
    let (base, _taken) = (11_000..16_000)
        .step_by(37)
        .find_map(|base: u16| Some((base, TcpListener::bind(("127.0.0.1", base + 8_080)).ok()?)))
        .unwrap();
    let dir = scratch("ports");
    let output = countersign()
        .args(["up", "--base-port", &base.to_string(), "--state-dir"])
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let shown = err(&output);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    let expected = format!("port {} (auth sidecar) is in use", base + 8_080);
    assert!(shown.contains(&expected), "{shown}");
    assert!(shown.contains("--base-port"), "{shown}");
    assert!(!dir.exists(), "nothing is left of a start that was refused");
}
