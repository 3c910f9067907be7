//! What a line asks.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

/// A line. What it has beside these fields is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Request<'l> {
    /// Given back as it is.
    #[serde(borrow, default)]
    pub(super) id: Option<&'l RawValue>,
    pub(super) expr: String,
    /// Variables in plain JSON.
    #[serde(default)]
    pub(super) vars: Map<String, Json>,
    /// Variables as `cel.expr.Value`; of a name in both, this counts.
    #[serde(default)]
    pub(super) values: Map<String, Json>,
    #[serde(default = "yes")]
    pub(super) check: bool,
    #[serde(default)]
    pub(super) container: String,
}

const fn yes() -> bool {
    true
}

/// The id alone, of a line that asks nothing that can be answered.
#[derive(Debug, Deserialize)]
pub(super) struct Named<'l> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'l RawValue>,
    /// The rest.
    #[serde(flatten)]
    _rest: HashMap<String, serde::de::IgnoredAny>,
}
