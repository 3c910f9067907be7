//! Operations that need nothing but their arguments' values.

use super::{arithmetic, convert, encode, format, lists, math, network, optional, strings};
use crate::cel::{EvalError, Meter, Op, Value};

/// What an operation makes of values, by its family.
pub(super) fn call<'a>(
    op: Op,
    values: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    match op {
        Op::Negate => arithmetic::negate(values),
        Op::LowerAscii
        | Op::UpperAscii
        | Op::Replace
        | Op::Split
        | Op::Join
        | Op::IndexOf
        | Op::LastIndexOf
        | Op::Substring
        | Op::Trim
        | Op::CharAt
        | Op::Quote => strings::call(op, values, meter),
        Op::Format => format::call(values, meter),
        Op::ToInt
        | Op::ToUint
        | Op::ToDouble
        | Op::ToString
        | Op::ToBytes
        | Op::ToBool
        | Op::ToTimestamp
        | Op::ToDuration
        | Op::TypeOf => convert::call(op, values, meter),
        Op::Reverse
        | Op::Distinct
        | Op::Flatten
        | Op::Range
        | Op::Slice
        | Op::Sort
        | Op::First
        | Op::Last
        | Op::SetsContains
        | Op::SetsEquivalent
        | Op::SetsIntersects => lists::call(op, values, meter),
        Op::Base64Encode | Op::Base64Decode => encode::call(op, values, meter),
        Op::OptionalOf
        | Op::OptionalOfNonZero
        | Op::HasValue
        | Op::OptionalValue
        | Op::UnwrapOptionals => optional::call(op, values, meter),
        Op::ToIp
        | Op::ToCidr
        | Op::IsIp
        | Op::IsCidr
        | Op::IpIsCanonical
        | Op::IpFamily
        | Op::IpIsUnspecified
        | Op::IpIsLoopback
        | Op::IpIsGlobalUnicast
        | Op::IpIsLinkLocalMulticast
        | Op::IpIsLinkLocalUnicast
        | Op::CidrContainsIp
        | Op::CidrContainsCidr
        | Op::CidrPrefixLength
        | Op::CidrMasked
        | Op::CidrIp => network::call(op, values),
        // What is left is the family `math`: each other operation has its arm here or before.
        _ => math::call(op, values),
    }
}
