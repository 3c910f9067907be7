//! The command line against a real stack: `doctor`, every form of every answer, long lists, and no token
//! anywhere.

use std::process::{Command, Output};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::stack::{Part, Stack, countersign};
use countersign_e2e::{expect, tour, wait};
use serde_json::Value;

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(|| Stack::start("command-line", &tour::POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What `doctor` finds, and its exit code.
fn doctor(stack: &Stack, args: &[&str]) -> Result<(Vec<Value>, Option<i32>)> {
    let arguments = [&["doctor", "--output=json", "--state-dir=state"], args].concat();
    let output = stack.cli(&arguments)?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{}{}", out(&output), err(&output)))?;
    let findings = report
        .get("findings")
        .and_then(Value::as_array)
        .cloned()
        .context("findings")?;
    for finding in &findings {
        let well = finding["status"] == "ok";
        ensure!(well || finding["remedy"].is_string(), "{finding}");
    }
    Ok((findings, output.status.code()))
}

/// The findings of one name.
fn of<'a>(findings: &'a [Value], area: &str, check: &str) -> Result<&'a Value> {
    let mut findings = findings.iter();
    findings
        .find(|finding| finding["area"] == area && finding["check"] == check)
        .with_context(|| format!("no finding `{check}`"))
}

#[test]
fn a_stack_that_is_well_is_said_to_be_well() -> Result<()> {
    with_stack(|stack| {
        // The numbers of events are compared some two minutes later: nothing is missing yet.
        let (findings, code) = doctor(stack, &[])?;
        for (area, check) in [
            ("control-plane", "grpc"),
            ("control-plane", "rest"),
            ("control-plane", "token"),
            ("control-plane", "clock"),
            ("control-plane", "step-up"),
            ("nodes", "state"),
            ("nodes", "envoy-version"),
            ("nodes", "workers"),
            ("nodes", "guard"),
            ("nodes", "events"),
            ("sidecar", "keys"),
            ("sidecar", "reachable"),
            ("sidecar", "address"),
            ("envoy", "version"),
            ("envoy", "validate"),
            ("envoy", "guard"),
            ("envoy", "certificate"),
            ("envoy", "x-forwarded-for"),
        ] {
            let finding = of(&findings, area, check)?;
            ensure!(finding["status"] == "ok", "{finding}");
        }
        let unwell = findings.iter().find(|finding| finding["status"] != "ok");
        ensure!(unwell.is_none() && code == Some(0), "{code:?} {unwell:?}");

        let table = stack.cli(&["doctor", "--state-dir=state"])?;
        ensure!(table.status.code() == Some(0), "{table:?}");
        let text = out(&table);
        ensure!(
            text.contains("control plane\n  ok       ") && text.contains(" 0 failed"),
            "{text}"
        );
        ensure!(err(&table).is_empty(), "a spinner in a file: {table:?}");
        let yaml = out(&stack.cli(&["doctor", "--state-dir=state", "-o", "yaml"])?);
        ensure!(yaml.contains("- area: control-plane\n"), "{yaml}");
        Ok(())
    })
}

#[test]
fn a_wrong_token_a_nodes_token_and_none_are_findings() -> Result<()> {
    with_stack(|stack| {
        let state = stack.folder().join("state");
        let node = state.join("access/node.token");
        let wrong = stack.folder().join("wrong.token");
        // Well formed, and nobody's: another stack's would be.
        std::fs::write(&wrong, "csn_nobody\n")?;
        for (file, part) in [(&node, "node's"), (&wrong, "token")] {
            let option = format!("--token-file={}", file.display());
            let (findings, code) = doctor(stack, &[&option])?;
            let token = of(&findings, "control-plane", "token")
                .or_else(|_| of(&findings, "control-plane", "target"))?;
            ensure!(token["status"] == "failed" && code == Some(1), "{token}");
            let found = token["found"].as_str().unwrap_or_default();
            ensure!(found.contains(part), "{token}");
            ensure!(!found.contains("nobody"), "{token}");
            let asked = of(&findings, "nodes", "asked")?;
            ensure!(asked["status"] == "skipped", "{asked}");
        }
        Ok(())
    })
}

#[test]
fn a_bootstrap_without_its_guard_is_found_and_one_that_envoy_refuses_too() -> Result<()> {
    with_stack(|stack| {
        let shipped = std::fs::read_to_string(stack.folder().join("state/envoy.yaml"))?;
        let open = stack.folder().join("open.yaml");
        let guard = "- filter_state: {key: wasm.countersign, string_match: {prefix: \"1\"}}";
        ensure!(shipped.contains(guard));
        std::fs::write(&open, shipped.replace(guard, "- any: true"))?;
        let option = format!("--envoy-config={}", open.display());
        let (findings, code) = doctor(stack, &[&option])?;
        let found = of(&findings, "envoy", "guard")?;
        ensure!(found["status"] == "failed" && code == Some(1), "{found}");
        // Envoy itself has nothing against it.
        let taken = of(&findings, "envoy", "validate")?;
        ensure!(taken["status"] == "ok", "{taken}");

        let broken = stack.folder().join("broken.yaml");
        std::fs::write(&broken, shipped.replace("http_filters:", "http_filter:"))?;
        let option = format!("--envoy-config={}", broken.display());
        let (findings, code) = doctor(stack, &[&option])?;
        let refused = of(&findings, "envoy", "validate")?;
        ensure!(
            refused["status"] == "failed" && code == Some(1),
            "{refused}"
        );
        let none = of(&findings, "envoy", "filter")?;
        ensure!(none["status"] != "ok", "{none}");
        Ok(())
    })
}

