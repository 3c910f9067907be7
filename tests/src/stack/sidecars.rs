//! More sidecars beside the stack's own, on a store that they share, and an Envoy that takes them in turn.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{PART_LIMIT, Stack, countersign, keeper};
use crate::http::Client;
use crate::metrics::Samples;
use crate::ports::Ports;
use crate::process::Group;
use crate::{paths, wait};

/// A sidecar of the stack's control plane. It ends with the value.
#[derive(Debug)]
pub struct Sidecar {
    ports: Ports,
    group: Group,
}

impl Sidecar {
    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.at(18_080)
    }

    /// A client of its own address.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn client(&self) -> Result<Client> {
        Client::new(&format!("http://127.0.0.1:{}", self.port()), None, None)
    }

    /// Its metrics.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn metrics(&self) -> Result<Samples> {
        let reply = self.client()?.get("/metrics")?.expect(200)?;
        Ok(Samples::parse(&reply.body))
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.group.kill();
    }
}

impl Stack {
    /// Starts a sidecar of this name on a store, with a key file, and waits until it can sign.
    ///
    /// # Errors
    /// When it does not come to that; the end of its log is told.
    pub fn sidecar(&self, name: &str, database: &str, key_file: &Path) -> Result<Sidecar> {
        let program = paths::binaries()?.join("countersign-auth-sidecar");
        ensure!(
            program.is_file(),
            "the sidecar is not built: run `make build`"
        );
        let ports = Ports::reserve()?;
        let mut command = Command::new(countersign()?);
        command
            .args(["run-part", "--parent", &std::process::id().to_string()])
            .arg("--")
            .arg(program)
            .arg(format!("--listen=127.0.0.1:{}", ports.at(18_080)))
            .arg(format!(
                "--control-plane=http://127.0.0.1:{}",
                self.place.ports.at(18_000)
            ))
            .arg(format!("--key-file={}", key_file.display()))
            .arg(format!("--token-file={}", self.sidecar_token()?.display()))
            .arg(format!("--sidecar-id={name}"))
            // Not on the command line, where a password of the database would be seen.
            .env("COUNTERSIGN_DATABASE_URL", database);
        let log = self.place.folder.path().join(format!("{name}.log"));
        let group = keeper::spawn(command, log)?;
        let sidecar = Sidecar { ports, group };
        let ready = wait::until("the sidecar may sign", PART_LIMIT, || {
            let answer = sidecar.client()?.get("/readyz");
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        });
        ready.with_context(|| sidecar.group.tail())?;
        Ok(sidecar)
    }

    /// Has Envoy start again with these sidecars in place of the stack's own, in turn, each for as long
    /// as it says that it is ready.
    ///
    /// # Errors
    /// When Envoy does not come back.
    pub fn route_to(&mut self, sidecars: &[&Sidecar]) -> Result<()> {
        let endpoint = |port: u16| {
            format!(
                "- endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}"
            )
        };
        let own = endpoint(self.place.ports.at(18_080));
        let places: Vec<_> = sidecars
            .iter()
            .map(|sidecar| endpoint(sidecar.port()))
            .collect();
        let places = places.join("\n        ");
        let checked = "    load_assignment:\n      cluster_name: countersign_auth_sidecar";
        let checks = "    health_checks:\n    - {timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, \
                      unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {path: /readyz}}\n";
        self.restart_envoy_with(|text| {
            text.replacen(&own, &places, 1)
                .replacen(checked, &format!("{checks}{checked}"), 1)
        })?;
        self.wait_until_live()?;
        self.wait_for_sidecars(sidecars.len())
    }

    /// Waits until Envoy takes so many sidecars for healthy.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn wait_for_sidecars(&self, number: usize) -> Result<()> {
        let healthy = format!("cluster.countersign_auth_sidecar.membership_healthy: {number}");
        wait::until("Envoy knows which sidecars are there", PART_LIMIT, || {
            let stats =
                self.envoy_admin("/stats?filter=countersign_auth_sidecar.membership_healthy")?;
            Ok(stats.lines().any(|line| line == healthy).then_some(()))
        })
    }

    fn sidecar_token(&self) -> Result<PathBuf> {
        // Beside the node's.
        let folder = self.record.access.node.parent();
        Ok(folder
            .context("the node's token has no folder")?
            .join("sidecar.token"))
    }
}
