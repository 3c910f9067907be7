//! The same policies for Envoy's own filters, as cheaply as Envoy can say them: for each policy one
//! rule of the RBAC filter that denies.

use serde_json::{Map, Value, json};

use crate::envoy_config::Filter;
use crate::policies::{ASN_HEADER, NETWORK_PREFIX, Rule, TENANT_HEADER, ToldBy};

/// The RBAC filter with one rule for each policy.
pub(crate) fn filter(rules: &[Rule]) -> Filter {
    Filter::Native(entry(rules))
}

fn entry(rules: &[Rule]) -> Value {
    let policies: Map<String, Value> = rules
        .iter()
        .map(|rule| (rule.name.clone(), policy(&rule.told_by)))
        .collect();
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "DENY", "policies": policies},
        },
    })
}

fn policy(told_by: &ToldBy) -> Value {
    let anything = json!([{"any": true}]);
    let path = |matcher: Value| json!([{"url_path": {"path": matcher}}]);
    let (permissions, principals) = match told_by {
        ToldBy::Prefix(prefix) => (path(json!({"prefix": prefix})), anything),
        ToldBy::Exact(exact) => (path(json!({"exact": exact})), anything),
        ToldBy::Glob(glob) => (
            path(json!({"safe_regex": {"regex": regex(glob)}})),
            anything,
        ),
        ToldBy::Regex(regex) => (path(json!({"safe_regex": {"regex": regex}})), anything),
        ToldBy::Tenant(tenant) => (
            json!([{"header": {"name": TENANT_HEADER, "string_match": {"exact": tenant}}}]),
            anything,
        ),
        ToldBy::Address(address) => (anything, json!([network(*address, 32)])),
        ToldBy::Networks(networks) => {
            let networks: Vec<Value> = networks
                .iter()
                .map(|address| network(*address, NETWORK_PREFIX))
                .collect();
            (anything, Value::Array(networks))
        }
        ToldBy::AsnFrom(asn) => (
            json!([{"header": {
                "name": ASN_HEADER,
                "range_match": {"start": asn, "end": i64::MAX},
            }}]),
            anything,
        ),
        // Nothing in Envoy says this without an expression of its own language; never measured.
        ToldBy::Unindexed(_) => (json!([{"not_rule": {"any": true}}]), anything),
    };
    json!({"permissions": permissions, "principals": principals})
}

fn network(address: std::net::Ipv4Addr, prefix: u8) -> Value {
    json!({"remote_ip": {"address_prefix": address.to_string(), "prefix_len": prefix}})
}

/// A glob as a regular expression; of what ours hold, only the star is special.
fn regex(glob: &str) -> String {
    format!("^{}$", glob.replace('*', ".*"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::mixed;

    #[test]
    fn every_policy_is_one_rule() {
        let filter = entry(&mixed(100));
        let policies = &filter["typed_config"]["rules"]["policies"];
        assert_eq!(policies.as_object().map(Map::len), Some(100));
        assert_eq!(filter["typed_config"]["rules"]["action"], "DENY");
    }

    #[test]
    fn a_glob_is_anchored_and_its_stars_match_any_run() {
        assert_eq!(regex("/a/*/b/*/edit"), "^/a/.*/b/.*/edit$");
    }
}
