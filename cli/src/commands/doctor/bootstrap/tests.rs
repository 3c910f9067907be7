use super::super::finding::Status;
use super::*;
use rcgen::{CertificateParams, KeyPair};

const SHIPPED: &str = include_str!("../../../../../envoy/bootstrap.yaml");
const OVER_TLS: &str = include_str!("../../../../../envoy/control-plane-tls.yaml");

const NOW_S: i64 = 1_800_000_000;

/// The shipped bootstrap, filled in.
fn shipped() -> String {
    let values = [
        ("NODE_ID", "edge-1"),
        ("NODE_CLUSTER", "edge"),
        ("WORKERS", "2"),
        ("ADMIN_PORT", "9901"),
        ("LISTEN_ADDRESS", "0.0.0.0"),
        ("HTTP_PORT", "10000"),
        ("HTTPS_PORT", "10443"),
        ("TLS_CERTIFICATE", "/edge.crt"),
        ("TLS_KEY", "/edge.key"),
        ("CONTROL_PLANE_TOKEN", "/node.yaml"),
        (
            "CONTROL_PLANE_ADDRESS",
            "{socket_address: {address: 127.0.0.1, port_value: 18000}}",
        ),
        ("CONTROL_PLANE_HOST", "cp.example.com"),
        ("CONTROL_PLANE_PORT", "18000"),
        ("NODE_SECRET", "/node.yaml"),
        ("CONTROL_PLANE_AUTHORITY", "/ca.yaml"),
        ("SIDECAR_PORT", "18080"),
        ("UPSTREAM_HOST", "localhost"),
        ("UPSTREAM_PORT", "3000"),
    ];
    let fill =
        |text: String, (name, value): (&str, &str)| text.replace(&format!("${{{name}}}"), value);
    let lines = SHIPPED
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    values.into_iter().fold(text, fill)
}

fn judged(source: &str, now: i64) -> Judged {
    let resolve = |host: &str| match host {
        "public.example.com" => vec!["198.51.100.7".parse().unwrap(), "10.0.0.1".parse().unwrap()],
        "sidecar.internal" => vec!["10.0.0.2".parse().unwrap()],
        _ => Vec::new(),
    };
    let pem = KeyPair::generate().and_then(|key| {
        CertificateParams::default()
            .self_signed(&key)
            .map(|made| made.pem())
    });
    let pem = pem.unwrap();
    judge(
        source,
        &World {
            now,
            resolve: &resolve,
            read: &|path| match path.to_str() {
                Some("/edge.crt") => Ok(pem.clone().into_bytes()),
                _ => Err(std::io::ErrorKind::NotFound.into()),
            },
        },
    )
}

fn bad(source: &str) -> Vec<Finding> {
    let findings = judged(source, NOW_S).findings;
    findings
        .into_iter()
        .filter(|finding| finding.status != Status::Ok)
        .collect()
}

