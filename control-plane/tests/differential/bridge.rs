//! Values of the engine as those of the naive evaluator, and back.

use countersign_engine::cel::{self, EvalError, Key, Optional};

use super::naive::value::{Kinds, Value};

/// A value for the engine; it borrows what it can, as the attributes of a request do.
pub(crate) fn to_engine(value: &Value) -> cel::Value<'_> {
    const SECOND: i128 = 1_000_000_000;
    let seconds = |nanos: i128| i64::try_from(nanos).expect("made here");
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Int(value) => cel::Value::Int(*value),
        Value::Uint(value) => cel::Value::Uint(*value),
        Value::Double(value) => cel::Value::Double(*value),
        Value::String(text) => cel::Value::text(text),
        Value::Bytes(bytes) => cel::Value::Bytes(bytes.as_slice().into()),
        Value::Timestamp(nanos) => cel::Value::Timestamp(
            cel::Timestamp::new(
                seconds(nanos.div_euclid(SECOND)),
                u32::try_from(nanos.rem_euclid(SECOND)).expect("below a second"),
            )
            .expect("made here"),
        ),
        Value::Duration(nanos) => cel::Value::Duration(
            cel::Duration::new(
                seconds(nanos / SECOND),
                i32::try_from(nanos % SECOND).expect("below a second"),
            )
            .expect("made here"),
        ),
        Value::Type(name) => cel::Value::Type(name),
        Value::List(values) => {
            cel::Value::list(values.iter().map(to_engine).collect()).expect("made here")
        }
        Value::Map(entries) => cel::Value::map(
            entries
                .iter()
                .map(|(key, value)| (to_engine(key), to_engine(value)))
                .collect(),
        )
        .expect("made here"),
        Value::Optional(None) => cel::Value::Optional(Optional::NONE),
        Value::Optional(Some(held)) => {
            cel::Value::Optional(Optional::of(to_engine(held)).expect("made here"))
        }
        Value::Ip(ip) => cel::Value::Ip(*ip),
        Value::Cidr(ip, length) => {
            cel::Value::Cidr(cel::Cidr::new(*ip, *length).expect("made here"))
        }
        Value::Nets(_) => unreachable!("ranges are sets of a program"),
    }
}

/// A result of the engine; `None` for what no evaluation may give.
pub(crate) fn from_engine(value: &cel::Value<'_>) -> Option<Value> {
    let key = |key: &Key<'_>| from_engine(&key.to_value());
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => Value::Bool(*value),
        cel::Value::Int(value) => Value::Int(*value),
        cel::Value::Uint(value) => Value::Uint(*value),
        cel::Value::Double(value) => Value::Double(*value),
        cel::Value::String(text) => Value::text(text),
        cel::Value::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        cel::Value::Timestamp(at) => Value::Timestamp(at.total_nanos()),
        cel::Value::Duration(length) => Value::Duration(length.total_nanos()),
        cel::Value::Type(name) => Value::Type((*name).to_owned()),
        cel::Value::List(list) => Value::List(
            list.values()
                .iter()
                .map(from_engine)
                .collect::<Option<_>>()?,
        ),
        cel::Value::Map(map) => Value::Map(
            map.entries()
                .iter()
                .map(|(held, value)| Some((key(held)?, from_engine(value)?)))
                .collect::<Option<_>>()?,
        ),
        cel::Value::Optional(optional) => match optional.value() {
            None => Value::Optional(None),
            Some(held) => Value::some(from_engine(held)?),
        },
        cel::Value::Ip(ip) => Value::Ip(*ip),
        cel::Value::Cidr(cidr) => Value::Cidr(cidr.address(), cidr.prefix()),
        cel::Value::Headers | cel::Value::Set(_) => return None,
    })
}

/// What an error of the engine says, coarsely; `None` for its own bounds.
pub(crate) fn kinds(error: &EvalError) -> Option<Kinds> {
    Some(match error {
        EvalError::DivisionByZero
        | EvalError::ModulusByZero
        | EvalError::Overflow
        | EvalError::OutOfRange(_) => Kinds::ARITHMETIC,
        EvalError::NoSuchKey(_)
        | EvalError::IndexOutOfRange(_)
        | EvalError::NotAvailable
        | EvalError::NoSuchVariable(_)
        | EvalError::EmptyOptional => Kinds::MISSING,
        EvalError::NoSuchOverload(_)
        | EvalError::UnsupportedKey(_)
        | EvalError::UnknownName(_)
        | EvalError::UnknownFunction(_)
        | EvalError::FormatType { .. }
        | EvalError::NotBool => Kinds::TYPE,
        EvalError::InvalidRange { .. }
        | EvalError::InvalidArgument(_)
        | EvalError::NotConvertible { .. }
        | EvalError::NotUtf8
        | EvalError::DuplicateKey(_)
        | EvalError::NotAnAddress(_)
        | EvalError::UnknownZone(_)
        | EvalError::InvalidPattern(_)
        | EvalError::FormatClause(_) => Kinds::VALUE,
        EvalError::PatternGaveUp | EvalError::TooDeep | EvalError::TooCostly => return None,
        EvalError::PatternNotConstant | EvalError::NoSuchNode(_) => return None,
    })
}
