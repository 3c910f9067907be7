//! `countersign doctor`: looks at everything that has to work together, and says what to do where it does
//! not.

mod address;
mod bootstrap;
mod certificate;
mod envoy;
mod finding;
mod fleet;
mod plane;
mod probe;
mod sidecar;
mod step_up;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use countersign_control_plane::clock::Clock;

use super::{CommandError, Context, Outcome};
use crate::colour;
use crate::progress::Spinner;
use crate::target::{DEFAULT_CONTROL_PLANE, Target};
use crate::up::LocalStack;
use finding::Report;

/// Where REST answers in a stack with the default ports.
const DEFAULT_API: &str = "http://127.0.0.1:8080";

/// The options of `countersign doctor`.
#[derive(Debug, Default, Args)]
pub(crate) struct DoctorArgs {
    /// The control plane's address of REST and dashboard [default: that of the stack on this machine]
    #[arg(long, env = "COUNTERSIGN_API", value_name = "URL")]
    api: Option<String>,

    /// Envoy's bootstrap, with everything filled in [default: that of the stack on this machine]
    #[arg(long, value_name = "FILE")]
    envoy_config: Option<PathBuf>,

    /// The Envoy that runs it: its version, and whether it takes the bootstrap [default: that of the stack
    /// on this machine]
    #[arg(long, env = "ENVOY_BIN", value_name = "PATH")]
    envoy: Option<PathBuf>,

    /// Where Envoy reaches the auth sidecar [default: as the bootstrap says]
    #[arg(long, value_name = "URL")]
    sidecar: Option<String>,

    /// The state directory of a stack that `countersign up` runs
    #[arg(
        long,
        env = "COUNTERSIGN_STATE_DIR",
        value_name = "DIR",
        default_value = ".countersign"
    )]
    state_dir: PathBuf,
}

pub(crate) async fn run(
    args: &DoctorArgs,
    context: &Context,
    clock: &Clock,
) -> Result<Outcome, CommandError> {
    let spinner = Spinner::begin("asking the control plane");
    let stack = local(args, &context.control_plane);
    let mut findings = plane::grpc(&context.control_plane, clock).await;
    spinner.now("asking REST");
    let api = args.api.clone();
    let api = api.or_else(|| stack.as_ref().map(|stack| stack.api.clone()));
    findings.extend(plane::rest(api.as_deref(), &context.control_plane, clock).await);
    spinner.now("reading Envoy's bootstrap");
    let envoy::Looked {
        findings: found,
        sidecar: told,
        clusters,
    } = envoy::look(args, stack.as_ref(), clock).await;
    findings.extend(found);
    spinner.now("asking the auth sidecar");
    let sidecar = args.sidecar.clone().or(told);
    let sidecar = sidecar.or_else(|| stack.map(|stack| stack.sidecar));
    findings.extend(sidecar::look(sidecar.as_deref(), args.sidecar.is_some()).await);
    spinner.now("reading the policies");
    let answers = plane::answers(&findings);
    findings.extend(step_up::look(&context.control_plane, answers, clusters.as_deref()).await);
    spinner.end();

    let report = Report::from(findings);
    let colour = colour::wanted(std::io::stdout().is_terminal());
    context
        .output
        .print(&report, |report| report.text(colour))?;
    Ok(match report.failed {
        0 => Outcome::Fine,
        _ => Outcome::Refused,
    })
}

/// The stack on this machine, if it is the one that is asked.
fn local(args: &DoctorArgs, target: &Target) -> Option<LocalStack> {
    let asked = target.resolve().map(|resolved| resolved.address);
    // Where the token cannot be read, the rest is looked at all the same.
    let asked = asked.ok().or_else(|| target.control_plane.clone());
    let asked = asked.unwrap_or_else(|| DEFAULT_CONTROL_PLANE.to_owned());
    LocalStack::find(&args.state_dir, &asked)
}
