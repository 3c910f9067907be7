//! The rules as they are looked up; the model at the end does the same without any structure.

mod hostile;
mod model;

use std::net::IpAddr;

use super::*;
use crate::form::{FormWriter, Section};

const NOW: Timestamp = Timestamp::from_seconds(1_000);

/// The section that these rules make. Ends are in seconds.
fn section(rules: &[(Subject<'_>, Verdict, Option<i64>)]) -> Vec<u8> {
    let mut builder = DeviceRulesBuilder::default();
    for (subject, verdict, ends) in rules {
        builder.add(*subject, *verdict, ends.map(Timestamp::from_seconds));
    }
    let mut form = FormWriter::default();
    builder.write(&mut form).unwrap();
    std::mem::take(form.section(Section::DeviceRules))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn cidr(text: &str) -> Subject<'static> {
    let (first, length) = text.split_once('/').unwrap();
    Subject::CidrBlock(address(first), length.parse().unwrap())
}

/// Everything that a request may carry.
#[derive(Clone, Debug, Default)]
struct Carried {
    values: Vec<(Identifier, Vec<u8>)>,
    address: Option<IpAddr>,
    asked: std::cell::RefCell<Vec<Identifier>>,
}

impl Carried {
    fn new(values: &[(Identifier, &str)], from: Option<&str>) -> Self {
        let owned = |(identifier, text): &(Identifier, &str)| (*identifier, (*text).into());
        Self {
            values: values.iter().map(owned).collect(),
            address: from.map(address),
            asked: std::cell::RefCell::default(),
        }
    }
}

impl Identifiers for Carried {
    fn value(&self, identifier: Identifier) -> Option<&[u8]> {
        self.asked.borrow_mut().push(identifier);
        let mut values = self.values.iter();
        values
            .find(|(known, _)| *known == identifier)
            .map(|(_, value)| value.as_slice())
    }

    fn address(&self) -> Option<IpAddr> {
        self.asked.borrow_mut().push(Identifier::CidrBlock);
        self.address
    }
}

/// Which identifier decides about a client that carries one value of each.
fn decided(rules: &[(Subject<'_>, Verdict, Option<i64>)]) -> Option<(Identifier, Verdict)> {
    let bytes = section(rules);
    let rules = DeviceRules::load(&bytes).unwrap();
    let carried = Carried::new(
        &[
            (Identifier::VisitorId, "v"),
            (Identifier::BrowserId, "b"),
            (Identifier::VisitorFingerprint, "vf"),
            (Identifier::BrowserFingerprint, "bf"),
            (Identifier::HardwareFingerprint, "hf"),
            (Identifier::NetworkFingerprint, "nf"),
            (Identifier::Asn, "64500"),
            (Identifier::CountryCode, "DE"),
        ],
        Some("192.0.2.1"),
    );
    rules
        .decide(&carried, NOW)
        .map(|found| (found.identifier, found.verdict))
}

#[test]
fn the_first_identifier_with_a_rule_decides_whatever_the_others_say() {
    let rules = [
        (Subject::VisitorId("v"), Verdict::Allow, None),
        (Subject::BrowserId("b"), Verdict::Block, None),
        (Subject::VisitorFingerprint("vf"), Verdict::Allow, None),
        (Subject::BrowserFingerprint("bf"), Verdict::Block, None),
        (Subject::HardwareFingerprint("hf"), Verdict::Challenge, None),
        (Subject::NetworkFingerprint("nf"), Verdict::Block, None),
        (cidr("192.0.2.0/24"), Verdict::Allow, None),
        (Subject::Asn(64_500), Verdict::Block, None),
        (Subject::CountryCode(*b"DE"), Verdict::Challenge, None),
    ];
    for (from, (subject, verdict, _)) in rules.iter().enumerate() {
        assert_eq!(
            decided(&rules[from..]),
            Some((subject.identifier(), *verdict)),
            "{subject:?}"
        );
    }
    assert_eq!(decided(&[]), None);
}

#[test]
fn the_same_text_is_another_device_under_another_identifier() {
    let bytes = section(&[(Subject::VisitorId("x"), Verdict::Block, None)]);
    let rules = DeviceRules::load(&bytes).unwrap();
    assert_eq!(
        rules.lookup(Identifier::VisitorId, b"x", NOW),
        Some(Verdict::Block)
    );
    assert_eq!(rules.lookup(Identifier::BrowserId, b"x", NOW), None);
    assert_eq!(rules.lookup(Identifier::VisitorId, b"X", NOW), None);
    assert_eq!(rules.lookup(Identifier::VisitorId, b"", NOW), None);
    assert_eq!(rules.lookup(Identifier::VisitorId, b"\xff", NOW), None);
}

#[test]
fn the_smallest_range_decides() {
    let bytes = section(&[
        (cidr("198.51.0.0/16"), Verdict::Block, None),
        (cidr("198.51.100.0/24"), Verdict::Challenge, None),
        (cidr("198.51.100.7/32"), Verdict::Allow, None),
        (cidr("2001:db8::/32"), Verdict::Block, None),
        (cidr("2001:db8:0:1::/64"), Verdict::Challenge, None),
        (cidr("2001:db8:0:1::7/128"), Verdict::Allow, None),
    ]);
    let rules = DeviceRules::load(&bytes).unwrap();
    for (client, expected) in [
        ("198.51.0.0", Some((Verdict::Block, 16))),
        ("198.51.100.0", Some((Verdict::Challenge, 24))),
        ("198.51.100.7", Some((Verdict::Allow, 32))),
        ("198.51.100.8", Some((Verdict::Challenge, 24))),
        ("198.51.101.0", Some((Verdict::Block, 16))),
        ("198.51.255.255", Some((Verdict::Block, 16))),
        ("198.52.0.0", None),
        ("198.50.255.255", None),
        ("::ffff:198.51.100.7", Some((Verdict::Allow, 32))),
        ("2001:db8::", Some((Verdict::Block, 32))),
        ("2001:db8:0:1::", Some((Verdict::Challenge, 64))),
        ("2001:db8:0:1::7", Some((Verdict::Allow, 128))),
        ("2001:db8:0:2::7", Some((Verdict::Block, 32))),
        ("2001:db9::", None),
    ] {
        let found = rules.lookup_address(address(client), NOW);
        assert_eq!(
            found.map(|found| (found.verdict, found.prefix.unwrap())),
            expected,
            "{client}"
        );
    }
}

#[test]
fn an_ipv4_range_in_ipv6_clothes_is_that_range_and_ipv6_ranges_hold_no_ipv4() {
    let bytes = section(&[
        (cidr("::ffff:192.0.2.0/120"), Verdict::Block, None),
        (cidr("::/32"), Verdict::Challenge, None),
    ]);
    let rules = DeviceRules::load(&bytes).unwrap();
    let verdict = |client| {
        rules
            .lookup_address(address(client), NOW)
            .map(|found| found.verdict)
    };
    assert_eq!(verdict("192.0.2.9"), Some(Verdict::Block));
    assert_eq!(verdict("::ffff:192.0.2.9"), Some(Verdict::Block));
    assert_eq!(verdict("192.0.3.9"), None);
    assert_eq!(verdict("::1"), Some(Verdict::Challenge));
}

#[test]
fn rules_are_counted_without_the_superfluous() {
    let bytes = section(&[
        (Subject::VisitorId("a"), Verdict::Block, None),
        (Subject::VisitorId("a"), Verdict::Allow, None),
        (Subject::BrowserId("a"), Verdict::Allow, Some(500)),
        (Subject::Asn(1), Verdict::Allow, None),
        (Subject::CountryCode(*b"DE"), Verdict::Block, None),
        (cidr("192.0.2.0/24"), Verdict::Allow, None),
        (cidr("2001:db8::/32"), Verdict::Allow, None),
        (cidr("2001:db8::/96"), Verdict::Allow, None),
    ]);
    let rules = DeviceRules::load(&bytes).unwrap();
    assert_eq!((rules.len(), rules.is_empty()), (7, false));
    let none = DeviceRules::load(&[]).unwrap();
    assert_eq!((none.len(), none.is_empty()), (0, true));
}

#[test]
fn of_rules_for_the_same_value_the_strictest_counts() {
    for (first, second, counts) in [
        (Verdict::Allow, Verdict::Block, Verdict::Block),
        (Verdict::Challenge, Verdict::Allow, Verdict::Challenge),
        (Verdict::Block, Verdict::Challenge, Verdict::Block),
    ] {
        for subject in [
            Subject::VisitorId("v"),
            cidr("192.0.2.0/24"),
            Subject::Asn(64_500),
            Subject::CountryCode(*b"de"),
        ] {
            let rules = [(subject, first, None), (subject, second, None)];
            assert_eq!(
                decided(&rules),
                Some((subject.identifier(), counts)),
                "{subject:?}"
            );
        }
    }
}

#[test]
fn a_rule_holds_until_the_second_in_which_it_ends_and_then_others_decide() {
    let ends = |at| {
        decided(&[
            (Subject::VisitorId("v"), Verdict::Block, Some(at)),
            (cidr("192.0.2.1/32"), Verdict::Allow, Some(at)),
            (cidr("192.0.2.1/32"), Verdict::Challenge, None),
            (Subject::Asn(64_500), Verdict::Block, None),
        ])
    };
    let visitor = Some((Identifier::VisitorId, Verdict::Block));
    let range = Some((Identifier::CidrBlock, Verdict::Challenge));
    assert_eq!(ends(1_001), visitor);
    assert_eq!(ends(1_000), range);
    assert_eq!(ends(999), range);
    assert_eq!(ends(-5), range);
    // A milder rule for the same value that lasts longer, and a wider range.
    assert_eq!(
        decided(&[
            (Subject::VisitorId("v"), Verdict::Block, Some(500)),
            (Subject::VisitorId("v"), Verdict::Allow, Some(2_000)),
        ]),
        Some((Identifier::VisitorId, Verdict::Allow))
    );
    assert_eq!(
        decided(&[
            (cidr("192.0.2.0/28"), Verdict::Block, Some(1_000)),
            (cidr("192.0.2.0/24"), Verdict::Allow, Some(2_000)),
        ]),
        Some((Identifier::CidrBlock, Verdict::Allow))
    );
}

#[test]
fn an_end_of_a_part_of_a_second_is_the_next_whole_one_and_one_far_away_is_none() {
    let verdict = |ends: Timestamp, now: Timestamp| {
        let mut builder = DeviceRulesBuilder::default();
        builder.add(Subject::Asn(1), Verdict::Block, Some(ends));
        let mut form = FormWriter::default();
        builder.write(&mut form).unwrap();
        let rules = DeviceRules::load(form.section(Section::DeviceRules)).unwrap();
        rules.lookup(Identifier::Asn, b"1", now)
    };
    let part = Timestamp::from_nanos(1_000_000_000_001);
    assert_eq!(verdict(part, NOW), Some(Verdict::Block));
    assert_eq!(verdict(part, Timestamp::from_seconds(1_001)), None);
    let last = i64::from(u32::MAX);
    let at = Timestamp::from_seconds;
    assert_eq!(verdict(at(last - 1), at(last - 1)), None);
    assert_eq!(verdict(at(last), at(last + 5)), Some(Verdict::Block));
}

#[test]
fn numbers_and_countries_are_read_as_hops_write_them() {
    let bytes = section(&[
        (Subject::Asn(64_500), Verdict::Block, None),
        (Subject::CountryCode(*b"no"), Verdict::Challenge, None),
        (cidr("192.0.2.0/24"), Verdict::Block, None),
    ]);
    let rules = DeviceRules::load(&bytes).unwrap();
    let found = |identifier, text: &str| rules.lookup(identifier, text.as_bytes(), NOW).is_some();
    for text in ["64500", "AS64500", "as64500", " 64500 "] {
        assert!(found(Identifier::Asn, text), "{text}");
    }
    for text in [
        "",
        "AS",
        "-64500",
        "+64500",
        "6450",
        "645000",
        "4294967296",
        "AS AS64500",
        "ä",
    ] {
        assert!(!found(Identifier::Asn, text), "{text}");
    }
    assert_eq!(rules.lookup(Identifier::Asn, b"\xff", NOW), None);
    for text in ["NO", "no", "No"] {
        assert!(found(Identifier::CountryCode, text), "{text}");
    }
    for text in ["", "N", "NOR", "ON"] {
        assert!(!found(Identifier::CountryCode, text), "{text}");
    }
    for text in ["192.0.2.7", "192.0.2.7:443", "[::ffff:192.0.2.7]:443"] {
        assert!(found(Identifier::CidrBlock, text), "{text}");
    }
    assert!(!found(Identifier::CidrBlock, "192.0.2.0/24"));
}

#[test]
fn only_what_some_rule_goes_by_is_asked_for_and_nothing_after_a_match() {
    let bytes = section(&[
        (Subject::BrowserId("b"), Verdict::Block, None),
        (Subject::CountryCode(*b"DE"), Verdict::Block, None),
    ]);
    let rules = DeviceRules::load(&bytes).unwrap();
    for identifier in Identifier::ALL {
        let used = [Identifier::BrowserId, Identifier::CountryCode].contains(&identifier);
        assert_eq!(rules.uses(identifier), used, "{identifier:?}");
    }
    let nobody = Carried::default();
    assert_eq!(rules.decide(&nobody, NOW), None);
    assert_eq!(
        nobody.asked.into_inner(),
        [Identifier::BrowserId, Identifier::CountryCode]
    );
    let known = Carried::new(&[(Identifier::BrowserId, "b")], None);
    assert!(rules.decide(&known, NOW).is_some());
    assert_eq!(known.asked.into_inner(), [Identifier::BrowserId]);
}

#[test]
fn a_text_of_the_longest_length_is_looked_up_and_a_longer_one_is_not() {
    let longest = "x".repeat(MAX_IDENTIFIER_BYTES);
    let longer = "x".repeat(MAX_IDENTIFIER_BYTES + 1);
    let bytes = section(&[
        (Subject::VisitorId(&longest), Verdict::Block, None),
        (Subject::VisitorId(&longer), Verdict::Block, None),
    ]);
    let rules = DeviceRules::load(&bytes).unwrap();
    let found = |text: &str| rules.lookup(Identifier::VisitorId, text.as_bytes(), NOW);
    assert_eq!(found(&longest), Some(Verdict::Block));
    assert_eq!(found(&longer), None);
}

#[test]
fn words_name_identifiers_both_ways() {
    for identifier in Identifier::ALL {
        assert_eq!(Identifier::from_word(identifier.word()), Some(identifier));
    }
    assert_eq!(Identifier::from_word("VISITOR_ID"), None);
    assert!(Identifier::ALL.is_sorted());
}

#[test]
fn a_rule_costs_what_the_documentation_says() {
    let numbers = || 0..10_000_u32;
    let texts: Vec<String> = numbers().map(|number| number.to_string()).collect();
    let subjects =
        |of: fn(u32) -> Subject<'static>| -> Vec<Subject<'_>> { numbers().map(of).collect() };
    let v6 = |number: u32, length| {
        let first = std::net::Ipv6Addr::from(u128::from(number) << 64 | 1 << 120);
        Subject::CidrBlock(first.into(), length)
    };
    let cases = [
        (
            texts.iter().map(|text| Subject::VisitorId(text)).collect(),
            8.5,
        ),
        (subjects(Subject::Asn), 8.0),
        (
            subjects(|number| Subject::CidrBlock(IpAddr::V4((number << 8).into()), 24)),
            9.0,
        ),
        (numbers().map(|number| v6(number, 64)).collect(), 13.0),
        (numbers().map(|number| v6(number, 128)).collect(), 21.0),
    ];
    for (subjects, expected) in cases {
        for (ends, more) in [(None, 0.0), (Some(2_000), 4.0)] {
            let rules: Vec<_> = subjects
                .iter()
                .map(|subject| (*subject, Verdict::Block, ends))
                .collect();
            #[expect(clippy::cast_precision_loss, reason = "compared to one place")]
            let each = section(&rules).len() as f64 / rules.len() as f64;
            let difference = (each - expected - more).abs();
            assert!(difference < 0.4, "{each}, not {expected} + {more}");
        }
    }
}
