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
/// Gateways: each is compiled by itself, and a fleet has few kinds of nodes.
pub const MAX_GATEWAYS: usize = 64;
/// Bytes of the compiled forms of all gateways and of everything together: the control plane holds those
/// of the revisions that nodes run, and stores those of the last hundred.
pub const MAX_FORMS_BYTES: usize = 256 * 1024 * 1024;
/// Ways to roll out: a fleet has a few.
pub const MAX_STRATEGIES: usize = 100;

/// Nodes of all conditions of a set; equal ones count once. Sixteen megabytes of the compiled form, in
/// every worker, and fifty for each of the policies that a set can have.
pub const MAX_NODES: usize = 1_000_000;

/// Text of conditions that are remembered from one set to the next: of the largest set, and their compiled
/// forms take some ten times as much.
pub const MAX_REMEMBERED_BYTES: usize = 8 * 1024 * 1024;

/// Stack of the thread that compiles: what the levels of an expression
/// ([`crate::cel::limits::MAX_DEPTH`]) take in an unoptimised build, twice.
pub const COMPILER_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Parts of conditions that can fail at run time and are told: more than anybody reads.
pub const MAX_FAILURES: usize = 1_000;

/// Characters of such a part that are repeated.
pub const MAX_FAILURE_PART: usize = 100;
