//! Parts of conditions that are not understood: what names them, and what type their values have for
//! certain.

use std::fmt::Write as _;

use countersign_engine::Attribute;
use countersign_engine::cel::Op;

use super::limits::MAX_PART_BYTES;
use super::subject::Kind;
use super::texts::Shape;
use crate::cel::{Constant, ConstantSet, Lowering, Typed, TypedKind};

/// A name that parts have in common if they say the same, wherever they stand: in one request they come
/// to the same value then. `None` for a part that is too large to be worth it.
pub(super) fn name(part: &Typed) -> Option<String> {
    let mut name = String::new();
    write(part, &mut name).then_some(name)
}

/// `false` where it would be too long.
fn write(part: &Typed, to: &mut String) -> bool {
    if to.len() > MAX_PART_BYTES {
        return false;
    }
    // Writing to a text does not fail.
    let _written = match &part.kind {
        TypedKind::Constant(constant) => constant_name(constant, to),
        TypedKind::Variable { lowering, .. } => write!(to, "{lowering:?}"),
        TypedKind::Header(header) => write!(to, "h{header:?}"),
        TypedKind::HasHeader(header) => write!(to, "i{header:?}"),
        TypedKind::Local(number) => write!(to, "l{number}"),
        TypedKind::UnknownName(name) => write!(to, "n{name:?}"),
        TypedKind::UnknownFunction(name) => write!(to, "f{name:?}"),
        TypedKind::Set(ConstantSet::Strings(texts)) if texts.len() < MAX_PART_BYTES => {
            write!(to, "{texts:?}")
        }
        TypedKind::Set(ConstantSet::Numbers(numbers)) if numbers.len() < MAX_PART_BYTES => {
            write!(to, "{numbers:?}")
        }
        TypedKind::Set(_) => return false,
        TypedKind::Matches(_, pattern) => write!(to, "m{:?}", pattern.source),
        TypedKind::Call(op, _) => write!(to, "{}", op.number()),
    };
    if part.children().is_empty() {
        return to.len() <= MAX_PART_BYTES;
    }
    to.push('(');
    for child in part.children() {
        if !write(child, to) {
            return false;
        }
        to.push(',');
    }
    to.push(')');
    to.len() <= MAX_PART_BYTES
}

fn constant_name(constant: &Constant, to: &mut String) -> std::fmt::Result {
    match constant {
        // Zero has two signs, and NaN is many.
        Constant::Double(double) => write!(to, "d{:x}", double.to_bits()),
        other => write!(to, "{other:?}"),
    }
}

/// What a value is for certain, if it is there at all. What is known at run time only is not.
pub(super) fn kind(part: &Typed) -> Option<Kind> {
    const TEXT: Option<Kind> = Some(Kind::Text(Shape::Any));
    match &part.kind {
        TypedKind::Header(_) => TEXT,
        TypedKind::Variable {
            lowering: Lowering::Attribute(number),
            ..
        } => attribute_kind(Attribute::from_number(*number)?),
        TypedKind::Constant(Constant::String(_)) => TEXT,
        TypedKind::Constant(Constant::Int(_)) => Some(Kind::Int),
        TypedKind::Constant(Constant::Uint(_)) => Some(Kind::Uint),
        TypedKind::Constant(Constant::Timestamp(..)) => Some(Kind::Moment),
        TypedKind::Constant(Constant::Duration(..)) => Some(Kind::Span),
        TypedKind::Call(op, args) => match op {
            Op::LowerAscii => Some(Kind::Text(Shape::Lower)),
            Op::UpperAscii => Some(Kind::Text(Shape::Upper)),
            Op::Replace
            | Op::Substring
            | Op::Trim
            | Op::CharAt
            | Op::Join
            | Op::Quote
            | Op::ToString
            | Op::Format
            | Op::Base64Encode => TEXT,
            Op::Size => Some(Kind::Count),
            Op::IndexOf
            | Op::LastIndexOf
            | Op::ToInt
            | Op::GetFullYear
            | Op::GetMonth
            | Op::GetDate
            | Op::GetDayOfMonth
            | Op::GetDayOfWeek
            | Op::GetDayOfYear
            | Op::GetHours
            | Op::GetMinutes
            | Op::GetSeconds
            | Op::GetMilliseconds
            | Op::IpFamily
            | Op::CidrPrefixLength => Some(Kind::Int),
            Op::ToUint => Some(Kind::Uint),
            Op::Index if is_headers(args.first()?) => TEXT,
            Op::OptionalOrValue => match args.as_slice() {
                [maybe, other] if is_optional_header(maybe) => kind(other)
                    .filter(|kind| matches!(kind, Kind::Text(_)))
                    .and(TEXT),
                _ => None,
            },
            Op::Add => match args.as_slice() {
                [left, right] => match (kind(left)?, kind(right)?) {
                    (Kind::Text(_), Kind::Text(_)) => TEXT,
                    (Kind::Int | Kind::Count, Kind::Int | Kind::Count) => Some(Kind::Int),
                    _ => None,
                },
                _ => None,
            },
            Op::Sub | Op::Mul | Op::Div | Op::Rem => args
                .iter()
                .all(|arg| matches!(kind(arg), Some(Kind::Int | Kind::Count)))
                .then_some(Kind::Int),
            _ => None,
        },
        _ => None,
    }
}

const fn attribute_kind(attribute: Attribute) -> Option<Kind> {
    Some(match attribute {
        Attribute::RequestHeaders | Attribute::Reasons => return None,
        Attribute::RequestSize
        | Attribute::SourcePort
        | Attribute::Score
        | Attribute::SessionAssurance
        | Attribute::GeoAsn => Kind::Int,
        Attribute::ConnectionMtls | Attribute::SessionValid | Attribute::SessionBound => {
            Kind::Truth
        }
        Attribute::SessionAge => Kind::Span,
        Attribute::Now => Kind::Moment,
        Attribute::SourceAddress => Kind::Address,
        _ => Kind::Text(Shape::Any),
    })
}

pub(super) const fn is_headers(part: &Typed) -> bool {
    matches!(
        part.kind,
        TypedKind::Variable {
            lowering: Lowering::Headers(_),
            ..
        }
    )
}

fn is_optional_header(part: &Typed) -> bool {
    match &part.kind {
        TypedKind::Call(Op::OptionalIndex | Op::OptionalSelect, args) => {
            args.first().is_some_and(is_headers)
        }
        _ => false,
    }
}

/// The headers and attributes without which a value is not there: those that functions read which fail
/// with what they are given.
pub(super) fn needs<'t>(part: &'t Typed, found: &mut Vec<&'t Typed>) {
    match &part.kind {
        TypedKind::Header(_)
        | TypedKind::Variable {
            lowering: Lowering::Attribute(_),
            ..
        } => found.push(part),
        TypedKind::Call(op, args) if is_strict(*op) => {
            for arg in args {
                needs(arg, found);
            }
        }
        _ => {}
    }
}

const fn is_strict(op: Op) -> bool {
    matches!(
        op,
        Op::LowerAscii
            | Op::UpperAscii
            | Op::Replace
            | Op::Substring
            | Op::Trim
            | Op::CharAt
            | Op::Size
            | Op::IndexOf
            | Op::LastIndexOf
            | Op::Split
            | Op::ToInt
            | Op::ToUint
            | Op::ToString
            | Op::ToIp
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Div
            | Op::Rem
    )
}
