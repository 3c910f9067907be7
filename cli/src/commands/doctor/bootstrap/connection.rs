//! How requests are read before any filter sees them, and how their events leave.

use serde_json::Value;

use super::value::{at, field, items, kind, number, text, truth};
use super::{Manager, STATE, clusters, failed, ok, warning};
use crate::commands::doctor::finding::Finding;

const LOG: &str = "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig";

pub(super) fn judge(managers: &[Manager<'_>], config: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manager in managers {
        findings.push(client(manager));
        findings.push(reading(manager));
        findings.push(events(manager, config));
    }
    findings
}

/// Whose request it is: never what a header says to Envoy.
fn client(manager: &Manager<'_>) -> Finding {
    let check = "x-forwarded-for";
    let at_listener = format!("at listener `{}`", manager.listener);
    let config = manager.config;
    if !truth(config, &["use_remote_address"]) {
        return failed(
            check,
            format!(
                "{at_listener} Envoy takes the client's address from a header that anybody can write"
            ),
            "set `use_remote_address: true`; whom to trust stands in the Settings resource (`trustedHops`)",
        );
    }
    if number(config, &["xff_num_trusted_hops"]).is_some_and(|hops| hops > 0)
        || field(config, "original_ip_detection_extensions").is_some()
    {
        return warning(
            check,
            format!("{at_listener} Envoy and the filter both look for the client's address"),
            "leave `xff_num_trusted_hops` and `original_ip_detection_extensions` out; whom to trust stands in the Settings resource (`trustedHops`)",
        );
    }
    if !truth(config, &["skip_xff_append"]) {
        return warning(
            check,
            format!(
                "{at_listener} Envoy appends the peer to x-forwarded-for before the filter reads it"
            ),
            "set `skip_xff_append: true` and append it in the route, as envoy/bootstrap.yaml does",
        );
    }
    ok(check, format!("the peer's address counts {at_listener}"))
}

fn reading(manager: &Manager<'_>) -> Finding {
    let check = "requests";
    let config = manager.config;
    let mut odd = Vec::new();
    for name in ["normalize_path", "merge_slashes"] {
        if !truth(config, &[name]) {
            odd.push(format!("`{name}: true`"));
        }
    }
    let slashes = text(config, &["path_with_escaped_slashes_action"]);
    if matches!(
        slashes,
        "" | "IMPLEMENTATION_SPECIFIC_DEFAULT" | "KEEP_UNCHANGED"
    ) {
        odd.push("`path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD`".to_owned());
    }
    let underscores = &[
        "common_http_protocol_options",
        "headers_with_underscores_action",
    ];
    if matches!(text(config, underscores), "" | "ALLOW") {
        odd.push("`headers_with_underscores_action: DROP_HEADER`".to_owned());
    }
    if truth(config, &["http_protocol_options", "accept_http_10"]) {
        odd.push("`accept_http_10: false`".to_owned());
    }
    if odd.is_empty() {
        return ok(
            check,
            format!(
                "read as the filter reads them at listener `{}`",
                manager.listener
            ),
        );
    }
    warning(
        check,
        format!(
            "at listener `{}` the upstream may read a request otherwise than the filter",
            manager.listener
        ),
        format!("set {}", odd.join(", ")),
    )
}

fn events(manager: &Manager<'_>, config: &Value) -> Finding {
    let check = "access-log";
    let at_listener = format!("at listener `{}`", manager.listener);
    let remedy = format!(
        "add the access log `countersign_events` with `filter_state_objects_to_log: [{STATE}]`, as in envoy/bootstrap.yaml"
    );
    let logs = items(manager.config, &["access_log"]);
    let ours = logs.filter(|log| {
        kind(log, &["typed_config"]) == LOG
            && items(
                log,
                &[
                    "typed_config",
                    "common_config",
                    "filter_state_objects_to_log",
                ],
            )
            .any(|state| state.as_str() == Some(STATE))
    });
    let mut ours = ours.peekable();
    let Some(log) = ours.peek() else {
        let found = format!("{at_listener} no event reaches the control plane");
        return failed(check, found, remedy);
    };
    let service = &[
        "typed_config",
        "common_config",
        "grpc_service",
        "envoy_grpc",
        "cluster_name",
    ];
    let cluster = text(log, service);
    if !clusters::exists(cluster, config) {
        let found = format!("{at_listener} events go to cluster `{cluster}`, which there is not");
        return failed(check, found, remedy);
    }
    if at(log, &["filter"]).is_some() {
        let found = format!("{at_listener} a filter of the access log leaves events out");
        return warning(
            check,
            found,
            "leave `filter` out; `eventSampling` of policies tells what is kept",
        );
    }
    if ours.count() > 1 {
        let found = format!("{at_listener} every event is sent more than once");
        return warning(check, found, "keep one access log with the filter state");
    }
    ok(check, format!("events reach `{cluster}` {at_listener}"))
}
