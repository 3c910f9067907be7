//! Watches over a stack that is ready. By default a part that dies is reported and stays down, so that
//! one can see what the others do without it; only Envoy's end ends the stack.

use std::time::Instant;

use super::args::UpArgs;
use super::error::UpError;
use super::part::PartName;
use super::progress::Progress;
use super::record::Record;
use super::stack::{Ended, Stack};
use super::stop_signals::StopSignals;

/// What the watch needs beside the stack.
pub(crate) struct Supervisor<'a> {
    pub(crate) args: &'a UpArgs,
    pub(crate) record: &'a mut Record,
    pub(crate) progress: &'a Progress,
}

impl Supervisor<'_> {
    /// Returns when the stack is to stop.
    pub(crate) async fn run(
        self,
        stack: &mut Stack,
        signals: &mut StopSignals,
    ) -> Result<(), UpError> {
        loop {
            for ended in stack.reap() {
                self.one_ended(stack, &ended)?;
                write_record(self.record, stack, self.args, Some(ended.name))?;
            }
            let started = stack.restart_due(Instant::now())?;
            for (part, pid) in &started {
                self.progress
                    .say(&format!("{part} is started again (process {pid})"));
            }
            if !started.is_empty() {
                write_record(self.record, stack, self.args, None)?;
            }
            let due = stack.next_restart();
            tokio::select! {
                go_on = signals.child_or_stop() => if !go_on { return Ok(()) },
                () = until(due) => {}
            }
        }
    }

    fn one_ended(&self, stack: &mut Stack, ended: &Ended) -> Result<(), UpError> {
        let (name, how) = (ended.name, ended.how());
        if self.args.restart_parts.contains(&name) {
            if let Some(wait) = stack.plan_restart(name, Instant::now()) {
                self.progress.say(&format!(
                    "{name} (process {}) {how}; it is started again in {} ms",
                    ended.pid,
                    wait.as_millis()
                ));
            }
            return Ok(());
        }
        // Without Envoy there is no stack; a part alone is its own.
        if name == PartName::Envoy || self.args.only.is_some() {
            return Err(stack.died(ended));
        }
        self.progress.say(&stack.died(ended).to_string());
        self.progress.say(&format!(
            "the rest goes on without it; start it again with `countersign up --only {} --state-dir {}`",
            name.id(),
            self.record.state_dir.display()
        ));
        Ok(())
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Notes the present processes in the record and writes it. What a part started alone has noted about
/// itself meanwhile stays; only `ended`, which just did, is noted as down.
pub(crate) fn write_record(
    record: &mut Record,
    stack: &Stack,
    args: &UpArgs,
    ended: Option<PartName>,
) -> Result<(), UpError> {
    if let Some(found) = Record::read(&record.state_dir) {
        record.parts = found.parts;
    }
    for running in stack.parts() {
        let pid = running.pid();
        if pid.is_some() || ended == Some(running.part.name) {
            record.note(&running.part, pid, running.restarts);
        }
    }
    record.parts.sort_by_key(|part| part.name);
    let ready_file = args.ready_file.as_deref();
    record.write(ready_file).map_err(|source| UpError::File {
        path: ready_file.unwrap_or(&record.state_dir).to_owned(),
        source,
        option: "--ready-file",
    })
}
