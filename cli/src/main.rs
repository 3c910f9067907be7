//! The `countersign` command: checks and applies policies, shows what a fleet does with them, and runs
//! the whole stack on one machine.

mod api;
mod cli;
mod colour;
mod commands;
mod contexts;
mod documents;
mod failure;
mod limits;
mod output;
mod private_file;
mod progress;
#[cfg(test)]
mod scratch;
mod shop;
mod sources;
mod target;
mod up;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use countersign_control_plane::clock::Clock;
use countersign_control_plane::simulate::Timestamp;

use cli::{Cli, Command};
use commands::{Context, Outcome};
use failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            refuse(&error, std::env::args());
            // Help and version are asked for; all else is the input's fault.
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match run(cli) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let colour = colour::wanted(io::stderr().is_terminal());
            let word = colour::paint(colour, colour::RED, "error");
            eprintln!("{word}: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Says what is wrong with the arguments, or the help that was asked for. A token that was given as one of
/// them is not repeated: terminals are recorded and logs are kept.
fn refuse(error: &clap::Error, arguments: impl Iterator<Item = String>) {
    let secrets: Vec<_> = arguments
        .filter_map(|argument| target::token_within(&argument).map(str::to_owned))
        .collect();
    if secrets.is_empty() {
        let _terminal_gone = error.print();
        return;
    }
    let mut text = error.render().to_string();
    for secret in secrets {
        text = text.replace(&secret, "csn_…");
    }
    eprint!("{text}");
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    let context = Context {
        control_plane: cli.target,
        output: cli.output,
    };
    let command = match cli.command {
        // These need no runtime.
        Command::Check(args) => return Ok(commands::check::run(&args, &context)?),
        Command::Test(args) => return Ok(commands::test::run(&args, &context)?),
        Command::Explain(args) => return Ok(commands::explain::run(&args, &context, now())?),
        Command::Expr => return Ok(commands::expr::run()?),
        Command::Context(command) => return Ok(commands::context::run(&command, &context)?),
        Command::Completions { shell } => return completions(shell),
        Command::Man { directory } => return manual(&directory, &context),
        Command::Reference => return print(documents::reference().as_bytes()),
        Command::RunPart {
            parent,
            program,
            args,
        } => {
            return Err(Failure::RunPart(up::part::become_part(
                parent, &program, &args,
            )));
        }
        other => other,
    };
    // One thread: the kernel ends a part when the *thread* that started it ends, so parts must be
    // started by a thread that lives as long as the program.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?
        .block_on(run_async(command, &context))
}

async fn run_async(command: Command, context: &Context) -> Result<Outcome, Failure> {
    Ok(match command {
        Command::Up(args) => {
            up::run(&args, context.output, time::OffsetDateTime::now_utc()).await?;
            Outcome::Fine
        }
        Command::Shop(args) => {
            shop::run(&args).await?;
            Outcome::Fine
        }
        Command::Apply(args) => commands::apply::run(&args, context).await?,
        Command::Get(args) => commands::resources::get(&args, context).await?,
        Command::Delete(args) => commands::resources::delete(&args, context).await?,
        Command::Nodes(args) => commands::nodes::run(&args, context).await?,
        Command::Relays => commands::relays::run(context).await?,
        Command::Events(command) => commands::events::run(&command, context).await?,
        Command::Traffic(args) => commands::traffic::run(&args, context).await?,
        Command::Proposals(args) => commands::proposals::run(&args, context).await?,
        Command::Rollout(command) => commands::rollout::run(&command, context).await?,
        Command::History(args) => commands::history::run(&args, context).await?,
        Command::Diff(args) => commands::diff::run(&args, context).await?,
        Command::Rollback(args) => commands::rollback::run(&args, context).await?,
        Command::Access(command) => commands::access::run(&command, context, now_ms()).await?,
        Command::Passkeys(command) => commands::passkeys::run(&command, context).await?,
        Command::Audit(args) => commands::audit::run(&args, context).await?,
        Command::Doctor(args) => commands::doctor::run(&args, context, &Clock::system()).await?,
        Command::Keys(command) => commands::keys::run(&command, context).await?,
        Command::Sessions(command) => commands::sessions::run(&command, context).await?,
        Command::Simulate(args) => commands::simulate::run(&args, context, now()).await?,
        Command::Check(_)
        | Command::Test(_)
        | Command::Explain(_)
        | Command::Expr
        | Command::Context(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Reference
        | Command::RunPart { .. } => Outcome::Fine,
    })
}

/// The clock, read here and nowhere below.
fn now_ms() -> u64 {
    Clock::system().now()
}

fn now() -> Timestamp {
    let milliseconds = i64::try_from(now_ms()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(milliseconds.saturating_mul(1_000_000))
}

fn completions(shell: clap_complete::Shell) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    print(&script)
}

fn manual(directory: &Path, context: &Context) -> Result<Outcome, Failure> {
    let pages = documents::write_manual(directory)?;
    let printed = context.output.print(&pages, |pages| {
        let directory = directory.display();
        format!(
            "{} pages; read one with `man {directory}/countersign.1`\n",
            pages.len()
        )
    });
    printed.map_err(commands::CommandError::from)?;
    Ok(Outcome::Fine)
}

fn print(text: &[u8]) -> Result<Outcome, Failure> {
    let written = io::stdout().write_all(text);
    written.map_err(|error| Failure::Command(output::OutputError::Write(error).into()))?;
    Ok(Outcome::Fine)
}
