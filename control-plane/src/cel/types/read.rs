//! Types as they are written: `map(string, list(A))`.

use std::str::FromStr;
use std::sync::Arc;

use super::Type;

/// No type is written like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no type")]
pub struct NoType;

impl FromStr for Type {
    type Err = NoType;

    fn from_str(text: &str) -> Result<Self, NoType> {
        let mut rest = text;
        let read = read(&mut rest, 0)?;
        if rest.trim().is_empty() {
            Ok(read)
        } else {
            Err(NoType)
        }
    }
}

/// Deeper than any type that is written by hand.
const MAX_DEPTH: u32 = 64;

fn read(rest: &mut &str, depth: u32) -> Result<Type, NoType> {
    if depth > MAX_DEPTH {
        return Err(NoType);
    }
    *rest = rest.trim_start();
    let length = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .unwrap_or(rest.len());
    let (name, behind) = rest.split_at(length);
    *rest = behind;
    let mut parameters = Vec::new();
    if let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        loop {
            parameters.push(read(rest, depth + 1)?);
            *rest = rest.trim_start();
            if let Some(behind) = rest.strip_prefix(',') {
                *rest = behind;
            } else {
                *rest = rest.strip_prefix(')').ok_or(NoType)?;
                break;
            }
        }
    }
    let known = match (name, parameters.as_slice()) {
        ("dyn", []) => Type::Dyn,
        ("null", []) => Type::Null,
        ("bool", []) => Type::Bool,
        ("int", []) => Type::Int,
        ("uint", []) => Type::Uint,
        ("double", []) => Type::Double,
        ("string", []) => Type::String,
        ("bytes", []) => Type::Bytes,
        ("timestamp", []) => Type::Timestamp,
        ("duration", []) => Type::Duration,
        ("ip", []) => Type::Ip,
        ("cidr", []) => Type::Cidr,
        ("wrapper", [inner]) => Type::Nullable(Arc::new(inner.clone())),
        ("list", [element]) => Type::list(element.clone()),
        ("map", [key, value]) => Type::map(key.clone(), value.clone()),
        ("optional_type", [value]) => Type::optional(value.clone()),
        ("type", []) => Type::Type(None),
        ("type", [of]) => Type::type_of(of.clone()),
        (name, []) if name.len() == 1 => match name.bytes().next() {
            Some(letter @ b'A'..=b'Z') => Type::Param(u32::from(letter - b'A')),
            _ => return Err(NoType),
        },
        ("wrapper" | "list" | "map" | "optional_type" | "type", _) => return Err(NoType),
        (name, parameters) if !name.is_empty() && !parameters.is_empty() => {
            Type::Opaque(name.into(), parameters.into())
        }
        _ => return Err(NoType),
    };
    Ok(known)
}
