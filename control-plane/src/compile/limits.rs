//! Every bound on what compiles, with its reason. Each has a test at the limit and one past it.

/// Policies of a set: more than any fleet has, few enough that a push stays within the filter's time.
pub const MAX_POLICIES: usize = 20_000;

/// Signals of a set: each is evaluated for every request.
pub const MAX_SIGNALS: usize = 1_000;

/// Lists of a set.
pub const MAX_LISTS: usize = 10_000;

/// Values of all device rules of a set: see there.
pub use crate::resource::limits::MAX_DEVICE_RULE_VALUES;

/// Overrides of a set.
pub const MAX_OVERRIDES: usize = 1_000;

/// Levels of one expression: brackets, calls and operators that bind to what stands left of them.
/// Parsing, checking and evaluation recurse; the engine's own bound is 256.
pub const MAX_NESTING: usize = 128;

/// Stack of the thread that compiles: what [`MAX_NESTING`] levels take in an unoptimised build, twice.
pub const COMPILER_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of one regular expression's source.
pub const MAX_PATTERN_BYTES: usize = 4_096;

/// Levels of one regular expression.
pub const MAX_PATTERN_NESTING: u32 = 64;

/// Bytes of the automaton's first stage: a few Unicode classes with counted repetition pass it.
pub const MAX_NFA_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of memory while an automaton is made, which bounds the time as well.
pub const MAX_DETERMINIZE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of one automaton in the compiled policy. Each worker of each Envoy holds it.
pub const MAX_AUTOMATON_BYTES: usize = 1024 * 1024;

/// Bytes of all automata together.
pub const MAX_AUTOMATA_BYTES: usize = 16 * 1024 * 1024;
