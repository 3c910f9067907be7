//! The options of `countersign up`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::part::PartName;
use super::ports::BasePort;

/// Runs the whole stack on this machine: control plane, auth sidecar, demo shop and Envoy.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Directory of policies (YAML), watched for changes [default: envoy/examples]
    #[arg(long, env = "COUNTERSIGN_POLICIES", value_name = "DIR")]
    pub(crate) policies: Option<PathBuf>,

    /// Moves every port: Envoy's http port, the others keep their distance from it; `auto` takes
    /// the first that is free [default: 10000]
    #[arg(long, env = "COUNTERSIGN_BASE_PORT", value_name = "PORT|auto")]
    pub(crate) base_port: Option<BasePort>,

    /// Envoy's worker threads [default: 2]
    #[arg(long, env = "COUNTERSIGN_CONCURRENCY", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: Option<u16>,

    /// Databases, keys, certificates and logs [default: .countersign, and below it base-PORT for
    /// another base port]
    #[arg(long, env = "COUNTERSIGN_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// The Envoy to run [default: .cache/envoy/1.40.0/envoy, else `envoy` on the PATH]
    #[arg(long, env = "ENVOY_BIN", value_name = "PATH")]
    pub(crate) envoy: Option<PathBuf>,

    /// The filter's module [default: target/filter/countersign_filter.wasm]
    #[arg(long, env = "COUNTERSIGN_FILTER_MODULE", value_name = "PATH")]
    pub(crate) filter_module: Option<PathBuf>,

    /// Protect this upstream instead of the demo shop
    #[arg(long, env = "COUNTERSIGN_UPSTREAM", value_name = "HOST:PORT")]
    pub(crate) upstream: Option<Upstream>,

    /// Start no demo shop; without `--upstream` something else must listen on its port
    #[arg(long, env = "COUNTERSIGN_NO_SHOP")]
    pub(crate) no_shop: bool,

    /// Put a relay between Envoy and the control plane: Envoy then restarts with its last policy also
    /// when no control plane is there, and decisions made meanwhile are delivered later
    #[arg(long, env = "COUNTERSIGN_RELAY")]
    pub(crate) relay: bool,

    /// Start a part that dies again; all parts, or those named (comma-separated). Without this the
    /// rest goes on without it, and the end of Envoy ends the stack
    #[arg(
        long,
        env = "COUNTERSIGN_RESTART_PARTS",
        value_name = "PARTS",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "control-plane,sidecar,shop,relay,envoy"
    )]
    pub(crate) restart_parts: Vec<PartName>,

    /// Run this part alone, wired as in the stack that last started from the same state directory
    #[arg(
        long,
        env = "COUNTERSIGN_ONLY",
        value_name = "PART",
        value_enum,
        conflicts_with = "restart_parts"
    )]
    pub(crate) only: Option<PartName>,

    /// Write a JSON file with addresses, process ids and the certificate authority once all is ready
    #[arg(long, env = "COUNTERSIGN_READY_FILE", value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}

/// `host:port`, `[::1]:port`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upstream {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "host:port, for example localhost:3000 or [::1]:3000";
        let (host, port) = text.rsplit_once(':').ok_or(WANTED)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(WANTED)?;
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match bracketed {
            Some(inner) => inner
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| WANTED)?
                .to_string(),
            // What a host name may be made of; anything else is a URL or a slip.
            None if !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) =>
            {
                host.to_owned()
            }
            None => return Err(WANTED),
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_host_and_a_port() {
        for good in [
            "localhost:3000",
            "shop.example.com:80",
            "10.0.0.1:8080",
            "[::1]:3000",
        ] {
            assert_eq!(good.parse::<Upstream>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "localhost",
            ":80",
            "a:0",
            "a:65536",
            "http://a:80",
            "::1:80",
            "[x]:80",
            "a b:1",
        ] {
            assert!(bad.parse::<Upstream>().is_err(), "{bad}");
        }
    }
}
