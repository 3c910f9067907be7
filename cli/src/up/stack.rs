//! The processes of a running stack. However this value goes away, its processes go with it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::error::UpError;
use super::logs;
use super::part::{Part, PartName};
use crate::limits::{READY_POLL, RESTART_FIRST, RESTART_FORGET, RESTART_MOST, STOP_GRACE};

/// One part and its process.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) part: Part,
    child: Option<Child>,
    started: Instant,
    pub(crate) restarts: u32,
    deaths_in_a_row: u32,
    restart_at: Option<Instant>,
}

/// A part whose process has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: PartName,
    pub(crate) pid: u32,
    status: ExitStatus,
}

/// The parts in the order in which they were started.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    running: Vec<Running>,
}

impl Stack {
    /// Starts a part; it need not be ready yet.
    pub(crate) fn start(&mut self, part: Part) -> Result<(), UpError> {
        let child = spawn(&part)?;
        self.running.push(Running {
            part,
            child: Some(child),
            started: Instant::now(),
            restarts: 0,
            deaths_in_a_row: 0,
            restart_at: None,
        });
        Ok(())
    }

    /// Every part, running or not.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Running> {
        self.running.iter()
    }

    /// Collects what has ended since the last call.
    pub(crate) fn reap(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for running in &mut self.running {
            let Some(child) = &mut running.child else {
                continue;
            };
            if let Ok(Some(status)) = child.try_wait() {
                ended.push(Ended {
                    name: running.part.name,
                    pid: child.id(),
                    status,
                });
                running.child = None;
            }
        }
        ended
    }

    /// What to say about a part that ended and was to stay.
    pub(crate) fn died(&self, ended: &Ended) -> UpError {
        let log = self
            .running
            .iter()
            .find(|running| running.part.name == ended.name);
        let log = log
            .map(|running| running.part.log.clone())
            .unwrap_or_default();
        UpError::Died {
            part: ended.name,
            how: ended.how(),
            tail: logs::tail(&log),
            log,
        }
    }

    /// Plans another start of a part that has ended; the wait doubles at each death in a row.
    pub(crate) fn plan_restart(&mut self, name: PartName, now: Instant) -> Option<Duration> {
        let running = self
            .running
            .iter_mut()
            .find(|running| running.part.name == name)?;
        if now.duration_since(running.started) >= RESTART_FORGET {
            running.deaths_in_a_row = 0;
        }
        let wait = RESTART_FIRST
            .saturating_mul(
                1_u32
                    .checked_shl(running.deaths_in_a_row)
                    .unwrap_or(u32::MAX),
            )
            .min(RESTART_MOST);
        running.deaths_in_a_row = running.deaths_in_a_row.saturating_add(1);
        running.restart_at = Some(now + wait);
        Some(wait)
    }

    /// When the next planned start is due.
    pub(crate) fn next_restart(&self) -> Option<Instant> {
        self.running
            .iter()
            .filter_map(|running| running.restart_at)
            .min()
    }

    /// Starts what is due; gives the names and process ids.
    pub(crate) fn restart_due(&mut self, now: Instant) -> Result<Vec<(PartName, u32)>, UpError> {
        let mut started = Vec::new();
        for running in &mut self.running {
            if running.restart_at.is_some_and(|at| at <= now) {
                running.restart_at = None;
                let child = spawn(&running.part)?;
                started.push((running.part.name, child.id()));
                running.child = Some(child);
                running.started = now;
                running.restarts += 1;
            }
        }
        Ok(started)
    }

    /// Stops every part, the last one first: Envoy takes no more requests before what answers them goes.
    pub(crate) async fn stop(&mut self, mut said: impl FnMut(PartName)) {
        for running in self.running.iter_mut().rev() {
            running.restart_at = None;
            if let Some(mut child) = running.child.take() {
                signal(&child, Signal::SIGTERM);
                if !ends_within(&mut child, STOP_GRACE).await {
                    kill(&mut child);
                }
                // What the part itself may have started.
                signal(&child, Signal::SIGKILL);
                said(running.part.name);
            }
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for running in self.running.iter_mut().rev() {
            if let Some(mut child) = running.child.take() {
                kill(&mut child);
            }
        }
    }
}

impl Running {
    /// The present process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Ended {
    /// `ended with exit code 1`, `was killed by SIGKILL`.
    pub(crate) fn how(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(number)) => match Signal::try_from(number) {
                Ok(signal) => format!("was killed by {signal}"),
                Err(_) => format!("was killed by signal {number}"),
            },
            (None, None) => "ended".to_owned(),
        }
    }
}

fn spawn(part: &Part) -> Result<Child, UpError> {
    part.spawn().map_err(|source| UpError::Spawn {
        part: part.name,
        source,
    })
}

/// To the whole group of a part. An error means that nobody is left, which is what was wanted.
fn signal(child: &Child, signal: Signal) {
    if let Ok(pid) = i32::try_from(child.id()) {
        let _nobody_left = killpg(Pid::from_raw(pid), signal);
    }
}

fn kill(child: &mut Child) {
    signal(child, Signal::SIGKILL);
    let _already_dead = child.kill();
    let _reaped = child.wait();
}

async fn ends_within(child: &mut Child, grace: Duration) -> bool {
    let deadline = Instant::now() + grace;
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < deadline => tokio::time::sleep(READY_POLL / 4).await,
            Ok(None) => return false,
            Ok(Some(_)) | Err(_) => return true,
        }
    }
}
