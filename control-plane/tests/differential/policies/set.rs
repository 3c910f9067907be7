//! A set of resources, as YAML.

use std::fmt::Write as _;

use super::super::dice::Dice;
use super::condition::condition;

/// Hosts as policies name them.
const HOSTS: [&str; 5] = [
    "shop.example.com",
    "*.example.com",
    "api.example.com",
    "*.shop.example.com",
    "[::1]",
];

/// Endpoints as policies name them: exact, prefixes, suffixes, globs in the middle, overlapping ones.
const ENDPOINTS: [&str; 18] = [
    "/",
    "*",
    "/checkout/*",
    "/checkout/pay",
    "/Checkout/*",
    "/api/*/items",
    "/api/v?/items",
    "*.php",
    "/a*b*c",
    "/*/*/*",
    "/payment/**",
    "/é/*",
    "/api/v1/*",
    "/api/v1/items",
    "?checkout?pay",
    "*pay*",
    "/static/*.js",
    "/checkout/pay?",
];

const METHODS: [&str; 5] = ["GET", "POST", "HEAD", "DELETE", "PURGE"];

/// Makes a set with at most so many policies.
pub(crate) fn set(dice: &mut Dice<'_>, most: usize) -> String {
    let mut yaml = String::new();
    settings(dice, &mut yaml);
    lists(&mut yaml);
    for number in 0..dice.below(4) {
        let reason = dice.pick(&["LOW_TRUST", "BOT", "HEADLESS_BROWSER_AUTOMATION"]);
        let weight = dice.pick(&["40", "70", "-30", "1"]);
        let when = without_score(dice);
        document(&mut yaml, "Signal", &format!("signal-{number}"));
        write_line(
            &mut yaml,
            &format!("  when: '{when}'\n  weight: {weight}\n  reason: {reason}"),
        );
    }
    if dice.one_in(2) {
        document(&mut yaml, "DeviceRule", "rule");
        let rule = dice.pick(&[
            "cidr_block: [203.0.113.0/24]\n  verdict: BLOCK",
            "asn: [64500]\n  verdict: CHALLENGE",
            "visitor_id: [visitor-1]\n  verdict: ALLOW",
            "country_code: [DE]\n  verdict: BLOCK",
        ]);
        write_line(&mut yaml, &format!("  {rule}"));
    }
    let count = 1 + dice.below(most);
    for number in 0..count {
        policy(dice, number, &mut yaml);
    }
    yaml
}

fn write_line(yaml: &mut String, line: &str) {
    let _written = writeln!(yaml, "{line}");
}

fn document(yaml: &mut String, kind: &str, name: &str) {
    write_line(
        yaml,
        &format!(
            "---\napiVersion: countersign.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:"
        ),
    );
}

fn settings(dice: &mut Dice<'_>, yaml: &mut String) {
    document(yaml, "Settings", "default");
    let case = dice.one_in(4);
    let enforced = if dice.one_in(3) {
        "{mode: enforce, challenge: challenge}"
    } else {
        "{mode: observe}"
    };
    let exempt = if dice.one_in(4) { "[/healthz]" } else { "[]" };
    write_line(
        yaml,
        &format!(
            "  trustedHops: [127.0.0.1/32, 10.0.0.0/8]\n  score: {{header: x-bot-score}}\n  \
             geo: {{countryHeader: x-geo-country, asnHeader: x-geo-asn}}\n  \
             identifiers: {{visitor_id: x-visitor-id}}\n  \
             verdicts: {enforced}\n  caseSensitivePaths: {case}"
        ),
    );
    if exempt != "[]" {
        write_line(yaml, &format!("  exemptPaths: {exempt}"));
    }
}

fn lists(yaml: &mut String) {
    let many: Vec<String> = (0..100).map(|number| format!("t{number}")).collect();
    for (name, members) in [
        ("few", "strings: [t1, bot, /checkout/pay]".to_owned()),
        ("many", format!("strings: [{}]", many.join(", "))),
        (
            "some-hosts",
            "strings: [shop.example.com, api.example.com, DE]".to_owned(),
        ),
        ("numbers", "numbers: [0, 70, 64500, -1]".to_owned()),
        (
            "nets",
            "cidrs: [203.0.113.0/24, 2001:db8::/32, 198.51.100.7/32]".to_owned(),
        ),
        ("everybody", "cidrs: [0.0.0.0/0]".to_owned()),
    ] {
        document(yaml, "List", name);
        write_line(yaml, &format!("  {members}"));
    }
}

/// What signals may ask: not what they make themselves.
fn without_score(dice: &mut Dice<'_>) -> String {
    loop {
        let when = condition(dice, 1);
        if !when.contains("score") && !when.contains("reasons") {
            return when;
        }
        // Given bytes run out, and then every choice is the first, which asks for no score.
    }
}

fn policy(dice: &mut Dice<'_>, number: usize, yaml: &mut String) {
    document(yaml, "MitigationPolicy", &format!("policy-{number}"));
    let some = |dice: &mut Dice<'_>, from: &[&'static str]| {
        let count = 1 + dice.below(3);
        let quoted: Vec<String> = (0..count)
            .map(|_| format!("\"{}\"", dice.pick(from)))
            .collect();
        let mut distinct = quoted;
        distinct.sort_unstable();
        distinct.dedup();
        distinct.join(", ")
    };
    if dice.one_in(3) {
        let hosts = some(dice, &HOSTS);
        write_line(yaml, &format!("  hosts: [{hosts}]"));
    }
    if !dice.one_in(3) {
        let endpoints = some(dice, &ENDPOINTS);
        write_line(yaml, &format!("  endpoints: [{endpoints}]"));
    }
    if dice.one_in(4) {
        let methods = some(dice, &METHODS);
        write_line(yaml, &format!("  methods: [{methods}]"));
    }
    if !dice.one_in(4) {
        let depth = dice.below(4);
        let when = condition(dice, depth);
        write_line(yaml, &format!("  when: '{when}'"));
    }
    let action = dice.pick(&[
        "action: monitor",
        "action: block\n  mode: monitor",
        "action: challenge\n  challenge: {minAssurance: effort}",
        "action: challenge\n  challenge: {minAssurance: uv, maxAge: 1h}",
        "action: block",
        "action: allow",
        "action: redirect\n  redirect: {location: \"/sale\", status: 302}",
    ]);
    // Few priorities, so that names decide between equal ones.
    let priority = dice.pick(&["100", "100", "200", "300"]);
    write_line(yaml, &format!("  {action}\n  priority: {priority}"));
}
