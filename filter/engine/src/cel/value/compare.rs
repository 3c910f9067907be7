//! Equality and order of values (CEL, "Equality" and "Ordering").

use std::cmp::Ordering;

use super::number::{int_to_double, uint_to_double};
use super::{List, Map, Value};
use crate::cel::eval::{Meter, TooCostly};

impl Value<'_> {
    /// CEL equality: numbers compare across their types, values of other types are unequal.
    /// [`Value::Headers`] equals nothing here: an evaluation makes a map of it first.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.equal(other, &mut Meter::boundless()).unwrap_or(false)
    }

    /// [`Self::equals`] that counts what it costs.
    #[inline]
    pub(in crate::cel) fn equal(&self, other: &Self, meter: &mut Meter) -> Result<bool, TooCostly> {
        match (self, other) {
            (Self::Null, Self::Null) => Ok(true),
            (Self::Bool(a), Self::Bool(b)) => Ok(a == b),
            (Self::Int(a), Self::Int(b)) => Ok(a == b),
            (Self::String(a), Self::String(b)) => same_text(a, b, meter),
            _ => self.equal_beyond(other, meter),
        }
    }

    fn equal_beyond(&self, other: &Self, meter: &mut Meter) -> Result<bool, TooCostly> {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => {
                meter.look_at(a.len().min(b.len()))?;
                Ok(**a == **b)
            }
            (Self::Timestamp(a), Self::Timestamp(b)) => Ok(a == b),
            (Self::Duration(a), Self::Duration(b)) => Ok(a == b),
            (Self::Type(a), Self::Type(b)) => Ok(a == b),
            (Self::Ip(a), Self::Ip(b)) => Ok(a == b),
            (Self::Cidr(a), Self::Cidr(b)) => Ok(a == b),
            (Self::List(a), Self::List(b)) => lists(a, b, meter),
            (Self::Map(a), Self::Map(b)) => maps(a, b, meter),
            (Self::Set(a), Self::Set(b)) => lists(
                &super::set_to_list(a, meter)?,
                &super::set_to_list(b, meter)?,
                meter,
            ),
            (Self::Set(a), Self::List(b)) => lists(&super::set_to_list(a, meter)?, b, meter),
            (Self::List(a), Self::Set(b)) => lists(a, &super::set_to_list(b, meter)?, meter),
            (Self::Optional(a), Self::Optional(b)) => match (a.value(), b.value()) {
                (Some(a), Some(b)) => a.equal(b, meter),
                (a, b) => Ok(a.is_none() && b.is_none()),
            },
            _ => Ok(numbers(self, other) == Some(Ordering::Equal)),
        }
    }

    /// CEL order. The outer `None` is for values that have none, the inner for NaN.
    #[inline]
    pub(in crate::cel) fn order(
        &self,
        other: &Self,
        meter: &mut Meter,
    ) -> Result<Option<Option<Ordering>>, TooCostly> {
        Ok(Some(match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::String(a), Self::String(b)) => {
                meter.look_at(a.len().min(b.len()))?;
                Some((**a).cmp(&**b))
            }
            (Self::Bytes(a), Self::Bytes(b)) => {
                meter.look_at(a.len().min(b.len()))?;
                Some((**a).cmp(&**b))
            }
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
            ) => numbers(self, other),
            _ => return Ok(None),
        }))
    }
}

/// Texts of different lengths are told apart without a look at them.
#[inline]
pub(in crate::cel) fn same_text(a: &str, b: &str, meter: &mut Meter) -> Result<bool, TooCostly> {
    if a.len() != b.len() {
        return Ok(false);
    }
    meter.look_at(a.len())?;
    Ok(a == b)
}

fn lists(a: &List<'_>, b: &List<'_>, meter: &mut Meter) -> Result<bool, TooCostly> {
    if a.values().len() != b.values().len() {
        return Ok(false);
    }
    for (a, b) in a.values().iter().zip(b.values()) {
        meter.step()?;
        if !a.equal(b, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps(a: &Map<'_>, b: &Map<'_>, meter: &mut Meter) -> Result<bool, TooCostly> {
    if a.entries().len() != b.entries().len() {
        return Ok(false);
    }
    for (key, value) in a.entries() {
        meter.step()?;
        let Some(other) = b.find(key.probe()) else {
            return Ok(false);
        };
        if !value.equal(other, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Orders numbers by what they stand for; an integer next to a double is the double nearest to it, as
/// the specification's conformance suite has it. `None` for NaN and for what is no number.
pub(in crate::cel) fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => Some(int_to_uint(*a, *b)),
        (Value::Uint(a), Value::Int(b)) => Some(int_to_uint(*b, *a).reverse()),
        (Value::Int(a), Value::Double(b)) => int_to_double(*a).partial_cmp(b),
        (Value::Double(a), Value::Int(b)) => a.partial_cmp(&int_to_double(*b)),
        (Value::Uint(a), Value::Double(b)) => uint_to_double(*a).partial_cmp(b),
        (Value::Double(a), Value::Uint(b)) => a.partial_cmp(&uint_to_double(*b)),
        _ => None,
    }
}

fn int_to_uint(int: i64, uint: u64) -> Ordering {
    u64::try_from(int).map_or(Ordering::Less, |int| int.cmp(&uint))
}
