//! Bytes that no builder wrote: accepted or refused, and looked up in without a panic.

use super::*;

/// Every kind of rule, nested ranges, ties, ends.
fn varied() -> Vec<u8> {
    let texts: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let mut rules: Vec<_> = texts
        .iter()
        .map(|text| (Subject::VisitorId(text.as_str()), Verdict::Block, None))
        .collect();
    rules.extend([
        (Subject::BrowserId("b"), Verdict::Block, Some(500)),
        (Subject::BrowserId("b"), Verdict::Allow, Some(2_000)),
        (cidr("10.0.0.0/8"), Verdict::Allow, None),
        (cidr("10.1.0.0/16"), Verdict::Block, Some(2_000)),
        (cidr("10.1.0.0/16"), Verdict::Challenge, None),
        (cidr("10.1.2.0/24"), Verdict::Block, None),
        (cidr("10.2.0.0/16"), Verdict::Block, None),
        (cidr("2001:db8::/32"), Verdict::Challenge, None),
        (cidr("2001:db8:1::/48"), Verdict::Block, Some(900)),
        (cidr("2001:db8::1/128"), Verdict::Allow, None),
        (cidr("2001:db8::/100"), Verdict::Block, None),
        (Subject::Asn(64_500), Verdict::Block, Some(2_000)),
        (Subject::Asn(64_501), Verdict::Allow, None),
        (Subject::CountryCode(*b"DE"), Verdict::Challenge, None),
        (Subject::CountryCode(*b"NO"), Verdict::Block, None),
    ]);
    section(&rules)
}

fn look_up_everything(rules: &DeviceRules<'_>) {
    for text in [
        "t0",
        "t7",
        "b",
        "64500",
        "DE",
        "10.1.2.3",
        "2001:db8::1",
        "::",
    ] {
        for identifier in Identifier::ALL {
            let _answer = rules.lookup(identifier, text.as_bytes(), NOW);
        }
    }
    for client in [
        "0.0.0.0",
        "10.1.2.3",
        "255.255.255.255",
        "2001:db8::1",
        "ffff::",
    ] {
        let carried = Carried::new(&[(Identifier::BrowserId, "b")], Some(client));
        let _answer = rules.decide(&carried, NOW);
        let _answer = rules.lookup_address(address(client), NOW);
    }
}

#[test]
fn every_altered_byte_is_accepted_or_refused() {
    let whole = varied();
    assert!(DeviceRules::load(&whole).is_ok());
    let mut refused = 0;
    for at in 0..whole.len() {
        for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut altered = whole.clone();
            altered[at] ^= change;
            // Also what was not checked gives answers.
            if let Ok(rules) = DeviceRules::loaded(&altered) {
                look_up_everything(&rules);
            }
            match DeviceRules::load(&altered) {
                Ok(rules) => look_up_everything(&rules),
                Err(_) => refused += 1,
            }
        }
    }
    // The hash's key, hashes, addresses and ends can say something else and still be in order.
    assert!(refused > whole.len() * 9 / 3, "{refused}");
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let whole = varied();
    for length in 1..whole.len() {
        assert!(DeviceRules::load(&whole[..length]).is_err(), "{length}");
    }
    let mut longer = whole;
    longer.push(0);
    assert!(DeviceRules::load(&longer).is_err());
}

#[test]
fn counts_that_overflow_are_refused() {
    let header = 20..68;
    for word in header.step_by(4) {
        for count in [u32::MAX, u32::MAX / 2, 1 << 29, 1 << 28] {
            let mut altered = varied();
            altered[word..word + 4].copy_from_slice(&count.to_le_bytes());
            assert!(DeviceRules::load(&altered).is_err(), "{count} at {word}");
        }
    }
    let mut altered = varied();
    altered[16..68].fill(0xff);
    assert!(DeviceRules::load(&altered).is_err());
}

/// The offset of the first byte of `needle`.
fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes
        .windows(needle.len())
        .position(|part| part == needle)
        .unwrap()
}

#[test]
fn what_lookups_rely_on_is_checked() {
    let one = |subject, verdict| section(&[(subject, verdict, None)]);
    let asn = |entry: u64| {
        let mut bytes = one(Subject::Asn(7), Verdict::Block);
        let at = find(&bytes, &(7_u64 << 3 | 0b110).to_le_bytes());
        bytes[at..at + 8].copy_from_slice(&entry.to_le_bytes());
        DeviceRules::load(&bytes).is_ok()
    };
    assert!(asn(7 << 3 | 0b100));
    // No verdict; an end that stands nowhere.
    assert!(!asn(7 << 3));
    assert!(!asn(7 << 3 | 0b111));

    let two = section(&[
        (Subject::Asn(7), Verdict::Block, None),
        (Subject::Asn(9), Verdict::Block, None),
    ]);
    let at = find(&two, &(7_u64 << 3 | 0b110).to_le_bytes());
    for second in [7_u64 << 3 | 0b110, 6 << 3 | 0b110, 7 << 3 | 0b010] {
        let mut bytes = two.clone();
        bytes[at + 8..at + 16].copy_from_slice(&second.to_le_bytes());
        assert!(DeviceRules::load(&bytes).is_err(), "{second:#b}");
    }

    // Host bits, a prefix longer than the address, a long range among the short ones.
    let range = one(cidr("192.0.2.0/24"), Verdict::Block);
    let length = range.len() - 1;
    for (prefix, fine) in [(24, true), (25, true), (32, true), (22, false), (33, false)] {
        let mut bytes = range.clone();
        bytes[length] = prefix;
        assert_eq!(DeviceRules::load(&bytes).is_ok(), fine, "{prefix}");
    }
    let mut bytes = one(cidr("2001:db8::/128"), Verdict::Block);
    let length = bytes.len() - 1;
    bytes[length] = 64;
    assert!(DeviceRules::load(&bytes).is_err());

    // A link to itself, and one that leaves out the range between.
    let nested = section(&[
        (cidr("10.0.0.0/8"), Verdict::Block, None),
        (cidr("10.0.0.0/16"), Verdict::Block, None),
        (cidr("10.0.0.0/24"), Verdict::Block, None),
    ]);
    let links = find(
        &nested,
        &[0b110, 0, 0, 0, 0b1110, 0, 0, 0, 0b1_0110, 0, 0, 0],
    );
    for link in [0, 1, 3, 4] {
        let mut bytes = nested.clone();
        bytes[links + 8] = link << 3 | 0b110;
        assert!(DeviceRules::load(&bytes).is_err(), "{link}");
    }
}
