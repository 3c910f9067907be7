//! Random rules and requests, decided by the form and by going through all rules.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

/// A generator of numbers that is the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// An address from so few that rules meet, nest and adjoin.
    fn address(&mut self) -> IpAddr {
        let bits = |random: &mut Self| -> u32 {
            let byte = random.pick(&[0_u32, 1, 127, 128, 255]);
            let other = random.pick(&[0_u32, 1, 2, 128, 255]);
            random.pick(&[10_u32, 11, 192]) << 24 | byte << 16 | other << 8 | byte ^ other
        };
        match self.below(4) {
            0 => {
                let high = u128::from(bits(self)) << 96 | u128::from(self.below(3)) << 64;
                let low = u128::from(self.below(3)) << 40 | u128::from(self.below(3));
                Ipv6Addr::from(high | low).into()
            }
            1 => Ipv4Addr::from(bits(self)).to_ipv6_mapped().into(),
            _ => Ipv4Addr::from(bits(self)).into(),
        }
    }
}

const TEXTS: [Identifier; 6] = [
    Identifier::VisitorId,
    Identifier::BrowserId,
    Identifier::VisitorFingerprint,
    Identifier::BrowserFingerprint,
    Identifier::HardwareFingerprint,
    Identifier::NetworkFingerprint,
];
const VERDICTS: [Verdict; 3] = [Verdict::Allow, Verdict::Challenge, Verdict::Block];
const COUNTRIES: [[u8; 2]; 4] = [*b"DE", *b"NO", *b"fr", *b"us"];

#[derive(Clone, Debug)]
struct Rule {
    identifier: Identifier,
    text: String,
    range: Option<(IpAddr, u8)>,
    verdict: Verdict,
    ends: Option<i64>,
}

impl Rule {
    fn random(random: &mut Random, texts: u64) -> Self {
        let identifier = random.pick(&Identifier::ALL);
        let range = (identifier == Identifier::CidrBlock).then(|| {
            let address = random.address();
            let length = match address {
                IpAddr::V4(_) => random.below(33),
                IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => 96 + random.below(33),
                IpAddr::V6(_) => random.below(129),
            };
            (address, u8::try_from(length).unwrap())
        });
        Self {
            identifier,
            text: match identifier {
                Identifier::Asn => random.below(8).to_string(),
                Identifier::CountryCode => {
                    String::from_utf8(random.pick(&COUNTRIES).to_vec()).unwrap()
                }
                _ => format!("t{}", random.below(texts)),
            },
            range,
            verdict: random.pick(&VERDICTS),
            ends: match random.below(3) {
                0 => Some(i64::try_from(random.below(5)).unwrap() + 998),
                _ => None,
            },
        }
    }

    fn subject(&self) -> Subject<'_> {
        let text = self.text.as_str();
        match self.identifier {
            Identifier::VisitorId => Subject::VisitorId(text),
            Identifier::BrowserId => Subject::BrowserId(text),
            Identifier::VisitorFingerprint => Subject::VisitorFingerprint(text),
            Identifier::BrowserFingerprint => Subject::BrowserFingerprint(text),
            Identifier::HardwareFingerprint => Subject::HardwareFingerprint(text),
            Identifier::NetworkFingerprint => Subject::NetworkFingerprint(text),
            Identifier::CidrBlock => {
                let (address, length) = self.range.unwrap();
                Subject::CidrBlock(address, length)
            }
            Identifier::Asn => Subject::Asn(text.parse().unwrap()),
            Identifier::CountryCode => Subject::CountryCode(text.as_bytes().try_into().unwrap()),
        }
    }

    /// The length of the prefix where the rule is about this client; zero for what has none.
    fn concerns(&self, carried: &Carried, now_s: i64) -> Option<u8> {
        if self.ends.is_some_and(|ends| now_s >= ends) {
            return None;
        }
        let Some((first, length)) = self.range else {
            let mut values = carried.values.iter();
            let value = values.find(|(identifier, _)| *identifier == self.identifier)?;
            return value
                .1
                .eq_ignore_ascii_case(self.text.as_bytes())
                .then_some(0);
        };
        let same = |a: u128, b: u128, bits: u8| {
            let host_bits = u32::from(bits - length.min(bits));
            (a ^ b).checked_shr(host_bits).unwrap_or(0) == 0
        };
        match (first, carried.address?.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(client)) => {
                same(first.to_bits().into(), client.to_bits().into(), 32).then_some(length)
            }
            (IpAddr::V6(first), IpAddr::V4(client)) => {
                let mapped = client.to_ipv6_mapped().to_bits();
                let inside = first.to_ipv4_mapped().is_some() && same(first.to_bits(), mapped, 128);
                inside.then(|| length - 96)
            }
            (IpAddr::V6(first), IpAddr::V6(client)) => {
                let native = first.to_ipv4_mapped().is_none();
                (native && same(first.to_bits(), client.to_bits(), 128)).then_some(length)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => None,
        }
    }
}

