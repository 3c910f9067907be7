//! The types of expressions.

use std::fmt;

/// A type of CEL, or one of ours that is written as a string and means more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Of what is wrong already: everything goes with it, so that one mistake is one finding.
    Unknown,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Null,
    Timestamp,
    Duration,
    /// A grade: `session.assurance`. Compared with its words, ordered by grade.
    Assurance,
    /// `verdict`: compared with its words, without order.
    Verdict,
    /// `request.headers`.
    Headers,
    /// `reasons`.
    Strings,
    /// A `List` resource.
    NamedList(Members),
}

/// What a `List` resource holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Members {
    Strings,
    Numbers,
    Cidrs,
}

impl Type {
    /// Has CEL `==` for two of these?
    pub(super) const fn has_equality(self) -> bool {
        !matches!(self, Self::Headers | Self::Strings | Self::NamedList(_))
    }

    /// Has CEL `<` for two of these?
    pub(super) const fn has_order(self) -> bool {
        self.has_equality() && !matches!(self, Self::Null | Self::Verdict)
    }

    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "unknown",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Assurance => "assurance",
            Self::Verdict => "verdict",
            Self::Headers => "map of headers",
            Self::Strings => "list of strings",
            Self::NamedList(Members::Strings) => "`List` of strings",
            Self::NamedList(Members::Numbers) => "`List` of numbers",
            Self::NamedList(Members::Cidrs) => "`List` of CIDRs",
        })
    }
}
