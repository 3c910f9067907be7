//! The policies of the bench, made by a generator: the first ten of ten thousand are the ten.
//!
//! Of six policies two are told apart by endpoint (prefix, exact, glob and regular expression in
//! turn), two by a header's value, one by address (one address, or a list of networks, in turn), one by
//! a comparison of numbers. All of them challenge.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use crate::seed::Seed;

/// The header that tells tenants apart; every request has one.
pub(crate) const TENANT_HEADER: &str = "x-tenant";
/// The header in which the hop in front says which network the client is in; every request has one.
pub(crate) const ASN_HEADER: &str = "x-geo-asn";
/// The numbers of networks that no policy is about are below this.
pub(crate) const FIRST_ASN: i64 = 4_200_000_000;

/// First segments of the paths that policies are about.
pub(crate) const SECTIONS: [&str; 12] = [
    "account", "admin", "basket", "checkout", "gift", "invoice", "login", "order", "payment",
    "profile", "refund", "wallet",
];

/// Entries of one list: what the bounds on a file leave room for. One list of a million, once they do.
pub(crate) const CIDRS_PER_LIST: usize = 30_000;

/// Values of one device rule: as for lists.
pub(crate) const DEVICES_PER_RULE: usize = 20_000;

const SEED: u64 = 0x0c0f_fee5;

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// A DNS label; ties in priority are broken by it.
    pub(crate) name: String,
    pub(crate) told_by: ToldBy,
}

/// What tells a policy's requests from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToldBy {
    /// `/checkout/17-3fa9/*`, without the star.
    Prefix(String),
    /// The path itself.
    Exact(String),
    /// `/checkout/*/17-3fa9/*/edit`.
    Glob(String),
    /// A regular expression on the path.
    Regex(String),
    /// The value of [`TENANT_HEADER`].
    Tenant(String),
    /// The client's address.
    Address(Ipv4Addr),
    /// Networks of 16 addresses.
    Networks(Vec<Ipv4Addr>),
    /// The client's network has this number or a higher one.
    AsnFrom(i64),
    /// A condition in the language that no index can help with.
    Unindexed(String),
}

/// Prefix length of [`ToldBy::Networks`].
pub(crate) const NETWORK_PREFIX: u8 = 28;

/// The mix: of so many policies.
pub(crate) fn mixed(count: usize) -> Vec<Rule> {
    let mut seed = Seed::new(SEED);
    (0..count).map(|index| rule(index, &mut seed)).collect()
}

/// The ten of the mix, and then policies whose conditions must all be evaluated.
pub(crate) fn unindexed(count: usize) -> Vec<Rule> {
    let mut rules = mixed(TEN.min(count));
    rules.extend((rules.len()..count).map(|index| Rule {
        name: format!("unindexed-{index:05}"),
        told_by: ToldBy::Unindexed(unindexed_condition(index)),
    }));
    rules
}

/// The policies that every set begins with: the requests that match do match one of these.
pub(crate) const TEN: usize = 10;

/// Nothing in these makes anything else necessary: two comparisons, and exactly one of them holds. No
/// two policies have a part in common that could be evaluated once for both. None matches.
fn unindexed_condition(index: usize) -> String {
    let (asn, size) = (4_294_000_000 + index, 1_000_000 + index);
    format!("(geo.asn > {asn}) != (request.size > {size})")
}

fn rule(index: usize, seed: &mut Seed) -> Rule {
    let section = seed.pick(&SECTIONS).copied().unwrap_or_default();
    let id = format!("{index}-{:04x}", seed.below(0x1_0000));
    // Counts the policies of one kind.
    let turn = index / 6;
    let told_by = match index % 6 {
        0 => endpoint(2 * turn, section, &id),
        3 => endpoint(2 * turn + 1, section, &id),
        1 | 4 => ToldBy::Tenant(format!("tenant-{id}")),
        2 if turn.is_multiple_of(2) => ToldBy::Address(loopback(64, turn)),
        // 16 addresses each, two networks a list.
        2 => ToldBy::Networks(vec![loopback(96, turn * 32), loopback(96, turn * 32 + 16)]),
        _ => ToldBy::AsnFrom(FIRST_ASN + i64::try_from(turn).unwrap_or(0)),
    };
    Rule {
        name: format!("{section}-{index:05}"),
        told_by,
    }
}

fn endpoint(turn: usize, section: &str, id: &str) -> ToldBy {
    match turn % 4 {
        0 => ToldBy::Prefix(format!("/{section}/{id}/")),
        1 => ToldBy::Exact(format!("/{section}/{id}/confirm")),
        2 => ToldBy::Glob(format!("/{section}/*/{id}/*/edit")),
        _ => ToldBy::Regex(format!("^/{section}/r{id}/[0-9]+(/details)?$")),
    }
}