/// What decides, by the words of the rules.
fn expected(rules: &[Rule], carried: &Carried, now_s: i64) -> Option<Match> {
    Identifier::ALL.into_iter().find_map(|identifier| {
        let of_identifier = rules.iter().filter(|rule| rule.identifier == identifier);
        let (prefix, verdict) = of_identifier
            .filter_map(|rule| Some((rule.concerns(carried, now_s)?, rule.verdict)))
            .max()?;
        Some(Match {
            identifier,
            verdict,
            prefix: (identifier == Identifier::CidrBlock).then_some(prefix),
        })
    })
}

fn carried(random: &mut Random, texts: u64) -> Carried {
    let mut carried = Carried::default();
    for identifier in TEXTS {
        if random.below(3) == 0 {
            let text = format!("t{}", random.below(texts));
            carried.values.push((identifier, text.into_bytes()));
        }
    }
    if random.below(2) == 0 {
        let number = random.below(8).to_string().into_bytes();
        carried.values.push((Identifier::Asn, number));
    }
    if random.below(2) == 0 {
        let country = random.pick(&COUNTRIES).to_vec();
        carried.values.push((Identifier::CountryCode, country));
    }
    if random.below(4) != 0 {
        carried.address = Some(random.address());
    }
    carried
}

/// Compares both for so many requests; how many a rule was found for.
fn compare(random: &mut Random, rules: &[Rule], requests: usize, texts: u64) -> usize {
    let of_rules: Vec<_> = rules
        .iter()
        .map(|rule| (rule.subject(), rule.verdict, rule.ends))
        .collect();
    let bytes = section(&of_rules);
    let form = DeviceRules::load(&bytes).unwrap();
    let mut found = 0;
    for _ in 0..requests {
        let carried = carried(random, texts);
        let now_s = i64::try_from(random.below(6)).unwrap() + 997;
        let decided = form.decide(&carried, Timestamp::from_seconds(now_s));
        assert_eq!(
            decided,
            expected(rules, &carried, now_s),
            "{carried:?} at {now_s}, {rules:?}"
        );
        found += usize::from(decided.is_some());
    }
    found
}

#[test]
fn the_form_decides_as_the_rules_read() {
    let mut random = Random(0x5eed);
    let mut found = 0;
    for _ in 0..3_000 {
        let rules: Vec<Rule> = (0..random.below(60))
            .map(|_| Rule::random(&mut random, 4))
            .collect();
        found += compare(&mut random, &rules, 40, 4);
    }
    assert!((20_000..110_000).contains(&found), "{found} of 120000");
}

#[test]
fn the_form_decides_as_many_rules_read() {
    let mut random = Random(0x1dea);
    let rules: Vec<Rule> = (0..20_000)
        .map(|_| Rule::random(&mut random, 5_000))
        .collect();
    assert!(compare(&mut random, &rules, 300, 5_000) > 100);
}
