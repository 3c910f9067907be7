//! What alert rules and panels name of Envoy and of the filter is there in a real Envoy with traffic
//! behind it, and what the other parts show is what their lists say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::{expect, held, tour, visitor, wait};
use reqwest::Method;
use serde::{Deserialize, Serialize};

const POLICIES: [(&str, &str); 2] = [
    tour::POLICIES[0],
    (
        "observability.yaml",
        include_str!("../policies/observability.yaml"),
    ),
];

/// As the control plane's tests read it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Metric {
    name: String,
    kind: String,
    help: String,
    labels: BTreeMap<String, Vec<String>>,
}

/// Of one name in a scrape.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn observability(file: &str) -> PathBuf {
    root().join("envoy/observability").join(file)
}

#[test]
fn what_rules_name_of_envoy_is_there() -> Result<()> {
    let stack = Stack::start("observability", &POLICIES)?;
    stack.watched(|stack| {
        make_traffic(stack)?;
        let wanted = envoys_own()?;
        let families = wait::until("everything is counted", PUSH_LIMIT, || {
            let families = families(&stack.envoy_admin("/stats/prometheus")?);
            let own = COUNTED.iter().map(|(name, _)| *name);
            let all = own.chain(wanted.iter().map(String::as_str));
            let missing: Vec<_> = all.filter(|name| !families.contains_key(*name)).collect();
            ensure!(missing.is_empty(), "missing: {missing:?}");
            Ok(Some(families))
        })?;
        let mut metrics = Vec::new();
        for (name, family) in &families {
            let ours = name.starts_with("countersign_");
            if ours || wanted.contains(name) {
                metrics.push(metric(name, family)?);
            }
        }
        let mut actual = serde_json::to_string_pretty(&metrics)?;
        actual.push('\n');
        let path = observability("metrics/envoy.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &actual)?;
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        ensure!(expected == actual, "UPDATE_GOLDEN=1 rewrites:\n{actual}");
        is_as_listed("control-plane", &stack.control_plane_metrics()?.names())?;
        is_as_listed("sidecar", &stack.sidecar_metrics()?.names())
    })?;
    stack.stop()
}

/// One request for each thing that is counted.
fn make_traffic(stack: &Stack) -> Result<()> {
    let client = stack.client()?;
    expect::served(client.get("/products/lamp")?)?;
    expect::served(
        client
            .with("x-number", "many")?
            .get("/products/numbered/1")?,
    )?;
    expect::blocked(stack.client()?.get("/admin/x")?)?;
    stack.client()?.get("/old/x")?.expect(302)?;
    expect::told_to_prove(stack.client()?.get("/checkout/cart")?)?;
    let cookie = format!("{}=a.b.c", visitor::SESSION);
    let forged = stack.client()?.with("cookie", &cookie)?;
    expect::told_to_prove(forged.get("/checkout/cart")?)?;
    let boast = stack.stranger()?.with("x-bot-score", "1")?;
    expect::served(boast.get("/products/lamp")?)?;
    let form = held::posted(
        &stack.client()?,
        Method::POST,
        "/checkout/pay",
        b"a=1".to_vec(),
    )?;
    form.expect(303)?;
    // Exempt, whatever it is answered.
    stack.client()?.get("/.countersign/jwks.json")?;
    Ok(())
}

/// What the filter counts, and what each says.
const COUNTED: [(&str, &str); 6] = [
    (
        "countersign_condition_errors_total",
        "Conditions of policies and signals that failed at run time.",
    ),
    (
        "countersign_configurations_total",
        "Configurations that workers' VMs took or refused.",
    ),
    (
        "countersign_decisions_total",
        "Requests by what was decided and by policy; (none) = no policy decided. monitor and satisfied stand beside the decision of the same request.",
    ),
    (
        "countersign_held_bodies_total",
        "Bodies of challenged requests: kept, repeated, or why not.",
    ),
    (
        "countersign_notes_total",
        "What the filter noticed, such as a score from a hop that is not trusted.",
    ),
    (
        "countersign_sessions_total",
        "Session cookies by what they were worth, where a policy asked.",
    ),
];

/// What Envoy counts.
const ENVOYS: [(&str, &str); 7] = [
    (
        "envoy_access_logs_grpc_access_log_logs_dropped",
        "Entries of the access log, and the events in them, that found no room while the control plane was away.",
    ),
    (
        "envoy_cluster_upstream_rq_time",
        "Milliseconds that upstreams took.",
    ),
    (
        "envoy_http_downstream_rq_time",
        "Milliseconds of whole requests.",
    ),
    ("envoy_http_downstream_rq_xx", "Answers by class of status."),
    (
        "envoy_http_fault_aborts_injected",
        "503 of a node that has no policy yet.",
    ),
    (
        "envoy_http_rbac_denied",
        "Requests that the guard refused because the filter had not judged them.",
    ),
    (
        "envoy_server_days_until_first_cert_expiring",
        "Days until the first of this Envoy's certificates ends.",
    ),
];

fn metric(name: &str, family: &Family) -> Result<Metric> {
    let known = COUNTED.iter().chain(&ENVOYS);
    let help = known
        .into_iter()
        .find(|(known, _)| *known == name)
        .with_context(|| format!("say above what {name} counts"))?
        .1;
    let mut labels = BTreeMap::new();
    for (label, seen) in &family.labels {
        let words = words(name, label)?;
        if !words.is_empty() {
            let strange: Vec<_> = seen.iter().filter(|it| !words.contains(it)).collect();
            ensure!(strange.is_empty(), "{name} has {label} {strange:?}");
        }
        labels.insert(label.clone(), words);
    }
    Ok(Metric {
        name: name.to_owned(),
        kind: family.kind.clone(),
        help: help.to_owned(),
        labels,
    })
}

/// The words that a label of ours can have, read out of the code that says them.
fn words(name: &str, label: &str) -> Result<Vec<String>> {
    let read = |file: &str| std::fs::read_to_string(root().join(file));
    match (name, label) {
        ("countersign_sessions_total", "result") => {
            let mut words = vec!["absent".to_owned(), "valid".to_owned()];
            for file in [
                "filter/engine/src/session/token.rs",
                "filter/dpop/src/proof.rs",
            ] {
                for line in read(file)?.lines() {
                    if let Some((_, word)) = line.split_once("=> \"") {
                        words.push(word.trim_end_matches("\",").to_owned());
                    }
                }
            }
            words.sort();
            Ok(words)
        }
        ("countersign_held_bodies_total", "result") => {
            let mut words = vec!["kept".to_owned(), "repeated".to_owned()];
            for line in read("filter/engine/src/held/answer.rs")?.lines() {
                let word = line
                    .trim()
                    .strip_prefix('"')
                    .and_then(|it| it.strip_suffix("\","));
                if let Some(word) = word.filter(|it| {
                    !it.is_empty() && it.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                }) {
                    words.push(word.to_owned());
                }
            }
            words.sort();
            words.dedup();
            Ok(words)
        }
        ("countersign_decisions_total", "action") => {
            let words = [
                "allow",
                "block",
                "challenge",
                "exempt",
                "monitor",
                "not_ready",
                "redirect",
                "satisfied",
            ];
            let code = [
                read("filter/src/counters.rs")?,
                read("filter/src/running.rs")?,
                read("filter/engine/src/decide/outcome.rs")?,
            ]
            .concat();
            for word in words {
                ensure!(code.contains(&format!("{word:?}")), "no code says {word}");
            }
            Ok(words.map(str::to_owned).into())
        }
        _ => Ok(Vec::new()),
    }
}

/// What rules and panels name of Envoy's own.
fn envoys_own() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in ["rules.yaml", "grafana.json"] {
        let text = std::fs::read_to_string(observability(file))?;
        for (at, _) in text.match_indices("envoy_") {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            if before.is_some_and(|before| before == '_' || before.is_ascii_alphanumeric()) {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            if after.starts_with('{') {
                names.insert(name.trim_end_matches("_bucket").to_owned());
            }
        }
    }
    Ok(names)
}

fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            name.clone_into(&mut current);
            kind.clone_into(&mut families.entry(current.clone()).or_default().kind);
        } else if let Some((_, labels)) = line.split_once('{') {
            let labels = labels.rsplit_once('}').map_or("", |(labels, _)| labels);
            let family = families.entry(current.clone()).or_default();
            for (label, value) in labels
                .split("\",")
                .filter_map(|pair| pair.split_once("=\""))
                .filter(|(label, _)| *label != "le")
            {
                let values = family.labels.entry(label.to_owned()).or_default();
                values.insert(value.trim_end_matches('"').to_owned());
            }
        }
    }
    families
}

/// Is everything that a part shows in its list?
fn is_as_listed(part: &str, shown: &[&str]) -> Result<()> {
    let text = std::fs::read_to_string(observability(&format!("metrics/{part}.json")))?;
    let metrics: Vec<Metric> = serde_json::from_str(&text)?;
    let listed: BTreeSet<_> = metrics.iter().map(|it| it.name.as_str()).collect();
    let strange: Vec<_> = shown
        .iter()
        .filter(|name| !listed.contains(*name))
        .collect();
    ensure!(
        !shown.is_empty() && strange.is_empty(),
        "{part}: {strange:?}"
    );
    Ok(())
}
