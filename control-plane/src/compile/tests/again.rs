//! A memory of the sets before changes nothing: neither what is compiled nor what is found.

use super::*;

const NOW_MS: u64 = 1_763_000_000_000;

/// A small generator, so that a failure is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn one_of<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// Conditions that are alone, and such as name lists, patterns, zones and what hops tell, are decided, can
/// fail, are doubtful, and are wrong.
const CONDITIONS: &[&str] = &[
    "score >= 70",
    "score >= 70 && request.headers[\"x-tenant\"] == \"a\"",
    "source.address in lists.offices",
    "source.address in lists.offices || true",
    "request.url_path.matches(\"^/a[0-9]+$\")",
    "!request.url_path.matches(\"^/a[0-9]+$\") && score > 3",
    "geo.country == \"DE\"",
    "device.visitor_id == \"v\"",
    "now.getHours(\"Europe/Berlin\") < 6",
    "now.getHours() < 6",
    "session.age > duration(\"5m\")",
    "score >= 0",
    "score > 100",
    "request.method == \"get\"",
    "[1, 2].exists(x, x > 1) && score > 2",
    "1 / 0 == 1",
    "reasons.exists(r, r == \"A\")",
];
const WRONG: &[&str] = &[
    "score >= ",
    "scorn > 3",
    "score",
    "source.address in lists.nowhere",
];

fn header(kind: &str, name: &str) -> String {
    format!("apiVersion: countersign.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n")
}

fn document(dice: &mut Dice, place: u64) -> Option<String> {
    let when = match dice.below(60) {
        0 => dice.one_of(WRONG),
        _ => dice.one_of(CONDITIONS),
    };
    Some(match place {
        _ if dice.below(8) == 0 => return None,
        0 => {
            header("Settings", "default")
                + dice.one_of(&[
                    "spec: {trustedHops: [127.0.0.1/32], geo: {countryHeader: x-c}}\n",
                    "spec: {trustedHops: [127.0.0.1/32], identifiers: {visitor_id: x-v}}\n",
                    "spec: {geo: {countryHeader: x-c}}\n",
                ])
        }
        1 => {
            header("List", "offices")
                + dice.one_of(&[
                    "spec: {cidrs: [192.0.2.0/24]}\n",
                    "spec: {strings: [192.0.2.1]}\n",
                    "spec: {cidrs: [192.0.2.0/24, 198.51.100.0/24]}\n",
                ])
        }
        2 => header("Gateway", "edge") + "spec: {policies: [\"policy-1*\"]}\n",
        3 | 4 => {
            header("Signal", &format!("signal-{place}"))
                + &format!("spec: {{when: '{when}', weight: 10, reason: A}}\n")
        }
        _ => {
            header("MitigationPolicy", &format!("policy-{place}"))
                + &format!(
                    "spec: {{when: '{when}', action: {}, priority: {}, endpoints: [\"/{}/*\"]}}\n",
                    dice.one_of(&["block", "challenge", "monitor"]),
                    dice.below(4),
                    dice.below(3),
                )
        }
    })
}

fn same_with_memory(documents: &[Document], memory: &mut Memory) -> bool {
    let runtime = RuntimeMaterial::default();
    let again = compile_again(documents, &runtime, NOW_MS, memory);
    match (compile_at(documents, &runtime, NOW_MS), again) {
        (Ok(fresh), Ok(again)) => {
            assert_eq!(fresh.forms, again.forms);
            assert_eq!(fresh.hash, again.hash);
            assert_eq!(rendered(&fresh.warnings), rendered(&again.warnings));
            assert_eq!(fresh.failures, again.failures);
            assert_eq!(fresh.more_failures, again.more_failures);
            true
        }
        (Err(fresh), Err(again)) => {
            assert_eq!(rendered(&fresh), rendered(&again));
            false
        }
        (fresh, again) => panic!("{fresh:?}\n{again:?}"),
    }
}

#[test]
fn a_set_that_is_edited_compiles_with_a_memory_to_the_bytes_that_it_compiles_to_without() {
    let mut compiled = 0;
    for seed in 1..=20 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut memory = Memory::default();
        let mut texts: Vec<Option<String>> =
            (0..24).map(|place| document(&mut dice, place)).collect();
        for _ in 0..40 {
            let place = dice.below(24);
            texts[usize::try_from(place).unwrap()] = document(&mut dice, place);
            let documents: Option<Vec<Document>> = texts
                .iter()
                .flatten()
                .map(|text| parse_document(text, "a.yaml", 1).ok())
                .collect();
            let documents = documents.expect("every document can be read");
            compiled += u32::from(same_with_memory(&documents, &mut memory));
        }
    }
    // Most edits are right; a test of refusals only would say little.
    assert!(compiled > 200, "{compiled}");
}

#[test]
fn the_corpus_compiles_with_a_memory_of_all_before_as_it_does_alone() {
    let mut memory = Memory::default();
    for _ in 0..2 {
        for folder in ["good", "warn", "bad"] {
            for path in yaml_files(&testdata(folder)) {
                if let Ok(documents) = parse_files(&[source_file(&path)]) {
                    same_with_memory(&documents, &mut memory);
                }
            }
        }
    }
}

#[test]
fn what_two_sets_in_a_row_do_not_have_is_forgotten() {
    let documents = |when: &str| {
        let text = policy("a", when);
        vec![parse_document(&text, "a.yaml", 1).unwrap()]
    };
    let mut memory = Memory::default();
    let mut lengths = Vec::new();
    for when in ["score > 1", "score > 2", "score > 2", "score > 2"] {
        assert!(same_with_memory(&documents(when), &mut memory));
        lengths.push(memory.len());
    }
    assert_eq!(lengths, [1, 2, 1, 1]);
}

#[test]
fn texts_are_remembered_up_to_the_bound_and_not_past_it() {
    let text = |number: usize| {
        let long = "x".repeat(60_000);
        policy(
            &format!("p{number}"),
            &format!("request.host == \"{number:05}{long}\""),
        )
    };
    let condition = 60_000 + "request.host == \"00000\"".len();
    let fit = limits::MAX_REMEMBERED_BYTES / condition;
    let documents: Vec<Document> = (0..=fit)
        .map(|number| parse_document(&text(number), "a.yaml", 1).unwrap())
        .collect();
    let mut memory = Memory::default();
    assert!(same_with_memory(&documents[..fit], &mut memory));
    assert_eq!(memory.len(), fit);
    let mut memory = Memory::default();
    assert!(same_with_memory(&documents, &mut memory));
    assert_eq!(memory.len(), fit);
}
