//! `countersign simulate`: what policies would do with recorded requests, here and by the filter's
//! engine, and what they would change.

mod input;
mod numbers;
mod view;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use countersign_control_plane::resource::{Document, parse_document};
use countersign_control_plane::simulate::{
    Defaults, GivenSession, Report, Set, Simulation, Timestamp,
};
use countersign_proto::admin::v1 as admin;

use super::set::{self, Grade};
use super::{CommandError, Context, Outcome};
use crate::api::{self, ApiError};
use crate::colour;
use crate::output::Output;
use crate::sources;
use input::Input;

pub(crate) use input::InputError;

/// The options of `countersign simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Files, directories with all below them, or `-` for standard input: the policies
    #[arg(long, required = true, num_args = 1.., value_name = "FILE|DIR")]
    policies: Vec<PathBuf>,

    /// Files of recorded requests, or `-` for standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    requests: Vec<PathBuf>,

    /// Shows what changes from these policies
    #[arg(long, num_args = 1.., value_name = "FILE|DIR", conflicts_with = "against_current")]
    against: Vec<PathBuf>,

    /// Shows what changes from what the control plane has in force
    #[arg(long)]
    against_current: bool,

    /// Exits with 1 when any request gets another answer
    #[arg(long)]
    fail_on_change: bool,

    /// Gives every request a session of this grade
    #[arg(long, value_enum, value_name = "GRADE")]
    session: Option<Grade>,

    /// So many seconds after its proof
    #[arg(
        long,
        requires = "session",
        default_value_t = 0,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u32)
    )]
    session_age: u32,

    /// And a newer, lesser proof beside it, just given
    #[arg(long, requires = "session", value_enum, value_name = "GRADE")]
    also: Option<Grade>,

    /// The other end of connections that are not recorded
    #[arg(long, default_value = set::DEFAULT_PEER, value_name = "ADDRESS")]
    peer: std::net::IpAddr,
}

pub(crate) async fn run(
    args: &SimulateArgs,
    context: &Context,
    now: Timestamp,
) -> Result<Outcome, CommandError> {
    if args.fail_on_change && args.against.is_empty() && !args.against_current {
        return Err(CommandError::NothingToCompare);
    }
    let paths = args.policies.iter().chain(&args.requests);
    set::one_reads_standard_input(paths.chain(&args.against))?;
    let colour = colour::wanted(std::io::stderr().is_terminal());
    // What is not there is said before anything is compiled.
    let inputs = input::open(&args.requests)?;
    let Some((policies, _)) = set::load(sources::read(&args.policies)?, now, context, colour)?
    else {
        return Ok(Outcome::Refused);
    };
    let against = match against(args, now, context, colour).await? {
        Against::Set(set) => Some(set),
        Against::Nothing => None,
        Against::Refused => return Ok(Outcome::Refused),
    };
    let defaults = Defaults {
        now,
        peer: args.peer.to_string(),
        session: args.session.map(|grade| GivenSession {
            assurance: grade.into(),
            age_s: args.session_age.into(),
            also: args.also.map(Into::into),
        }),
    };
    let mut simulation = Simulation::new(policies, against, defaults);
    let began = Instant::now();
    read(&mut simulation, inputs)?;
    let records = simulation.judged();
    let report = simulation.into_report();
    if context.output == Output::Table
        && let Some(speed) = numbers::speed(records, began.elapsed())
    {
        eprintln!("{speed}");
    }
    let colour = colour::wanted(std::io::stdout().is_terminal());
    context
        .output
        .print(&report, |report| view::text(report, colour))?;
    Ok(outcome(args, &report))
}

fn outcome(args: &SimulateArgs, report: &Report) -> Outcome {
    let changed = report
        .against
        .as_ref()
        .is_some_and(|comparison| comparison.changed > 0);
    if report.read.is_no_recording() || (args.fail_on_change && changed) {
        Outcome::Refused
    } else {
        Outcome::Fine
    }
}

fn read(simulation: &mut Simulation, inputs: Vec<Input>) -> Result<(), CommandError> {
    for input in inputs {
        let name = input.name.clone();
        let mut reader = input.into_reader();
        simulation
            .read(&name, &mut reader)
            .map_err(|source| InputError::Read { name, source })?;
        // What a terminal shows of it goes with it.
        drop(reader);
    }
    Ok(())
}

enum Against {
    Nothing,
    Set(Set),
    Refused,
}

async fn against(
    args: &SimulateArgs,
    now: Timestamp,
    context: &Context,
    colour: bool,
) -> Result<Against, CommandError> {
    let set = if args.against_current {
        let Some(documents) = current(context, colour).await? else {
            return Ok(Against::Refused);
        };
        set::load_documents(&documents, now, context, colour)?
    } else if args.against.is_empty() {
        return Ok(Against::Nothing);
    } else {
        set::load(sources::read(&args.against)?, now, context, colour)?.map(|(set, _)| set)
    };
    Ok(set.map_or(Against::Refused, Against::Set))
}

/// What the control plane has in force; `None` = this program cannot read it, and said so.
async fn current(context: &Context, colour: bool) -> Result<Option<Vec<Document>>, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let request = admin::ListResourcesRequest::default();
    let answer = super::all::resources(&mut client, request).await?;
    if answer.revision.is_empty() {
        let message = "the control plane has no policies in force; leave `--against-current` out";
        return Err(ApiError::NotFound(message.to_owned()).into());
    }
    let mut documents = Vec::with_capacity(answer.resources.len());
    for resource in answer.resources {
        let name = resource.r#ref.unwrap_or_default().name;
        let file = if resource.file.is_empty() {
            name
        } else {
            resource.file
        };
        match parse_document(&resource.source, &file, 1) {
            Ok(document) => documents.push(document),
            Err(findings) => return set::refused(&findings, context, colour).map(|()| None),
        }
    }
    Ok(Some(documents))
}
