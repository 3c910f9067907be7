use countersign_engine::blob;
use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{
    FailurePolicy, PluginConfig, VmConfig, plugin_config,
};
use envoy_types::pb::google::protobuf::{Any, BoolValue, BytesValue};
use prost::Message as _;

use super::*;
use crate::compile::{RuntimeMaterial, compile};

fn form(id: &RevisionId) -> CompiledForm {
    let compiled = compile(&[], &RuntimeMaterial::default()).unwrap();
    CompiledForm::load(compiled.forms.everything, id).unwrap()
}

fn published(gateways: &[(&str, Option<&str>)]) -> Published {
    let id = RevisionId {
        number: 3,
        hash: "0123456789ab".to_owned(),
    };
    let gateways = gateways.iter().map(|(name, nodes)| CompiledGateway {
        name: (*name).to_owned(),
        selector: nodes.map(|text| Selector::compile(text).unwrap().0),
        form: form(&id),
    });
    let code = Arc::new(Code::File("/lib/countersign.wasm".to_owned()));
    Published::new(id.clone(), 9, form(&id), gateways.collect(), &code).unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn plugin(published: &Published, resource: &str, attempt: &str) -> PluginConfig {
    let version = version(&format!("{}.{attempt}", published.revision));
    let any = Any::decode(published.resource(resource, &version).unwrap()).unwrap();
    assert_eq!(any.type_url, TYPE_URL);
    let extension = TypedExtensionConfig::decode(any.value.as_slice()).unwrap();
    assert_eq!(extension.name, resource);
    let wasm = extension.typed_config.unwrap();
    assert_eq!(
        wasm.type_url,
        "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"
    );
    Wasm::decode(wasm.value.as_slice()).unwrap().config.unwrap()
}

fn vm(plugin: PluginConfig) -> VmConfig {
    match plugin.vm {
        Some(plugin_config::Vm::VmConfig(vm)) => vm,
        None => panic!("no VM"),
    }
}

fn node(id: &str) -> Introduction {
    Introduction {
        id: id.to_owned(),
        ..Introduction::default()
    }
}

fn found(published: &Published, resource: &str, id: &str) -> (Option<String>, String) {
    match published.find(resource, &node(id)) {
        Found::Form { gateway, note } => (gateway.map(|name| (*name).to_owned()), note),
        Found::Nothing => panic!("nothing of the name {resource}"),
    }
}

#[test]
fn each_attempt_carries_its_nonce_around_the_same_policy() {
    let published = published(&[]);
    assert_eq!(published.revision, "3-0123456789ab");
    let mut bodies = Vec::new();
    for attempt in ["9", "a", "9"] {
        let configuration = plugin(&published, RESOURCE_NAME, attempt)
            .configuration
            .unwrap();
        let bytes = BytesValue::decode(configuration.value.as_slice())
            .unwrap()
            .value;
        let opened = blob::open(&bytes).unwrap();
        assert_eq!(format!("{:x}", opened.attempt), attempt);
        assert_eq!(opened.id.number, 3);
        bodies.push(opened.body.to_vec());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[test]
fn the_plugin_is_the_one_that_envoy_is_configured_for() {
    let plugin = plugin(&published(&[]), RESOURCE_NAME, "9");
    assert_eq!(
        (plugin.name.as_str(), plugin.root_id.as_str()),
        ("countersign", "countersign")
    );
    assert_eq!(plugin.failure_policy(), FailurePolicy::FailReload);
    assert_eq!(
        plugin.allow_on_headers_stop_iteration,
        Some(BoolValue { value: true })
    );
    let vm = vm(plugin);
    assert_eq!(
        (vm.vm_id.as_str(), vm.runtime.as_str()),
        ("countersign", "envoy.wasm.runtime.v8")
    );
    assert!(!vm.nack_on_code_cache_miss);
}

#[test]
fn every_resource_has_vms_of_its_own_and_new_ones_where_they_are_renewed() {
    let published = published(&[("shop", None)]);
    let mut ids = Vec::new();
    for (resource, attempt) in [
        (RESOURCE_NAME, "9"),
        (RESOURCE_NAME, "9~5"),
        (RESOURCE_NAME, "9@shop"),
        ("countersign/shop", "9@shop"),
        ("countersign/shop", "9@shop~5"),
    ] {
        ids.push(vm(plugin(&published, resource, attempt)).vm_id);
    }
    // The resource that is meant for a node stays in its VMs whichever gateway it becomes.
    assert_eq!(
        ids,
        [
            "countersign",
            "countersign~5",
            "countersign",
            "countersign/shop",
            "countersign/shop~5"
        ]
    );
}

#[test]
fn a_node_gets_the_gateway_that_selects_it_and_everything_where_none_does() {
    let published = published(&[
        ("shop", Some("node.id.startsWith('shop')")),
        ("forum", Some("node.id.startsWith('forum')")),
        ("spare", None),
    ]);
    for (id, gateway) in [
        ("shop-1", Some("shop")),
        ("forum-1", Some("forum")),
        ("x", None),
    ] {
        let (found, note) = found(&published, RESOURCE_NAME, id);
        assert_eq!((found.as_deref(), note.as_str()), (gateway, ""));
    }
}

#[test]
fn a_gateway_is_found_by_its_name_whoever_asks() {
    let published = published(&[("shop", None), ("forum", Some("false"))]);
    for name in ["shop", "forum"] {
        let (found, note) = found(&published, &named(name), "x");
        assert_eq!((found.as_deref(), note.as_str()), (Some(name), ""));
    }
    for name in [
        "countersign/spare",
        "countersign/",
        "shop",
        "countersign.shop",
        "",
    ] {
        assert_eq!(published.find(name, &node("x")), Found::Nothing, "{name}");
    }
}

#[test]
fn of_two_gateways_that_select_a_node_the_first_by_name_counts_and_it_is_said() {
    let published = published(&[("b", Some("true")), ("a", Some("true"))]);
    let (gateway, note) = found(&published, RESOURCE_NAME, "x");
    assert_eq!(gateway.as_deref(), Some("a"));
    assert!(
        note.starts_with("gateways `a` and `b` both select it"),
        "{note}"
    );
}

#[test]
fn a_selector_that_cannot_be_answered_selects_nothing_and_says_why() {
    let published = published(&[("shop", Some("node.metadata.team == 'shop'"))]);
    let (gateway, note) = found(&published, RESOURCE_NAME, "x");
    assert_eq!(gateway, None);
    assert!(
        note.starts_with("gateway `shop`:") && note.contains("team"),
        "{note}"
    );
}

#[test]
fn a_module_that_is_fetched_is_refused_until_it_is_there() {
    let code = Code::Remote {
        uri: "http://control-plane/modules/ab.wasm".to_owned(),
        cluster: "modules".to_owned(),
        sha256: "ab".to_owned(),
    };
    let any = crate::xds::extension::extension(Vec::new(), RESOURCE_NAME, None, &code);
    let extension = TypedExtensionConfig::decode(any.value.as_slice()).unwrap();
    let wasm = Wasm::decode(extension.typed_config.unwrap().value.as_slice()).unwrap();
    assert!(vm(wasm.config.unwrap()).nack_on_code_cache_miss);
}
