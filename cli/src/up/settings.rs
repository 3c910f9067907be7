//! What one stack is made of, after defaults: options, then what the last start in the same state
//! directory used (for one part alone), then the documented defaults.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::{UpArgs, Upstream};
use super::find::{self, FindError};
use super::part::PartName;
use super::ports::{BasePort, DEFAULT_BASE, Ports, PortsError};
use super::record::Record;

/// The state directory of a stack that was given none.
const STATE_DIR: &str = ".countersign";

/// Envoy's workers when nobody says how many.
const CONCURRENCY: u16 = 2;

/// Kept in the record, so that a single part can be started with the same wiring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) base_port: u16,
    pub(crate) concurrency: u16,
    pub(crate) policies: PathBuf,
    pub(crate) filter_module: PathBuf,
    pub(crate) envoy: PathBuf,
    pub(crate) envoy_version: String,
    pub(crate) upstream: Upstream,
    /// The demo shop is part of the stack.
    pub(crate) shop: bool,
    /// So is a relay.
    #[serde(default)]
    pub(crate) relay: bool,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A port.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// A file or program.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The working directory is gone.
    #[error("the working directory is not there any more: {0}")]
    NoWorkingDirectory(std::io::Error),
}

/// Settings, ports and the place of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) settings: Settings,
    pub(crate) ports: Ports,
    /// Absolute.
    pub(crate) state_dir: PathBuf,
}

/// Decides everything that can be decided before anything starts.
pub(crate) fn resolve(args: &UpArgs) -> Result<Resolved, SettingsError> {
    let saved = match args.only {
        Some(_) => Record::read(&state_dir(args, args.base_port)?).map(|record| record.settings),
        None => None,
    };
    let upstream = args.upstream.clone().or_else(|| {
        let saved = saved.as_ref().filter(|saved| !saved.shop);
        saved.map(|saved| saved.upstream.clone())
    });
    let shop = upstream.is_none() && !args.no_shop;

    let wanted = args
        .base_port
        .or_else(|| saved.as_ref().map(|saved| BasePort::Fixed(saved.base_port)))
        .unwrap_or(BasePort::Fixed(DEFAULT_BASE));
    let ports = match (args.only, wanted) {
        // The others of the stack are running; this part's own ports are looked at when it starts.
        (Some(_), BasePort::Fixed(base)) => Ports::from_base(base)?,
        _ => Ports::choose(wanted, !shop, super::ports::is_free)?,
    };
    let state_dir = state_dir(args, Some(BasePort::Fixed(ports.base)))?;

    let given = |option: &Option<PathBuf>, saved: Option<PathBuf>| option.clone().or(saved);
    let envoy = given(&args.envoy, saved.as_ref().map(|saved| saved.envoy.clone()));
    let envoy = find::envoy(envoy.as_deref())?;
    let module = given(
        &args.filter_module,
        saved.as_ref().map(|saved| saved.filter_module.clone()),
    );
    let policies = given(
        &args.policies,
        saved.as_ref().map(|saved| saved.policies.clone()),
    );
    let settings = Settings {
        base_port: ports.base,
        concurrency: args
            .concurrency
            .or_else(|| saved.as_ref().map(|saved| saved.concurrency))
            .unwrap_or(CONCURRENCY),
        policies: find::policies(policies.as_deref())?,
        filter_module: find::filter_module(module.as_deref())?,
        envoy: envoy.path,
        envoy_version: envoy.version,
        upstream: upstream.unwrap_or_else(|| Upstream {
            host: "127.0.0.1".to_owned(),
            port: ports.shop,
        }),
        shop,
        relay: args.relay || saved.is_some_and(|saved| saved.relay),
    };
    Ok(Resolved {
        settings,
        ports,
        state_dir,
    })
}

/// Each base port has its own directory, so that `--base-port` alone gives a second stack.
fn state_dir(args: &UpArgs, base: Option<BasePort>) -> Result<PathBuf, SettingsError> {
    let relative = match (&args.state_dir, base) {
        (Some(given), _) => given.clone(),
        (None, Some(BasePort::Fixed(base))) if base != DEFAULT_BASE => {
            Path::new(STATE_DIR).join(format!("base-{base}"))
        }
        (None, _) => PathBuf::from(STATE_DIR),
    };
    std::path::absolute(relative).map_err(SettingsError::NoWorkingDirectory)
}

impl Resolved {
    /// The parts of this stack, in the order in which they start.
    pub(crate) fn part_names(&self) -> Vec<PartName> {
        let mut names = PartName::ALL.to_vec();
        names.retain(|name| match name {
            PartName::Shop => self.settings.shop,
            PartName::Relay => self.settings.relay,
            _ => true,
        });
        names
    }

    /// The node's id in the control plane.
    pub(crate) fn node_id(&self) -> String {
        format!("local-{}", self.ports.base)
    }
}
