//! `countersign up`: the whole stack on one machine, from nothing to ready, until it is told to stop.

mod access;
pub(crate) mod args;
mod bootstrap;
mod certificates;
mod error;
pub(crate) mod find;
mod local;
mod logs;
pub(crate) mod part;
mod plan;
mod ports;

mod progress;
mod ready;
mod record;
mod settings;
mod stack;
mod start;
mod stop_signals;
mod summary;
mod supervise;

pub(crate) use error::UpError;
pub(crate) use local::LocalStack;
pub(crate) use ports::is_free;

use std::fs::{File, TryLockError};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use access::AccessFiles;
use args::UpArgs;
use certificates::Certificates;
use part::{Part, PartName};
use progress::Progress;
use record::Record;
use settings::Resolved;
use stack::Stack;
use stop_signals::StopSignals;
use time::OffsetDateTime;

use crate::colour;
use crate::commands::check;
use crate::output::Output;
use crate::private_file;

/// Envoy's finished bootstrap, in the state directory.
const ENVOY_CONFIG: &str = "envoy.yaml";

/// Runs until it is told to stop, or until a part that must not die does.
pub(crate) async fn run(args: &UpArgs, output: Output, now: OffsetDateTime) -> Result<(), UpError> {
    let mut signals = StopSignals::new()?;
    let mut prepared = prepare(args, now)?;
    let progress = Progress::new();
    let mut stack = Stack::default();

    let ended = tokio::select! {
        started = start_and_tell(args, output, &mut prepared, &mut stack, &progress) => started,
        () = signals.stop() => Ok(false),
    };
    let ended = match ended {
        Ok(true) => {
            let supervisor = supervise::Supervisor {
                args,
                record: &mut prepared.record,
                progress: &progress,
            };
            supervisor.run(&mut stack, &mut signals).await
        }
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };

    // A second Ctrl-C must not leave half a stack behind: signals stay caught while the parts stop.
    stack
        .stop(|part| progress.say(&format!("stopped {part}")))
        .await;
    prepared.forget(args);
    ended
}

/// What is there before the first part starts.
struct Prepared {
    resolved: Resolved,
    record: Record,
    parts: Vec<Part>,
    /// Held for as long as the stack runs; not for a part alone, which joins another's stack.
    _lock: Option<File>,
}

fn prepare(args: &UpArgs, now: OffsetDateTime) -> Result<Prepared, UpError> {
    let resolved = settings::resolve(args)?;
    let wanted = match args.only {
        Some(name) => vec![name],
        None => resolved.part_names(),
    };
    let access = access::ensure(&resolved.state_dir.join("access"))?;
    let parts = wanted
        .iter()
        .map(|name| plan::part(&resolved, &access, *name))
        .collect::<Result<Vec<_>, _>>()?;

    let state_dir = &resolved.state_dir;
    private_file::directory(&plan::log_dir(state_dir)).map_err(in_state_dir(state_dir))?;
    let lock = match args.only {
        Some(_) => None,
        None => Some(lock(state_dir)?),
    };
    if args.only.is_none_or(|only| only == PartName::ControlPlane) {
        check::policies_compile(&resolved.settings.policies)?;
    }
    let certificates = certificates::ensure(&state_dir.join("tls"), now)?;
    for part in &parts {
        logs::rotate(&part.log).map_err(in_state_dir(state_dir))?;
    }
    let bootstrap = plan::bootstrap(&resolved, &certificates, &access)?;
    private_file::write(&state_dir.join(ENVOY_CONFIG), bootstrap.as_bytes())
        .map_err(in_state_dir(state_dir))?;

    let record = record(args, &resolved, &certificates, &access);
    // The parts of a former stack are not those of this one.
    record.write(None).map_err(in_state_dir(state_dir))?;
    if let Some(path) = &args.ready_file {
        // A file of an earlier start would say "ready" too soon.
        let _absent = std::fs::remove_file(path);
    }
    Ok(Prepared {
        resolved,
        record,
        parts,
        _lock: lock,
    })
}

/// A part alone adds itself to the record of the stack that it joins.
fn record(
    args: &UpArgs,
    resolved: &Resolved,
    certificates: &Certificates,
    access: &AccessFiles,
) -> Record {
    let fresh = Record::new(resolved, certificates, access);
    match args.only {
        Some(_) => Record::read(&resolved.state_dir).map_or(fresh.clone(), |found| Record {
            pid: found.pid,
            parts: found.parts,
            ..fresh
        }),
        None => fresh,
    }
}

impl Prepared {
    /// The files that said "running" go; what a single part needs to find its wiring stays.
    fn forget(&mut self, args: &UpArgs) {
        if let Some(path) = &args.ready_file {
            let _absent = std::fs::remove_file(path);
        }
        if let Some(found) = Record::read(&self.resolved.state_dir) {
            self.record.parts = found.parts;
        }
        for part in &self.parts {
            let restarts = self.restarts(part.name);
            self.record.note(part, None, restarts);
        }
        let _directory_gone = self.record.write(None);
    }

    fn restarts(&self, name: PartName) -> u32 {
        let known = self.record.parts.iter().find(|part| part.name == name);
        known.map_or(0, |part| part.restarts)
    }
}

/// Starts everything, writes the files that say so, prints where it is.
async fn start_and_tell(
    args: &UpArgs,
    output: Output,
    prepared: &mut Prepared,
    stack: &mut Stack,
    progress: &Progress,
) -> Result<bool, UpError> {
    let Prepared {
        resolved,
        record,
        parts,
        ..
    } = prepared;
    let node = match args.only {
        Some(_) => {
            for part in parts.iter() {
                start::alone(stack, part, resolved, progress).await?;
            }
            None
        }
        None => Some(start::all(stack, parts, resolved, progress, record).await?),
    };
    // Before the file that says "ready": whoever waits for it asks at once.
    access::write_context(record);
    supervise::write_record(record, stack, args, None)?;
    if let Some(node) = node {
        let colour = colour::wanted(std::io::stdout().is_terminal());
        let program = std::env::args().next();
        let program = program.as_deref().unwrap_or("countersign");
        // A closed stdout is no reason to stop serving.
        let _closed = output.print(record, |record| {
            summary::text(record, &node, program, colour)
        });
    }
    Ok(true)
}

fn lock(state_dir: &Path) -> Result<File, UpError> {
    let path = state_dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(in_state_dir(state_dir))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(UpError::StateInUse {
            state_dir: state_dir.to_owned(),
            pid: Record::read(state_dir).map(|record| record.pid),
        }),
        Err(TryLockError::Error(source)) => Err(in_state_dir(state_dir)(source)),
    }
}

fn in_state_dir(state_dir: &Path) -> impl Fn(std::io::Error) -> UpError + use<> {
    let path: PathBuf = state_dir.to_owned();
    move |source| UpError::File {
        path: path.clone(),
        source,
        option: "--state-dir",
    }
}
