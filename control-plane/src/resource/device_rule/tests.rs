use super::*;
use crate::diagnostic::{Findings, Source};
use crate::resource::{Document, Resource, parse_document};

fn parsed(spec: &str) -> Result<Document, String> {
    let text = format!(
        "apiVersion: countersign.dev/v1\nkind: DeviceRule\nmetadata: {{name: a}}\nspec: {{verdict: BLOCK, {spec}}}\n"
    );
    parse_document(&text, "a.yaml", 1).map_err(|errors| errors[0].message.clone())
}

/// What the rule goes by, in the filter's words.
fn subjects(spec: &str) -> String {
    let document = parsed(spec).unwrap();
    let Resource::DeviceRule(rule) = &document.resource else {
        panic!("a device rule")
    };
    let subjects: Vec<_> = rule.subjects().map(|(subject, _)| subject).collect();
    assert_eq!(subjects.len(), rule.values.len());
    format!("{subjects:?}")
}

#[test]
fn one_value_and_a_list_of_values_are_read() {
    for (spec, expected) in [
        ("visitor_id: v-1", "[VisitorId(\"v-1\")]"),
        ("browser_id: [a, b]", "[BrowserId(\"a\"), BrowserId(\"b\")]"),
        ("visitor_fingerprint: f", "[VisitorFingerprint(\"f\")]"),
        ("browser_fingerprint: f", "[BrowserFingerprint(\"f\")]"),
        ("hardware_fingerprint: f", "[HardwareFingerprint(\"f\")]"),
        ("network_fingerprint: f", "[NetworkFingerprint(\"f\")]"),
        ("cidr_block: 192.0.2.0/24", "[CidrBlock(192.0.2.0, 24)]"),
        (
            "cidr_block: [192.0.2.7, 2001:db8::/32]",
            "[CidrBlock(192.0.2.7, 32), CidrBlock(2001:db8::, 32)]",
        ),
        (
            "asn: [64500, AS64501, as1, 4294967295]",
            "[Asn(64500), Asn(64501), Asn(1), Asn(4294967295)]",
        ),
        (
            "country_code: [no, DE]",
            "[CountryCode([78, 79]), CountryCode([68, 69])]",
        ),
    ] {
        assert_eq!(subjects(spec), expected, "{spec}");
    }
}

#[test]
fn each_bound_holds_at_the_limit_and_one_past_it() {
    let text = |length: usize| format!("visitor_id: {}", "x".repeat(length));
    let about = |length: usize| format!("asn: 1, description: {}", "x".repeat(length));
    for (at, past) in [
        (text(MAX_IDENTIFIER_BYTES), text(MAX_IDENTIFIER_BYTES + 1)),
        (
            about(limits::MAX_DESCRIPTION),
            about(limits::MAX_DESCRIPTION + 1),
        ),
        ("asn: 1".to_owned(), "asn: 0".to_owned()),
        ("asn: 4294967295".to_owned(), "asn: 4294967296".to_owned()),
        (
            format!("cidr_block: 10.1.0.0/{}", limits::WIDEST_V4_RULE),
            format!("cidr_block: 10.0.0.0/{}", limits::WIDEST_V4_RULE - 1),
        ),
        (
            format!("cidr_block: '2001:db8::/{}'", limits::WIDEST_V6_RULE),
            format!("cidr_block: '2001:db8::/{}'", limits::WIDEST_V6_RULE - 1),
        ),
        (
            "asn: 1, expires: 2105-12-31T23:59:59Z".to_owned(),
            "asn: 1, expires: 2106-01-01T00:00:00Z".to_owned(),
        ),
        (
            "asn: 1, expires: 1970-01-01T00:00:00Z".to_owned(),
            "asn: 1, expires: 1969-12-31T23:59:59Z".to_owned(),
        ),
    ] {
        assert!(parsed(&at).is_ok(), "{at}");
        assert!(parsed(&past).is_err(), "{past}");
    }
}

#[test]
fn a_million_values_are_read_and_one_more_is_refused() {
    let read = |count: usize| {
        let source = Source::new("a.yaml", "asn: []", 1);
        let mut findings = Findings::default();
        let one = Node {
            value: Value::Int(64_500),
            span: 0..0,
        };
        let field = Field {
            key: Located::new("asn".to_owned(), 0..3),
            node: Node {
                value: Value::Sequence(vec![one; count]),
                span: 5..7,
            },
        };
        let mut reader = Reader::new(&source, &mut findings);
        values(&mut reader, Identifier::Asn, &field).map(|values| values.len())
    };
    let most = limits::MAX_DEVICE_RULE_VALUES;
    assert_eq!(read(most), Some(most));
    assert_eq!(read(most + 1), None);
}

#[test]
fn one_wrong_value_refuses_the_whole_rule() {
    assert_eq!(
        parsed("country_code: [DE, NOR]").unwrap_err(),
        "`NOR` is not a country code"
    );
}
