//! The record of a running stack: `up.json` in the state directory, and the ready file. Scripts and
//! tests read addresses and process ids from it; a part started alone reads its wiring.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::access::AccessFiles;
use super::certificates::Certificates;
use super::part::{Part, PartName};
use super::settings::{Resolved, Settings};
use crate::private_file;
use crate::target::Target;

/// The record's name in the state directory.
const FILE: &str = "up.json";

/// One stack.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of `countersign up` itself.
    pub(crate) pid: u32,
    pub(crate) state_dir: PathBuf,
    pub(crate) node_id: String,
    pub(crate) addresses: Addresses,
    pub(crate) tls: Tls,
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    pub(crate) parts: Vec<RunningPart>,
}

/// Where the stack answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// Envoy.
    pub(crate) http: String,
    /// Envoy.
    pub(crate) https: String,
    /// Envoy.
    pub(crate) admin: String,
    /// Control plane, gRPC: what `--control-plane` takes.
    pub(crate) control_plane: String,
    /// Control plane, REST, `/metrics`, dashboard.
    pub(crate) api: String,
    pub(crate) sidecar: String,
    /// `host:port`.
    pub(crate) upstream: String,
}

/// What a client must know to trust the https listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tls {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) spki_sha256: String,
}

/// Files that hold tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    /// An approver's.
    pub(crate) operator: PathBuf,
    /// A node's.
    pub(crate) node: PathBuf,
}

/// One part and its present process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunningPart {
    pub(crate) name: PartName,
    /// Absent while the part is down.
    pub(crate) pid: Option<u32>,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) log: PathBuf,
    /// How often it was started again.
    pub(crate) restarts: u32,
}

impl Record {
    /// A stack before any part runs.
    pub(crate) fn new(
        resolved: &Resolved,
        certificates: &Certificates,
        access: &AccessFiles,
    ) -> Self {
        let ports = &resolved.ports;
        Self {
            pid: std::process::id(),
            state_dir: resolved.state_dir.clone(),
            node_id: resolved.node_id(),
            addresses: Addresses {
                http: format!("http://localhost:{}", ports.base),
                https: format!("https://localhost:{}", ports.https),
                admin: format!("http://127.0.0.1:{}", ports.admin),
                control_plane: format!("http://127.0.0.1:{}", ports.grpc),
                api: format!("http://127.0.0.1:{}", ports.api),
                sidecar: format!("http://127.0.0.1:{}", ports.sidecar),
                upstream: resolved.settings.upstream.to_string(),
            },
            tls: Tls {
                ca: certificates.ca.clone(),
                certificate: certificates.certificate.clone(),
                spki_sha256: certificates.spki_sha256.clone(),
            },
            access: Access {
                operator: access.operator.clone(),
                node: access.node.clone(),
            },
            settings: resolved.settings.clone(),
            parts: Vec::new(),
        }
    }

    /// How this stack's control plane is asked.
    pub(crate) fn target(&self) -> Target {
        Target {
            control_plane: Some(self.addresses.control_plane.clone()),
            token_file: Some(self.access.operator.clone()),
            ..Target::default()
        }
    }

    /// The record of the last start in this state directory; `None` where there is none that can be read.
    pub(crate) fn read(state_dir: &Path) -> Option<Self> {
        let text = std::fs::read(state_dir.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Notes the process of a part.
    pub(crate) fn note(&mut self, part: &Part, pid: Option<u32>, restarts: u32) {
        let entry = RunningPart {
            name: part.name,
            pid,
            program: part.program.clone(),
            args: part.args.clone(),
            log: part.log.clone(),
            restarts,
        };
        match self.parts.iter_mut().find(|known| known.name == part.name) {
            Some(known) => *known = entry,
            None => self.parts.push(entry),
        }
    }

    /// Writes the record to the state directory and, where one is wanted, to the ready file.
    pub(crate) fn write(&self, ready_file: Option<&Path>) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        private_file::write(&self.state_dir.join(FILE), &text)?;
        match ready_file {
            Some(path) => private_file::write(path, &text),
            None => Ok(()),
        }
    }
}
