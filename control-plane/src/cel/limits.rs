//! Every bound on what compiles, with its reason. Each has a test at the limit and one past it.

/// Bytes of one expression. What is longer was made by a program, and a list belongs into a `List`.
pub const MAX_SOURCE_BYTES: usize = 1024 * 1024;

/// Levels of brackets, calls, conditionals and prefix operators: the parser recurses into each.
pub const MAX_NESTING: usize = 128;

/// Levels of the tree that an expression becomes, where every operator of a chain such as `a + b + c`
/// is one (`&&` and `||` join any number on one level). Evaluation recurses in the filter's small stack.
pub const MAX_DEPTH: u32 = countersign_engine::limits::MAX_EXPRESSION_DEPTH;

/// Problems of one expression that are told: more than anybody reads at once.
pub const MAX_PROBLEMS: usize = 100;

/// Questions such as `has(x.name)` that are remembered where it is asked whether `x.name` can fail; each
/// access is compared with each.
pub const MAX_GUARDS: usize = 256;

/// Elements of a list or map that stands in an expression because folding made it. More is cheaper to
/// compute than to store and check.
pub const MAX_FOLDED_ELEMENTS: usize = 1_000;

/// Bytes of a string that stands in an expression because folding made it.
pub const MAX_FOLDED_BYTES: usize = 64 * 1024;

/// Elements from which a constant list on the right of `in` becomes a sorted set.
pub const MIN_SET_ELEMENTS: usize = 8;

/// Bytes of one regular expression's source.
pub const MAX_PATTERN_BYTES: usize = 4_096;

/// Levels of one regular expression.
pub const MAX_PATTERN_NESTING: u32 = 64;

/// Bytes of the automaton's first stage: a few Unicode classes with counted repetition pass it.
pub const MAX_NFA_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of memory while an automaton is made, which bounds the time as well.
pub const MAX_DETERMINIZE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of one automaton in the compiled form. Each worker of each Envoy holds it.
pub const MAX_AUTOMATON_BYTES: usize = 1024 * 1024;

/// Nodes that folding evaluates for one expression, counted each time: more is left to the evaluator.
pub const MAX_FOLDED_NODES: usize = 200_000;

/// Bytes of the automata of one program together.
pub const MAX_AUTOMATA_BYTES: usize = 16 * 1024 * 1024;

/// Elements of a value that is written as JSON. Values share their parts: what is small in memory can
/// be endless on paper.
pub const MAX_WRITTEN_ELEMENTS: usize = 1_000_000;

/// Bytes of all texts of a value that is written as JSON.
pub const MAX_WRITTEN_BYTES: usize = 32 * 1024 * 1024;
