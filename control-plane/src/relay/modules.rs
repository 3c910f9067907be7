//! The filter's module on this node's disk. What the control plane sends may name a module by its
//! SHA-256 only; it is fetched once, checked, and named by its file, so that the last known good needs
//! nobody else.

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countersign_proto::node::v1::FetchModuleRequest;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, DataSource, TypedExtensionConfig, async_data_source, data_source,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{VmConfig, plugin_config};
use envoy_types::pb::google::protobuf::Any;
use prost::{Message as _, Name as _};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::shelf::Resource;
use super::upstream::Upstream;
use super::{atomic, limits};

/// A module arrives within this, or the resource that names it is refused.
const FETCH_WITHIN: Duration = Duration::from_secs(10);
const EXTENSION: &str = "wasm";

/// The modules of this node.
#[derive(Clone, Debug)]
pub(super) struct Modules {
    directory: PathBuf,
    upstream: Upstream,
}

/// Why a resource's module cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ModuleError {
    #[error("`{0}` is no SHA-256 of a module")]
    BadName(String),
    #[error("the module cannot be fetched: {0}")]
    Fetch(Box<tonic::Status>),
    #[error("the module did not arrive within {} s", FETCH_WITHIN.as_secs())]
    Slow,
    #[error("the module is larger than {} MiB", limits::MAX_MODULE_BYTES >> 20)]
    TooLarge,
    #[error("the module has another SHA-256 than was said: {0}")]
    OtherBytes(String),
    #[error("the module cannot be written: {0}")]
    Disk(#[from] io::Error),
}

impl Modules {
    pub(super) fn open(directory: PathBuf, upstream: Upstream) -> io::Result<Self> {
        atomic::directory(&directory)?;
        Ok(Self {
            directory,
            upstream,
        })
    }

    /// The resource with its module named by a file of this node; as it is where it names none by
    /// its digest.
    pub(super) async fn localised(&self, resource: Resource) -> Result<Resource, ModuleError> {
        let Some((mut extension, mut wasm)) = opened(resource.body()) else {
            return Ok(resource);
        };
        let Some(vm) = vm(&mut wasm) else {
            return Ok(resource);
        };
        let Some(sha256) = digest(vm) else {
            return Ok(resource);
        };
        let path = self.file(&sha256).await?;
        let file = data_source::Specifier::Filename(path.display().to_string());
        vm.code = Some(AsyncDataSource {
            specifier: Some(async_data_source::Specifier::Local(DataSource {
                specifier: Some(file),
                ..DataSource::default()
            })),
        });
        // It is for modules that Envoy itself has to fetch.
        vm.nack_on_code_cache_miss = false;
        extension.typed_config = Some(any(&wasm));
        Ok(Resource::new(
            resource.name,
            resource.version,
            any(&extension),
        ))
    }

    async fn file(&self, sha256: &str) -> Result<PathBuf, ModuleError> {
        let hexadecimal = sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if sha256.len() != 64 || !hexadecimal {
            let name = crate::limits::cut(sha256, 80).to_owned();
            return Err(ModuleError::BadName(name));
        }
        let sha256 = sha256.to_ascii_lowercase();
        let path = self.directory.join(format!("{sha256}.{EXTENSION}"));
        let (there, wanted) = (path.clone(), sha256.clone());
        if flat(spawn_blocking(move || is_whole(&there, &wanted)).await)? {
            return Ok(path);
        }
        let fetched = tokio::time::timeout(FETCH_WITHIN, self.fetch(&sha256)).await;
        let bytes = fetched.map_err(|_| ModuleError::Slow)??;
        let found = hexadecimal_digest(&bytes);
        if found != sha256 {
            return Err(ModuleError::OtherBytes(found));
        }
        let (file, directory) = (path.clone(), self.directory.clone());
        let written = move || {
            atomic::write(&file, &bytes)?;
            tidy(&directory)
        };
        flat(spawn_blocking(written).await)?;
        tracing::info!(sha256, "fetched the filter's module");
        Ok(path)
    }

    async fn fetch(&self, sha256: &str) -> Result<Vec<u8>, ModuleError> {
        let failed = |status| ModuleError::Fetch(Box::new(status));
        let mut client = NodeServiceClient::new(self.upstream.clone());
        let request = FetchModuleRequest {
            sha256: sha256.to_owned(),
        };
        let mut pieces = client
            .fetch_module(request)
            .await
            .map_err(failed)?
            .into_inner();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.message().await.map_err(failed)? {
            if bytes.len().saturating_add(piece.bytes.len()) > limits::MAX_MODULE_BYTES {
                return Err(ModuleError::TooLarge);
            }
            bytes.extend_from_slice(&piece.bytes);
        }
        Ok(bytes)
    }
}

/// None where it is nothing that runs a module.
fn opened(body: &Any) -> Option<(TypedExtensionConfig, Wasm)> {
    if body.type_url != TypedExtensionConfig::type_url() {
        return None;
    }
    let extension = TypedExtensionConfig::decode(body.value.as_slice()).ok()?;
    let inner = extension.typed_config.as_ref()?;
    if inner.type_url != Wasm::type_url() {
        return None;
    }
    let wasm = Wasm::decode(inner.value.as_slice()).ok()?;
    Some((extension, wasm))
}

fn vm(wasm: &mut Wasm) -> Option<&mut VmConfig> {
    match wasm.config.as_mut()?.vm.as_mut()? {
        plugin_config::Vm::VmConfig(vm) => Some(vm),
    }
}

fn digest(vm: &VmConfig) -> Option<String> {
    match vm.code.as_ref()?.specifier.as_ref()? {
        async_data_source::Specifier::Remote(remote) => Some(remote.sha256.clone()),
        async_data_source::Specifier::Local(_) => None,
    }
}

/// It is there with all its bytes; using it makes it the newest.
fn is_whole(path: &Path, sha256: &str) -> io::Result<bool> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let whole = hexadecimal_digest(&bytes) == sha256;
    if whole {
        std::fs::File::options()
            .write(true)
            .open(path)?
            .set_modified(SystemTime::now())?;
    }
    Ok(whole)
}

/// Removes those that were not used for longest.
fn tidy(directory: &Path) -> io::Result<()> {
    let mut modules = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|it| it == EXTENSION) {
            modules.push((entry.metadata()?.modified()?, path));
        }
    }
    modules.sort();
    let surplus = modules.len().saturating_sub(limits::MAX_MODULES);
    for (_, path) in modules.iter().take(surplus) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn hexadecimal_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn any<M: prost::Message + prost::Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

fn flat<T>(result: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    result.map_err(io::Error::other)?
}
