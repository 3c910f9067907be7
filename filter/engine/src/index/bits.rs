//! A set of small numbers that is filled and emptied for every request.

/// A bit for each number, and a bit for each word of those that is not zero, so that going through it
/// and emptying it cost what it holds, not what it could hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    summary: Vec<u64>,
}

impl Bits {
    /// Every number, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.summary
            .iter()
            .enumerate()
            .flat_map(move |(at, &bits)| {
                Ones { base: at, bits }.flat_map(move |word| Ones {
                    base: word,
                    bits: self.words.get(word).copied().unwrap_or(0),
                })
            })
            .map(low)
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.words
            .get(number as usize / 64)
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.summary.iter().all(|&bits| bits == 0)
    }

    /// Makes it empty, with room for the numbers below `bound`.
    pub(super) fn reset(&mut self, bound: usize) {
        for (at, bits) in self.summary.iter_mut().enumerate() {
            for word in (Ones {
                base: at,
                bits: *bits,
            }) {
                if let Some(word) = self.words.get_mut(word) {
                    *word = 0;
                }
            }
            *bits = 0;
        }
        self.words.resize(bound.div_ceil(64), 0);
        self.summary.resize(self.words.len().div_ceil(64), 0);
    }

    /// Was it not there? A number without room is not held and never new.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let before = self.contains(number);
        self.insert_word(number / 64, 1 << (number % 64));
        !before && self.contains(number)
    }

    /// Inserts the numbers `64 * word + i` for each bit `i`.
    pub(super) fn insert_word(&mut self, word: u32, bits: u64) {
        let summary = self.summary.get_mut(word as usize / 64);
        if let (Some(held), Some(summary)) = (self.words.get_mut(word as usize), summary) {
            *held |= bits;
            *summary |= 1 << (word % 64);
        }
    }
}

/// The numbers `64 * base + i` of the bits `i` that are set.
struct Ones {
    base: usize,
    bits: u64,
}

impl Iterator for Ones {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            return None;
        }
        let bit = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(self.base * 64 + bit)
    }
}

/// What is held was inserted as 32 bits.
fn low(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bound: usize, members: &[u32]) -> Bits {
        let mut bits = Bits::default();
        bits.reset(bound);
        for &member in members {
            bits.insert(member);
        }
        bits
    }

    #[test]
    fn numbers_come_in_ascending_order_and_once() {
        let members = [9_999, 0, 63, 64, 4_095, 4_096, 64, 0];
        let bits = with(10_000, &members);
        let listed: Vec<u32> = bits.iter().collect();
        assert_eq!(listed, [0, 63, 64, 4_095, 4_096, 9_999]);
        assert!(members.iter().all(|&member| bits.contains(member)));
        assert!(!bits.contains(1) && !bits.contains(u32::MAX));
    }

    #[test]
    fn nothing_is_left_for_the_next_request() {
        let mut bits = with(10_000, &[1, 5_000, 9_999]);
        assert!(!bits.is_empty());
        bits.reset(10_000);
        assert!(bits.is_empty());
        assert!(bits.words.iter().all(|&word| word == 0));
        // Another revision may have fewer policies, and more again.
        bits.insert(9_999);
        bits.reset(65);
        bits.insert(64);
        bits.reset(10_000);
        assert!(bits.words.iter().all(|&word| word == 0));
    }

    #[test]
    fn a_number_is_new_once() {
        let mut bits = with(64, &[]);
        assert!(bits.insert(63));
        assert!(!bits.insert(63));
    }

    #[test]
    fn what_is_past_the_last_word_is_not_held() {
        let mut bits = with(64, &[]);
        assert!(!bits.insert(64) && !bits.insert(u32::MAX));
        assert!(bits.is_empty());
    }
}
