//! The reference of the command line as a page of the book.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::help::{self, Piece};
use super::{definition, shown, title};

const HEAD: &str = "\
# Command line

<!-- Made by `countersign reference`; a test compares it with the definition. -->

Every command tells the same with `--help`; `countersign man DIR` writes it as manual pages.

## Everywhere
";

/// The whole page.
pub(crate) fn reference() -> String {
    let root = definition();
    let mut page = HEAD.to_owned();
    about(&root, &mut page);
    options(&root, true, &mut page);
    page.push_str("\n## Commands\n\n");
    for command in shown(&root) {
        let name = title(command);
        let short = escaped(&help::short(command));
        let _infallible = writeln!(page, "- [`{name}`](#{}): {short}", anchor(name));
    }
    for command in shown(&root) {
        section(command, &mut page);
    }
    page
}

fn section(command: &Command, page: &mut String) {
    let name = title(command);
    let marks = if name.split(' ').count() > 2 {
        "###"
    } else {
        "##"
    };
    let _infallible = writeln!(page, "\n{marks} {name}");
    about(command, page);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _infallible = writeln!(page, "\n```text\n{usage}\n```");
    options(command, false, page);
    let after = help::after(command);
    if !after.examples.is_empty() {
        let examples = after.examples.join("\n");
        let _infallible = writeln!(page, "\n```sh\n{examples}\n```");
    }
    for remark in after.remarks {
        let _infallible = writeln!(page, "\n{}", escaped(&remark));
    }
    for inner in shown(command) {
        section(inner, page);
    }
}

fn about(command: &Command, page: &mut String) {
    for piece in help::pieces(&help::about(command)) {
        let _infallible = match piece {
            Piece::Paragraph(text) => writeln!(page, "\n{}", escaped(&text)),
            Piece::Block(lines) => writeln!(page, "\n```text\n{}\n```", lines.join("\n")),
        };
    }
}

/// Those of one command; those that every command takes stand once, with `everywhere`.
fn options(command: &Command, everywhere: bool, page: &mut String) {
    let mut first = true;
    for arg in command.get_arguments() {
        let clap_own = ["help", "version"].contains(&arg.get_id().as_str());
        if clap_own || arg.is_hide_set() || arg.is_global_set() != everywhere {
            continue;
        }
        if std::mem::take(&mut first) {
            page.push('\n');
        }
        option(arg, page);
    }
}

fn option(arg: &Arg, page: &mut String) {
    let short = arg.get_short().map(|short| format!("`-{short}`, "));
    let short = short.unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let _infallible = write!(page, "- {short}`{arg}`: {}", escaped(&help));
    for (what, values) in facts(arg) {
        let _infallible = write!(page, ". {what} {values}");
    }
    page.push('\n');
}

fn facts(arg: &Arg) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if !arg.get_action().takes_values() {
        return environment(arg).into_iter().collect();
    }
    let known = arg.get_possible_values();
    let known = known.iter().filter(|value| !value.is_hide_set());
    let known: Vec<_> = known
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !known.is_empty() {
        facts.push(("One of", known.join(", ")));
    }
    let default = arg.get_default_values().first();
    let default = default.and_then(|value| value.to_str());
    if let Some(default) = default.filter(|text| !text.is_empty())
        && !arg.is_hide_default_value_set()
    {
        facts.push(("Default:", format!("`{default}`")));
    }
    facts.extend(environment(arg));
    facts
}

fn environment(arg: &Arg) -> Option<(&'static str, String)> {
    let name = arg.get_env()?.to_str()?;
    Some(("Environment:", format!("`{name}`")))
}

/// As mdBook names a heading.
fn anchor(name: &str) -> String {
    name.replace(' ', "-")
}

/// What Markdown would take for a mark of its own, outside of code.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts: Vec<_> = parts
        .map(|(at, part)| match at % 2 {
            0 => part.replace('<', "\\<").replace('*', "\\*"),
            _ => part.to_owned(),
        })
        .collect();
    parts.join("`")
}
