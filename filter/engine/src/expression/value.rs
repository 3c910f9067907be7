//! What an expression evaluates to.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::List;

/// A value while a condition is evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// Nanoseconds since the Unix epoch.
    Timestamp(i64),
    /// Nanoseconds.
    Duration(i64),
    /// A list literal.
    Items(Vec<Value<'a>>),
    /// A `List` resource.
    Named(&'a List),
    /// `request.headers`.
    Headers,
}

/// Why a condition could not be evaluated: it then does not match, and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EvalError {
    /// A header that the request does not have was indexed.
    #[error("no such key")]
    NoSuchKey,
    /// The attribute is not known of this request: a device without a session, a country without a
    /// trusted header.
    #[error("attribute not available")]
    NotAvailable,
    /// An operator met values that it does not take; the compiler lets none through.
    #[error("no such overload")]
    NoSuchOverload,
    /// Text looked up in a list of CIDRs is no address.
    #[error("not an address")]
    NotAnAddress,
    /// Negation of the least integer.
    #[error("integer overflow")]
    Overflow,
    /// The automaton gave up on this input.
    #[error("pattern gave up")]
    PatternGaveUp,
    /// Deeper than the loader admits; cannot happen to a loaded revision.
    #[error("nested too deeply")]
    TooDeep,
}

impl Value<'_> {
    /// CEL equality (section "Equality"): numbers compare across their types, values of other types
    /// are unequal.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) | (Self::Duration(a), Self::Duration(b)) => {
                a == b
            }
            (Self::Items(a), Self::Items(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            _ => numbers(self, other) == Some(Ordering::Equal),
        }
    }

    /// CEL ordering (section "Ordering"); an error between types that have none, `None` with NaN.
    pub(crate) fn order(&self, other: &Self) -> Result<Option<Ordering>, EvalError> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Ok(Some(a.cmp(b))),
            (Self::String(a), Self::String(b)) => Ok(Some(a.cmp(b))),
            (Self::Bytes(a), Self::Bytes(b)) => Ok(Some(a.cmp(b))),
            (Self::Timestamp(a), Self::Timestamp(b)) | (Self::Duration(a), Self::Duration(b)) => {
                Ok(Some(a.cmp(b)))
            }
            (
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
            ) => Ok(numbers(self, other)),
            _ => Err(EvalError::NoSuchOverload),
        }
    }
}

/// Orders numbers by what they stand for, whatever their types; `None` for NaN and for anything that
/// is no number.
fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Double(a), _) => integer(b).and_then(|b| double_to_integer(*a, b)),
        (_, Value::Double(b)) => integer(a)
            .and_then(|a| double_to_integer(*b, a))
            .map(Ordering::reverse),
        _ => Some(integer(a)?.cmp(&integer(b)?)),
    }
}

fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(int) => Some(i128::from(*int)),
        Value::Uint(uint) => Some(i128::from(*uint)),
        _ => None,
    }
}

/// Exact: 2^53 + 1 as an integer is not equal to 2^53 as a double.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the whole part is within i128 by the bounds checked"
)]
fn double_to_integer(double: f64, integer: i128) -> Option<Ordering> {
    const BEYOND: f64 = 3.0e19;
    if double.is_nan() {
        return None;
    }
    if double >= BEYOND {
        return Some(Ordering::Greater);
    }
    if double <= -BEYOND {
        return Some(Ordering::Less);
    }
    let whole = double.floor();
    Some((whole as i128).cmp(&integer).then(if double > whole {
        Ordering::Greater
    } else {
        Ordering::Equal
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_what_they_stand_for() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, order) in [
            (Value::Int(1), Value::Uint(1), Some(Equal)),
            (Value::Int(-1), Value::Uint(u64::MAX), Some(Less)),
            (Value::Int(1), Value::Double(1.5), Some(Less)),
            (Value::Double(1.5), Value::Int(1), Some(Greater)),
            (Value::Double(-1.5), Value::Int(-1), Some(Less)),
            (
                Value::Int((1 << 53) + 1),
                Value::Double(9_007_199_254_740_992.0),
                Some(Greater),
            ),
            (
                Value::Uint(u64::MAX),
                Value::Double(18_446_744_073_709_551_616.0),
                Some(Less),
            ),
            (
                Value::Double(f64::INFINITY),
                Value::Uint(u64::MAX),
                Some(Greater),
            ),
            (
                Value::Double(f64::NEG_INFINITY),
                Value::Int(i64::MIN),
                Some(Less),
            ),
            (Value::Double(f64::NAN), Value::Int(0), None),
            (Value::Double(-0.0), Value::Int(0), Some(Equal)),
        ] {
            assert_eq!(a.order(&b), Ok(order), "{a:?} {b:?}");
            assert_eq!(a.equals(&b), order == Some(Equal), "{a:?} {b:?}");
        }
    }

    #[test]
    fn values_of_other_types_are_unequal_and_have_no_order() {
        let text = Value::String("1".into());
        assert!(!text.equals(&Value::Int(1)));
        assert_eq!(text.order(&Value::Int(1)), Err(EvalError::NoSuchOverload));
        assert_eq!(
            Value::Null.order(&Value::Null),
            Err(EvalError::NoSuchOverload)
        );
        assert!(Value::Null.equals(&Value::Null));
    }
}
