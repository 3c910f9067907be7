//! Another Envoy beside the stack's own: the same bootstrap with a name, a zone and ports of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{PART_LIMIT, Part, STATE, Stack, countersign, keeper};
use crate::http::Client;
use crate::ports::Ports;
use crate::process::Group;
use crate::wait;

/// An Envoy of the same control plane and upstream. It ends with the value.
#[derive(Debug)]
pub struct SecondEnvoy {
    ports: Ports,
    group: Group,
}

impl SecondEnvoy {
    /// A client over plaintext.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn client(&self) -> Result<Client> {
        let origin = format!("http://localhost:{}", self.ports.at(10_000));
        Client::new(&origin, None, None)
    }

    /// The end of its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.group.tail()
    }
}

impl Stack {
    /// Starts an Envoy of this id in this zone and waits until it judges requests.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn second_envoy(&self, id: &str, zone: &str) -> Result<SecondEnvoy> {
        let ports = Ports::reserve()?;
        let state = self.place.folder.path().join(STATE);
        let mut text = std::fs::read_to_string(state.join("envoy.yaml"))?;
        for default in [10_000, 10_443, 9_901] {
            let own = format!("port_value: {}", self.place.ports.at(default));
            ensure!(text.contains(&own), "the bootstrap has no `{own}`");
            text = text.replace(&own, &format!("port_value: {}", ports.at(default)));
        }
        let line = text
            .lines()
            .find(|line| line.starts_with("  id:"))
            .context("the bootstrap names no node")?
            .to_owned();
        let named = format!("  id: \"{id}\"\n  locality: {{zone: \"{zone}\"}}");
        let text = text.replacen(&line, &named, 1);
        let bootstrap = state.join(format!("envoy-{id}.yaml"));
        std::fs::write(&bootstrap, text)?;

        // As the stack's own was started.
        let running = format!("/proc/{}", self.pid(Part::Envoy)?);
        let envoy = std::fs::read_link(PathBuf::from(&running).join("exe"))?;
        let line = std::fs::read_to_string(PathBuf::from(&running).join("cmdline"))?;
        let mut options: Vec<_> = line
            .split('\0')
            .skip(1)
            .filter(|option| !option.is_empty())
            .map(str::to_owned)
            .collect();
        let path = options.iter().position(|option| option == "--config-path");
        let path = path.context("Envoy was started without a bootstrap")?;
        *options
            .get_mut(path.saturating_add(1))
            .context("no bootstrap's path")? = bootstrap.display().to_string();
        let mut command = Command::new(countersign()?);
        command
            .args(["run-part", "--parent", &std::process::id().to_string()])
            .arg("--")
            .arg(envoy)
            .args(options);
        let log = self.place.folder.path().join(format!("envoy-{id}.log"));
        let group = keeper::spawn(command, log)?;
        let second = SecondEnvoy { ports, group };
        let judged = wait::until("the second Envoy serves", PART_LIMIT, || {
            let answer = second.client()?.get("/");
            Ok(answer
                .is_ok_and(|answer| answer.status != 503)
                .then_some(()))
        });
        judged.with_context(|| second.log())?;
        Ok(second)
    }
}
