//! The compiled form and its evaluator beside an evaluator that is too simple to be wrong, over
//! generated expressions and requests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

#[path = "conformance/suite.rs"]
#[allow(dead_code, reason = "its report is another test's")]
mod conformance_suite;
mod differential {
    pub(crate) mod bridge;
    pub(crate) mod dice;
    pub(crate) mod front;
    pub(crate) mod generate;
    pub(crate) mod minimise;
    pub(crate) mod naive;
    pub(crate) mod policies;
    pub(crate) mod render;
    pub(crate) mod request;
    pub(crate) mod run;
    pub(crate) mod suite;
    pub(crate) mod trial;
}

use std::collections::BTreeMap;
use std::path::Path;

use countersign_engine::WorkerMemory;
use differential::dice::Dice;
use differential::front::{cel, diagnostic};
use differential::{policies, run};

/// Pairs of an expression and a request. `DIFFERENTIAL_PAIRS` asks for others.
const PAIRS: usize = 1_000_000;

#[test]
fn a_million_expressions_and_requests_give_what_the_naive_evaluator_says() {
    let asked = std::env::var("DIFFERENTIAL_PAIRS").ok();
    let pairs = asked.map_or(PAIRS, |asked| {
        asked.parse().expect("DIFFERENTIAL_PAIRS is a number")
    });
    let tally = run::run(pairs);
    leave("expressions", &tally.to_string());
    let differences: Vec<&str> = tally.differences.values().map(String::as_str).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    // What is not compared proves nothing.
    assert!(tally.values * 2 > tally.pairs && tally.errors * 10 > tally.pairs);
    assert!(tally.open * 50 < tally.pairs && tally.bounds * 1_000 < tally.pairs);
}

/// Tells what a test counted, also where the runner keeps what it prints to itself.
fn leave(name: &str, text: &str) {
    println!("{text}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the repository");
    let folder = root.join("target/differential");
    std::fs::create_dir_all(&folder).expect("the target directory");
    std::fs::write(folder.join(format!("{name}.txt")), format!("{text}\n")).expect("written");
}

/// Sets of policies, and requests that each of them is asked about.
const SETS: u64 = 500;
const ASKED: usize = 400;

/// Differences that are told: each comes with its set.
const SHOWN: usize = 3;

#[test]
fn the_index_decides_as_if_every_policy_were_asked_in_order() {
    // One worker sees one revision after the other.
    let mut memory = WorkerMemory::default();
    let mut differences = Vec::new();
    let mut outcomes: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut decisions, mut policies, mut monitored, mut satisfied) = (0, 0, 0, 0);
    for seed in 1..=SETS {
        let mut dice = Dice::seeded(seed);
        let most = if seed % 10 == 0 { 120 } else { 16 };
        let yaml = policies::set::set(&mut dice, most);
        let revision = match policies::load(&yaml) {
            Ok(revision) => revision,
            Err(why) => panic!("set {seed} does not compile: {why}"),
        };
        policies += revision.policy_count();
        for _ in 0..ASKED {
            let asked = policies::traffic::traffic(&mut dice);
            let explanation = policies::ask(&revision, &asked.headers, &asked.peer, &mut memory);
            let outcome = explanation.decision.outcome();
            decisions += 1;
            monitored += outcome.monitored.len();
            satisfied += outcome.satisfied.len();
            *outcomes.entry(outcome.action).or_default() += 1;
            if let Err(how) = policies::agrees(&explanation)
                && differences.len() < SHOWN
            {
                differences.push(format!("set {seed}: {how}\n{asked:?}\n{yaml}"));
            }
        }
    }
    leave(
        "index",
        &format!(
            "{decisions} decisions over {SETS} sets of {policies} policies, by the index and by asking all: \
             {outcomes:?}, {monitored} times monitored, {satisfied} times satisfied; {} differ",
            differences.len()
        ),
    );
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// Pairs of a set that decides and one that is told of its events.
const PAIRS_OF_SETS: u64 = 400;
const RECORDED: usize = 100;

#[test]
fn what_is_told_of_a_recorded_request_is_what_the_engine_decides_about_the_whole() {
    let mut memory = WorkerMemory::default();
    let mut differences = Vec::new();
    let mut lacking: BTreeMap<String, usize> = BTreeMap::new();
    // By whether the set is the one that decided.
    let (mut told, mut open) = ([0_usize; 2], [0_usize; 2]);
    for seed in 1..=PAIRS_OF_SETS {
        let mut dice = Dice::seeded(seed);
        let yaml = policies::set::set(&mut dice, 16);
        let other = policies::set::set(&mut dice, 16);
        let same = seed % 4 == 0;
        let edited = if same {
            yaml.clone()
        } else {
            policies::replay::edited(&mut dice, &yaml, &other)
        };
        let sets = policies::replay::Both::load(&yaml).zip(policies::replay::Both::load(&edited));
        let Some((former, now)) = sets else {
            panic!("a set of pair {seed} does not compile:\n{yaml}\n{edited}");
        };
        let likeness = now.likeness(&former);
        for _ in 0..RECORDED {
            let mut asked = policies::traffic::traffic(&mut dice);
            // Envoy joins several of these to one.
            let mut agents = 0;
            asked.headers.retain(|(name, _)| {
                agents += usize::from(name == "user-agent");
                name != "user-agent" || agents == 1
            });
            match policies::replay::compare(&former, &now, &likeness, &asked, &mut memory) {
                Ok(policies::replay::Came::Unrecorded) => {}
                Ok(policies::replay::Came::Told) => told[usize::from(same)] += 1,
                Ok(policies::replay::Came::Open(names)) => {
                    open[usize::from(same)] += 1;
                    for name in names {
                        *lacking.entry(name).or_default() += 1;
                    }
                }
                Err(how) if differences.len() < SHOWN => {
                    differences.push(format!(
                        "pair {seed}: {how}\n{asked:?}\n{yaml}\n=====\n{edited}"
                    ));
                }
                Err(_) => {}
            }
        }
    }
    leave(
        "replay",
        &format!(
            "recorded requests: by another set {} told, {} open; by the same set {} told, {} open; lacking \
             {lacking:?}; {} differ",
            told[0],
            open[0],
            told[1],
            open[1],
            differences.len()
        ),
    );
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    // Whoever tells nothing is never wrong.
    assert!(told[0] > open[0] && told[1] > 9 * open[1]);
}

#[test]
fn the_naive_evaluator_passes_the_conformance_suite_itself() {
    let suite = conformance_suite::load();
    let cases = suite["conformance"]
        .as_array()
        .expect("the suite has cases");
    let tally = differential::suite::run(cases);
    leave(
        "suite",
        &format!(
            "the naive evaluator over {} cases of the conformance suite: {} passed, {} need what it does \
             not have, {} open, {} failed",
            cases.len(),
            tally.passed,
            tally.left_out,
            tally.open,
            tally.failed.len()
        ),
    );
    assert!(tally.failed.is_empty(), "{}", tally.failed.join("\n"));
    assert!(tally.passed > 1_500 && tally.open == 0);
}
