use std::path::Path;

use super::help::{self, Piece};
use super::*;
use crate::scratch::Scratch;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/reference/cli.md");

/// Every command that is shown, the program itself among them.
fn every() -> Vec<Command> {
    fn collect(command: &Command, all: &mut Vec<Command>) {
        all.push(command.clone());
        shown(command).for_each(|inner| collect(inner, all));
    }
    let mut all = Vec::new();
    collect(&definition(), &mut all);
    all
}

#[test]
fn the_page_of_the_book_is_what_the_definition_says() {
    let found = reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(Path::new(PAGE).parent().unwrap()).unwrap();
        std::fs::write(PAGE, &found).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == found,
        "docs/src/reference/cli.md is not what the command line is now: UPDATE_GOLDEN=1 rewrites it"
    );
}

#[test]
fn the_page_names_every_command_and_every_option_once_in_its_place() {
    let page = reference();
    for command in every() {
        let name = title(&command);
        let heading = if name.split(' ').count() > 2 {
            "###"
        } else {
            "##"
        };
        if name != "countersign" {
            assert_eq!(
                page.matches(&format!("\n{heading} {name}\n")).count(),
                1,
                "{name}"
            );
        }
        for example in help::after(&command).examples {
            assert!(page.contains(&format!("\n{example}\n")), "{example}");
        }
    }
    assert_eq!(page.matches("- `--token-file").count(), 1, "{page}");
    for hidden in ["run-part", "countersign shop"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
}

#[test]
fn every_command_has_a_manual_page_with_its_examples() {
    let dir = Scratch::new();
    let folder = dir.path().join("man");
    let files = write_manual(&folder).unwrap();
    assert_eq!(files.len(), every().len());
    for command in every() {
        let path = folder.join(format!("{}.1", title(&command).replace(' ', "-")));
        let page = std::fs::read_to_string(&path).unwrap();
        let page = page
            .replace("\\-", "-")
            .replace("\\fB", "")
            .replace("\\fR", "");
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            let heading = format!(".SH {heading}\n");
            assert_eq!(page.matches(&heading).count(), 1, "{heading}: {page}");
        }
        for example in help::after(&command).examples {
            let example = example.replace('\'', "\\*(Aq");
            assert!(page.contains(&example), "{example}: {page}");
        }
        for inner in shown(&command) {
            let name = format!("{}(1)", title(inner).replace(' ', "-"));
            assert!(page.contains(&name), "{name}: {page}");
        }
    }
    assert!(!folder.join("countersign-run-part.1").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_said_with_what_to_do() {
    let dir = Scratch::new();
    let file = dir.file("x", "");
    let error = write_manual(&file.join("man")).unwrap_err().to_string();
    assert!(error.contains("give a directory"), "{error}");
}

#[test]
fn indented_lines_stay_and_others_are_paragraphs() {
    let pieces = help::pieces("One\nline.\n\n  a:\n    b: 1\n\n  c\nTwo.\n\nThree.");
    let block = ["a:", "  b: 1", "", "c"].map(str::to_owned).to_vec();
    assert_eq!(
        pieces,
        [
            Piece::Paragraph("One line.".to_owned()),
            Piece::Block(block),
            Piece::Paragraph("Two.".to_owned()),
            Piece::Paragraph("Three.".to_owned()),
        ]
    );
}

#[test]
fn what_follows_the_examples_is_a_remark() {
    let after = help::after(&Command::new("x").after_help("Examples:\n  a b\n  c\n\nSee `d`."));
    assert_eq!(after.examples, ["a b", "c"]);
    assert_eq!(after.remarks, ["See `d`."]);
}
