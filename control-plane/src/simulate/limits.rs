//! Every bound on what is simulated, with its reason. Each has a test at the limit and one past it.

/// Bytes of one recorded line. Envoy takes 60 KiB of request headers, and JSON may write six bytes for
/// one; what is longer is no access log.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Headers of one recorded request: more than Envoy lets through (100), few enough that looking
/// through them stays cheap.
pub const MAX_HEADERS: usize = 256;

/// Unreadable lines that are shown: the first ones tell what is wrong with the rest.
pub const MAX_UNREADABLE_SHOWN: usize = 5;

/// Requests shown of each change. The report stays of one size however long the recording is.
pub const MAX_EXAMPLES: usize = 3;

/// Bytes of a method, host, path or reason that is shown.
pub const MAX_SHOWN_BYTES: usize = 512;

/// Sessions that are kept signed. Past that they are signed anew: a signature costs some 20 µs.
pub const MAX_COOKIES: usize = 4096;

/// Kinds of change, and things that are lacking, that are counted by themselves when recorded decisions are
/// replayed. There may be as many as pairs of policies; the most frequent are met first.
pub const MAX_REPLAY_KINDS: usize = 200;
