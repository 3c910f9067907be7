//! Revisions by the command line, against a control plane.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use countersign_control_plane::clock::Clock;
use countersign_control_plane::runtime::{Config, Running, start};
use serde_json::Value;

/// A control plane of its own, and a directory for files.
struct World {
    runtime: tokio::runtime::Runtime,
    running: Running,
    directory: PathBuf,
}

impl World {
    fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("history-{name}-{}", std::process::id()));
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
        Self {
            runtime,
            running,
            directory,
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command
            .env("USER", "ann")
            .arg("--control-plane")
            .arg(format!("http://{}", self.running.grpc_address()))
            .args(args)
            .output()
            .unwrap()
    }

    /// What it prints, where all is well.
    fn fine(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["--output", "json"]].concat();
        serde_json::from_str(&self.fine(&args)).unwrap()
    }

    /// A file of policies by name and action.
    fn file(&self, policies: &[(&str, &str)]) -> String {
        let texts: Vec<_> = policies
            .iter()
            .map(|(name, action)| {
                format!(
                    "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\n\
                     metadata: {{name: {name}}}\nspec:\n  endpoints: [\"/{name}\"]\n  \
                     action: {action}\n"
                )
            })
            .collect();
        let path = self.directory.join("policies.yaml");
        std::fs::write(&path, texts.join("---\n")).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn apply(&self, policies: &[(&str, &str)]) {
        let file = self.file(policies);
        self.fine(&["apply", "-f", &file]);
    }

    fn end(self) {
        self.runtime.block_on(self.running.shutdown());
        std::fs::remove_dir_all(&self.directory).unwrap();
    }
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_change_is_looked_at_and_rolled_back() {
    let world = World::new("rollback");
    world.apply(&[("a", "block")]);
    world.apply(&[("a", "allow"), ("b", "block")]);
    let shown = world.fine(&["diff"]);
    for line in [
        "-  action: block\n",
        "+  action: allow\n",
        "--- /dev/null\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert_eq!(world.json(&["diff"])["differences"][0]["change"], "updated");
    assert_eq!(world.fine(&["diff", "2"]), "no resource is another\n");

    let old = world.fine(&["get", "--revision", "1", "--output", "yaml"]);
    assert!(
        old.contains("action: block") && !old.contains("name: b"),
        "{old}"
    );
    let dry = world.fine(&["rollback", "1", "--dry-run"]);
    assert!(dry.contains("+  action: block\n"), "{dry}");
    assert!(dry.ends_with("dry run: nothing was changed\n"), "{dry}");

    let done = world.fine(&["rollback", "1", "-m", "too mild"]);
    assert!(done.contains("deleted MitigationPolicy/b\n"), "{done}");
    assert!(done.contains("revision 3-"), "{done}");
    let history = world.json(&["history"]);
    assert_eq!(history[0]["number"], 3);
    assert_eq!(history[0]["author"], "cli:ann");
    assert_eq!(history[0]["message"], "too mild");
    assert_eq!(history[0]["hash"], history[2]["hash"]);
    assert_eq!(history[1]["resources"], 2);
    // The word of the first days.
    assert_eq!(world.json(&["revisions"]), history);
    world.end();
}

#[test]
fn a_change_that_came_too_late_is_1_with_what_changed_meanwhile() {
    let world = World::new("late");
    world.apply(&[("a", "block")]);
    world.apply(&[("b", "block")]);
    let file = world.file(&[("c", "block")]);
    let output = world.run(&["apply", "-f", &file, "--base", "1"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = err(&output);
    assert!(
        shown.contains("created MitigationPolicy/b in revision 2-"),
        "{shown}"
    );
    assert!(shown.contains("by cli:ann at 20"), "{shown}");
    for args in [
        vec!["delete", "policy", "a", "--base", "1"],
        vec!["rollback", "1", "--base", "1"],
    ] {
        let output = world.run(&args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(err(&output).contains("--base 2-"), "{}", err(&output));
    }
    world.fine(&["apply", "-f", &file, "--base", "2"]);
    world.end();
}

#[test]
fn prune_leaves_what_the_files_name_and_is_refused_when_they_name_nothing() {
    let world = World::new("prune");
    world.apply(&[("a", "block"), ("b", "block")]);
    let file = world.file(&[("a", "block")]);
    let dry = world.fine(&["apply", "-f", &file, "--prune", "--dry-run"]);
    assert!(dry.contains("deleted MitigationPolicy/b\n"), "{dry}");
    let first = world.fine(&["apply", "-f", &file, "--prune"]);
    assert!(first.contains("deleted MitigationPolicy/b\n"), "{first}");
    let second = world.fine(&["apply", "-f", &file, "--prune"]);
    assert!(
        second.starts_with("unchanged MitigationPolicy/a\n"),
        "{second}"
    );
    assert!(second.contains("revision 2-"), "{second}");

    let tests = "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: t}\n\
                 spec: {tests: [{name: a, request: {path: /}, expect: {action: allow}}]}\n";
    let path = world.directory.join("tests.yaml");
    std::fs::write(&path, tests).unwrap();
    let output = world.run(&["apply", "--prune", "-f", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("name no resource"),
        "{}",
        err(&output)
    );
    assert_eq!(world.json(&["get"])["resources"][0]["name"], "a");
    world.end();
}

#[test]
fn a_revision_that_does_not_exist_is_1() {
    let world = World::new("unknown");
    world.apply(&[("a", "block")]);
    for args in [
        vec!["rollback", "7"],
        vec!["rollback", "latest"],
        vec!["diff", "1", "7"],
        vec!["get", "--revision", "7"],
    ] {
        let output = world.run(&args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(err(&output).contains("revision"), "{}", err(&output));
    }
    world.end();
}
