//! Writes the section.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::ends::ranks_of;
use super::keys::{KEY_BITS, bucket_bits, bucket_of};
use super::networks::Range;
use super::{Identifier, Subject, country_key, tag, text_key};
use crate::form::{FormWriter, Section};
use crate::limits::MAX_DEVICE_RULES;
use crate::{Timestamp, Verdict};

/// Rules that are being put together. The order in which they come does not matter.
#[derive(Clone, Debug, Default)]
pub struct DeviceRulesBuilder<'s> {
    identifiers: u32,
    texts: Vec<Rule<(Identifier, &'s str)>>,
    asns: Vec<Rule<u64>>,
    countries: Vec<Rule<u64>>,
    v4: Vec<Rule<Range>>,
    v6: Vec<Rule<Range>>,
    v6_long: Vec<Rule<Range>>,
}

/// More rules than a revision takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} device rules are more than the {MAX_DEVICE_RULES} of a revision")]
pub struct TooManyDeviceRules(pub usize);

/// Sorted by what it goes by, then the verdict, then the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule<K> {
    by: K,
    verdict: Verdict,
    /// Seconds since the Unix epoch.
    ends: u32,
}

impl<K> Rule<K> {
    const fn new(by: K, verdict: Verdict, ends: u32) -> Self {
        Self { by, verdict, ends }
    }

    const fn has_end(&self) -> bool {
        self.ends != NEVER
    }

    const fn tag(&self) -> u32 {
        tag::tag(self.verdict, self.has_end())
    }
}

/// The end of a rule that has none: in 2106, when the form's seconds run out.
const NEVER: u32 = u32::MAX;

impl<'s> DeviceRulesBuilder<'s> {
    /// Adds a rule. It ends at `ends`, of which a part of a second counts as a whole one; an end after
    /// the year 2105 is none. Of rules for the same value that hold, the strictest counts.
    pub fn add(&mut self, subject: Subject<'s>, verdict: Verdict, ends: Option<Timestamp>) {
        let identifier = subject.identifier();
        self.identifiers |= identifier.bit();
        let ends = ends.map_or(NEVER, whole_seconds);
        match subject {
            Subject::VisitorId(text)
            | Subject::BrowserId(text)
            | Subject::VisitorFingerprint(text)
            | Subject::BrowserFingerprint(text)
            | Subject::HardwareFingerprint(text)
            | Subject::NetworkFingerprint(text) => {
                self.texts
                    .push(Rule::new((identifier, text), verdict, ends))
            }
            Subject::Asn(number) => self.asns.push(Rule::new(number.into(), verdict, ends)),
            Subject::CountryCode(letters) => {
                self.countries
                    .push(Rule::new(country_key(letters), verdict, ends))
            }
            Subject::CidrBlock(IpAddr::V4(address), length) => {
                self.v4.push(Rule::new(
                    v4_range(address.to_bits(), length),
                    verdict,
                    ends,
                ));
            }
            Subject::CidrBlock(IpAddr::V6(address), length) => {
                if let (Some(address), Some(length)) =
                    (address.to_ipv4_mapped(), length.checked_sub(96))
                {
                    self.v4.push(Rule::new(
                        v4_range(address.to_bits(), length),
                        verdict,
                        ends,
                    ));
                } else if length <= 64 {
                    self.v6.push(Rule::new(
                        range(address.to_bits() >> 64, length, 64),
                        verdict,
                        ends,
                    ));
                } else {
                    self.v6_long.push(Rule::new(
                        range(address.to_bits(), length, 128),
                        verdict,
                        ends,
                    ));
                }
            }
        }
    }

    /// How many rules were added.
    #[must_use]
    pub fn len(&self) -> usize {
        let texts = self.texts.len() + self.asns.len() + self.countries.len();
        texts + self.v4.len() + self.v6.len() + self.v6_long.len()
    }

    /// Was none added?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes [`Section::DeviceRules`]; without a rule it stays empty.
    ///
    /// # Errors
    /// [`TooManyDeviceRules`].
    pub fn write(self, form: &mut FormWriter) -> Result<(), TooManyDeviceRules> {
        let added = self.len();
        if added > MAX_DEVICE_RULES {
            return Err(TooManyDeviceRules(added));
        }
        let (hash_key, texts) = hashed(effective(self.texts), text_key);
        let (asns, countries) = (effective(self.asns), effective(self.countries));
        let [v4, v6, v6_long] = [self.v4, self.v6, self.v6_long].map(effective);
        let counts = [
            count(&texts),
            count(&asns),
            count(&countries),
            count(&v4),
            count(&v6),
            count(&v6_long),
        ];
        if self.identifiers == 0 {
            return Ok(());
        }
        let mut body = Body(form.section(Section::DeviceRules));
        body.0.extend_from_slice(&hash_key);
        body.word(self.identifiers);
        for (rules, ending) in counts {
            body.word(low(rules));
            body.word(low(ending));
        }
        body.keys(&texts);
        body.keys(&asns);
        body.keys(&countries);
        body.ranges(&v4, 32);
        body.ranges(&v6, 64);
        body.ranges(&v6_long, 128);
        body.buckets(&texts);
        let ranges = v4.iter().chain(&v6).chain(&v6_long);
        body.0.extend(ranges.map(|rule| rule.by.length));
        Ok(())
    }
}

