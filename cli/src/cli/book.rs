//! Every command that the book shows is one that the command line understands.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::Cli;

fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                pages.push(path);
            }
        }
    }
    pages
}

/// The commands of a page's `sh` and `console` blocks, in one line each.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut shell = false;
    let joined = page.replace("\\\n", " ");
    for line in joined.lines() {
        if let Some(language) = line.strip_prefix("```") {
            shell = !shell && matches!(language.trim(), "sh" | "console");
            continue;
        }
        if !shell {
            continue;
        }
        for part in line.split(" | ") {
            let part = part.trim_start_matches("$ ").trim();
            if part.starts_with("countersign ") {
                commands.push(part.to_owned());
            }
        }
    }
    commands
}

/// As a shell reads it, as far as the book goes: words, quotes, a comment, a redirection.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut within = false;
    for letter in command.chars() {
        match (quote, letter) {
            (Some(mark), letter) if mark == letter => quote = None,
            (Some(_), letter) => word.push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                within = true;
            }
            (None, '#' | '>') if word.is_empty() => break,
            (None, ' ') => {
                if within || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                within = false;
            }
            (None, letter) => word.push(letter),
        }
    }
    if within || !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn every_command_of_the_book_is_understood() {
    let mut understood = 0;
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        for command in commands(&page) {
            if let Err(error) = Cli::try_parse_from(words(&command)) {
                panic!("{}: {command}\n{error}", path.display());
            }
            understood += 1;
        }
    }
    assert!(understood > 40, "{understood}");
}

#[test]
fn a_command_is_read_as_a_shell_would() {
    assert_eq!(
        words("countersign apply -m 'two words' -f \"a b\" > out # why"),
        ["countersign", "apply", "-m", "two words", "-f", "a b"]
    );
}
