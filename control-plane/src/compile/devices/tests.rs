//! What depends on the time, and what is about very many values; the rest is in the corpus.

use countersign_engine::{
    Connection, EventId, Explanation, Request, Revision, RevisionId, Verdict as EngineVerdict,
    WorkerMemory, blob, explain,
};

use super::*;
use crate::compile::{Compiled, RuntimeMaterial, compile, compile_at};
use crate::diagnostic::Diagnostic;
use crate::resource::{SourceFile, parse_files};

fn rule(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: countersign.dev/v1\nkind: DeviceRule\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

const SETTINGS: &str = "apiVersion: countersign.dev/v1\nkind: Settings\nmetadata: {name: default}\nspec: {verdicts: {mode: enforce}}\n";

fn documents(rules: &[String]) -> Vec<Document> {
    let file = SourceFile {
        name: "a.yaml".to_owned(),
        content: format!("{SETTINGS}{}", rules.concat()).into_bytes(),
    };
    parse_files(&[file]).unwrap_or_else(|errors| panic!("{}", errors[0].rendered))
}

/// Compiled at a second of the year 2026.
fn at(rules: &[String], second: i64) -> Result<Compiled, Vec<Diagnostic>> {
    let now_ms = u64::try_from((JANUARY + second) * 1_000).unwrap();
    compile_at(&documents(rules), &RuntimeMaterial::default(), now_ms)
}

/// 2026-01-01T00:00:00Z
const JANUARY: i64 = 1_767_225_600;

fn messages(diagnostics: &[Diagnostic]) -> Vec<&str> {
    let messages = diagnostics.iter();
    messages.map(|finding| finding.message.as_str()).collect()
}

#[test]
fn a_rule_is_warned_of_from_the_second_in_which_it_ends() {
    let rules = [rule(
        "a",
        "asn: 1, verdict: BLOCK, expires: '2026-01-01T00:00:10Z'",
    )];
    let carried = [rule(
        "a",
        "visitor_id: v, verdict: BLOCK, expires: '2026-01-01T00:00:10Z'",
    )];
    assert_eq!(
        messages(&at(&rules, 9).unwrap().warnings),
        ["no header carries `asn`"]
    );
    assert!(at(&carried, 9).unwrap().warnings.is_empty());
    for second in [10, 11] {
        let warnings = at(&carried, second).unwrap().warnings;
        assert_eq!(messages(&warnings), ["this device rule has ended"]);
    }
    let unknown = compile(&documents(&carried), &RuntimeMaterial::default()).unwrap();
    assert!(unknown.warnings.is_empty());
}

#[test]
fn the_same_is_compiled_at_any_time() {
    let rules = [rule(
        "a",
        "visitor_id: v, verdict: BLOCK, expires: '2026-01-01T00:00:10Z'",
    )];
    let hash = at(&rules, 0).unwrap().hash;
    assert_eq!(at(&rules, 20).unwrap().hash, hash);
}

#[test]
fn rules_contradict_each_other_for_as_long_as_both_hold() {
    let rules = [
        rule(
            "a",
            "visitor_id: v, verdict: BLOCK, expires: '2026-01-01T00:00:10Z'",
        ),
        rule("b", "visitor_id: v, verdict: ALLOW"),
    ];
    let errors = at(&rules, 9).unwrap_err();
    assert_eq!(
        messages(&errors),
        ["two device rules contradict each other about `visitor_id` `v`"]
    );
    assert!(at(&rules, 10).is_ok());
    // Nobody knows the time: then no rule has ended.
    assert!(compile(&documents(&rules), &RuntimeMaterial::default()).is_err());
}

#[test]
fn two_rules_get_one_finding_however_many_values_they_share() {
    let values = |count: usize| {
        let values: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        format!("visitor_id: [{}]", values.join(","))
    };
    for (count, note) in [
        (1, None),
        (2, Some("the same is true of another value of theirs")),
        (
            5_000,
            Some("the same is true of 4999 other values of theirs"),
        ),
    ] {
        let rules = [
            rule("a", &format!("{}, verdict: ALLOW", values(count))),
            rule("b", &format!("{}, verdict: BLOCK", values(5_000))),
        ];
        let errors = at(&rules, 0).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].rendered.contains("the same is true"),
            note.is_some()
        );
        assert!(errors[0].rendered.contains(note.unwrap_or_default()));
    }
}

#[test]
fn a_third_rule_is_set_beside_the_one_that_contradicts_it() {
    let rules = [
        rule("a", "visitor_id: v, verdict: BLOCK"),
        rule("b", "visitor_id: v, verdict: BLOCK"),
        rule("c", "visitor_id: v, verdict: NONE"),
        rule("d", "visitor_id: v, verdict: ALLOW"),
    ];
    let errors = at(&rules, 0).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].rendered.contains("a.yaml:9:"),
        "{}",
        errors[0].rendered
    );
    let warnings = at(&rules[..3], 0).unwrap().warnings;
    assert_eq!(
        messages(&warnings),
        [
            "`visitor_id` `v` is there twice",
            "`NONE` takes no verdict back from `visitor_id` `v`"
        ]
    );
}

