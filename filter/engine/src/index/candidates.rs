//! The policies to try for one request.

use super::bits::Bits;

/// A set of policies. It is kept and filled anew for every request.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    pub(super) policies: Bits,
    /// What a lookup has met already; see [`super::table::Table::find`].
    pub(super) met: Bits,
}

impl Candidates {
    /// Every candidate, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.policies.iter()
    }

    /// Is the policy one of them?
    #[must_use]
    pub fn contains(&self, policy: u32) -> bool {
        self.policies.contains(policy)
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }
}
