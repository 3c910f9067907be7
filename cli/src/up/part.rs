//! One program of the stack: what runs, where it listens, how one knows that it is ready.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::find;

/// The parts, in the order in which they start.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PartName {
    ControlPlane,
    Sidecar,
    Shop,
    Relay,
    Envoy,
}

impl PartName {
    pub(crate) const ALL: [Self; 5] = [
        Self::ControlPlane,
        Self::Sidecar,
        Self::Shop,
        Self::Relay,
        Self::Envoy,
    ];

    /// As the option takes it, as the log file is called.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Sidecar => "sidecar",
            Self::Shop => "shop",
            Self::Relay => "relay",
            Self::Envoy => "envoy",
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ControlPlane => "control plane",
            Self::Sidecar => "auth sidecar",
            Self::Shop => "demo shop",
            Self::Relay => "relay",
            Self::Envoy => "Envoy",
        })
    }
}

/// What is needed to run a part.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: PartName,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    /// Shown when it is ready.
    pub(crate) address: String,
    pub(crate) log: PathBuf,
    /// Answers 200 once the part does its work.
    pub(crate) ready_url: String,
}

impl Part {
    /// Starts the part in a process group of its own, so that a Ctrl-C in the terminal reaches `up`
    /// alone, which then stops the parts in order.
    pub(crate) fn spawn(&self) -> io::Result<Child> {
        let log = open_log(&self.log)?;
        let own = own_program()?;
        let mut command = Command::new(own);
        command
            .arg("run-part")
            .arg("--parent")
            .arg(std::process::id().to_string())
            .arg("--")
            .arg(&self.program)
            .args(&self.args)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| find::inherited(name)))
            // What they say goes to a file.
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        command.spawn()
    }
}

/// The running program itself, also when its file was replaced meanwhile: a part that is started again
/// after an upgrade, or a build, must not end the stack.
fn own_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}

fn open_log(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Becomes `program`, bound to the life of `parent`: however `up` ends, SIGKILL included, the kernel
/// ends this process with it.
pub(crate) fn become_part(parent: u32, program: &Path, args: &[String]) -> io::Error {
    if let Err(error) = bind_to_parent(parent) {
        return error;
    }
    Command::new(program).args(args).exec()
}

#[cfg(target_os = "linux")]
fn bind_to_parent(parent: u32) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // The parent may have died before the line above: then no signal ever comes.
    if std::os::unix::process::parent_id() == parent {
        Ok(())
    } else {
        Err(io::Error::other("`countersign up` is gone"))
    }
}

// Elsewhere only an orderly end of `up` takes the parts with it.
#[cfg(not(target_os = "linux"))]
fn bind_to_parent(_parent: u32) -> io::Result<()> {
    Ok(())
}
