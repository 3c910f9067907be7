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
    /// `None` where there never was one.
    pub(crate) fn read(state_dir: &Path) -> Option<Self> {
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
