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

#[test]
fn every_command_shows_an_example_that_it_understands() {
    for command in Cli::command().get_subcommands() {
        if command.is_hide_set() {
            continue;
        }
        let help = command.get_after_help().unwrap().to_string();
        let examples: Vec<_> = help.lines().skip(1).collect();
        assert!(!examples.is_empty(), "{}", command.get_name());
        for example in examples {
            for part in example.split(" | ") {
                let line = part
                    .split(" > ")
                    .next()
                    .unwrap()
                    .replace("'first policies'", "x")
                    .replace("'lunch'", "x")
                    .replace("'checkout was blocked'", "x");
                assert!(parse(line.trim()).is_ok(), "{line}");
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
