use super::*;
use crate::up::part::PartName;
use clap::CommandFactory as _;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn up(line: &str) -> UpArgs {
    match parse(line).unwrap().command {
        Command::Up(args) => *args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

/// As a shell takes it apart: blanks, and quotes that keep them.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for char in line.chars() {
        match char {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            char => words.last_mut().unwrap().push(char),
        }
    }
    assert!(!quoted, "an open quote: {line}");
    words.retain(|word| !word.is_empty());
    words
}

/// Every example of every command that is shown, with the command's name.
fn examples() -> Vec<(String, String)> {
    fn collect(command: &clap::Command, all: &mut Vec<(String, String)>) {
        for inner in command.get_subcommands() {
            if inner.is_hide_set() {
                continue;
            }
            let name = inner.get_bin_name().unwrap().to_owned();
            let help = inner.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let lines: Vec<_> = help
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .collect();
            assert!(!lines.is_empty(), "`{name}` shows no example");
            assert!(
                lines.iter().any(|line| line.contains(&name)),
                "`{name}` shows examples of others only"
            );
            all.extend(lines.iter().map(|line| (name.clone(), (*line).to_owned())));
            collect(inner, all);
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut all = Vec::new();
    collect(&root, &mut all);
    all
}

/// The commands of one line: between pipes, and what goes to a file left out.
fn commands(example: &str) -> Vec<Vec<String>> {
    let parts = example.split(" | ");
    parts
        .map(|part| words(part.split(" > ").next().unwrap()))
        .collect()
}

#[test]
fn every_command_shows_an_example_that_it_understands() {
    for (name, example) in examples() {
        for command in commands(&example) {
            if let Err(error) = Cli::try_parse_from(&command) {
                panic!("{name}: {example}\n{error}");
            }
        }
    }
}

#[test]
fn the_files_of_examples_are_shipped_or_plainly_the_readers_own() {
    const OWN: [&str; 20] = [
        "./policies",
        "policies/",
        "new/",
        "old/",
        "policy.yaml",
        "tests.yaml",
        "request.yaml",
        "access.jsonl",
        "monday.har",
        "tuesday.har",
        "ca.crt",
        "ci.token",
        "stage.token",
        "bootstrap.token",
        "/admin",
        "/checkout",
        "target/man",
        "~/.local/share/man/man1",
        "envoy.yaml",
        "/usr/bin/envoy",
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ends = [".yaml", ".jsonl", ".har", ".crt", ".token"];
    for (_, example) in examples() {
        for word in commands(&example).concat() {
            let address = word.contains("://");
            let file = word.contains('/') || ends.iter().any(|end| word.ends_with(end));
            if file && !address && !OWN.contains(&word.as_str()) {
                assert!(root.join(&word).exists(), "`{word}` of: {example}");
            }
        }
    }
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    for line in [
        "countersign --control-plane http://a:1 -o json nodes",
        "countersign nodes --control-plane http://a:1 --output json",
    ] {
        let cli = parse(line).unwrap();
        assert_eq!(cli.target.control_plane.as_deref(), Some("http://a:1"));
        assert_eq!(cli.output, Output::Json);
    }
}

#[test]
fn restart_parts_alone_means_all_and_a_list_means_those() {
    assert_eq!(up("countersign up").restart_parts, []);
    assert_eq!(
        up("countersign up --restart-parts").restart_parts,
        PartName::ALL
    );
    assert_eq!(
        up("countersign up --restart-parts=envoy,sidecar").restart_parts,
        [PartName::Envoy, PartName::Sidecar]
    );
    assert!(parse("countersign up --restart-parts=nginx").is_err());
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "countersign",
        "countersign nonsense",
        "countersign check",
        "countersign test",
        "countersign apply",
        "countersign delete list",
        "countersign rollback",
        "countersign diff 1 2 3",
        "countersign up --base-port 70000",
        "countersign up --concurrency 0",
        "countersign up --only envoy --restart-parts",
        "countersign up --upstream http://x",
        "countersign events list --limit 501",
        "countersign nodes --output xml",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn a_part_keeps_its_own_options() {
    let line = "countersign run-part --parent 7 -- /bin/envoy --concurrency 2 --parent 9";
    match parse(line).unwrap().command {
        Command::RunPart {
            parent,
            program,
            args,
        } => {
            assert_eq!(parent, 7);
            assert_eq!(program, PathBuf::from("/bin/envoy"));
            assert_eq!(args, ["--concurrency", "2", "--parent", "9"]);
        }
        other => panic!("{other:?}"),
    }
}
