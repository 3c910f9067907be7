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

impl Op {
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
