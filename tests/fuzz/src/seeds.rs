//! The seeds: what the fuzzer starts from, so that it does not have to guess a compiled form or a token.

use std::fs;
use std::io;
use std::path::Path;

use countersign_control_plane::compile::{RuntimeMaterial, compile};
use countersign_control_plane::resource::{SourceFile, parse_files};
use countersign_engine::{Revision, RevisionId, blob};

use crate::differential::dice::Dice;
use crate::differential::policies::{self, set};
use crate::differential::{generate, render};
use crate::{proofs, sessions};

/// The targets, each with its folder.
pub const TARGETS: [&str; 6] = ["decode", "expression", "path", "token", "proof", "index"];

/// The seeds of a target, always the same.
fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "decode" => (1..=6).map(body).collect(),
        "expression" => expressions(),
        "path" => PATHS.iter().map(|seed| seed.as_bytes().to_vec()).collect(),
        "token" => tokens(),
        "proof" => proofs::seeds::all(),
        _ => (1..=8).map(|seed| choices(seed, 400)).collect(),
    }
}

/// Writes the seeds of all targets, and nothing else into their folders.
///
/// # Errors
/// What the file system says.
pub fn write(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for (number, seed) in of(target).into_iter().enumerate() {
            fs::write(folder.join(format!("{number:02}")), seed)?;
        }
    }
    Ok(())
}

/// How many seeds of the decoder it still accepts: none, and they are of an earlier form.
///
/// # Errors
/// What the file system says.
pub fn accepted(folder: &Path) -> io::Result<usize> {
    let mut accepted = 0;
    for entry in fs::read_dir(folder.join("decode"))? {
        let sealed = blob::seal(&fs::read(entry?.path())?, &id(), 1);
        accepted += usize::from(sealed.is_ok_and(|sealed| Revision::load(sealed).is_ok()));
    }
    Ok(accepted)
}

fn id() -> RevisionId {
    RevisionId {
        number: 1,
        hash: "0123456789ab".to_owned(),
    }
}

/// The body of a small set.
fn body(seed: u64) -> Vec<u8> {
    let yaml = set::set(&mut Dice::seeded(seed), 4);
    assert!(policies::load(&yaml).is_ok(), "the set compiles");
    let file = SourceFile {
        name: "seed.yaml".to_owned(),
        content: yaml.into_bytes(),
    };
    let documents = parse_files(&[file]).expect("the set is read");
    let compiled = compile(&documents, &RuntimeMaterial::default());
    compiled.expect("the set compiles").forms.everything
}

/// Bytes that a generator takes its choices from.
fn choices(seed: u64, count: usize) -> Vec<u8> {
    let mut dice = Dice::seeded(seed);
    (0..count).map(|_| dice.word().to_be_bytes()[0]).collect()
}

fn expressions() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for seed in 1..=24 {
        let generated = generate::expression(&mut Dice::seeded(seed));
        let mut text = vec![0];
        text.extend(render::text(&generated.expr).into_bytes());
        seeds.push(text);
    }
    for seed in 1..=8 {
        let mut chosen = vec![1];
        chosen.extend(choices(seed, 160));
        seeds.push(chosen);
    }
    seeds
}

/// A path, then headers: see the target.
const PATHS: [&str; 10] = [
    "/",
    "/checkout/pay?a=1#b",
    "/x/../%2e%2E/checkout//pay;a=b/.",
    "https://shop.example.com\\checkout%2Fpay",
    "/a/..;/b",
    "/%00/%25%32%65/\u{fffd}",
    "*",
    "/checkout/pay\n\u{0}GET\n\u{2}shop.example.com:8443\n\u{3}https\n\u{c}text/html",
    "/\n\u{2}[::1]:80\n\u{6}1.2.3.4, 10.0.0.1\n\u{8}70.5\n\u{1f}[2001:db8::7]:1",
    "/api/v1/items\n\u{5}a=b; __Host-countersign=\"x.y.z\"\n\u{a}AS64500\n\u{f}t1",
];

fn tokens() -> Vec<Vec<u8>> {
    let genuine = sessions::genuine();
    let with = |first: u8, rest: &str| {
        let mut seed = vec![first];
        seed.extend(rest.as_bytes());
        seed
    };
    vec![
        with(0, &genuine),
        with(1, &format!("a=b; __Host-countersign={genuine}; c")),
        with(1, &format!("__Host-countersign=\"{genuine}\"")),
        with(1, "__Host-countersign=a.b.c;__Host-countersign =;=;;"),
        with(2, &sessions::claims()),
        with(
            2,
            r#"{"iss":"countersign","aud":["a","shop.example.com"],"nbf":1.5}"#,
        ),
        with(
            3,
            &format!(
                "{{\"alg\":\"EdDSA\",\"kid\":\"k1\"}}\0{}",
                sessions::claims()
            ),
        ),
        with(3, "{\"alg\":\"none\",\"crit\":[\"b64\"]}\0{}"),
    ]
}
