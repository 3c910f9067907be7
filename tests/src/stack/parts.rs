//! The life and death of a stack's parts.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{
    PART_LIMIT, Part, Record, STATE, STOP_LIMIT, Stack, countersign_for_this_process, keeper,
};
use crate::{paths, process, wait};

impl Stack {
    /// The process of a part as `up` has it now.
    ///
    /// # Errors
    /// When it is down.
    pub fn pid(&self, part: Part) -> Result<u32> {
        let text = std::fs::read(self.place.folder.path().join(STATE).join("up.json"))?;
        let record: Record = serde_json::from_slice(&text)?;
        record
            .pid(part)
            .with_context(|| format!("{part:?} does not run"))
    }

    /// The process of `countersign up` itself.
    #[must_use]
    pub fn pid_of_up(&self) -> u32 {
        self.up.id()
    }

    /// Kills a part as a crash would, and sees it gone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn crash(&mut self, part: Part) -> Result<()> {
        let pid = self.pid(part)?;
        process::crash(pid)?;
        wait::until("the part is gone", PART_LIMIT, || {
            Ok((!process::runs(pid)).then_some(()))
        })
    }

    /// Starts a crashed part again, as `countersign up --only PART` does; returns at once.
    ///
    /// # Errors
    /// When it does not start.
    pub fn revive(&mut self, part: Part) -> Result<()> {
        let mut command = countersign_for_this_process()?;
        command
            .arg("up")
            .arg(format!("--only={}", part.id()))
            .arg(format!(
                "--state-dir={}",
                self.place.folder.path().join(STATE).display()
            ))
            .arg(format!("--base-port={}", self.place.ports.base()))
            .env(super::CONTEXTS, super::contexts(&self.place.folder))
            .envs(self.place.environment.iter().cloned())
            .current_dir(paths::repository());
        let log = self
            .place
            .folder
            .path()
            .join(format!("up-{}.log", part.id()));
        self.alone.push(keeper::spawn(command, log)?);
        Ok(())
    }

    /// Has Envoy end and start again with another bootstrap; gives up when it does not serve again.
    ///
    /// # Errors
    /// When `change` changes nothing, or Envoy does not come back.
    pub fn restart_envoy_with(&mut self, change: impl FnOnce(&str) -> String) -> Result<()> {
        let file = self.place.folder.path().join(STATE).join("envoy.yaml");
        let text = std::fs::read_to_string(&file)?;
        let changed = change(&text);
        ensure!(
            changed != text,
            "the bootstrap does not have what was to be changed"
        );
        std::fs::write(&file, changed)?;
        let before = self.pid(Part::Envoy)?;
        self.crash(Part::Envoy)?;
        wait::until("Envoy serves again", PART_LIMIT, || {
            let judged = self.client()?.get("/")?.status != 503;
            Ok((self.pid(Part::Envoy)? != before && judged).then_some(()))
        })
    }

    /// Stops everything in order, as Ctrl-C does, and sees that no process is left.
    ///
    /// # Errors
    /// When something is left or was slow.
    pub fn stop(mut self) -> Result<()> {
        for group in &mut self.alone {
            group.stop(STOP_LIMIT)?;
        }
        let status = self.up.stop(STOP_LIMIT)?;
        ensure!(status.success(), "`countersign up` ended: {status}");
        self.nothing_left()
    }

    fn nothing_left(&self) -> Result<()> {
        // Every part is told this stack's folder or, the shop, its port.
        let folder = format!("{}/", self.place.folder.path().display());
        let shop = format!("--listen=127.0.0.1:{}", self.place.ports.at(18_090));
        wait::until("no process is left", STOP_LIMIT, || {
            let mut left = process::with_argument(&folder);
            left.extend(process::with_argument(&shop));
            ensure!(left.is_empty(), "still running: {left:?}");
            Ok(Some(()))
        })
    }

    /// Stops everything and starts it again from the same state; gives the time that the start took.
    ///
    /// # Errors
    /// When it does not stop or does not come up.
    pub fn restart(self) -> Result<(Self, Duration)> {
        let (place, options) = (self.place.clone(), self.options.clone());
        self.stop()?;
        let start = Instant::now();
        let stack = Self::up(place, options)?;
        Ok((stack, start.elapsed()))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for group in &mut self.alone {
            let _ = group.stop(STOP_LIMIT);
        }
        let _ = self.up.stop(STOP_LIMIT);
        self.up.kill();
        let left = self.nothing_left();
        if !std::thread::panicking() {
            assert!(left.is_ok(), "{left:?}");
        }
    }
}