#[test]
fn a_sidecar_that_is_away_is_found() -> Result<()> {
    let mut stack = Stack::start("doctor-sidecar", &tour::POLICIES)?;
    stack.crash(Part::Sidecar)?;
    stack.watched(|stack| {
        let (findings, code) = doctor(stack, &[])?;
        let away = of(&findings, "sidecar", "reachable")?;
        ensure!(away["status"] == "failed" && code == Some(1), "{away}");
        ensure!(of(&findings, "nodes", "state")?["status"] == "ok");
        Ok(())
    })?;
    stack.stop()
}

/// Every command that only looks, with arguments that this stack can answer.
fn looking(event: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["get"],
        vec!["get", "policy"],
        vec!["nodes"],
        vec!["relays"],
        vec!["events", "list"],
        vec!["events", "get", event],
        vec!["traffic"],
        vec!["traffic", "--funnel"],
        vec!["history"],
        vec!["diff"],
        vec!["proposals"],
        vec!["rollout", "status"],
        vec!["rollout", "history"],
        vec!["keys", "list"],
        vec!["sessions", "revoked"],
        vec!["access", "whoami"],
        vec!["access", "tokens", "list"],
        vec!["access", "certificates", "list"],
        vec!["passkeys", "list"],
        vec!["audit"],
        vec!["context", "list"],
        vec!["check", "policies"],
        vec!["explain", "--policies", "policies", "--url", "/checkout/"],
        vec!["apply", "--dry-run", "-f", "policies"],
        vec!["doctor", "--state-dir=state"],
    ]
}

fn an_event(stack: &Stack) -> Result<String> {
    let reply = stack.client()?.with_score("85")?.get("/checkout/cart")?;
    let event = reply.event_id()?;
    expect::told_to_prove(reply)?;
    wait::until(
        "the event has arrived",
        std::time::Duration::from_secs(15),
        || {
            let got = stack.cli(&["events", "get", &event])?;
            Ok(got.status.success().then_some(()))
        },
    )?;
    Ok(event)
}

