//! Conditions: the compiled form and its evaluation.

mod eval;
mod program;
mod value;

pub(crate) use eval::{Context, EvaluatedScore};
pub(crate) use program::{Call, List, Members, Node, Op, Program};
pub use value::EvalError;
pub(crate) use value::Value;
