//! What one evaluation may cost. A condition runs in a worker of Envoy, which serves nobody else
//! meanwhile; what a client sends (headers, paths) multiplies with what an author wrote (nested macros).

/// Steps of one evaluation: a node evaluated, an element visited, 32 bytes looked at. A step takes
/// about ten nanoseconds, so a worker stands still for about a millisecond at most. Conditions take
/// tens of steps; a list of 1,000 headers' words compared with one of 50 still passes.
pub const MAX_EVALUATION_STEPS: u64 = 100_000;

/// Bytes that one evaluation may make: texts joined, lists and maps built. What a request brings
/// itself is borrowed and does not count; Envoy takes 60 KiB of it.
pub const MAX_EVALUATION_BYTES: u64 = 1024 * 1024;

/// Levels of lists, maps and optionals inside one another in one value. Comparing, printing and
/// dropping a value recurse, and a wasm stack is 1 MiB; the same number as JSON readers stop at.
pub const MAX_VALUE_DEPTH: u32 = 128;

/// Decimal places of a double in `format`: the least double has so many, what is longer is zeros.
pub const MAX_FORMAT_PRECISION: usize = 1074;

/// Bytes of a text that one step looks at: a fast loop takes a nanosecond for about that many.
pub(crate) const BYTES_PER_STEP: usize = 32;

/// Bytes of a text that an automaton reads in one step: it follows one transition for each.
pub(crate) const MATCHED_BYTES_PER_STEP: usize = 4;
