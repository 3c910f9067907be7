//! What a node of a compiled expression does: every constant, operator, macro and function of the
//! language has one number. The control plane writes them, the evaluator reads them; a number is never
//! given to something else.

mod name;
mod table;

pub use table::Op;

/// How many arguments an [`Op`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// At least so many.
    pub least: u32,
    /// At most so many.
    pub most: u32,
}

/// Every operation at its number: a node is read with one look into a table.
static BY_NUMBER: [Option<Op>; NUMBERS] = by_number();

const NUMBERS: usize = Op::CidrIp as usize + 1;

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index that is out of bounds"
)]
const fn by_number() -> [Option<Op>; NUMBERS] {
    let mut table = [None; NUMBERS];
    let mut index = 0;
    while index < Op::ALL.len() {
        table[Op::ALL[index] as usize] = Some(Op::ALL[index]);
        index += 1;
    }
    table
}

impl Op {
    /// The operation of that number.
    #[inline]
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        BY_NUMBER.get(usize::from(number)).copied().flatten()
    }

    /// How many names the last argument (and a predicate before it) sees beside those outside.
    #[must_use]
    pub const fn binds(self) -> u32 {
        match self {
            Self::All
            | Self::Exists
            | Self::ExistsOne
            | Self::MapList
            | Self::Filter
            | Self::Bind
            | Self::SortBy
            | Self::OptionalMap
            | Self::OptionalFlatMap => 1,
            Self::AllPairs
            | Self::ExistsPairs
            | Self::ExistsOnePair
            | Self::TransformList
            | Self::TransformMap
            | Self::TransformMapEntry => 2,
            _ => 0,
        }
    }

    /// Is the last argument (and a predicate before it) evaluated for each element?
    pub(super) const fn repeats(self) -> bool {
        !matches!(self, Self::Bind | Self::OptionalMap | Self::OptionalFlatMap) && self.binds() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_number() {
        for &op in Op::ALL {
            assert_eq!(Op::from_number(op.number()), Some(op));
        }
        assert_eq!(Op::from_number(0), None);
        assert_eq!(Op::from_number(u16::MAX), None);
    }
}
