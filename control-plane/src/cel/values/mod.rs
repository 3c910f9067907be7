//! Values as JSON: plain, as anybody writes it, and as `cel.expr.Value` in ProtoJSON, which can say
//! what plain JSON cannot.

mod extent;
mod plain;
mod proto;
mod read_proto;
mod time;

pub use plain::{from_plain, to_plain};
pub use proto::to_proto;
pub use read_proto::from_proto;

/// Why JSON says no value, or a value has no JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It is no `cel.expr.Value`, or none that this language has.
    #[error("{0} is not a `cel.expr.Value`: {1}")]
    NoValue(String, &'static str),
    /// A message other than the well-known types.
    #[error("`{0}` is a protobuf message, and there are none here")]
    Message(String),
    /// Written out it would have more elements or more bytes of text than [`super::limits`]
    /// allow.
    #[error("the value is too large to be written")]
    TooLarge,
    /// A key that no map has, or one that it has twice; lists and maps nested too deep.
    #[error(transparent)]
    Value(#[from] countersign_engine::cel::EvalError),
}

#[cfg(test)]
mod tests;
