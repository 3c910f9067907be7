//! The external authorizer: a program of its own that says yes; see `tests/bench-authorizer`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result};

use crate::child::Group;
use crate::measure::Places;

/// A running authorizer.
#[derive(Debug)]
pub(crate) struct Authorizer {
    group: Group,
    pub(crate) port: u16,
}

impl Authorizer {
    /// Starts it beside the load: both wait for Envoy.
    pub(crate) fn start(places: &Places) -> Result<Self> {
        let command = [places.authorizer.clone().into_os_string()];
        let mut group = Group::spawn(
            &command,
            places.cores.load,
            Stdio::piped(),
            Stdio::inherit(),
        )?;
        let mut line = String::new();
        let stdout = group
            .take_stdout()
            .context("the authorizer has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().parse();
        let port = port.with_context(|| format!("the authorizer said `{}`", line.trim()))?;
        Ok(Self { group, port })
    }

    pub(crate) fn id(&self) -> u32 {
        self.group.id()
    }
}
