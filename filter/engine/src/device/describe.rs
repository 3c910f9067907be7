//! Device rules as text, for people and for golden files.

use std::fmt::{Result, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::keys::Keys;
use super::networks::Networks;
use super::{DeviceRules, Identifier, tag};
use crate::Verdict;

/// Rules of one table that are written out.
const MAX_SHOWN: usize = 100;

impl DeviceRules<'_> {
    /// Writes a line for each rule. Texts are hashed, so that only their number is known.
    pub(crate) fn describe(&self, to: &mut impl Write) -> Result {
        let by_text = Identifier::ALL.into_iter().filter(|identifier| {
            use Identifier::{Asn, CidrBlock, CountryCode};
            !matches!(identifier, CidrBlock | Asn | CountryCode) && self.uses(*identifier)
        });
        let by_text: Vec<&str> = by_text.map(Identifier::word).collect();
        if !by_text.is_empty() {
            let count = self.texts.entries.len();
            writeln!(to, "device rules by {}: {count}", by_text.join(", "))?;
        }
        of_networks(to, &self.v4, |bits| {
            Some(Ipv4Addr::from_bits(u32::try_from(bits).ok()?).into())
        })?;
        of_networks(to, &self.v6, |bits| {
            Some(Ipv6Addr::from_bits(bits << 64).into())
        })?;
        of_networks(to, &self.v6_long, |bits| {
            Some(Ipv6Addr::from_bits(bits).into())
        })?;
        of_keys(to, Identifier::Asn, &self.asns, |key| Some(key.to_string()))?;
        of_keys(to, Identifier::CountryCode, &self.countries, |key| {
            let letters = u16::try_from(key).ok()?.to_be_bytes();
            Some(letters.map(char::from).into_iter().collect())
        })
    }
}

fn of_networks<const N: usize, const SHORTER: i16>(
    to: &mut impl Write,
    networks: &Networks<'_, N, SHORTER>,
    address: impl Fn(u128) -> Option<IpAddr>,
) -> Result {
    let count = networks.addresses.len();
    for index in 0..count.min(MAX_SHOWN) {
        let rule = || {
            let (range, verdict, end) = networks.rule(index)?;
            let value = format!("{}/{}", address(range.address)?, range.length);
            Some((value, verdict, end))
        };
        one(to, Identifier::CidrBlock, rule())?;
    }
    rest(to, Identifier::CidrBlock, count)
}

fn of_keys(
    to: &mut impl Write,
    identifier: Identifier,
    keys: &Keys<'_>,
    value: impl Fn(u64) -> Option<String>,
) -> Result {
    let count = keys.entries.len();
    for (index, entry) in keys.entries.iter().enumerate().take(MAX_SHOWN) {
        let entry = u64::from_le_bytes(*entry);
        let rule = || {
            let verdict = tag::verdict(entry)?;
            Some((value(entry >> tag::BITS)?, verdict, keys.end(index)))
        };
        one(to, identifier, rule())?;
    }
    rest(to, identifier, count)
}

fn one(
    to: &mut impl Write,
    identifier: Identifier,
    rule: Option<(String, Verdict, Option<u32>)>,
) -> Result {
    let Some((value, verdict, end)) = rule else {
        return Ok(());
    };
    let (identifier, verdict) = (identifier.word(), verdict.word());
    write!(to, "device rule {identifier} {value}: {verdict}")?;
    match end {
        Some(end) => writeln!(to, " until {end}"),
        None => writeln!(to),
    }
}

fn rest(to: &mut impl Write, identifier: Identifier, count: usize) -> Result {
    match count.checked_sub(MAX_SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(to, "device rules by {}: {more} more", identifier.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::device::{DeviceRulesBuilder, Subject};
    use crate::form::{FormWriter, Section, Sections};

    fn described(rules: &[(Subject<'_>, Verdict, Option<i64>)]) -> String {
        let mut builder = DeviceRulesBuilder::default();
        for &(subject, verdict, ends) in rules {
            builder.add(subject, verdict, ends.map(Timestamp::from_seconds));
        }
        let mut form = FormWriter::default();
        builder.write(&mut form).unwrap();
        let body = form.finish().unwrap();
        let sections = Sections::read(&body).unwrap();
        let rules = DeviceRules::load(sections.get(Section::DeviceRules)).unwrap();
        let mut text = String::new();
        rules.describe(&mut text).unwrap();
        text
    }

    #[test]
    fn rules_are_written_with_their_values_verdicts_and_ends() {
        let cidr = |text: &str, length| Subject::CidrBlock(text.parse().unwrap(), length);
        let rules = [
            (Subject::VisitorId("a"), Verdict::Block, None),
            (Subject::BrowserId("b"), Verdict::Allow, Some(9)),
            (
                cidr("192.0.2.0", 24),
                Verdict::Challenge,
                Some(1_900_000_000),
            ),
            (cidr("2001:db8::", 32), Verdict::Block, None),
            (cidr("2001:db8::7", 128), Verdict::Allow, None),
            (Subject::Asn(64_500), Verdict::Block, Some(7)),
            (Subject::CountryCode(*b"no"), Verdict::Challenge, None),
        ];
        assert_eq!(
            described(&rules),
            "device rules by visitor_id, browser_id: 2\n\
             device rule cidr_block 192.0.2.0/24: CHALLENGE until 1900000000\n\
             device rule cidr_block 2001:db8::/32: BLOCK\n\
             device rule cidr_block 2001:db8::7/128: ALLOW\n\
             device rule asn 64500: BLOCK until 7\n\
             device rule country_code NO: CHALLENGE\n"
        );
        assert_eq!(described(&[]), "");
    }

    #[test]
    fn of_very_many_rules_the_first_ones_are_written() {
        let rules = |count: u32| {
            let rule = |number| (Subject::Asn(number), Verdict::Block, None);
            described(&(1..=count).map(rule).collect::<Vec<_>>())
        };
        let most = u32::try_from(MAX_SHOWN).unwrap();
        assert_eq!(rules(most).lines().count(), MAX_SHOWN);
        let more = rules(most + 7);
        assert!(more.ends_with("device rules by asn: 7 more\n"), "{more}");
        assert_eq!(more.lines().count(), MAX_SHOWN + 1);
    }
}
