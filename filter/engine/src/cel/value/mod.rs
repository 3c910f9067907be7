//! What an expression evaluates to.

mod compare;
mod list;
mod map;
mod network;
pub(in crate::cel) mod number;
mod text;
mod time;

use std::net::IpAddr;
use std::rc::Rc;

use super::eval::{Meter, TooCostly};
use super::{EvalError, Set, SetKind};

pub(in crate::cel) use compare::{numbers, same_text};
pub use list::{List, Optional};
pub(in crate::cel) use map::Probe;
pub use map::{Key, Map};
pub use network::Cidr;
pub use text::{Bytes, Shared, Text};
pub(in crate::cel) use time::Civil;
pub use time::{Duration, Timestamp};

/// A value: small, and cheap to clone, whatever it holds.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`
    String(Text<'a>),
    /// `bytes`
    Bytes(Bytes<'a>),
    /// A point in time.
    Timestamp(Timestamp),
    /// A span of time.
    Duration(Duration),
    /// A type, by its name.
    Type(&'a str),
    /// `list`
    List(List<'a>),
    /// `map`
    Map(Map<'a>),
    /// A value or none.
    Optional(Optional<'a>),
    /// An address.
    Ip(IpAddr),
    /// An address and the length of its prefix.
    Cidr(Cidr),
    /// The request's headers, a map that the source holds. What an evaluation gives back never is or
    /// holds it: it is a [`Self::Map`] then.
    Headers,
    /// A set of constants, a sorted list. What an evaluation gives back never is or holds it, unless it
    /// is a set of CIDRs: it is a [`Self::List`] then.
    Set(Rc<Set<'a>>),
}

impl<'a> Value<'a> {
    /// A text that lives as long as the request.
    #[must_use]
    pub const fn text(text: &'a str) -> Self {
        Self::String(Shared::Borrowed(text))
    }

    /// A list.
    ///
    /// # Errors
    /// See [`List::new`].
    pub fn list(values: Vec<Self>) -> Result<Self, EvalError> {
        List::new(values).map(Self::List)
    }

    /// A map.
    ///
    /// # Errors
    /// See [`Key::new`] and [`Map::new`].
    pub fn map(entries: Vec<(Self, Self)>) -> Result<Self, EvalError> {
        let entries: Result<Vec<_>, EvalError> = entries
            .into_iter()
            .map(|(key, value)| Ok((Key::new(key)?, value)))
            .collect();
        Map::new(entries?).map(Self::Map)
    }

    /// The name of its type, as `type(x)` gives it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
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
            Self::List(_) | Self::Set(_) => "list",
            Self::Map(_) | Self::Headers => "map",
            Self::Optional(_) => "optional_type",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
        }
    }

    /// Levels of values inside it.
    pub(in crate::cel) fn depth(&self) -> u32 {
        match self {
            Self::List(list) => list.depth(),
            Self::Map(map) => map.depth(),
            Self::Optional(optional) => optional.depth(),
            _ => 0,
        }
    }
}

/// The members of a set in order. A set of CIDRs has none that could be shown.
pub(in crate::cel) fn set_to_list<'a>(
    set: &Set<'a>,
    meter: &mut Meter,
) -> Result<List<'a>, TooCostly> {
    meter.steps(set.len())?;
    meter.make_values(set.len())?;
    let members = (0..set.len()).map_while(|index| set_member(set, index));
    Ok(List::flat(members.collect()))
}

/// The member of a set at `index`.
pub(in crate::cel) fn set_member<'a>(set: &Set<'a>, index: usize) -> Option<Value<'a>> {
    match set.kind() {
        SetKind::Strings => set.string(index).map(Value::text),
        SetKind::Numbers => set.number(index).map(Value::Int),
        SetKind::Cidrs => None,
    }
}

#[cfg(test)]
mod tests;
