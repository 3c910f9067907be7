//! The ready file of `countersign up`: addresses, process ids, what a client must trust.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) addresses: Addresses,
    pub(super) tls: Tls,
    pub(super) access: Access,
    parts: Vec<RunningPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Addresses {
    pub(super) http: String,
    pub(super) https: String,
    pub(super) admin: String,
    pub(super) control_plane: String,
    pub(super) api: String,
    pub(super) sidecar: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Access {
    pub(super) operator: PathBuf,
    pub(super) node: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tls {
    pub(super) ca: PathBuf,
    pub(super) spki_sha256: String,
}

#[derive(Debug, Deserialize)]
struct RunningPart {
    name: Part,
    pid: Option<u32>,
}

/// A part of the stack, named as `countersign up --only` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Policies, nodes, events.
    ControlPlane,
    /// Challenges and sessions.
    Sidecar,
    /// The protected upstream.
    Shop,
    /// Between Envoy and the control plane.
    Relay,
    /// The proxy with the filter.
    Envoy,
}

impl Part {
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Sidecar => "sidecar",
            Self::Shop => "shop",
            Self::Relay => "relay",
            Self::Envoy => "envoy",
        }
    }
}

impl Record {
    pub(super) fn pid(&self, part: Part) -> Option<u32> {
        self.parts.iter().find(|it| it.name == part)?.pid
    }
}
