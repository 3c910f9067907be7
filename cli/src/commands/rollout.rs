//! `countersign rollout`: how a new revision gets to the nodes, and what can be done about it.

mod view;

use std::io::Write as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use countersign_proto::admin::v1 as admin;

use super::apply::author;
use super::{CommandError, Context, Outcome};
use crate::output::{Output, OutputError};
use crate::{api, output};
use view::Rollout;

/// How often `--watch` looks.
const LOOK: Duration = Duration::from_secs(1);

/// The commands of `countersign rollout`.
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Shows the rollout under way, or the last one: stage, gates with their numbers, nodes
    #[command(after_help = "Examples:
  countersign rollout status
  countersign rollout status --watch")]
    Status {
        /// Go on showing it until it has ended
        #[arg(short, long)]
        watch: bool,
    },
    /// Shows the last rollouts
    #[command(after_help = "Examples:
  countersign rollout history --limit 5")]
    History {
        /// How many, newest first
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Lets a rollout begin that waits for approval; whoever made the change cannot
    #[command(after_help = "Examples:
  countersign rollout approve -m 'seen with ann'")]
    Approve(Why),
    /// Ends a rollout that waits for approval
    #[command(after_help = "Examples:
  countersign rollout reject -m 'not before the sale'")]
    Reject(Why),
    /// Holds the stage: nodes keep what they run, and gates go on guarding them
    #[command(after_help = "Examples:
  countersign rollout pause -m 'lunch'")]
    Pause(Why),
    /// Goes on with a paused rollout
    #[command(after_help = "Examples:
  countersign rollout resume")]
    Resume(Why),
    /// Skips the rest of the stage
    #[command(after_help = "Examples:
  countersign rollout promote
  countersign rollout promote --all")]
    Promote {
        /// Skip the rest of all stages: every node gets it now
        #[arg(long)]
        all: bool,

        #[command(flatten)]
        why: Why,
    },
    /// Ends the rollout: every node goes back to the stable revision
    #[command(after_help = "Examples:
  countersign rollout abort -m 'checkout was blocked'")]
    Abort(Why),
}

/// Why something is done.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why: kept with the rollout
    #[arg(short, long, default_value = "", hide_default_value = true)]
    message: String,
}

pub(crate) async fn run(
    command: &RolloutCommand,
    context: &Context,
) -> Result<Outcome, CommandError> {
    use admin::RolloutAction as Action;
    match command {
        RolloutCommand::Status { watch } => status(*watch, context).await,
        RolloutCommand::History { limit } => history(*limit, context).await,
        RolloutCommand::Approve(why) => act(Action::Approve, why, context).await,
        RolloutCommand::Reject(why) => act(Action::Reject, why, context).await,
        RolloutCommand::Pause(why) => act(Action::Pause, why, context).await,
        RolloutCommand::Resume(why) => act(Action::Resume, why, context).await,
        RolloutCommand::Promote { all: true, why } => act(Action::PromoteAll, why, context).await,
        RolloutCommand::Promote { all: false, why } => act(Action::Promote, why, context).await,
        RolloutCommand::Abort(why) => act(Action::Abort, why, context).await,
    }
}

async fn act(
    action: admin::RolloutAction,
    why: &Why,
    context: &Context,
) -> Result<Outcome, CommandError> {
    let request = admin::ActOnRolloutRequest {
        action: action.into(),
        author: author(),
        message: why.message.clone(),
    };
    let mut client = api::connect(&context.control_plane).await?;
    let rollout = Rollout::from(client.act_on_rollout(request).await?.into_inner());
    context.output.print(&rollout, Rollout::line)?;
    Ok(Outcome::Fine)
}

async fn current(client: &mut api::Client) -> Result<Option<Rollout>, CommandError> {
    let answer = client.get_rollout(admin::GetRolloutRequest {}).await?;
    Ok(answer.into_inner().rollout.map(Rollout::from))
}

async fn status(watch: bool, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let mut shown = String::new();
    loop {
        let rollout = current(&mut client).await?;
        let text = context.output.render(&rollout, |rollout| match rollout {
            Some(rollout) => rollout.text(),
            None => "there is no rollout\n".to_owned(),
        })?;
        if text != shown {
            // Programs get a document each time; people see it change in its place.
            let again = watch && !shown.is_empty();
            if again && context.output == Output::Yaml {
                print(false, "---")?;
            }
            print(again && context.output == Output::Table, &text)?;
            shown = text;
        }
        let open = rollout.is_some_and(|rollout| rollout.is_open());
        if !watch || !open {
            return Ok(Outcome::Fine);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn print(clear: bool, text: &str) -> Result<(), OutputError> {
    let mut out = std::io::stdout().lock();
    if clear && std::io::IsTerminal::is_terminal(&out) {
        out.write_all(b"\x1b[2J\x1b[H")?;
    }
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

async fn history(limit: u32, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let request = admin::ListRolloutsRequest { limit };
    let answer = client.list_rollouts(request).await?.into_inner();
    let rollouts: Vec<_> = answer.rollouts.into_iter().map(Rollout::from).collect();
    context.output.print(&rollouts, |rollouts| {
        output::table(
            [
                "rollout", "state", "strategy", "stage", "began", "author", "why",
            ],
            rollouts.iter().map(Rollout::row),
            "there was no rollout yet",
        )
    })?;
    Ok(Outcome::Fine)
}
