//! The filter as Envoy is configured for it.

use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, BackoffStrategy, DataSource, HttpUri, RemoteDataSource, RetryPolicy,
    TypedExtensionConfig, async_data_source, data_source, http_uri,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{
    FailurePolicy, PluginConfig, ReloadConfig, VmConfig, plugin_config,
};
use envoy_types::pb::google::protobuf::{Any, BoolValue, BytesValue, Duration, UInt32Value};
use prost::{Message as _, Name as _};

use crate::module::Code;

/// A trapped VM is rebuilt after this; Envoy's default of a second would be a second of 503.
const RELOAD_AFTER: Duration = Duration {
    seconds: 0,
    nanos: 100_000_000,
};
/// A module of a megabyte from the control plane.
const FETCH_WITHIN: Duration = Duration {
    seconds: 10,
    nanos: 0,
};
/// Tries of one fetch; then Envoy remembers for ten seconds that it failed.
const FETCH_RETRIES: u32 = 2;

/// The resource `name` with a blob as its configuration. The plugin is named as the resource is, so that
/// workers can say what they report about; two gateways on one Envoy have VMs of their own, and `vm` sets
/// new ones apart from those of the same resource before.
pub(super) fn extension(blob: Vec<u8>, name: &str, vm: Option<u64>, code: &Code) -> Any {
    let vm = VmConfig {
        vm_id: vm.map_or_else(|| name.to_owned(), |vm| format!("{name}~{vm:x}")),
        runtime: "envoy.wasm.runtime.v8".to_owned(),
        code: Some(source(code)),
        // Without it Envoy ACKs a module that it does not have, never fetches it, and runs without the
        // filter.
        nack_on_code_cache_miss: matches!(code, Code::Remote { .. }),
        ..VmConfig::default()
    };
    let plugin = PluginConfig {
        name: name.to_owned(),
        root_id: name.to_owned(),
        configuration: Some(Any {
            type_url: BytesValue::type_url(),
            value: BytesValue { value: blob }.encode_to_vec(),
        }),
        failure_policy: FailurePolicy::FailReload.into(),
        reload_config: Some(ReloadConfig {
            backoff: Some(BackoffStrategy {
                base_interval: Some(RELOAD_AFTER),
                ..BackoffStrategy::default()
            }),
        }),
        // Without it a pause in the header phase hangs until the stream's timeout.
        allow_on_headers_stop_iteration: Some(BoolValue { value: true }),
        vm: Some(plugin_config::Vm::VmConfig(vm)),
        ..PluginConfig::default()
    };
    any(&TypedExtensionConfig {
        name: name.to_owned(),
        typed_config: Some(any(&Wasm {
            config: Some(plugin),
        })),
    })
}

fn source(code: &Code) -> AsyncDataSource {
    let specifier = match code {
        Code::File(path) => async_data_source::Specifier::Local(DataSource {
            specifier: Some(data_source::Specifier::Filename(path.clone())),
            ..DataSource::default()
        }),
        Code::Remote {
            uri,
            cluster,
            sha256,
        } => async_data_source::Specifier::Remote(RemoteDataSource {
            http_uri: Some(HttpUri {
                uri: uri.clone(),
                timeout: Some(FETCH_WITHIN),
                http_upstream_type: Some(http_uri::HttpUpstreamType::Cluster(cluster.clone())),
            }),
            sha256: sha256.clone(),
            retry_policy: Some(RetryPolicy {
                num_retries: Some(UInt32Value {
                    value: FETCH_RETRIES,
                }),
                ..RetryPolicy::default()
            }),
        }),
    };
    AsyncDataSource {
        specifier: Some(specifier),
    }
}

fn any<M: prost::Message + prost::Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}
