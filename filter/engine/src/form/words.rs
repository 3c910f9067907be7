//! Little-endian `u32`s read in place.

/// A run of `u32`s. Bytes past the last whole one are not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words<'a> {
    words: &'a [[u8; 4]],
}

impl<'a> Words<'a> {
    /// The words of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            words: bytes.as_chunks().0,
        }
    }

    /// How many there are.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.words.len()
    }

    /// Is there none?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The word at `index`.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<u32> {
        self.words.get(index).map(|word| u32::from_le_bytes(*word))
    }

    /// The words from `start`, `count` of them.
    #[inline]
    #[must_use]
    pub fn part(&self, start: usize, count: usize) -> Option<Self> {
        let words = self.words.get(start..start.checked_add(count)?)?;
        Some(Self { words })
    }

    /// Every word in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + 'a {
        self.words.iter().map(|word| u32::from_le_bytes(*word))
    }

    /// How many words from the start satisfy `predicate`, which must hold for a prefix only.
    pub fn partition_point(&self, mut predicate: impl FnMut(u32) -> bool) -> usize {
        self.words
            .partition_point(|word| predicate(u32::from_le_bytes(*word)))
    }
}
