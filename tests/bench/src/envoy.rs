//! An Envoy of our own, on ports that the system chose.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::authz::Authorizer;
use crate::child::Group;
use crate::envoy_config::{Listener, bootstrap};
use crate::measure::Places;

/// Ten thousand rules and a dozen modules take Envoy some seconds.
const STARTS_WITHIN: Duration = Duration::from_secs(180);
/// Between two looks at whether it is there.
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// Characters of its log that an error shows.
const SHOWN_OF_LOG: usize = 1_500;

/// A running Envoy that serves.
#[derive(Debug)]
pub(crate) struct Envoy {
    group: Group,
    admin: String,
    ports: HashMap<String, u16>,
}

impl Envoy {
    /// Starts one with these listeners and waits until it serves. Its files go to a folder of this name.
    pub(crate) async fn start(
        listeners: &[&Listener],
        authorizer: &Authorizer,
        workers: usize,
        places: &Places,
        folder: &str,
    ) -> Result<Self> {
        let work = places.work.join(folder);
        std::fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
        let file = |name: &str| work.join(name);
        let (config, admin_file, log) =
            (file("envoy.json"), file("admin-address"), file("envoy.log"));
        let bootstrap = bootstrap(listeners, authorizer.port, &work)?;
        std::fs::write(&config, bootstrap.to_string())
            .with_context(|| format!("writing {}", config.display()))?;
        if admin_file.exists() {
            std::fs::remove_file(&admin_file)?;
        }
        let out = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
        let command: Vec<OsString> = [
            places.envoy.as_os_str(),
            "--config-path".as_ref(),
            config.as_os_str(),
            "--concurrency".as_ref(),
            workers.to_string().as_ref(),
            "--disable-hot-restart".as_ref(),
            "--admin-address-path".as_ref(),
            admin_file.as_os_str(),
            "--log-level".as_ref(),
            "warn".as_ref(),
        ]
        .map(OsString::from)
        .to_vec();
        let group = Group::spawn(
            &command,
            places.cores.envoy,
            out.try_clone()?.into(),
            Stdio::from(out),
        )?;
        let mut envoy = Self {
            group,
            admin: String::new(),
            ports: HashMap::new(),
        };
        envoy.wait(&admin_file, &log).await?;
        envoy.ports = ports(&envoy.ask("listeners?format=json").await?)?;
        Ok(envoy)
    }

    pub(crate) fn id(&self) -> u32 {
        self.group.id()
    }

    /// Where a listener listens.
    pub(crate) fn address(&self, listener: &str) -> Result<SocketAddr> {
        let port = self.ports.get(listener);
        let port = port.with_context(|| format!("Envoy has no listener {listener}"))?;
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, *port)))
    }

    /// A counter's value; zero where it was never counted.
    pub(crate) async fn counter(&self, name: &str) -> Result<u64> {
        let text = self.ask(&format!("stats?filter={name}")).await?;
        Ok(text
            .lines()
            .filter_map(|line| line.rsplit_once(": "))
            .filter_map(|(_, value)| value.parse::<u64>().ok())
            .sum())
    }

    async fn ask(&self, path: &str) -> Result<String> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let address = format!("http://{}/{path}", self.admin);
        let answer = client.get(&address).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    async fn wait(&mut self, admin_file: &PathBuf, log: &Path) -> Result<()> {
        let end = Instant::now() + STARTS_WITHIN;
        loop {
            if let Some(status) = self.group.ended()? {
                bail!("Envoy ended ({status}):\n{}", tail(log));
            }
            if let Ok(address) = std::fs::read_to_string(admin_file) {
                self.admin = address.trim().to_owned();
                if self
                    .ask("ready")
                    .await
                    .is_ok_and(|answer| answer.trim() == "LIVE")
                {
                    return Ok(());
                }
            }
            if Instant::now() > end {
                bail!(
                    "Envoy does not serve after {STARTS_WITHIN:?}:\n{}",
                    tail(log)
                );
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }
}

/// The end of a log; lines that quote the configuration can be of any length.
fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let from = bytes.len().saturating_sub(SHOWN_OF_LOG);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned()
}

fn ports(listeners: &str) -> Result<HashMap<String, u16>> {
    let answer: Value = serde_json::from_str(listeners).context("reading Envoy's listeners")?;
    let listeners = answer.get("listener_statuses").and_then(Value::as_array);
    let mut ports = HashMap::new();
    for listener in listeners.into_iter().flatten() {
        let name = listener.get("name").and_then(Value::as_str);
        let port = listener
            .pointer("/local_address/socket_address/port_value")
            .and_then(Value::as_u64)
            .and_then(|port| u16::try_from(port).ok());
        if let (Some(name), Some(port)) = (name, port) {
            ports.insert(name.to_owned(), port);
        }
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_what_envoy_tells() {
        let text = r#"{"listener_statuses":[{"name":"empty-0","local_address":
            {"socket_address":{"address":"127.0.0.1","port_value":40123}}}]}"#;
        assert_eq!(ports(text).unwrap().get("empty-0"), Some(&40_123));
        assert!(ports("no").is_err());
    }
}