#[test]
fn every_answer_has_its_form_and_none_shows_a_token_or_a_colour() -> Result<()> {
    with_stack(|stack| {
        let event = an_event(stack)?;
        let secrets: Vec<String> = ["operator.token", "node.token", "sidecar.token"]
            .iter()
            .map(|file| {
                let path = stack.folder().join("state/access").join(file);
                Ok(std::fs::read_to_string(path)?.trim().to_owned())
            })
            .collect::<Result<_>>()?;
        for command in looking(&event) {
            for form in ["table", "json", "yaml"] {
                let arguments = [command.as_slice(), &["--output", form]].concat();
                let output = stack.cli(&arguments)?;
                let (out, err) = (out(&output), err(&output));
                ensure!(output.status.code() == Some(0), "{arguments:?}: {out}{err}");
                ensure!(!out.is_empty(), "{arguments:?} says nothing");
                for secret in &secrets {
                    ensure!(
                        !out.contains(secret) && !err.contains(secret),
                        "{arguments:?}"
                    );
                }
                ensure!(
                    !out.contains("csn_") && !err.contains("csn_"),
                    "{arguments:?}: {out}"
                );
                ensure!(
                    !out.contains('\u{1b}') && !err.contains('\u{1b}'),
                    "{arguments:?}"
                );
                // Of nothing both say the same.
                let both = ["[]", "null"].contains(&out.trim());
                let is_json = serde_json::from_str::<Value>(&out).is_ok();
                ensure!(is_json == (form == "json") || both, "{arguments:?}: {out}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_token_that_is_made_goes_to_a_file_of_its_own_and_is_never_said() -> Result<()> {
    with_stack(|stack| {
        let make = ["access", "tokens", "create", "ci", "--role", "viewer"];
        let made = stack.cli(&make)?;
        ensure!(made.status.success(), "{made:?}");
        let path = stack.folder().join("ci.token");
        let token = std::fs::read_to_string(&path)?;
        let token = token.trim();
        ensure!(token.starts_with("csn_"), "no token in the file");
        let said = format!("{}{}", out(&made), err(&made));
        ensure!(said.contains("ci.token") && !said.contains(token), "{said}");
        // A second one would take the first one's place.
        let again = stack.cli(&make)?;
        ensure!(again.status.code() == Some(1), "{again:?}");
        ensure!(err(&again).contains("--token-out"), "{again:?}");
        let names = err(&again) + &out(&stack.cli(&["access", "tokens", "list"])?);
        ensure!(names.matches(" ci ").count() == 1, "{names}");
        let nowhere = [&make[..], &["--token-out", "no/folder/x"]].concat();
        ensure!(stack.cli(&nowhere)?.status.code() == Some(1));
        let list = out(&stack.cli(&["access", "tokens", "list"])?);
        ensure!(list.matches(" ci ").count() == 1, "made and lost: {list}");
        Ok(())
    })
}

#[test]
fn no_process_of_the_stack_shows_a_token() -> Result<()> {
    with_stack(|stack| {
        let mut seen = 0;
        for entry in std::fs::read_dir("/proc")? {
            let path = entry?.path().join("cmdline");
            let Ok(line) = std::fs::read(path) else {
                continue;
            };
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&*stack.folder().to_string_lossy()) {
                seen += 1;
                ensure!(!line.contains("csn_") && !line.contains("csn1_"), "{line}");
            }
        }
        ensure!(seen >= 3, "only {seen} processes");
        Ok(())
    })
}

#[test]
fn lists_come_in_pages_and_whole_when_asked() -> Result<()> {
    with_stack(|stack| {
        for at in 0..4 {
            let name = format!("page-{at}");
            let policy = format!(
                "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {{name: {name}}}\n\
                 spec: {{strings: [\"{at}\"]}}\n"
            );
            let file = stack.folder().join("page.yaml");
            std::fs::write(&file, policy)?;
            let applied = stack.cli(&["apply", "-f", "page.yaml"])?;
            ensure!(applied.status.success(), "{}", err(&applied));
        }
        let json = |args: &[&str]| -> Result<Value> {
            let output = stack.cli(&[args, &["-o", "json"]].concat())?;
            ensure!(output.status.success(), "{args:?}: {}", err(&output));
            Ok(serde_json::from_slice(&output.stdout)?)
        };
        let names = |value: &Value| -> Vec<String> {
            let resources = value["resources"].as_array().cloned().unwrap_or_default();
            let names = resources.iter().filter_map(|it| it["name"].as_str());
            names.map(str::to_owned).collect()
        };
        let whole = names(&json(&["get", "list"])?);
        let first = json(&["get", "list", "--limit", "2"])?;
        ensure!(names(&first) == whole[..2], "{first}");
        let cursor = first["next_cursor"].as_str().context("a cursor")?;
        let second = json(&["get", "list", "--cursor", cursor])?;
        ensure!(names(&second) == whole[2..], "{second}");
        ensure!(second.get("next_cursor").is_none(), "{second}");

        let whole = json(&["history", "--all"])?;
        let whole = whole.as_array().context("revisions")?;
        ensure!(whole.len() >= 4, "{whole:?}");
        let first = json(&["history", "--limit", "2"])?;
        ensure!(first.as_array().context("revisions")?[..] == whole[..2]);
        let before = whole[1]["number"].to_string();
        let rest = json(&["history", "--limit", "500", "--before", &before])?;
        ensure!(rest.as_array().context("revisions")?[..] == whole[2..]);
        let table = out(&stack.cli(&["history", "--limit", "2"])?);
        ensure!(
            table.contains(&format!("more with --before {before}\n")),
            "{table}"
        );

        let page = json(&["audit", "--limit", "2"])?;
        ensure!(
            page["entries"].as_array().map(Vec::len) == Some(2),
            "{page}"
        );
        ensure!(page["next_cursor"].is_string(), "{page}");
        let all = json(&["audit", "--all"])?;
        ensure!(all["entries"].as_array().map_or(0, Vec::len) > 2, "{all}");
        ensure!(all.get("next_cursor").is_none(), "{all}");
        Ok(())
    })
}

#[test]
fn a_spinner_turns_on_a_terminal_and_colours_can_be_refused() -> Result<()> {
    with_stack(|stack| {
        // `script` gives the command a terminal.
        let run = |colours: bool| -> Result<String> {
            let program = countersign()?;
            let line = format!("{} doctor --state-dir=state", program.display());
            let mut command = Command::new("script");
            command
                .args(["-qec", &line, "/dev/null"])
                .current_dir(stack.folder())
                .env("TERM", "xterm")
                .env("COUNTERSIGN_CONTEXTS", stack.folder().join("contexts.json"))
                .env("COUNTERSIGN_CONTROL_PLANE", control_plane(stack)?)
                .env_remove("NO_COLOR");
            if !colours {
                command.env("NO_COLOR", "1");
            }
            let output = command.output().context("`script` of util-linux")?;
            Ok(out(&output))
        };
        let coloured = run(true)?;
        ensure!(coloured.contains("\u{1b}[32mok"), "{coloured:?}");
        ensure!(
            coloured.contains("asking the control plane"),
            "no spinner: {coloured:?}"
        );
        let plain = run(false)?;
        ensure!(plain.contains("asking the control plane"), "{plain:?}");
        ensure!(!plain.contains("\u{1b}[32m"), "{plain:?}");
        Ok(())
    })
}

fn control_plane(stack: &Stack) -> Result<String> {
    let record = std::fs::read(stack.folder().join("state/up.json"))?;
    let record: Value = serde_json::from_slice(&record)?;
    let address = record.pointer("/addresses/control_plane");
    let address = address.and_then(Value::as_str);
    Ok(address.context("the address")?.to_owned())
}
