//! Choices: from a seed, so that every run makes the same ones, or from the bytes of a fuzzer.

/// Where choices come from.
#[derive(Clone, Debug)]
pub(crate) enum Dice<'d> {
    /// A state that is never zero (xorshift64*).
    Seeded(u64),
    /// Bytes; where they end, every choice is the first.
    Given(&'d [u8]),
}

impl<'d> Dice<'d> {
    pub(crate) fn seeded(seed: u64) -> Self {
        // Neighbouring seeds are to give different beginnings.
        Self::Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    #[allow(dead_code, reason = "the fuzzer's")]
    pub(crate) const fn given(bytes: &'d [u8]) -> Self {
        Self::Given(bytes)
    }

    pub(crate) fn word(&mut self) -> u64 {
        match self {
            Self::Seeded(state) => {
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d)
            }
            Self::Given(bytes) => {
                let (taken, rest) = bytes.split_at(bytes.len().min(8));
                *bytes = rest;
                taken
                    .iter()
                    .rev()
                    .fold(0, |word, &byte| word << 8 | u64::from(byte))
            }
        }
    }

    /// A number below `count`, which is at least one.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        match self {
            Self::Seeded(_) => {
                usize::try_from((self.word() >> 33) % count.max(1) as u64).unwrap_or(0)
            }
            // One byte a choice, so that a change of one byte changes one choice.
            Self::Given(bytes) => {
                let (Some((first, rest)), true) = (bytes.split_first(), count > 1) else {
                    return 0;
                };
                *bytes = rest;
                usize::from(*first) % count
            }
        }
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    pub(crate) fn pick<'p, T: ?Sized>(&mut self, from: &[&'p T]) -> &'p T {
        from[self.below(from.len())]
    }

    pub(crate) fn one_of<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}
