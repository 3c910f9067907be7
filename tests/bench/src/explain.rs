//! `--explain`: where the time of our filter goes. The floor with single host calls of ours added, the
//! same by Envoy's own means, our filter with less to do, and other builds of it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::configs::{Answers, FLOOR, Modules, Plan, countersign, listener};
use crate::envoy_config::set_request_header;
use crate::policies::{Rule, TEN, ToldBy, mixed, resources, resources_with};
use crate::progress::Progress;
use crate::requests::Session;

/// Words that the floor's module knows; see `steps.rs` beside it.
const STEPS: [(&str, &str); 9] = [
    (FLOOR, ""),
    ("floor + clock", "time"),
    ("floor + peer address", "peer"),
    ("floor + request header set", "header"),
    ("floor + event property", "event"),
    ("floor + second counter", "count"),
    ("floor + second property", "permit"),
    ("floor + headers again", "copy"),
    ("floor + all of ours", "time peer header event count permit"),
];

/// No event for a plain allow.
const UNSAMPLED: &str = "  allowSampling: 0\n";

/// The chains that explain, all with the requests of people who have a session. `others` are modules
/// that take the same compiled form: a build to compare with.
pub(crate) fn plan(modules: &Modules, others: &[PathBuf], progress: &Progress) -> Result<Plan> {
    progress.say("compiling policies");
    let mut plan = Plan::default();
    plan.add_empty();
    for (name, words) in STEPS {
        plan.add_floor(name, modules, words, &[Session::Valid]);
    }
    by_envoy(&mut plan, modules);
    let ten = mixed(TEN);
    let without_numbers: Vec<Rule> = ten
        .iter()
        .filter(|rule| !matches!(rule.told_by, ToldBy::AsnFrom(_)))
        .cloned()
        .collect();
    for (name, documents, policies) in [
        ("no policy", resources(&[]), 0),
        ("no policy, no event", resources_with(UNSAMPLED, &[]), 0),
        ("countersign", resources(&ten), TEN),
        ("no event", resources_with(UNSAMPLED, &ten), TEN),
        (
            "no event, no numbers",
            resources_with(UNSAMPLED, &without_numbers),
            without_numbers.len(),
        ),
        ("no event", resources_with(UNSAMPLED, &mixed(1_000)), 1_000),
    ] {
        let listener = countersign(name, policies, &documents, modules)?;
        plan.add(listener, policies, Answers::Challenges, &[Session::Valid]);
    }
    for other in others {
        let name = other.file_stem().context("a module needs a name")?;
        let modules = Modules {
            filter: other.clone(),
            floor: modules.floor.clone(),
        };
        let name = format!("by {}", name.to_string_lossy().replace('-', "_"));
        let listener = countersign(&name, TEN, &resources(&ten), &modules)?;
        plan.add(listener, TEN, Answers::Challenges, &[Session::Valid]);
    }
    Ok(plan)
}

/// What two of the host calls cost when Envoy does the same before or after the filter.
fn by_envoy(plan: &mut Plan, modules: &Modules) {
    let peer = set_request_header("bench-peer", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%");
    let id = set_request_header("bench-event-id", "%FILTER_STATE(wasm.bench_floor:PLAIN)%");
    for (name, before, after) in [
        ("floor, peer put into a header before", Some(peer), None),
        ("floor, id put into a header behind", None, Some(id)),
    ] {
        let floor = modules.floor(name, "");
        let filters = before.into_iter().chain([floor]).chain(after).collect();
        plan.add(
            listener(name, 0, filters),
            0,
            Answers::Passes,
            &[Session::Valid],
        );
    }
}