/// How many rules there are, and how many of them end.
fn count<K>(rules: &[Rule<K>]) -> (usize, usize) {
    let ending = rules.iter().filter(|rule| rule.has_end()).count();
    (rules.len(), ending)
}

/// Sorted, without the rules that a stricter one for the same value makes superfluous. What is left
/// for a value is at most one rule of each verdict, a milder one ending later.
fn effective<K: Copy + Ord>(mut rules: Vec<Rule<K>>) -> Vec<Rule<K>> {
    rules.sort_unstable();
    let mut kept: Vec<Rule<K>> = Vec::with_capacity(rules.len());
    for rule in rules.into_iter().rev() {
        let outlasts = kept
            .last()
            .is_none_or(|stricter| stricter.by != rule.by || stricter.ends < rule.ends);
        if outlasts {
            kept.push(rule);
        }
    }
    kept.reverse();
    kept
}

/// Texts as keys, sorted, and the key of the hash. Two texts that meet in one hash would share their
/// rules: once in millions of sets of a million, and then another key is taken.
fn hashed(
    texts: Vec<Rule<(Identifier, &str)>>,
    hash: impl Fn(&[u8; 16], Identifier, &[u8]) -> u64,
) -> ([u8; 16], Vec<Rule<u64>>) {
    let distinct = |keys: &[Rule<u64>]| keys.chunk_by(|a, b| a.by == b.by).count();
    let values = texts.chunk_by(|a, b| a.by == b.by).count();
    let mut hash_key = [0; 16];
    let mut keys = Vec::new();
    // After so many tries it is not chance: then the strictest of both counts, which is what
    // `effective` makes of rules for one value.
    for attempt in 0..8 {
        hash_key = key_of(&texts, attempt);
        keys = texts
            .iter()
            .map(|rule| Rule {
                by: hash(&hash_key, rule.by.0, rule.by.1.as_bytes()) & ((1 << KEY_BITS) - 1),
                verdict: rule.verdict,
                ends: rule.ends,
            })
            .collect();
        keys.sort_unstable();
        if distinct(&keys) == values {
            break;
        }
    }
    (hash_key, effective(keys))
}

fn key_of(texts: &[Rule<(Identifier, &str)>], attempt: u8) -> [u8; 16] {
    let mut digest = Sha256::new();
    digest.update(b"countersign device rules");
    digest.update([attempt]);
    for rule in texts {
        let (identifier, text) = rule.by;
        digest.update([identifier as u8]);
        digest.update(rule.verdict.number().to_le_bytes());
        digest.update(rule.ends.to_le_bytes());
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(digest.finalize()) {
        *to = from;
    }
    key
}

/// The section as far as it is written.
struct Body<'b>(&'b mut Vec<u8>);

impl Body<'_> {
    fn word(&mut self, word: u32) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    fn keys(&mut self, rules: &[Rule<u64>]) {
        for rule in rules {
            let entry = rule.by << tag::BITS | u64::from(rule.tag());
            self.0.extend_from_slice(&entry.to_le_bytes());
        }
        self.ends(rules);
    }

    fn buckets(&mut self, texts: &[Rule<u64>]) {
        let bits = bucket_bits(texts.len());
        for bucket in 0..1_usize << bits {
            let start = texts.partition_point(|rule| bucket_of(rule.by, bits) < bucket);
            self.word(low(start));
        }
        self.word(low(texts.len()));
    }

    fn ranges(&mut self, rules: &[Rule<Range>], bits: u8) {
        for rule in rules {
            let bytes = rule.by.address.to_le_bytes();
            let used = bytes.get(..usize::from(bits / 8)).unwrap_or_default();
            self.0.extend_from_slice(used);
        }
        // The ranges around the one at hand, widest first.
        let mut around: Vec<(u32, Range)> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            while around
                .last()
                .is_some_and(|(_, wider)| !wider.covers(rule.by.address, bits))
            {
                around.pop();
            }
            let link = around.last().map_or(0, |(index, _)| index + 1);
            self.word(link << tag::BITS | rule.tag());
            around.push((low(index), rule.by));
        }
        self.ends(rules);
    }

    fn ends<K>(&mut self, rules: &[Rule<K>]) {
        if rules.iter().any(Rule::has_end) {
            for rank in ranks_of(rules.iter().map(Rule::has_end)) {
                self.word(rank);
            }
        }
        for rule in rules.iter().filter(|rule| rule.has_end()) {
            self.word(rule.ends);
        }
    }
}

fn v4_range(address: u32, length: u8) -> Range {
    range(address.into(), length, 32)
}

/// The range of that many bits around an address of `bits`.
fn range(address: u128, length: u8, bits: u8) -> Range {
    let length = length.min(bits);
    let host_bits = u32::from(bits - length);
    let network = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    Range {
        address: address & network,
        length,
    }
}

/// Seconds since the Unix epoch, rounded up.
fn whole_seconds(time: Timestamp) -> u32 {
    let part = time.as_nanos().rem_euclid(1_000_000_000) != 0;
    let seconds = time.as_seconds().saturating_add(i64::from(part));
    u32::try_from(seconds.max(0)).unwrap_or(NEVER)
}

fn low(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
