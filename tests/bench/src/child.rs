//! Processes that lead a group of their own and end with the bench, however it ends.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::cores;

/// The hidden subcommand that becomes the process.
pub(crate) const SUBCOMMAND: &str = "become";

/// Stands where the number of a core may.
const ANY_CORE: &str = "any";

/// A running process and everything that it started in its group.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
}

impl Group {
    /// Starts a program, on this core only where there is one named. To be called by the main thread: to
    /// the kernel, the parent is the thread.
    pub(crate) fn spawn(
        command: &[OsString],
        core: Option<usize>,
        stdout: Stdio,
        stderr: Stdio,
    ) -> Result<Self> {
        let own = std::env::current_exe().context("finding the bench's own program")?;
        let child = Command::new(own)
            .arg(SUBCOMMAND)
            .arg(std::process::id().to_string())
            .arg(core.map_or_else(|| ANY_CORE.to_owned(), |core| core.to_string()))
            .args(command)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it writes, if that is piped and not yet taken.
    pub(crate) fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let leader = Pid::from_raw(i32::try_from(self.id()).unwrap_or(i32::MAX));
        // Who has ended already needs no signal.
        let _gone = killpg(leader, Signal::SIGKILL);
        let _collected = self.child.wait();
    }
}

/// Becomes `command`, bound to the life of `parent`; returns only when that fails.
pub(crate) fn become_command(parent: u32, core: &str, command: &[OsString]) -> io::Error {
    let Some((program, arguments)) = command.split_first() else {
        return io::Error::other("no program to become");
    };
    let stayed = core.parse().map_or(Ok(()), cores::stay_on);
    match stayed.and_then(|()| bind_to_parent(parent)) {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

#[cfg(target_os = "linux")]
fn bind_to_parent(parent: u32) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    // The parent may have died before the line above: then no signal ever comes.
    if std::os::unix::process::parent_id() == parent {
        Ok(())
    } else {
        Err(io::Error::other("the bench is gone"))
    }
}

// Elsewhere only an orderly end of the bench takes its children with it.
#[cfg(not(target_os = "linux"))]
fn bind_to_parent(_parent: u32) -> io::Result<()> {
    Ok(())
}
