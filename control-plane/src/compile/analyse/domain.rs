//! What one thing that conditions read may be: absent, or one of a set of values.

use std::borrow::Cow;

use super::condition::{Reading, Test};
use super::effort::{Effort, Spent};
use super::limits::MAX_ADDRESSES;
use super::ranges::{Ranges, address, to_address};
use super::texts::{Shape, Texts};

/// What a value may be. Numbers have no texts, texts have no ranges, and addresses have both.
#[derive(Clone, Debug)]
pub(super) struct Domain<'c> {
    /// It may be absent: reading it fails.
    pub(super) absent: bool,
    /// There may be a value.
    pub(super) present: bool,
    pub(super) ranges: Cow<'c, Ranges>,
    pub(super) texts: Texts<'c>,
    /// Texts were asked of an address, whose texts its ranges limit.
    pub(super) is_address: bool,
    /// Was looked at since it changed.
    settled: bool,
}

impl<'c> Domain<'c> {
    /// Numbers, times, truth values.
    pub(super) const fn numbers(absent: bool, ranges: Ranges) -> Self {
        Self {
            absent,
            present: true,
            ranges: Cow::Owned(ranges),
            texts: Texts::all(Shape::Any),
            is_address: false,
            settled: true,
        }
    }

    pub(super) fn texts(absent: bool, texts: Texts<'c>) -> Self {
        Self {
            texts,
            ..Self::numbers(absent, Ranges::all())
        }
    }

    pub(super) fn addresses(absent: bool) -> Self {
        Self {
            is_address: true,
            ..Self::numbers(absent, Ranges::all())
        }
    }

    /// Never there.
    pub(super) fn nothing(self) -> Self {
        Self {
            absent: true,
            present: false,
            ..self
        }
    }

    /// Can it be nothing at all, not even absent?
    pub(super) const fn is_impossible(&self) -> bool {
        !self.absent && !self.present
    }

    /// Leaves what makes a test come out so.
    pub(super) fn restrict(
        &mut self,
        test: &'c Test<'c>,
        reading: Reading,
        effort: &Effort,
    ) -> Result<(), Spent> {
        effort.spend(1)?;
        let wanted = matches!(reading, Reading::True | Reading::NotFalse);
        if matches!(test, Test::Present) {
            // Asking whether something is there never fails.
            self.absent &= !wanted;
            self.present &= wanted;
            return Ok(());
        }
        self.absent &= matches!(reading, Reading::NotTrue | Reading::NotFalse);
        if !self.present {
            return Ok(());
        }
        self.settled = false;
        match test {
            Test::Present => {}
            Test::Numbers { inside, outside } => {
                let allowed = if wanted { inside } else { outside };
                self.within(allowed, effort)?;
            }
            Test::Text(test) => {
                self.present = self.texts.restrict(test, wanted, effort)?;
                self.match_texts(effort)?;
            }
        }
        Ok(())
    }

    /// An address has one text, its shortest: what texts are left says what addresses are.
    fn match_texts(&mut self, effort: &Effort) -> Result<(), Spent> {
        let Some(members) = self.texts.members.as_ref().filter(|_| self.is_address) else {
            return Ok(());
        };
        effort.spend(members.len())?;
        let numbers = members.iter().filter_map(|text| {
            let number = address(text.parse().ok()?);
            (to_address(number).to_string() == **text).then_some(number)
        });
        let numbers = Ranges::points(numbers);
        self.within(&numbers, effort)
    }

    /// Leaves numbers of these ranges only.
    pub(super) fn within(&mut self, allowed: &Ranges, effort: &Effort) -> Result<(), Spent> {
        effort.spend(self.ranges.len().min(allowed.len()))?;
        let both = self.ranges.and(allowed);
        effort.spend(both.len())?;
        self.present &= !both.is_empty();
        self.ranges = Cow::Owned(both);
        self.settled = false;
        Ok(())
    }

    /// Finds out whether a value is left, as far as that can be known.
    pub(super) fn settle(&mut self, effort: &Effort) -> Result<(), Spent> {
        if self.settled || !self.present {
            return Ok(());
        }
        self.settled = true;
        if self.is_address
            && let Some(few) = self.ranges.few(MAX_ADDRESSES)
        {
            effort.spend(few.len())?;
            let shown = few.into_iter().map(|number| to_address(number).to_string());
            self.present = self.texts.keep(shown.collect(), effort);
        }
        if self.present && self.texts.is_empty(effort)? {
            self.present = false;
        }
        Ok(())
    }

    /// Is it certainly no number outside of the other's?
    pub(super) fn numbers_are_within(&self, other: &Self) -> bool {
        self.ranges.is_within(&other.ranges)
    }
}
