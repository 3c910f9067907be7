//! As much of `crate::cel` as the parser names.

pub(crate) use countersign_control_plane::cel::limits;

#[path = "../../../../src/cel/problem.rs"]
pub(crate) mod problem;
pub(crate) mod syntax;
