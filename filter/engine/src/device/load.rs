//! Borrows the rules from a section and checks them once.

use super::DeviceRules;
use super::ends::{Ends, ranks};
use super::identifier::Identifier;
use super::keys::{Keys, bucket_bits};
use super::networks::Networks;
use crate::form::{FormError, Section, Words};

pub(super) const HEADER_WORDS: usize = 17;

const SECTION: Section = Section::DeviceRules;

impl<'a> DeviceRules<'a> {
    /// Borrows the rules of [`Section::DeviceRules`]; an empty section holds none.
    ///
    /// # Errors
    /// A [`FormError`] for anything that [`super::DeviceRulesBuilder`] would not have written, except
    /// that nothing shows which text a hash is of.
    pub fn load(section: &'a [u8]) -> Result<Self, FormError> {
        let rules = Self::loaded(section)?;
        match rules.fault() {
            None => Ok(rules),
            Some(entry) => Err(FormError::Entry(SECTION, entry)),
        }
    }

    /// Borrows the rules of a section that [`Self::load`] has accepted, without looking at each again.
    /// Of any other bytes the answers may be wrong; they are given in bounded time and without a panic.
    ///
    /// # Errors
    /// [`FormError::Section`] where the section is of another length than its counts say.
    pub fn loaded(section: &'a [u8]) -> Result<Self, FormError> {
        if section.is_empty() {
            return Ok(Self::default());
        }
        Self::slices(section).ok_or(FormError::Section(SECTION))
    }

    fn slices(section: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(section);
        let hash_key = *rest.chunks::<16>(1)?.first()?;
        let header = rest.words(HEADER_WORDS - 4)?;
        let identifiers = header.get(0)?;
        let mut table = 0;
        // How many rules the next table has, and how many of them end.
        let mut counts = || {
            let counts = header.part(1 + 2 * table, 2)?;
            table += 1;
            Some((counts.get(0)? as usize, counts.get(1)? as usize))
        };
        let mut texts = rest.keys(counts()?)?;
        let asns = rest.keys(counts()?)?;
        let countries = rest.keys(counts()?)?;
        let mut v4 = rest.networks(counts()?)?;
        let mut v6 = rest.networks(counts()?)?;
        let mut v6_long = rest.networks(counts()?)?;
        let buckets = 1_usize.checked_shl(bucket_bits(texts.entries.len()))?;
        texts.buckets = Some(rest.words(buckets.checked_add(1)?)?);
        v4.lengths = rest.take(v4.addresses.len())?;
        v6.lengths = rest.take(v6.addresses.len())?;
        v6_long.lengths = rest.take(v6_long.addresses.len())?;
        rest.0.is_empty().then_some(Self {
            hash_key,
            identifiers,
            texts,
            asns,
            countries,
            v4,
            v6,
            v6_long,
        })
    }

    /// The index of an entry, in its table, that is not what the builder writes.
    fn fault(&self) -> Option<usize> {
        self.texts
            .fault()
            .or_else(|| self.asns.fault())
            .or_else(|| self.countries.fault())
            .or_else(|| self.v4.fault())
            .or_else(|| self.v6.fault())
            .or_else(|| self.v6_long.fault())
            .or_else(|| (!self.has_its_identifiers()).then_some(0))
    }

    fn has_its_identifiers(&self) -> bool {
        let ranges = [
            self.v4.addresses.len(),
            self.v6.addresses.len(),
            self.v6_long.addresses.len(),
        ];
        let text_bits = Identifier::CidrBlock.bit() - 1;
        self.identifiers < Identifier::CountryCode.bit() << 1
            && (self.identifiers & text_bits == 0) == self.texts.entries.is_empty()
            && self.uses(Identifier::CidrBlock) == (ranges != [0; 3])
            && self.uses(Identifier::Asn) != self.asns.entries.is_empty()
            && self.uses(Identifier::CountryCode) != self.countries.entries.is_empty()
    }
}

/// What is left of the section.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn chunks<const N: usize>(&mut self, count: usize) -> Option<&'a [[u8; N]]> {
        Some(self.take(count.checked_mul(N)?)?.as_chunks().0)
    }

    fn keys(&mut self, (rules, ending): (usize, usize)) -> Option<Keys<'a>> {
        Some(Keys {
            entries: self.chunks(rules)?,
            buckets: None,
            ends: self.ends(rules, ending)?,
        })
    }

    /// Without the lengths, which stand where bytes disturb no word.
    fn networks<const N: usize, const SHORTER: i16>(
        &mut self,
        (rules, ending): (usize, usize),
    ) -> Option<Networks<'a, N, SHORTER>> {
        Some(Networks {
            addresses: self.chunks(rules)?,
            lengths: &[],
            links: self.words(rules)?,
            ends: self.ends(rules, ending)?,
        })
    }

    fn ends(&mut self, rules: usize, ending: usize) -> Option<Ends<'a>> {
        Some(Ends {
            ranks: self.words(ranks(rules, ending))?,
            times: self.words(ending)?,
        })
    }

    fn words(&mut self, count: usize) -> Option<Words<'a>> {
        Some(Words::new(self.take(count.checked_mul(4)?)?))
    }
}
