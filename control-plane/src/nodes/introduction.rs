//! What a node says about itself when it connects.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json};

use crate::limits;

/// What a node says about itself when it connects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Its id.
    pub id: String,
    /// Its cluster.
    pub cluster: String,
    /// Its Envoy's release: `1.40.0`.
    pub envoy_version: String,
    /// Where it stands.
    pub locality: Locality,
    /// What else it says, as far as it is kept.
    pub metadata: Metadata,
    /// How many VMs will report; 0 = it does not say.
    pub expected: u32,
    /// Which compiled form its filter reads; 0 = it does not say.
    pub format: u32,
}

/// Where a node stands; empty = it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locality {
    /// The region.
    pub region: String,
    /// The zone in it.
    pub zone: String,
    /// The part of the zone.
    pub sub_zone: String,
}

/// A node's metadata within bounds. It comes from whoever connects, and is kept for as long as the node
/// is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    fields: Map<String, Json>,
    left_out: usize,
}

/// A value as Envoy has it, on its way in. Whole numbers become ints, as everywhere in expressions.
#[derive(Clone, Debug)]
pub enum Field {
    /// Nothing.
    Null,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// Fields by name.
    Object(Vec<(String, Self)>),
    /// Values in order.
    Array(Vec<Self>),
}

impl Metadata {
    /// Fields in the order of their names, each whole or not at all: one that nests too deep is left
    /// out, and so is one for which there is no room any more.
    #[must_use]
    pub fn of(fields: impl IntoIterator<Item = (String, Field)>) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut kept = Self::default();
        let mut room = limits::MAX_METADATA_BYTES;
        for (name, field) in fields {
            let size = name.len().saturating_add(field.size());
            if size > room || field.nests_deeper_than(limits::MAX_METADATA_DEPTH) {
                kept.left_out = kept.left_out.saturating_add(1);
                continue;
            }
            room = room.saturating_sub(size);
            kept.fields.insert(name, field.into_json());
        }
        kept
    }

    /// The fields that are kept.
    #[must_use]
    pub const fn fields(&self) -> &Map<String, Json> {
        &self.fields
    }

    /// How many fields are not.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }
}

impl Field {
    /// About what it takes in memory: every value and every name costs more than its characters.
    fn size(&self) -> usize {
        const VALUE: usize = 32;
        let inside = match self {
            Self::Null | Self::Number(_) | Self::Bool(_) => 0,
            Self::Text(text) => text.len(),
            Self::Object(fields) => fields.iter().fold(0_usize, |sum, (name, field)| {
                sum.saturating_add(name.len()).saturating_add(field.size())
            }),
            Self::Array(fields) => fields
                .iter()
                .fold(0_usize, |sum, field| sum.saturating_add(field.size())),
        };
        inside.saturating_add(VALUE)
    }

    fn nests_deeper_than(&self, levels: usize) -> bool {
        let Some(below) = levels.checked_sub(1) else {
            return true;
        };
        match self {
            Self::Object(fields) => fields
                .iter()
                .any(|(_, field)| field.nests_deeper_than(below)),
            Self::Array(fields) => fields.iter().any(|field| field.nests_deeper_than(below)),
            _ => false,
        }
    }

    fn into_json(self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Number(number) => json_number(number),
            Self::Text(text) => Json::String(text),
            Self::Bool(value) => Json::Bool(value),
            Self::Object(fields) => fields
                .into_iter()
                .map(|(name, field)| (name, field.into_json()))
                .collect(),
            Self::Array(fields) => fields.into_iter().map(Self::into_json).collect(),
        }
    }
}

/// JSON has neither NaN nor infinity: those become null.
fn json_number(number: f64) -> Json {
    /// Every whole number up to here is a double of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
        return Json::from(number as i64);
    }
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Field {
        Field::Text("x".repeat(length))
    }

    fn nested(levels: usize) -> Field {
        (1..levels).fold(Field::Bool(true), |inner, _| Field::Array(vec![inner]))
    }

    #[test]
    fn whole_numbers_are_ints_and_what_json_has_not_is_null() {
        for (number, json) in [
            (2.0, Json::from(2)),
            (-0.0, Json::from(0)),
            (1.5, Json::from(1.5)),
            (1e300, Json::from(1e300)),
            (f64::NAN, Json::Null),
            (f64::INFINITY, Json::Null),
        ] {
            assert_eq!(Field::Number(number).into_json(), json, "{number}");
        }
    }

    #[test]
    fn a_field_that_fits_is_kept_and_one_byte_more_is_left_out() {
        let most = limits::MAX_METADATA_BYTES - 32 - 1;
        let kept = Metadata::of([("a".to_owned(), text(most))]);
        assert_eq!((kept.fields().len(), kept.left_out()), (1, 0));
        let kept = Metadata::of([("a".to_owned(), text(most + 1)), ("b".to_owned(), text(9))]);
        assert_eq!((kept.fields().len(), kept.left_out()), (1, 1));
        assert!(kept.fields().contains_key("b"));
    }

    #[test]
    fn a_field_of_the_deepest_nesting_is_kept_and_one_level_more_is_left_out() {
        let most = limits::MAX_METADATA_DEPTH;
        let fields = [
            ("a".to_owned(), nested(most)),
            ("b".to_owned(), nested(most + 1)),
        ];
        let kept = Metadata::of(fields);
        assert!(kept.fields().contains_key("a") && !kept.fields().contains_key("b"));
        assert_eq!(kept.left_out(), 1);
    }

    #[test]
    fn many_small_fields_are_bounded_together_and_the_same_ones_stay() {
        let fields = || (0..10_000).map(|n| (format!("k{n:05}"), Field::Null));
        let kept = Metadata::of(fields());
        assert_eq!(kept.fields().len() + kept.left_out(), 10_000);
        assert!(kept.fields().len() * 38 <= limits::MAX_METADATA_BYTES);
        assert_eq!(
            kept,
            Metadata::of(fields().collect::<Vec<_>>().into_iter().rev())
        );
    }
}
