//! The order of the HTTP filters, and what each of them must hold.

use serde_json::Value;

use super::value::{at, field, items, kind, text, truth};
use super::{Manager, STATE, clusters, failed, ok, warning};
use crate::commands::doctor::finding::Finding;

const RBAC: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";
const FAULT: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const JA4: &str = "envoy.extensions.filters.http.set_filter_state.v3.Config";
const INSPECTOR: &str = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

const AS_SHIPPED: &str = "as in envoy/bootstrap.yaml";

pub(super) fn judge(managers: &[Manager<'_>], config: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut asking = 0;
    for manager in managers {
        let filters: Vec<_> = items(manager.config, &["http_filters"]).collect();
        if let Some(fixed) = filters.iter().find_map(|filter| fixed(manager, filter)) {
            findings.push(fixed);
            continue;
        }
        let Some(place) = filters.iter().position(|filter| is_ours(filter)) else {
            findings.push(warning(
                "filter",
                format!("listener `{}` does not ask the filter: requests pass unjudged", manager.listener),
                format!("add `countersign` and its guard to its `http_filters` {AS_SHIPPED}, if people reach it"),
            ));
            continue;
        };
        asking += 1;
        let behind = filters.get(place + 1..).unwrap_or_default();
        let before = filters.get(..place).unwrap_or_default();
        findings.extend(guard(manager, before, behind));
        findings.extend(
            filters
                .get(place)
                .map(|filter| discovery(manager, filter, config)),
        );
        findings.push(ja4(manager, before, config));
        findings.extend(switched_off(manager));
    }
    if asking == 0 {
        findings.push(failed(
            "filter",
            "no listener asks the filter",
            format!("add `countersign` and its guard to `http_filters` {AS_SHIPPED}"),
        ));
    } else {
        findings.insert(
            0,
            ok(
                "filter",
                format!("asked by {asking} of {} listeners", managers.len()),
            ),
        );
    }
    findings
}

fn is_ours(filter: &Value) -> bool {
    let name = text(filter, &["name"]);
    let ours = name == "countersign" || name.starts_with("countersign/");
    ours && field(filter, "config_discovery").is_some()
}

/// A filter that stands in the bootstrap itself, where no policy reaches it.
fn fixed(manager: &Manager<'_>, filter: &Value) -> Option<Finding> {
    let ours = text(filter, &["name"]).starts_with("countersign");
    if !ours || kind(filter, &["typed_config"]) != WASM {
        return None;
    }
    let vm = &["typed_config", "config", "vm_config"];
    let vm = at(filter, vm);
    let fetched = vm.is_some_and(|vm| at(vm, &["code", "remote"]).is_some());
    let waits = vm.is_some_and(|vm| truth(vm, &["nack_on_code_cache_miss"]));
    let also = match fetched && !waits {
        true => {
            "; and without `nack_on_code_cache_miss` Envoy runs without the filter until it has fetched it"
        }
        false => "",
    };
    Some(failed(
        "filter",
        format!(
            "at listener `{}` the filter stands in the bootstrap, where no policy reaches it{also}",
            manager.listener
        ),
        format!("ask the control plane for it by `config_discovery`, {AS_SHIPPED}"),
    ))
}

/// Something that lets only marked requests through, between the filter and the router.
fn guard(manager: &Manager<'_>, before: &[&Value], behind: &[&Value]) -> Vec<Finding> {
    let check = "guard";
    let at_listener = format!("at listener `{}`", manager.listener);
    let is_guard = |filter: &&Value| closes(filter) == Some(true);
    if behind.iter().any(is_guard) {
        let router = behind
            .iter()
            .position(|filter| kind(filter, &["typed_config"]) == ROUTER);
        let guard = behind.iter().position(is_guard);
        return vec![match (guard, router) {
            (Some(guard), Some(router)) if router < guard => failed(
                check,
                format!("it stands behind the router {at_listener}, where no request comes"),
                "put it between the filter and the router",
            ),
            _ => ok(check, format!("behind the filter {at_listener}")),
        }];
    }
    if before.iter().any(is_guard) {
        return vec![failed(
            check,
            format!("it stands before the filter {at_listener}, and refuses everybody"),
            "put it right behind `countersign`",
        )];
    }
    let open = behind.iter().any(|filter| closes(filter) == Some(false));
    let found = match open {
        true => format!("{at_listener} it lets requests pass that the filter has not marked"),
        false => format!(
            "{at_listener} there is none: where a worker runs without the filter, everything passes"
        ),
    };
    vec![failed(
        check,
        found,
        format!(
            "right behind `countersign`, allow only filter state `{STATE}` with the prefix `1`, {AS_SHIPPED}"
        ),
    )]
}

/// Is it a filter by rules, and does it let through what is marked and nothing else?
fn closes(filter: &Value) -> Option<bool> {
    if kind(filter, &["typed_config"]) != RBAC {
        return None;
    }
    let rules = at(filter, &["typed_config", "rules"]);
    let policies = rules.and_then(|rules| field(rules, "policies"));
    let policies = policies.and_then(Value::as_object);
    let (Some(rules), Some(policies)) = (rules, policies) else {
        return Some(false);
    };
    let allows = matches!(text(rules, &["action"]), "" | "ALLOW");
    let marked = |principal: &Value| {
        let state = field(principal, "filter_state");
        state.is_some_and(|state| {
            text(state, &["key"]) == STATE
                && (text(state, &["string_match", "prefix"]) == "1"
                    || text(state, &["string_match", "exact"]) == "1")
        })
    };
    let every = policies.values().all(|policy| {
        let mut principals = items(policy, &["principals"]).peekable();
        principals.peek().is_some() && principals.all(marked)
    });
    Some(allows && !policies.is_empty() && every)
}

/// Where the filter comes from, and what answers until it is there.
fn discovery(manager: &Manager<'_>, filter: &Value, config: &Value) -> Finding {
    let check = "discovery";
    let at_listener = format!("at listener `{}`", manager.listener);
    let source = &["config_discovery", "config_source"];
    let service = &[
        "config_discovery",
        "config_source",
        "api_config_source",
        "grpc_services",
    ];
    let over_ads = at(filter, &[source[0], source[1], "ads"]).is_some();
    let service = items(filter, service).next();
    let cluster = service.map(|service| text(service, &["envoy_grpc", "cluster_name"]));
    if let Some(cluster) = cluster
        && !clusters::exists(cluster, config)
    {
        let found = format!("{at_listener} it asks cluster `{cluster}`, which there is not");
        return failed(check, found, format!("add the cluster {AS_SHIPPED}"));
    }
    if cluster.is_none() && !over_ads {
        let found = format!("{at_listener} the filter is not asked for by gRPC");
        return failed(
            check,
            found,
            format!("ask `countersign_control_plane` {AS_SHIPPED}"),
        );
    }
    let kinds = items(filter, &["config_discovery", "type_urls"]);
    let mut kinds = kinds.filter_map(Value::as_str);
    if !kinds.any(|kind| kind.ends_with(WASM)) {
        let found = format!(
            "{at_listener} `type_urls` does not name the wasm filter, which Envoy then refuses"
        );
        return failed(
            check,
            found,
            format!("name `type.googleapis.com/{WASM}` in it"),
        );
    }
    let default = &["config_discovery", "default_config"];
    match at(filter, default) {
        None => {
            return warning(
                check,
                format!("{at_listener} Envoy answers 500 until the first policy"),
                format!("give it a `default_config` that answers 503, {AS_SHIPPED}"),
            );
        }
        Some(default) if !refuses(default, filter) => {
            return failed(
                check,
                format!("{at_listener} everything passes until the first policy"),
                format!("let `default_config` abort all requests with 503, {AS_SHIPPED}"),
            );
        }
        Some(_) => {}
    }
    let quick =
        service.is_some_and(|service| at(service, &["envoy_grpc", "retry_policy"]).is_some());
    if !over_ads && !quick {
        return warning(
            check,
            format!(
                "{at_listener} Envoy waits up to half a minute after an outage of the control plane"
            ),
            format!("set `retry_policy.retry_back_off` {AS_SHIPPED}"),
        );
    }
    ok(
        check,
        format!("closed until the first policy {at_listener}"),
    )
}

/// The fault filter, for all requests.
fn refuses(default: &Value, filter: &Value) -> bool {
    let status = at(default, &["abort", "http_status"]).and_then(Value::as_u64);
    let share = at(default, &["abort", "percentage", "numerator"]).and_then(Value::as_u64);
    let of = text(default, &["abort", "percentage", "denominator"]);
    let all = match of {
        "" | "HUNDRED" => 100,
        "TEN_THOUSAND" => 10_000,
        _ => 1_000_000,
    };
    kind(filter, &["config_discovery", "default_config"]) == FAULT
        && status.is_some_and(|status| status >= 400)
        && share.is_some_and(|share| share >= all)
}

/// The fingerprint of the TLS hello, which a client must not be able to say itself.
fn ja4(manager: &Manager<'_>, before: &[&Value], config: &Value) -> Finding {
    let check = "ja4";
    let at_listener = format!("at listener `{}`", manager.listener);
    let sets = |filter: &&&Value| {
        kind(filter, &["typed_config"]) == JA4
            && items(filter, &["typed_config", "on_request_headers"])
                .any(|set| text(set, &["object_key"]) == "countersign.ja4")
    };
    if !before.iter().any(|filter| sets(&filter)) {
        let found = format!("{at_listener} policies that read `request.tls.ja4` see nothing");
        let remedy = format!("add the filter `ja4` before `countersign`, {AS_SHIPPED}");
        return warning(check, found, remedy);
    }
    let listeners = items(config, &["static_resources", "listeners"]);
    let mut own = listeners.filter(|listener| text(listener, &["name"]) == manager.listener);
    let inspected = own.any(|listener| {
        items(listener, &["listener_filters"]).any(|filter| {
            kind(filter, &["typed_config"]) == INSPECTOR
                && at(filter, &["typed_config", "enable_ja4_fingerprinting"])
                    .and_then(Value::as_bool)
                    .unwrap_or_default()
        })
    });
    if manager.secure && !inspected {
        let found = format!("{at_listener} nobody computes the JA4 fingerprint");
        let remedy = format!("set `enable_ja4_fingerprinting` of its tls_inspector, {AS_SHIPPED}");
        return warning(check, found, remedy);
    }
    ok(check, format!("set {at_listener}"))
}

/// Routes may switch single filters off.
fn switched_off(manager: &Manager<'_>) -> Vec<Finding> {
    let Some(routes) = field(manager.config, "route_config") else {
        return Vec::new();
    };
    let hosts = items(routes, &["virtual_hosts"]);
    let inner = hosts.clone().flat_map(|host| items(host, &["routes"]));
    let places = [routes].into_iter().chain(hosts).chain(inner);
    let mut findings = Vec::new();
    for place in places {
        let own = field(place, "typed_per_filter_config").and_then(Value::as_object);
        for name in own.into_iter().flat_map(|own| own.keys()) {
            if name == "countersign" || name.starts_with("countersign") {
                let route = text(place, &["name"]);
                findings.push(failed(
                    "per-route",
                    format!("`{route}` at listener `{}` changes `{name}` for itself", manager.listener),
                    "leave it out of `typed_per_filter_config`; `exemptPaths` of Settings tells what is not judged",
                ));
            }
        }
    }
    findings
}
