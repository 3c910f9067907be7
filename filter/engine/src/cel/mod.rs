//! The language's compiled form and its evaluation. Conditions are CEL (the Common Expression
//! Language); the control plane parses, checks and lowers them, and what is here evaluates them, in
//! the filter and natively alike.
//!
//! A [`Program`] is borrowed from a blob. For each request an [`Evaluator`] is made over it and a
//! [`Source`], which knows the request; [`Evaluator::holds`] judges conditions, [`Evaluator::evaluate`]
//! gives values. Any program that loads evaluates to a value or an [`EvalError`] within
//! [`limits::MAX_EVALUATION_STEPS`] and [`limits::MAX_EVALUATION_BYTES`].

mod error;
mod eval;
pub mod limits;
mod op;
mod program;
mod set;
mod source;
mod value;

pub use error::{EvalError, Excerpt};
pub use eval::Evaluator;
pub(in crate::cel) use eval::Meter;
pub use op::{Arity, Op};
pub use program::{Inspected, Node, NodeId, Program, ProgramBuilder, Zone};
pub use set::{Set, SetBuilder, SetKind};
pub use source::{NoSource, Source};
pub use value::{Bytes, Cidr, Duration, Key, List, Map, Optional, Shared, Text, Timestamp, Value};