#[test]
fn the_shipped_bootstrap_is_well_and_tells_where_the_sidecar_is() {
    let judged = judged(&shipped(), NOW_S);
    for finding in &judged.findings {
        assert_eq!(finding.status, Status::Ok, "{finding:?}");
    }
    let checks: Vec<_> = judged
        .findings
        .iter()
        .map(|finding| finding.check)
        .collect();
    for check in [
        "node",
        "admin",
        "filter",
        "guard",
        "discovery",
        "ja4",
        "x-forwarded-for",
        "requests",
        "access-log",
        "certificate",
        "upstream",
        "pages",
        "address",
    ] {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
    let sidecar = judged.sidecar.unwrap();
    assert_eq!(sidecar.address, "http://127.0.0.1:18080");
}

/// What is changed in the shipped one, and what is found for it; nothing else is.
#[test]
fn each_thing_that_is_tampered_with_is_found_with_a_remedy() {
    use Status::{Failed, Skipped, Warning};
    let guard = "                    - filter_state: {key: wasm.countersign, string_match: {prefix: \"1\"}}\n";
    let cases: &[(&str, &str, &str, Status, &str)] = &[
        ("  id: \"edge-1\"\n", "", "node", Warning, "`node.id`"),
        (
            "countersign_workers: 2",
            "other: 2",
            "node",
            Warning,
            "how many workers",
        ),
        (
            "socket_address: {address: 127.0.0.1, port_value: 9901}",
            "socket_address: {address: 0.0.0.0, port_value: 9901}",
            "admin",
            Failed,
            "ticket keys",
        ),
        (
            guard,
            "                    - any: true\n",
            "guard",
            Failed,
            "lets requests pass",
        ),
        (
            guard,
            "                    - filter_state: {key: wasm.other, string_match: {prefix: \"1\"}}\n",
            "guard",
            Failed,
            "lets requests pass",
        ),
        (
            guard,
            "                    - filter_state: {key: wasm.countersign, string_match: {prefix: \"\"}}\n",
            "guard",
            Failed,
            "lets requests pass",
        ),
        (
            guard,
            "                    - filter_state: {key: wasm.countersign, string_match: {prefix: \"1\"}}\n                    - any: true\n",
            "guard",
            Failed,
            "lets requests pass",
        ),
        (
            "                action: ALLOW\n",
            "                action: DENY\n",
            "guard",
            Failed,
            "lets requests pass",
        ),
        (
            "http.rbac.v3.RBAC",
            "http.buffer.v3.Buffer",
            "guard",
            Failed,
            "there is none",
        ),
        (
            "              default_config:\n",
            "              other_config:\n",
            "discovery",
            Warning,
            "500",
        ),
        (
            "abort: {http_status: 503, percentage: {numerator: 100}}",
            "abort: {http_status: 503, percentage: {numerator: 99}}",
            "discovery",
            Failed,
            "everything passes",
        ),
        (
            "abort: {http_status: 503, percentage: {numerator: 100}}",
            "delay: {fixed_delay: 1s}",
            "discovery",
            Failed,
            "everything passes",
        ),
        (
            "retry_policy:\n",
            "other_policy:\n",
            "discovery",
            Warning,
            "half a minute",
        ),
        (
            "              - type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n",
            "",
            "discovery",
            Failed,
            "type_urls",
        ),
        (
            "object_key: countersign.ja4",
            "object_key: other",
            "ja4",
            Warning,
            "see nothing",
        ),
        (
            "enable_ja4_fingerprinting: true",
            "enable_ja4_fingerprinting: false",
            "ja4",
            Warning,
            "nobody computes",
        ),
        (
            "use_remote_address: true",
            "use_remote_address: false",
            "x-forwarded-for",
            Failed,
            "anybody can write",
        ),
        (
            "skip_xff_append: true",
            "skip_xff_append: true\n          xff_num_trusted_hops: 1",
            "x-forwarded-for",
            Warning,
            "both look",
        ),
        (
            "          skip_xff_append: true\n",
            "",
            "x-forwarded-for",
            Warning,
            "appends the peer",
        ),
        (
            "normalize_path: true",
            "normalize_path: false",
            "requests",
            Warning,
            "otherwise than the filter",
        ),
        (
            "headers_with_underscores_action: DROP_HEADER",
            "headers_with_underscores_action: ALLOW",
            "requests",
            Warning,
            "otherwise than the filter",
        ),
        (
            "filter_state_objects_to_log: [wasm.countersign]",
            "filter_state_objects_to_log: []",
            "access-log",
            Failed,
            "no event",
        ),
        (
            "          - name: countersign_events\n",
            "          - name: countersign_events\n            filter: {response_flag_filter: {}}\n",
            "access-log",
            Warning,
            "leaves events out",
        ),
        (
            "                match: {prefix: \"/.countersign/\"}",
            "                match: {prefix: \"/other/\"}",
            "pages",
            Failed,
            "no route",
        ),
        (
            "route: {cluster: countersign_auth_sidecar, timeout: 15s}",
            "route: {cluster: nowhere, timeout: 15s}",
            "pages",
            Failed,
            "which there is not",
        ),
        (
            "            - name: edge\n",
            "            - name: edge\n              typed_per_filter_config: {countersign_guard: {}}\n",
            "per-route",
            Failed,
            "`countersign_guard`",
        ),
        (
            "            connection_keepalive: {interval: 5s, timeout: 2s}\n",
            "            max_concurrent_streams: 100\n",
            "upstream",
            Warning,
            "unnoticed",
        ),
        (
            "http.credential_injector.v3.CredentialInjector",
            "http.buffer.v3.Buffer",
            "upstream",
            Warning,
            "neither a token nor a certificate",
        ),
        (
            "http2_protocol_options:\n            connection",
            "http_protocol_options:\n            connection",
            "upstream",
            Failed,
            "HTTP/2",
        ),
        (
            "address: 127.0.0.1, port_value: 18000",
            "address: 10.0.0.1, port_value: 18000",
            "upstream",
            Failed,
            "in clear",
        ),
        (
            "address: 127.0.0.1, port_value: 18080",
            "address: 198.51.100.7, port_value: 18080",
            "address",
            Failed,
            "past Envoy",
        ),
        (
            "address: 127.0.0.1, port_value: 18080",
            "address: 0.0.0.0, port_value: 18080",
            "address",
            Failed,
            "past Envoy",
        ),
        (
            "address: 127.0.0.1, port_value: 18080",
            "address: public.example.com, port_value: 18080",
            "address",
            Failed,
            "past Envoy",
        ),
        (
            "address: 127.0.0.1, port_value: 18080",
            "address: unknown.example.com, port_value: 18080",
            "address",
            Warning,
            "nobody knows where",
        ),
        (
            "\"/edge.crt\"",
            "\"/none.crt\"",
            "certificate",
            Skipped,
            "cannot read",
        ),
    ];
    for (from, to, check, status, part) in cases {
        let text = shipped();
        assert!(text.contains(from), "{from}");
        let found = bad(&text.replace(from, to));
        assert!(!found.is_empty(), "{from} -> {to}");
        for finding in &found {
            assert_eq!(
                (finding.check, finding.status),
                (*check, *status),
                "{from} -> {to}: {finding:?}"
            );
            assert!(finding.found.contains(part), "{part}: {finding:?}");
            assert!(finding.remedy.is_some(), "{finding:?}");
        }
    }
}

#[test]
fn a_guard_in_the_wrong_place_is_found() {
    let text = shipped();
    let (before, rest) = text
        .split_once("\n          - name: countersign\n")
        .unwrap();
    let (filter, rest) = rest
        .split_once("          - name: countersign_guard\n")
        .unwrap();
    let (guard, rest) = rest
        .split_once("          - name: envoy.filters.http.router\n")
        .unwrap();
    let (router, after) = rest.split_once("  - name: https\n").unwrap();
    let filter = format!("          - name: countersign\n{filter}");
    let guard = format!("          - name: countersign_guard\n{guard}");
    let router = format!("          - name: envoy.filters.http.router\n{router}");
    let build = |order: [&str; 3]| format!("{before}\n{}  - name: https\n{after}", order.concat());
    assert!(bad(&build([&filter, &guard, &router])).is_empty());
    for (order, part) in [
        ([&guard, &filter, &router], "stands before the filter"),
        ([&filter, &router, &guard], "behind the router"),
    ] {
        let found = bad(&build(order.map(String::as_str)));
        assert!(
            found
                .iter()
                .all(|it| it.check == "guard" && it.status == Status::Failed),
            "{found:?}"
        );
        assert!(found[0].found.contains(part), "{found:?}");
    }
    let without = bad(&build([&router, "", ""]));
    assert!(
        without
            .iter()
            .any(|it| it.found.contains("no listener asks")),
        "{without:?}"
    );
}

#[test]
fn a_filter_that_stands_in_the_bootstrap_itself_is_found() {
    let text = shipped();
    let (before, rest) = text.split_once("            config_discovery:\n").unwrap();
    let (_, after) = rest
        .split_once("          - name: countersign_guard\n")
        .unwrap();
    for (more, part) in [
        ("", "without `nack"),
        (", nack_on_code_cache_miss: true", "no policy reaches it"),
    ] {
        let wasm = format!(
            "            typed_config:\n              \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n              config: {{vm_config: {{code: {{remote: {{sha256: x}}}}{more}}}}}\n"
        );
        let found = bad(&format!(
            "{before}{wasm}          - name: countersign_guard\n{after}"
        ));
        assert!(found[0].found.contains(part), "{found:?}");
        assert_eq!(found[0].found.contains("without `nack"), more.is_empty());
        assert!(found.iter().all(|it| it.check == "filter"), "{found:?}");
    }
}

#[test]
fn the_cluster_over_tls_is_well_also_on_another_machine() {
    let text = shipped();
    let (before, rest) = text
        .split_once("  - name: countersign_control_plane\n    type:")
        .unwrap();
    let (_, after) = rest
        .split_once("  - name: countersign_auth_sidecar\n")
        .unwrap();
    let cluster = OVER_TLS.lines().filter(|line| !line.starts_with('#'));
    let cluster = cluster.collect::<Vec<_>>().join("\n");
    let cluster = cluster
        .replace("${CONTROL_PLANE_HOST}", "cp.example.com")
        .replace("${CONTROL_PLANE_PORT}", "18000");
    let cluster = cluster
        .replace("${NODE_SECRET}", "/n.yaml")
        .replace("${CONTROL_PLANE_AUTHORITY}", "/a.yaml");
    let text = format!("{before}{cluster}\n  - name: countersign_auth_sidecar\n{after}");
    assert_eq!(bad(&text), []);
    let piped = shipped().replace(
        "{socket_address: {address: 127.0.0.1, port_value: 18000}}",
        "{pipe: {path: /run/relay.sock}}",
    );
    assert_eq!(bad(&piped), []);
}

#[test]
fn the_listeners_certificate_that_ended_fails() {
    let in_the_year_5000 = 95_617_584_000;
    let findings = judged(&shipped(), in_the_year_5000).findings;
    let certificate = findings
        .iter()
        .find(|it| it.check == "certificate")
        .unwrap();
    assert_eq!(certificate.status, Status::Failed, "{certificate:?}");
}

#[test]
fn what_is_no_finished_bootstrap_is_said() {
    for (source, part) in [
        (SHIPPED, "filled in"),
        ("- a\n- b\n", "not a bootstrap"),
        ("a: [\n", "cannot be read"),
        ("", ""),
    ] {
        let found = bad(source);
        assert_eq!(found[0].status, Status::Failed, "{source}: {found:?}");
        assert!(found[0].found.contains(part), "{found:?}");
    }
}

#[test]
fn json_in_camel_case_is_the_same_bootstrap() {
    fn camel(value: Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| {
                    let kept = name == "countersign_workers" || name.contains('.');
                    let words = name.split('_').enumerate();
                    let joined = words
                        .map(|(at, word)| match (at, word.get(..1)) {
                            (0, _) | (_, None) => word.to_owned(),
                            (_, Some(first)) => first.to_uppercase() + &word[1..],
                        })
                        .collect();
                    (if kept { name } else { joined }, camel(value))
                })
                .collect(),
            Value::Array(values) => values.into_iter().map(camel).collect(),
            other => other,
        }
    }
    let value: Value = serde_saphyr::from_str(&shipped()).unwrap();
    let json = serde_json::to_string(&camel(value)).unwrap();
    assert!(json.contains("httpFilters"));
    assert_eq!(bad(&json), []);
}
