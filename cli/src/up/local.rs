//! The stack that a state directory tells of, for commands that look at it.

use std::path::{Path, PathBuf};

use super::record::Record;

/// Where its parts are.
#[derive(Clone, Debug)]
pub(crate) struct LocalStack {
    /// gRPC.
    pub(crate) control_plane: String,
    /// REST.
    pub(crate) api: String,
    pub(crate) sidecar: String,
    pub(crate) envoy: PathBuf,
    /// Its bootstrap.
    pub(crate) envoy_config: PathBuf,
}

impl LocalStack {
    /// The one whose control plane is at this address: in this directory, or in one below it, where stacks
    /// with a base port of their own are.
    pub(crate) fn find(state_dir: &Path, control_plane: &str) -> Option<Self> {
        let below = std::fs::read_dir(state_dir).ok()?.filter_map(Result::ok);
        let below = below.map(|entry| entry.path());
        let below = below.filter(|path| path.is_dir());
        let all = std::iter::once(state_dir.to_owned()).chain(below);
        all.filter_map(|folder| Self::read(&folder))
            .find(|stack| stack.control_plane == control_plane.trim_end_matches('/'))
    }

    fn read(state_dir: &Path) -> Option<Self> {
        let record = Record::read(state_dir)?;
        Some(Self {
            envoy_config: record.state_dir.join(super::ENVOY_CONFIG),
            control_plane: record.addresses.control_plane,
            api: record.addresses.api,
            sidecar: record.addresses.sidecar,
            envoy: record.settings.envoy,
        })
    }
}
