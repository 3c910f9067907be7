//! A revision in the form in which Envoy takes it.

use countersign_engine::blob::{self, BlobError};
use countersign_engine::{Revision, RevisionId};
use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, BackoffStrategy, DataSource, TypedExtensionConfig, async_data_source,
    data_source,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{
    FailurePolicy, PluginConfig, ReloadConfig, VmConfig, plugin_config,
};
use envoy_types::pb::google::protobuf::{Any, BoolValue, BytesValue, Duration};
use prost::{Message as _, Name as _};

/// The one resource: the name of the `http_filters` entry.
pub const RESOURCE_NAME: &str = "countersign";
/// What an extension config discovery stream carries.
pub const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/// A trapped VM is rebuilt after this; Envoy's default of a second would be a second of 503.
const RELOAD_AFTER_NANOS: i32 = 100_000_000;

/// The revision that every node shall run.
#[derive(Clone, Debug)]
pub struct Published {
    /// `number-hash`.
    pub revision: String,
    /// Its number.
    pub number: u64,
    /// The hash of its content.
    pub hash: String,
    /// The nonce of its first send.
    pub attempt: u64,
    /// The session keys that it holds.
    pub kids: Vec<String>,
    /// How long sessions last, for the sidecars.
    pub session_lifetime_s: u32,
    body: Vec<u8>,
    filter_module: String,
    first: Any,
}

impl Published {
    /// A revision, ready to be sent: as the filter's loader read it, and the body that it read.
    ///
    /// # Errors
    /// When it is larger than a filter takes.
    pub fn new(loaded: &Revision, body: Vec<u8>, filter_module: &str) -> Result<Self, BlobError> {
        let id = loaded.id().clone();
        let attempt = loaded.attempt();
        Ok(Self {
            revision: id.to_string(),
            attempt,
            kids: loaded.session_kids().map(str::to_owned).collect(),
            session_lifetime_s: loaded.session_lifetime_s(),
            first: extension(blob::seal(&body, &id, attempt)?, filter_module),
            number: id.number,
            hash: id.hash,
            body,
            filter_module: filter_module.to_owned(),
        })
    }

    /// The resource with this attempt's nonce in its bytes.
    ///
    /// # Errors
    /// When it is larger than a filter takes, which [`Published::new`] has ruled out.
    pub fn resource(&self, attempt: u64) -> Result<Any, BlobError> {
        if attempt == self.attempt {
            return Ok(self.first.clone());
        }
        let id = RevisionId {
            number: self.number,
            hash: self.hash.clone(),
        };
        Ok(extension(
            blob::seal(&self.body, &id, attempt)?,
            &self.filter_module,
        ))
    }
}

/// How a revision is written everywhere.
#[must_use]
pub fn revision_text(number: u64, hash: &str) -> String {
    format!("{number}-{hash}")
}

fn any<M: prost::Message + prost::Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

fn extension(blob: Vec<u8>, filter_module: &str) -> Any {
    let code = AsyncDataSource {
        specifier: Some(async_data_source::Specifier::Local(DataSource {
            specifier: Some(data_source::Specifier::Filename(filter_module.to_owned())),
            ..DataSource::default()
        })),
    };
    let vm = VmConfig {
        vm_id: RESOURCE_NAME.to_owned(),
        runtime: "envoy.wasm.runtime.v8".to_owned(),
        code: Some(code),
        ..VmConfig::default()
    };
    let base_interval = Some(Duration {
        seconds: 0,
        nanos: RELOAD_AFTER_NANOS,
    });
    let plugin = PluginConfig {
        name: RESOURCE_NAME.to_owned(),
        root_id: RESOURCE_NAME.to_owned(),
        configuration: Some(Any {
            type_url: BytesValue::type_url(),
            value: BytesValue { value: blob }.encode_to_vec(),
        }),
        failure_policy: FailurePolicy::FailReload.into(),
        reload_config: Some(ReloadConfig {
            backoff: Some(BackoffStrategy {
                base_interval,
                ..BackoffStrategy::default()
            }),
        }),
        // Without it a pause in the header phase hangs until the stream's timeout.
        allow_on_headers_stop_iteration: Some(BoolValue { value: true }),
        vm: Some(plugin_config::Vm::VmConfig(vm)),
        ..PluginConfig::default()
    };
    any(&TypedExtensionConfig {
        name: RESOURCE_NAME.to_owned(),
        typed_config: Some(any(&Wasm {
            config: Some(plugin),
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{RuntimeMaterial, compile};

    fn published() -> Published {
        let compiled = compile(&[], &RuntimeMaterial::default()).unwrap();
        let id = RevisionId {
            number: 3,
            hash: compiled.hash,
        };
        let sealed = blob::seal(&compiled.body, &id, 9).unwrap();
        let loaded = Revision::load(sealed).unwrap();
        Published::new(&loaded, compiled.body, "/lib/countersign.wasm").unwrap()
    }

    fn plugin(any: &Any) -> PluginConfig {
        assert_eq!(any.type_url, TYPE_URL);
        let extension = TypedExtensionConfig::decode(any.value.as_slice()).unwrap();
        assert_eq!(extension.name, RESOURCE_NAME);
        let wasm = extension.typed_config.unwrap();
        assert_eq!(
            wasm.type_url,
            "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"
        );
        Wasm::decode(wasm.value.as_slice()).unwrap().config.unwrap()
    }

    #[test]
    fn each_attempt_carries_its_nonce_around_the_same_policy() {
        let published = published();
        assert_eq!(published.revision, format!("3-{}", published.hash));
        for attempt in [9, 10] {
            let plugin = plugin(&published.resource(attempt).unwrap());
            let configuration = plugin.configuration.unwrap();
            let bytes = BytesValue::decode(configuration.value.as_slice())
                .unwrap()
                .value;
            let opened = blob::open(&bytes).unwrap();
            assert_eq!((opened.attempt, opened.id.number), (attempt, 3));
            assert_eq!(opened.body, published.body);
        }
    }

    #[test]
    fn the_plugin_is_the_one_that_envoy_is_configured_for() {
        let plugin = plugin(&published().resource(9).unwrap());
        assert_eq!(
            (plugin.name.as_str(), plugin.root_id.as_str()),
            ("countersign", "countersign")
        );
        assert_eq!(plugin.failure_policy(), FailurePolicy::FailReload);
        assert_eq!(
            plugin.allow_on_headers_stop_iteration,
            Some(BoolValue { value: true })
        );
        let Some(plugin_config::Vm::VmConfig(vm)) = plugin.vm else {
            panic!("no VM")
        };
        assert_eq!(
            (vm.vm_id.as_str(), vm.runtime.as_str()),
            ("countersign", "envoy.wasm.runtime.v8")
        );
    }
}
