//! Envoy's configuration: one listener for each filter chain, all else alike.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::delivery::WasmFilter;
use crate::session;

/// One filter of a chain.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// Of Envoy's own, as the entry of `http_filters`.
    Native(Value),
    Wasm(WasmFilter),
}

/// A filter chain that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) name: String,
    /// Before the router.
    pub(crate) filters: Vec<Filter>,
}

const AUTHORIZER: &str = "authorizer";

/// A bootstrap with these listeners, on ports that the system chooses. What it refers to is written
/// into a folder.
pub(crate) fn bootstrap(listeners: &[&Listener], authorizer: u16, folder: &Path) -> Result<Value> {
    let loopback = |port| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let mut entries = Vec::new();
    for listener in listeners {
        entries.push(json!({
            "name": listener.name,
            "address": loopback(0),
            "filter_chains": [{"filters": [connection_manager(listener, folder)?]}],
        }));
    }
    Ok(json!({
        "node": {"id": "bench", "cluster": "bench"},
        "admin": {"address": loopback(0)},
        // Flushing statistics is work that belongs to no request.
        "stats_flush_interval": "299s",
        "static_resources": {
            "listeners": entries,
            "clusters": [{
                "name": AUTHORIZER,
                "type": "STATIC",
                "connect_timeout": "5s",
                "typed_extension_protocol_options": {
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                        "explicit_http_config": {"http2_protocol_options": {}},
                    },
                },
                "load_assignment": {
                    "cluster_name": AUTHORIZER,
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": loopback(authorizer)}}]}],
                },
            }],
        },
    }))
}

/// As in `envoy/bootstrap.yaml`, without access log and guard; Envoy answers itself.
fn connection_manager(listener: &Listener, folder: &Path) -> Result<Value> {
    let mut filters = Vec::new();
    for filter in &listener.filters {
        filters.push(match filter {
            Filter::Native(entry) => entry.clone(),
            Filter::Wasm(filter) => filter.deliver(folder)?,
        });
    }
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": true,
        },
    }));
    Ok(json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": listener.name,
            "codec_type": "HTTP1",
            "use_remote_address": true,
            // The load stands for a load balancer that terminated TLS: what it says is believed.
            "xff_num_trusted_hops": 1,
            "skip_xff_append": true,
            "normalize_path": true,
            "merge_slashes": true,
            "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
            "common_http_protocol_options": {
                "idle_timeout": "3600s",
                "max_headers_count": 100,
                "headers_with_underscores_action": "DROP_HEADER",
            },
            "route_config": {
                "name": "bench",
                "virtual_hosts": [{
                    "name": "bench",
                    "domains": ["*"],
                    "routes": [{
                        "match": {"prefix": "/"},
                        "direct_response": {"status": 200, "body": {"inline_string": "ok"}},
                    }],
                }],
            },
            "http_filters": filters,
        },
    }))
}

/// The filter behind ours that lets only marked requests pass, as in `envoy/bootstrap.yaml`.
pub(crate) fn guard() -> Filter {
    Filter::Native(json!({
        "name": "countersign_guard",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules_stat_prefix": "countersign_guard",
            "rules": {
                "action": "ALLOW",
                "policies": {"permitted": {
                    "permissions": [{"any": true}],
                    "principals": [{"filter_state": {
                        "key": "wasm.countersign",
                        "string_match": {"prefix": "1"},
                    }}],
                }},
            },
        },
    }))
}

/// Envoy's own check of our sessions, with its cache of verified tokens.
pub(crate) fn jwt_authn() -> Filter {
    Filter::Native(json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"countersign": {
                "issuer": session::ISSUER,
                "audiences": [session::HOST],
                "from_cookies": [session::COOKIE],
                "forward": true,
                "local_jwks": {"inline_string": session::jwks().to_string()},
                "jwt_cache_config": {"jwt_cache_size": 1000},
            }},
            "rules": [{
                "match": {"prefix": "/"},
                "requires": {"provider_name": "countersign"},
            }],
        },
    }))
}

/// A question to the server of this bench for every request.
pub(crate) fn ext_authz() -> Filter {
    Filter::Native(json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": {"cluster_name": AUTHORIZER},
                // A late answer is measured too, not turned into a refusal.
                "timeout": "10s",
            },
        },
    }))
}

/// Envoy's own filter that sets a request header, whatever the client sent.
pub(crate) fn set_request_header(name: &str, value: &str) -> Filter {
    Filter::Native(json!({
        "name": format!("set_{name}"),
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": [{"append": {
                "header": {"key": name, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }}]},
        },
    }))
}
