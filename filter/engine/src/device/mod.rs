//! Device rules: an identifier of a device, or of where it is, and the verdict it gets. Read in place.
//!
//! Precedence: identifiers in the order of [`Identifier::ALL`], and the first one with a rule that
//! holds decides; of ranges the smallest; of rules for the same value the strictest verdict. A rule
//! holds until the second in which it ends: then a wider range or a weaker identifier may decide.
//!
//! The section is 17 words: the key of the hash (4), a bit for each identifier that some rule goes
//! by, and for each of the tables below how many rules it has and how many of them end.
//!
//! | bytes a rule | what |
//! |---|---|
//! | 8 | texts: 61 bits of SipHash-2-4 over the identifier's number and the text, 3 of tag |
//! | 8 | ASNs: the number and a tag |
//! | 8 | countries: the two letters and a tag |
//! | 4 + 4 | IPv4 ranges: first addresses, then links to the next wider ones |
//! | 8 + 4 | IPv6 ranges up to /64: the upper half of first addresses, then links |
//! | 16 + 4 | longer IPv6 ranges: first addresses, then links |
//!
//! A tag is the verdict and whether the rule ends. Each table is followed by the ends of its rules.
//! After all of them come the words that say where each bucket of texts starts, and a byte for each
//! range: the length of its prefix.
//!
//! So a rule for a text costs about 8.5 bytes, one for an IPv4 range 9, for an IPv6 range 13, for a
//! longer one 21, and 4 more if it ends.
//!
//! A text that no rule names is taken for one of `n` with a probability of `n / 2^61`. The key depends
//! on every rule for a text, so that whoever does not know them all cannot look for such a text, and
//! the form remains a function of the resources.

mod builder;
mod describe;
mod ends;
mod identifier;
mod keys;
mod load;
mod networks;
mod tag;

use std::hash::Hasher as _;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

pub use builder::{DeviceRulesBuilder, TooManyDeviceRules};
pub use identifier::{Identifier, Subject};

use crate::limits::MAX_IDENTIFIER_BYTES;
use crate::{Timestamp, Verdict, parse_address};
use keys::Keys;
use networks::Networks;

/// The device rules of a revision, borrowed from its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeviceRules<'a> {
    hash_key: [u8; 16],
    identifiers: u32,
    texts: Keys<'a>,
    asns: Keys<'a>,
    countries: Keys<'a>,
    v4: Networks<'a, 4, -1>,
    v6: Networks<'a, 8, -1>,
    v6_long: Networks<'a, 16, 64>,
}

/// What is known of a request. Asked only for what some rule goes by, in the order of precedence, and
/// for no more once a rule was found.
pub trait Identifiers {
    /// The value of any identifier but [`Identifier::CidrBlock`], as a trusted hop sent it.
    fn value(&self, identifier: Identifier) -> Option<&[u8]>;
    /// The client's address.
    fn address(&self) -> Option<IpAddr>;
}

/// The rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// What it goes by.
    pub identifier: Identifier,
    /// What it says.
    pub verdict: Verdict,
    /// Of [`Identifier::CidrBlock`]: the length of the prefix.
    pub prefix: Option<u8>,
}

impl DeviceRules<'_> {
    /// Does some rule go by this identifier?
    #[must_use]
    pub const fn uses(&self, identifier: Identifier) -> bool {
        self.identifiers & identifier.bit() != 0
    }

    /// How many rules there are, without those that a stricter one for the same value makes superfluous.
    #[must_use]
    pub const fn len(&self) -> usize {
        let keys =
            self.texts.entries.len() + self.asns.entries.len() + self.countries.entries.len();
        let ranges = self.v4.lengths.len() + self.v6.lengths.len() + self.v6_long.lengths.len();
        keys + ranges
    }

    /// Is there no rule at all?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rule that decides about a request.
    pub fn decide(&self, request: &impl Identifiers, now: Timestamp) -> Option<Match> {
        let used = Identifier::ALL.into_iter().filter(|it| self.uses(*it));
        used.into_iter().find_map(|identifier| {
            if identifier == Identifier::CidrBlock {
                return self.lookup_address(request.address()?, now);
            }
            let verdict = self.lookup(identifier, request.value(identifier)?, now)?;
            Some(Match {
                identifier,
                verdict,
                prefix: None,
            })
        })
    }

    /// The verdict for one identifier's value as it is written: a text, `192.0.2.1`, `64500` or
    /// `AS64500`, two letters in any case.
    #[must_use]
    pub fn lookup(&self, identifier: Identifier, value: &[u8], now: Timestamp) -> Option<Verdict> {
        let (rules, key) = match identifier {
            Identifier::CidrBlock => {
                let (address, _) = parse_address(std::str::from_utf8(value).ok()?)?;
                return Some(self.lookup_address(address, now)?.verdict);
            }
            Identifier::Asn => (&self.asns, asn(value)?.into()),
            Identifier::CountryCode => (&self.countries, country_key(value.try_into().ok()?)),
            _ if value.len() > MAX_IDENTIFIER_BYTES || !self.uses(identifier) => return None,
            _ => (&self.texts, text_key(&self.hash_key, identifier, value)),
        };
        rules.find(key, now.as_seconds())
    }

    /// The verdict for a client's address. One in `::ffff:0:0/96` is an IPv4 address (RFC 4291
    /// section 2.5.5.2); apart from that IPv6 ranges hold no IPv4 addresses.
    #[must_use]
    pub fn lookup_address(&self, address: IpAddr, now: Timestamp) -> Option<Match> {
        let now_s = now.as_seconds();
        let found = match address.to_canonical() {
            IpAddr::V4(address) => self.v4.find(address.to_bits().into(), now_s),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                self.v6_long
                    .find(bits, now_s)
                    .or_else(|| self.v6.find(bits >> 64, now_s))
            }
        };
        found.map(|(verdict, prefix)| Match {
            identifier: Identifier::CidrBlock,
            verdict,
            prefix: Some(prefix),
        })
    }
}

fn text_key(hash_key: &[u8; 16], identifier: Identifier, text: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(hash_key);
    hasher.write(&[identifier as u8]);
    hasher.write(text);
    hasher.finish() >> tag::BITS
}

/// An autonomous system as hops write it: digits, perhaps after `AS` in any case.
pub(crate) fn asn(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let digits = match text.split_at_checked(2) {
        Some((letters, digits)) if letters.eq_ignore_ascii_case("as") => digits,
        _ => text,
    };
    // A sign is no digit, though a parser of numbers takes it.
    let digits = Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

fn country_key(letters: [u8; 2]) -> u64 {
    u16::from_be_bytes(letters.map(|letter| letter.to_ascii_uppercase())).into()
}

#[cfg(test)]
mod tests;
