//! The types of expressions.

mod read;
mod unify;

use std::fmt;
use std::sync::Arc;

pub use read::NoType;
pub(super) use unify::Substitution;

/// A type of CEL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Of what is wrong and reported: everything goes with it, so that one mistake is one problem.
    Error,
    /// Known at run time only.
    Dyn,
    /// The type of `null`.
    Null,
    /// `true` and `false`
    Bool,
    /// 64 bits with a sign.
    Int,
    /// 64 bits without a sign.
    Uint,
    /// IEEE 754, 64 bits.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A moment.
    Timestamp,
    /// A length of time.
    Duration,
    /// An address.
    Ip,
    /// A range of addresses.
    Cidr,
    /// A scalar or null, as Protocol Buffers' wrappers are.
    Nullable(Arc<Type>),
    /// `list(T)`
    List(Arc<Type>),
    /// `map(K, V)`
    Map(Arc<(Type, Type)>),
    /// `optional_type(T)`
    Optional(Arc<Type>),
    /// The type of a type; of `type` itself without a parameter.
    Type(Option<Arc<Type>>),
    /// A type that a declaration names and nothing here looks into.
    Opaque(Arc<str>, Arc<[Type]>),
    /// A type that is being found out; in a declaration: whatever it is, the same everywhere.
    Param(u32),
    /// A `List` resource, which only `in` looks into.
    Set(Members),
    /// One of a few words.
    Word(&'static Words),
}

/// Values that are written as one of a few words.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Words {
    /// What such a value is called.
    pub name: &'static str,
    /// The words, from the least. The numbers count where the words have an order.
    pub known: &'static [(&'static str, i64)],
    /// Words with an order are numbers at run time, the others are texts.
    pub ordered: bool,
}

/// What a `List` resource holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Members {
    /// Texts.
    Strings,
    /// Numbers.
    Numbers,
    /// Ranges of addresses.
    Cidrs,
}

impl Type {
    /// `list(element)`
    #[must_use]
    pub fn list(element: Self) -> Self {
        Self::List(Arc::new(element))
    }

    /// `map(key, value)`. What cannot be a key at run time is not followed: such types could grow
    /// without end.
    #[must_use]
    pub fn map(key: Self, value: Self) -> Self {
        let key = match key {
            Self::Bool | Self::Int | Self::Uint | Self::String | Self::Param(_) => key,
            _ => Self::Dyn,
        };
        Self::Map(Arc::new((key, value)))
    }

    /// `optional_type(value)`
    #[must_use]
    pub fn optional(value: Self) -> Self {
        Self::Optional(Arc::new(value))
    }

    /// `type(of)`
    #[must_use]
    pub fn type_of(of: Self) -> Self {
        Self::Type(Some(Arc::new(of)))
    }

    /// Known at run time only, or wrong already.
    #[must_use]
    pub const fn is_dynamic(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// Is a part of it wrong and reported?
    pub(super) fn has_error(&self) -> bool {
        match self {
            Self::Error => true,
            Self::Map(entry) => entry.0.has_error() || entry.1.has_error(),
            other => other.parameters().iter().any(Self::has_error),
        }
    }

    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// `an int`, `a string`, `null`.
    #[must_use]
    pub fn article(&self) -> String {
        let text = self.to_string();
        match self {
            Self::Null | Self::Bytes => text,
            Self::Dyn | Self::Error => "of a type that is known at run time only".to_owned(),
            Self::Int | Self::Ip | Self::Optional(_) => format!("an {text}"),
            Self::Word(_) if text.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {text}"),
            _ => format!("a {text}"),
        }
    }

    fn parameters(&self) -> &[Self] {
        match self {
            Self::Nullable(inner) | Self::List(inner) | Self::Optional(inner) => {
                std::slice::from_ref(inner)
            }
            Self::Type(Some(inner)) => std::slice::from_ref(inner),
            Self::Opaque(_, inner) => inner,
            _ => &[],
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Error => "error",
            Self::Dyn => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Nullable(_) => "wrapper",
            Self::List(_) => "list",
            Self::Map(entry) => return write!(formatter, "map({}, {})", entry.0, entry.1),
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Opaque(name, _) => name,
            Self::Param(number) => return write!(formatter, "{}", parameter_name(*number)),
            Self::Set(Members::Strings) => "`List` of strings",
            Self::Set(Members::Numbers) => "`List` of numbers",
            Self::Set(Members::Cidrs) => "`List` of CIDRs",
            Self::Word(words) => words.name,
        };
        formatter.write_str(name)?;
        for (index, parameter) in self.parameters().iter().enumerate() {
            let before = if index == 0 { "(" } else { ", " };
            write!(formatter, "{before}{parameter}")?;
        }
        formatter.write_str(if self.parameters().is_empty() {
            ""
        } else {
            ")"
        })
    }
}

/// `A` to `Z`, then `T26`.
fn parameter_name(number: u32) -> String {
    match u8::try_from(number) {
        Ok(number) if number < 26 => char::from(b'A' + number).to_string(),
        _ => format!("T{number}"),
    }
}

#[cfg(test)]
mod tests;
