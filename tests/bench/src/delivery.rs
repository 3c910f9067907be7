//! A wasm filter as Envoy gets it in production: by extension config discovery, here from a file. In
//! the bootstrap itself Envoy would keep two more copies of every policy, and that is no worker's
//! memory.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, DataSource, TypedExtensionConfig, async_data_source, data_source,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{
    FailurePolicy, PluginConfig, VmConfig, plugin_config,
};
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse;
use envoy_types::pb::google::protobuf::{Any, BoolValue, BytesValue};
use prost::{Message as _, Name as _};
use serde_json::{Value, json};

/// A wasm filter in a VM of its own.
#[derive(Clone, Debug)]
pub(crate) struct WasmFilter {
    /// Of the VM too.
    pub(crate) name: String,
    pub(crate) module: PathBuf,
    pub(crate) configuration: Vec<u8>,
}

impl WasmFilter {
    /// Writes the filter's file into a folder: the entry of `http_filters` that names it.
    pub(crate) fn deliver(&self, folder: &Path) -> Result<Value> {
        let file = folder.join(format!("{}.pb", self.name));
        std::fs::write(&file, self.response()?.encode_to_vec())
            .with_context(|| format!("writing {}", file.display()))?;
        Ok(json!({
            "name": self.name,
            "config_discovery": {
                "config_source": {
                    "resource_api_version": "V3",
                    "path_config_source": {"path": file},
                },
                "type_urls": [Wasm::type_url()],
            },
        }))
    }

    fn response(&self) -> Result<DiscoveryResponse> {
        let module = self
            .module
            .to_str()
            .context("a module's path must be text")?;
        let code = DataSource {
            specifier: Some(data_source::Specifier::Filename(module.to_owned())),
            ..DataSource::default()
        };
        let vm = VmConfig {
            vm_id: self.name.clone(),
            runtime: "envoy.wasm.runtime.v8".to_owned(),
            code: Some(AsyncDataSource {
                specifier: Some(async_data_source::Specifier::Local(code)),
            }),
            ..VmConfig::default()
        };
        let plugin = PluginConfig {
            name: self.name.clone(),
            root_id: "countersign".to_owned(),
            configuration: Some(any(&BytesValue {
                value: self.configuration.clone(),
            })),
            // Whatever goes wrong in the filter is an answer 503, which the load sees.
            failure_policy: FailurePolicy::FailClosed.into(),
            allow_on_headers_stop_iteration: Some(BoolValue { value: true }),
            vm: Some(plugin_config::Vm::VmConfig(vm)),
            ..PluginConfig::default()
        };
        let extension = TypedExtensionConfig {
            name: self.name.clone(),
            typed_config: Some(any(&Wasm {
                config: Some(plugin),
            })),
        };
        Ok(DiscoveryResponse {
            version_info: "1".to_owned(),
            type_url: TypedExtensionConfig::type_url(),
            resources: vec![any(&extension)],
            ..DiscoveryResponse::default()
        })
    }
}

fn any<M: prost::Message + prost::Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_what_the_entry_names() {
        let folder = std::env::temp_dir().join(format!("bench-filter-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let filter = WasmFilter {
            name: "wasm_floor-0".to_owned(),
            module: PathBuf::from("/lib/floor.wasm"),
            configuration: vec![0xff, 0],
        };
        let entry = filter.deliver(&folder).unwrap();
        let source = &entry["config_discovery"]["config_source"];
        let file = source["path_config_source"]["path"].as_str().unwrap();
        let response = DiscoveryResponse::decode(std::fs::read(file).unwrap().as_slice()).unwrap();
        let resource = response.resources.first().unwrap();
        let extension = TypedExtensionConfig::decode(resource.value.as_slice()).unwrap();
        assert_eq!(entry["name"], extension.name);
        let wasm = Wasm::decode(extension.typed_config.unwrap().value.as_slice()).unwrap();
        let configuration = wasm.config.unwrap().configuration.unwrap();
        let bytes = BytesValue::decode(configuration.value.as_slice()).unwrap();
        assert_eq!(bytes.value, filter.configuration);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
