//! Values as the specification has them, in the plainest form: nothing shared, nothing sorted.

use std::net::IpAddr;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    /// Nanoseconds since the epoch.
    Timestamp(i128),
    /// Nanoseconds.
    Duration(i128),
    Type(String),
    List(Vec<Value>),
    /// Entries in the order in which they were written.
    Map(Vec<(Value, Value)>),
    Optional(Option<Box<Value>>),
    Ip(IpAddr),
    /// An address and the length of its prefix; bits past the prefix are kept.
    Cidr(IpAddr, u8),
    /// A `List` resource of ranges, which only `in` looks into.
    Nets(Vec<(IpAddr, u8)>),
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::String(text.to_owned())
    }

    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Box::new(value)))
    }

    /// What `type(x)` gives.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::List(_) | Self::Nets(_) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Ip(_) => "net.IP",
            Self::Cidr(..) => "net.CIDR",
        }
    }
}

/// Why there is no value, coarsely. An evaluation that could fail in several ways may report any of
/// them: the specification fixes no order, and `&&` and `||` have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// Division by zero, overflow, a result out of range.
    pub(crate) const ARITHMETIC: Self = Self(1);
    /// A key, an index, a header, an attribute, an optional's value that is not there.
    pub(crate) const MISSING: Self = Self(2);
    /// No overload for the types, no such name or function.
    pub(crate) const TYPE: Self = Self(4);
    /// The type fits, what it says does not: no number, no address, no position.
    pub(crate) const VALUE: Self = Self(8);
    /// Any of them: for what has wrong types in several places.
    #[allow(dead_code, reason = "the fuzz targets' part")]
    pub(crate) const ALL: Self = Self(15);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Why an evaluation ended without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Error(Kinds),
    /// The specification and our decisions leave open what comes here: there is nothing to compare.
    NoOpinion,
}

impl Stop {
    pub(crate) const ARITHMETIC: Self = Self::Error(Kinds::ARITHMETIC);
    pub(crate) const MISSING: Self = Self::Error(Kinds::MISSING);
    pub(crate) const TYPE: Self = Self::Error(Kinds::TYPE);
    pub(crate) const VALUE: Self = Self::Error(Kinds::VALUE);

    /// Either of two.
    pub(crate) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Error(one), Self::Error(other)) => Self::Error(one.or(other)),
            _ => Self::NoOpinion,
        }
    }
}

pub(crate) type Outcome = Result<Value, Stop>;

/// CEL's `==`: of different types nothing is equal, except numbers.
pub(crate) fn equal(one: &Value, other: &Value) -> bool {
    use Value::{
        Bool, Bytes, Cidr, Double, Duration, Int, Ip, List, Map, Null, Optional, String, Timestamp,
        Type, Uint,
    };
    match (one, other) {
        (Int(_) | Uint(_) | Double(_), Int(_) | Uint(_) | Double(_)) => {
            compare_numbers(one, other) == Some(std::cmp::Ordering::Equal)
        }
        (Null, Null) => true,
        (Bool(one), Bool(other)) => one == other,
        (String(one), String(other)) | (Type(one), Type(other)) => one == other,
        (Bytes(one), Bytes(other)) => one == other,
        (Timestamp(one), Timestamp(other)) | (Duration(one), Duration(other)) => one == other,
        (Ip(one), Ip(other)) => one == other,
        (Cidr(one, length), Cidr(other, other_length)) => one == other && length == other_length,
        (List(ones), List(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|(one, other)| equal(one, other))
        }
        (Map(ones), Map(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .all(|(key, one)| find(others, key).is_some_and(|other| equal(one, other)))
        }
        (Optional(None), Optional(None)) => true,
        (Optional(Some(one)), Optional(Some(other))) => equal(one, other),
        _ => false,
    }
}

/// The value of a key. As keys, numbers are equal where they are exactly the same number.
pub(crate) fn find<'v>(entries: &'v [(Value, Value)], key: &Value) -> Option<&'v Value> {
    entries
        .iter()
        .find(|(held, _)| same_key(held, key))
        .map(|(_, value)| value)
}

pub(crate) fn same_key(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::String(one), Value::String(other)) => one == other,
        _ => match (exact_number(one), exact_number(other)) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        },
    }
}

/// The whole number that a value is.
pub(crate) fn exact_number(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        // Beyond 2^65 there is no int and no uint to be equal to.
        Value::Double(value)
            if value.fract() == 0.0 && value.abs() < 36_893_488_147_419_103_232.0 =>
        {
            Some(*value as i128)
        }
        _ => None,
    }
}

/// The order of two numbers; none for NaN. Beside a double, an integer counts as the nearest double, as
/// the conformance suite has it.
pub(crate) fn compare_numbers(one: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    match (as_integer(one), as_integer(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => as_double(one)?.partial_cmp(&as_double(other)?),
    }
}

const fn as_integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some(*value as i128),
        Value::Uint(value) => Some(*value as i128),
        _ => None,
    }
}

const fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Uint(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        _ => None,
    }
}

/// The order of two values that `<` compares; the inner `None` is NaN's.
pub(crate) fn compare(one: &Value, other: &Value) -> Result<Option<std::cmp::Ordering>, Stop> {
    match (one, other) {
        (
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
        ) => Ok(compare_numbers(one, other)),
        (Value::Bool(one), Value::Bool(other)) => Ok(Some(one.cmp(other))),
        (Value::String(one), Value::String(other)) => Ok(Some(one.chars().cmp(other.chars()))),
        (Value::Bytes(one), Value::Bytes(other)) => Ok(Some(one.cmp(other))),
        (Value::Timestamp(one), Value::Timestamp(other))
        | (Value::Duration(one), Value::Duration(other)) => Ok(Some(one.cmp(other))),
        _ => Err(Stop::TYPE),
    }
}

/// Are two results the same result? Stricter than `==`: of the same type in every part, zero with its
/// sign, and NaN is NaN.
pub(crate) fn identical(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one == other,
        (Value::Uint(one), Value::Uint(other)) => one == other,
        (Value::Double(one), Value::Double(other)) => {
            one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
        }
        (Value::List(ones), Value::List(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|(one, other)| identical(one, other))
        }
        (Value::Map(ones), Value::Map(others)) => {
            ones.len() == others.len()
                && ones.iter().all(|(key, one)| {
                    others
                        .iter()
                        .any(|(held, other)| identical(key, held) && identical(one, other))
                })
        }
        (Value::Optional(Some(one)), Value::Optional(Some(other))) => identical(one, other),
        (Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::List(_) | Value::Map(_), _) => {
            false
        }
        _ => equal(one, other),
    }
}
