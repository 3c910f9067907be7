//! `countersign rollback`: the resources of a former revision, by a new one.

use clap::Args;
use countersign_proto::admin::v1 as admin;

use super::apply::{Applied, author};
use super::{CommandError, Context, Outcome};
use crate::api;
use crate::progress::Spinner;

/// The options of `countersign rollback`.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The revision to go back to, named as `countersign history` shows it or by its number
    revision: String,

    /// Compile in the control plane, show what would be another, change nothing
    #[arg(long)]
    dry_run: bool,

    /// Why: kept with the new revision [default: that it is a rollback, and to which revision]
    #[arg(short, long, default_value = "", hide_default_value = true)]
    message: String,

    /// The revision that the change was made against: refused when resources were changed since
    #[arg(
        long,
        default_value = "",
        value_name = "REVISION",
        hide_default_value = true
    )]
    base: String,
}

pub(crate) async fn run(args: &RollbackArgs, context: &Context) -> Result<Outcome, CommandError> {
    let request = admin::RollbackRequest {
        revision: args.revision.clone(),
        author: author(),
        message: args.message.clone(),
        base: args.base.clone(),
        dry_run: args.dry_run,
    };
    let spinner = Spinner::begin("compiling");
    let mut client = api::connect(&context.control_plane).await?;
    let answer = client.rollback(request).await?.into_inner();
    spinner.end();
    Applied::new(answer, args.dry_run).print(context)
}
