//! A child process that leads its own process group, writes to a file, and ends with its owner.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::wait;

/// How much of a log a failing test shows.
const TAIL_BYTES: usize = 6 * 1024;

/// A running child and everything that it started in its group.
#[derive(Debug)]
pub struct Group {
    child: Child,
    log: PathBuf,
}

impl Group {
    /// Starts `command` with both outputs appended to `log`.
    ///
    /// # Errors
    /// When the log or the program cannot be opened.
    pub fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        Ok(Self {
            child,
            log: log.to_path_buf(),
        })
    }

    /// The group's id, which is the leader's.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of what it wrote.
    #[must_use]
    pub fn tail(&self) -> String {
        tail(&self.log)
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// When the system does not know the child.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks the leader to stop (SIGINT, as Ctrl-C does) and waits for its end.
    ///
    /// # Errors
    /// When it does not end within `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        if self.ended()?.is_none() {
            let _ = kill(pid(self.id()), Signal::SIGINT);
        }
        wait::until("the process ended after SIGINT", limit, || self.ended())
    }

    /// Kills the whole group, and waits for the leader.
    pub fn kill(&mut self) {
        let _ = killpg(pid(self.id()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills one process at once, as a crash would.
///
/// # Errors
/// When there is no such process.
pub fn crash(id: u32) -> Result<()> {
    kill(pid(id), Signal::SIGKILL).with_context(|| format!("killing process {id}"))
}

/// Is there a process of this group left (one that has ended and is not yet collected does not count)?
#[must_use]
pub fn members(group: u32) -> Vec<(u32, String)> {
    stats()
        .filter(|stat| stat.group == group && stat.state != 'Z')
        .map(|stat| (stat.id, stat.name))
        .collect()
}

/// Is this process running?
#[must_use]
pub fn runs(id: u32) -> bool {
    stats().any(|stat| stat.id == id && stat.state != 'Z')
}

/// Who was started with an argument that names `part`, such as a folder of a test's own?
#[must_use]
pub fn with_argument(part: &str) -> Vec<(u32, String)> {
    stats()
        .filter(|stat| stat.state != 'Z' && stat.id != std::process::id())
        .filter(|stat| {
            let arguments = std::fs::read(format!("/proc/{}/cmdline", stat.id));
            arguments.is_ok_and(|text| String::from_utf8_lossy(&text).contains(part))
        })
        .map(|stat| (stat.id, stat.name))
        .collect()
}

/// The last few kilobytes of a file.
#[must_use]
pub fn tail(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap_or_default();
    let start = bytes.len().saturating_sub(TAIL_BYTES);
    String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned()
}

struct Stat {
    id: u32,
    name: String,
    state: char,
    group: u32,
}

fn stats() -> impl Iterator<Item = Stat> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|id| {
            parse(
                id,
                &std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?,
            )
        })
}

/// `proc_pid_stat(5)`: `id (name) state parent group …`; the name may itself hold spaces and brackets.
fn parse(id: u32, text: &str) -> Option<Stat> {
    let (head, rest) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let group = fields.nth(1)?.parse().ok()?;
    Some(Stat {
        id,
        name: name.to_owned(),
        state,
        group,
    })
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}
