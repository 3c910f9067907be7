//! Documents made from the definition of the command line: manual pages, and the reference in Markdown.

mod help;
mod man;
mod markdown;
#[cfg(test)]
mod tests;

use clap::{Command, CommandFactory as _};

use crate::cli::Cli;

pub(crate) use man::{ManError, write as write_manual};
pub(crate) use markdown::reference;

/// The definition with everything that clap adds to it.
fn definition() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The commands below one that are shown to people.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
}

/// `countersign access tokens create`.
fn title(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}