#[test]
fn a_million_values_compile_and_one_more_is_refused() {
    // Ten thousand documents with a hundred values each.
    let values = |document: usize, count: usize| {
        let values: Vec<String> = (0..count)
            .map(|value| format!("{document}-{value}"))
            .collect();
        let spec = format!("visitor_id: [{}], verdict: BLOCK", values.join(","));
        rule(&format!("r{document}"), &spec)
    };
    let file = |number: usize, content: String| SourceFile {
        name: format!("{number}.yaml"),
        content: content.into_bytes(),
    };
    let each = limits::MAX_DEVICE_RULE_VALUES / 100;
    let mut files: Vec<SourceFile> = (0..100)
        .map(|number| file(number, values(number, each)))
        .collect();
    files.push(file(100, SETTINGS.to_owned()));
    let fits = parse_files(&files).unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
    let mut findings = Findings::default();
    let builder = check(&fits, None, None, &mut findings);
    assert_eq!(builder.len(), limits::MAX_DEVICE_RULE_VALUES);
    assert!(!findings.has_errors());
    files.push(file(101, values(101, 1)));
    let errors = compile(&parse_files(&files).unwrap(), &RuntimeMaterial::default()).unwrap_err();
    assert_eq!(
        messages(&errors),
        ["the device rules have 1000001 values, which are too many"]
    );
    assert_eq!(errors[0].file, "101.yaml");
}

/// The set of `testdata/good/device-rules.yaml` and this request, asked by the filter's own engine at
/// the beginning of 2026.
fn judged(client: &str, headers: &[(&str, &str)]) -> Explanation {
    let set = include_str!("../../../testdata/good/device-rules.yaml");
    let file = SourceFile {
        name: "a.yaml".to_owned(),
        content: set.as_bytes().to_vec(),
    };
    let documents = parse_files(&[file]).unwrap();
    let compiled = compile(&documents, &RuntimeMaterial::default()).unwrap();
    let id = RevisionId {
        number: 1,
        hash: compiled.hash,
    };
    let revision = Revision::load(blob::seal(&compiled.forms.everything, &id, 1).unwrap()).unwrap();
    let fixed = [
        (":method", "GET"),
        (":path", "/"),
        (":authority", "shop.example.com"),
        (":scheme", "https"),
        ("x-forwarded-for", client),
    ];
    let headers: Vec<(String, Vec<u8>)> = fixed
        .iter()
        .chain(headers)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let connection = Connection {
        peer: Some(b"127.0.0.1:5000"),
        ..Connection::default()
    };
    let request = Request::new(
        &revision,
        &headers,
        connection,
        Timestamp::from_seconds(JANUARY),
    );
    let id = EventId::new(1, [0; 10]);
    explain(&revision, &request, &mut WorkerMemory::default(), id)
}

#[test]
fn the_engine_finds_the_rules_as_their_author_wrote_them() {
    use EngineVerdict::{Allow, Block, Challenge};
    let nobody: [(&str, &str); 0] = [];
    let elsewhere = "203.0.113.1";
    for (client, headers, expected) in [
        (elsewhere, &nobody[..], None),
        ("192.0.2.9", &nobody, Some((Identifier::CidrBlock, Block))),
        (
            "::ffff:192.0.2.9",
            &nobody,
            Some((Identifier::CidrBlock, Block)),
        ),
        ("192.0.2.7", &nobody, Some((Identifier::CidrBlock, Allow))),
        (
            "2001:db8:5::1",
            &nobody,
            Some((Identifier::CidrBlock, Block)),
        ),
        (
            "192.0.2.9",
            &[("x-browser-id", "b-1")],
            Some((Identifier::BrowserId, Challenge)),
        ),
        (
            "192.0.2.7",
            &[("x-browser-id", "b-2")],
            Some((Identifier::CidrBlock, Allow)),
        ),
        (
            elsewhere,
            &[("x-browser-fp", "bf-2"), ("x-hardware-fp", "hf-1")],
            Some((Identifier::BrowserFingerprint, Challenge)),
        ),
        (
            elsewhere,
            &[("x-hardware-fp", "hf-1"), ("x-network-fp", "nf-1")],
            Some((Identifier::HardwareFingerprint, Block)),
        ),
        (
            elsewhere,
            &[("x-geo-asn", "AS64501")],
            Some((Identifier::Asn, Challenge)),
        ),
        (
            elsewhere,
            &[("x-geo-asn", "64502"), ("x-geo-country", "NO")],
            Some((Identifier::CountryCode, Challenge)),
        ),
    ] {
        let judged = judged(client, headers);
        let found = judged
            .device_rule
            .map(|rule| (rule.identifier, rule.verdict));
        assert_eq!(found, expected, "{client} {headers:?}");
        let reason = expected.map(|_| countersign_engine::RULE_MATCH.to_owned());
        assert_eq!(
            judged.reasons,
            Vec::from_iter(reason),
            "{client} {headers:?}"
        );
    }
}
