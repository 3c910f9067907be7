//! `countersign explain`: why one request gets the answer it gets, here and by the filter's engine.

mod view;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use countersign_control_plane::resource::SourceFile;
use countersign_control_plane::simulate::{
    self, Defaults, Given, GivenError, GivenSession, Options, Timestamp,
};

use super::set::{self, Grade};
use super::{CommandError, Context, Outcome};
use crate::colour;
use crate::sources;

/// The options of `countersign explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Files, directories with all below them, or `-` for standard input: the policies
    #[arg(long, required = true, num_args = 1.., value_name = "FILE|DIR")]
    policies: Vec<PathBuf>,

    /// The request: a file as `request:` of a `PolicyTest`, or one recorded request; `-` for standard
    /// input
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "url",
        conflicts_with = "url"
    )]
    request: Option<PathBuf>,

    /// The request: `https://shop.example.com/checkout`, or only the path
    #[arg(long)]
    url: Option<String>,

    /// Its method [default: GET]
    #[arg(long, requires = "url")]
    method: Option<String>,

    /// One of its headers; say it again for more
    #[arg(long, requires = "url", value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// The other end of its connection [default: 127.0.0.1]
    #[arg(long, requires = "url", value_name = "ADDRESS")]
    peer: Option<String>,

    /// When it comes: RFC 3339, or seconds since 1970 [default: when it was recorded, or now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,

    /// It carries a session of this grade
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

    /// Its upstream, a cluster of Envoy, answers that it wants more proof
    #[arg(long, requires = "step_up", value_name = "CLUSTER")]
    upstream: Option<String>,

    /// In these words: what its `countersign-step-up` says, such as `uv;max-age=300`
    #[arg(long, requires = "upstream", value_name = "DEMAND")]
    step_up: Option<String>,
}

pub(crate) fn run(
    args: &ExplainArgs,
    context: &Context,
    now: Timestamp,
) -> Result<Outcome, CommandError> {
    let colour = colour::wanted(std::io::stderr().is_terminal());
    set::one_reads_standard_input(args.policies.iter().chain(&args.request))?;
    let mut given = match given(args) {
        Ok(given) => given,
        Err(GivenProblem::Command(error)) => return Err(error),
        Err(GivenProblem::Given(GivenError::Findings(findings))) => {
            set::refused(&findings, context, colour)?;
            return Ok(Outcome::Refused);
        }
        Err(GivenProblem::Given(error)) => return Err(error.into()),
    };
    if let Some(time) = &args.time {
        given.at(time);
    }
    if let Some(grade) = args.session {
        given.with_session(GivenSession {
            assurance: grade.into(),
            age_s: args.session_age.into(),
            also: args.also.map(Into::into),
        });
    }
    if let (Some(upstream), Some(demand)) = (&args.upstream, &args.step_up) {
        given.with_step_up(upstream, demand);
    }
    let Some((set, documents)) = set::load(sources::read(&args.policies)?, now, context, colour)?
    else {
        return Ok(Outcome::Refused);
    };
    let defaults = Defaults {
        now,
        peer: set::DEFAULT_PEER.to_owned(),
        session: None,
    };
    let explained = simulate::explain(set, &documents, given, &defaults)?;
    let colour = colour::wanted(std::io::stdout().is_terminal());
    context
        .output
        .print(&explained, |explained| view::text(explained, colour))?;
    Ok(Outcome::Fine)
}

enum GivenProblem {
    Command(CommandError),
    Given(GivenError),
}

fn given(args: &ExplainArgs) -> Result<Given, GivenProblem> {
    let Some(path) = &args.request else {
        return Given::from_options(&Options {
            url: args.url.clone().unwrap_or_default(),
            method: args.method.clone(),
            headers: args.header.clone(),
            peer: args.peer.clone(),
        })
        .map_err(GivenProblem::Given);
    };
    let sources = sources::read(std::slice::from_ref(path))
        .map_err(|error| GivenProblem::Command(error.into()))?;
    match sources.as_slice() {
        [SourceFile { name, content }] => {
            Given::from_file(name, content).map_err(GivenProblem::Given)
        }
        several => Err(GivenProblem::Given(GivenError::NotOne {
            file: path.display().to_string(),
            requests: several.len() as u64,
        })),
    }
}
