//! Takes a table apart from its start.

use crate::form::Words;

/// What is left of a table's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn word(&mut self) -> Option<u32> {
        self.words(1)?.get(0)
    }

    /// A word that counts something.
    pub(super) fn count(&mut self) -> Option<usize> {
        self.word().map(|word| word as usize)
    }

    pub(super) fn words(&mut self, count: usize) -> Option<Words<'a>> {
        self.bytes(count.checked_mul(4)?).map(Words::new)
    }

    /// `count` entries of `N` bytes.
    pub(super) fn entries<const N: usize>(&mut self, count: usize) -> Option<&'a [[u8; N]]> {
        let bytes = self.bytes(count.checked_mul(N)?)?;
        Some(bytes.as_chunks().0)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Everything that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}
