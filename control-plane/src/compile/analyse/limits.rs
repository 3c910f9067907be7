//! Every bound of the analysis, with its reason. Past a bound it says nothing: a warning that is not
//! given misleads nobody.

/// Units of work of one analysis. A unit is a few steps on a small value, some hundred nanoseconds
/// without optimisation: a set of ten thousand policies is analysed while its author waits.
pub const MAX_UNITS: u64 = 2_000_000;

/// Units of work of one question, such as "can these two hold together". Nearly all take fewer than a
/// hundred; the few that would take all there is leave something to the others.
pub const MAX_UNITS_PER_QUESTION: u64 = 20_000;

/// Alternatives of one question that are still open: each level of choosing is a level of the stack.
pub const MAX_CHOICES: usize = 48;

/// Members of a set of texts that are looked at one by one; a larger set is not looked into.
pub const MAX_MEMBERS: usize = 4_096;

/// Addresses of a range that are written out to be compared as texts.
pub const MAX_ADDRESSES: i128 = 64;

/// Numbers or ranges of a list that is looked into: half of what a question may take.
pub const MAX_RANGES: usize = 8_192;

/// Members of an excluded set that take part in a comparison of patterns.
pub const MAX_EXCLUDED: usize = 8;

/// Bytes of all patterns that are compared with one another at once, such as the endpoints of two
/// policies.
pub const MAX_PATTERN_BYTES: usize = 2_048;

/// States of a comparison of patterns: the product of what each of them has left to match.
pub const MAX_STATES: usize = 2_048;

/// Texts that regular expressions are tried on in one analysis: each try makes an automaton.
pub const MAX_MATCHES: u32 = 64;

/// Bytes of what names a part of a condition that is not understood: a longer part equals no other.
pub const MAX_PART_BYTES: usize = 2_048;

/// Parts of one condition that are judged one by one.
pub const MAX_PARTS: usize = 64;

/// Premises of which the smallest contradiction is looked for: each is left out once.
pub const MAX_PREMISES: usize = 64;

/// Values of one policy under which it is found as an earlier one.
pub const MAX_KEYS: usize = 64;

/// Bytes of the beginning of a path under which an earlier policy is looked for: patterns that differ
/// only further on are not told apart.
pub const MAX_PATH_KEYS: usize = 256;

/// Earlier policies under one key that are compared with a later one: the first by priority.
pub const MAX_PER_KEY: usize = 16;

/// Earlier policies that are compared with one later policy in all.
pub const MAX_CANDIDATES: usize = 64;

/// Comparisons of one later policy that take a search: what remains after the cheap ones.
pub const MAX_SEARCHES: usize = 12;

/// Bytes of a text of a request. Envoy takes 60 KiB of headers by default, the path among them.
pub const MAX_TEXT_BYTES: u64 = 60 * 1024;

/// Steps of an evaluation that is taken to succeed on any request. The engine allows
/// [`countersign_engine::cel::limits::MAX_EVALUATION_STEPS`], twice as many.
pub const MAX_STEPS: u64 = countersign_engine::cel::limits::MAX_EVALUATION_STEPS / 2;

/// Characters of a condition that a message repeats.
pub const MAX_SHOWN: usize = 80;

/// Items of a list that a message repeats.
pub const MAX_SHOWN_ITEMS: usize = 3;