/// An address of this machine, so that a request can come from it: `127.block.….…` and upwards.
fn loopback(block: u8, offset: usize) -> Ipv4Addr {
    let base = u32::from(Ipv4Addr::new(127, block, 0, 0));
    Ipv4Addr::from(base.saturating_add(u32::try_from(offset).unwrap_or(0)))
}

/// The resources of a set as YAML: settings, then policies with the lists that they name.
pub(crate) fn resources(rules: &[Rule]) -> Vec<String> {
    resources_with("", rules)
}

/// The same with more settings.
pub(crate) fn resources_with(settings: &str, rules: &[Rule]) -> Vec<String> {
    std::iter::once(format!("{SETTINGS}{settings}"))
        .chain(rules.iter().map(resource))
        .collect()
}

/// So many networks in one policy's lists and so many device rules, on top of the ten.
pub(crate) fn many(networks: usize, devices: usize) -> Vec<String> {
    let mut documents = resources(&mixed(TEN));
    let mut seed = Seed::new(SEED ^ 1);
    let mut conditions = Vec::new();
    for (number, first) in (0..networks).step_by(CIDRS_PER_LIST).enumerate() {
        let name = format!("many{number}");
        let mut list =
            format!("apiVersion: {API}\nkind: List\nmetadata: {{name: {name}}}\nspec:\n  cidrs:\n");
        for index in first..networks.min(first + CIDRS_PER_LIST) {
            // Far enough apart that none touches another: nothing can be merged.
            let base = 0x0100_0000_u64 + (index as u64) * 2048 + (seed.below(128) as u64) * 8;
            let address = Ipv4Addr::from(u32::try_from(base).unwrap_or(u32::MAX));
            let _infallible = writeln!(list, "  - {address}/29");
        }
        documents.push(list);
        conditions.push(format!("source.address in lists.{name}"));
    }
    documents.push(policy("many-networks", "", &conditions.join(" || ")));
    for (number, first) in (0..devices).step_by(DEVICES_PER_RULE).enumerate() {
        let mut rule = format!(
            "apiVersion: {API}\nkind: DeviceRule\nmetadata: {{name: many{number}}}\nspec:\n  verdict: BLOCK\n  visitor_id:\n"
        );
        for _ in first..devices.min(first + DEVICES_PER_RULE) {
            // A random identifier as sessions have them.
            let _infallible = writeln!(rule, "  - {:016x}{:016x}", seed.next(), seed.next());
        }
        documents.push(rule);
    }
    documents
}

const API: &str = "countersign.dev/v1";

/// The hop in front is this machine, whatever its address, and it says where the client is.
const SETTINGS: &str = "\
apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  trustedHops: [\"127.0.0.0/8\"]
  geo: {asnHeader: x-geo-asn}
  challenge: {minAssurance: uv, maxAge: 1h}
";

fn resource(rule: &Rule) -> String {
    let name = &rule.name;
    match &rule.told_by {
        ToldBy::Prefix(prefix) => policy(name, &format!("{prefix}*"), ""),
        ToldBy::Exact(pattern) | ToldBy::Glob(pattern) => policy(name, pattern, ""),
        ToldBy::Regex(regex) => policy(name, "", &format!("request.url_path.matches(\"{regex}\")")),
        ToldBy::Tenant(tenant) => {
            let when = format!("request.headers[\"{TENANT_HEADER}\"] == \"{tenant}\"");
            policy(name, "", &when)
        }
        ToldBy::Address(address) => policy(name, "", &format!("source.address == \"{address}\"")),
        ToldBy::Networks(networks) => {
            let list = format!("net{}", name.rsplit('-').next().unwrap_or_default());
            let cidrs: Vec<String> = networks
                .iter()
                .map(|network| format!("\"{network}/{NETWORK_PREFIX}\""))
                .collect();
            format!(
                "apiVersion: {API}\nkind: List\nmetadata: {{name: {list}}}\nspec: {{cidrs: [{}]}}\n---\n{}",
                cidrs.join(", "),
                policy(name, "", &format!("source.address in lists.{list}"))
            )
        }
        ToldBy::AsnFrom(asn) => policy(name, "", &format!("geo.asn >= {asn}")),
        ToldBy::Unindexed(when) => policy(name, "", when),
    }
}

fn policy(name: &str, endpoint: &str, when: &str) -> String {
    let mut text = format!(
        "apiVersion: {API}\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\nspec:\n  action: challenge\n"
    );
    if !endpoint.is_empty() {
        let _infallible = writeln!(text, "  endpoints: [\"{endpoint}\"]");
    }
    if !when.is_empty() {
        let _infallible = writeln!(text, "  when: '{when}'");
    }
    text
}

#[cfg(test)]
mod tests;
