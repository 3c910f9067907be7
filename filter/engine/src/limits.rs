//! Every bound of the engine with its reason. Each has a test at the limit and one past it, beside
//! the code that applies it.

/// Bytes of one compiled policy. Envoy keeps about 8.5 times the blob in memory while it configures.
pub const MAX_BLOB_BYTES: usize = 64 * 1024 * 1024;

/// Levels of one expression. Evaluation recurses, and a wasm stack is 1 MiB.
pub const MAX_EXPRESSION_DEPTH: u32 = 256;

/// Bytes of a session token. Ours are under 600; what is longer is not ours, and hashing it would be
/// the sender's choice of our work.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// Bytes of the header of a token in `Authorization` that are looked at, to see whether it is ours. Ours
/// have under a hundred; those of others may carry certificates.
pub const MAX_TOKEN_HEADER_BYTES: usize = 512;

/// Session cookies of one request that are looked at. Browsers send one; each costs a signature check.
pub const MAX_SESSION_COOKIES: usize = 4;

/// Session cookies with a wrong signature after which the rest is not looked at: each costs the worker
/// about 110 µs, and whoever knows a public key id can send them.
pub const MAX_FORGED_COOKIES: usize = 2;

/// Verified tokens that a worker remembers, so that a signature is checked once.
pub const MAX_CACHED_SESSIONS: usize = 8192;

/// Entries of `x-forwarded-for` that are walked, from the right.
pub const MAX_FORWARDED_HOPS: usize = 32;

/// Bytes of a return path in a ticket. The address of the challenge page carries it in base64, and
/// Envoy takes 60 KiB of request headers.
pub const MAX_RETURN_PATH_BYTES: usize = 24 * 1024;

/// Bytes of a path, a value or a name in an event: events are stored.
pub const MAX_EVENT_PATH_BYTES: usize = 1024;
/// See [`MAX_EVENT_PATH_BYTES`].
pub const MAX_EVENT_VALUE_BYTES: usize = 256;
/// Inputs, monitored policies, errors and notes of each kind in one event.
pub const MAX_EVENT_ITEMS: usize = 16;

/// Bytes of an identifier that device rules are looked up by. The longest fingerprints have 128; what
/// is longer matches no rule, since hashing it would be the sender's choice of our work.
pub const MAX_IDENTIFIER_BYTES: usize = 256;

/// Bytes of what a ticket says a program asked for: people read it.
pub const MAX_ASKED_BYTES: usize = 160;

/// Policies under one subject of the index that are tried although the subject is absent, so that each
/// one's run-time error is counted and shown. That serves the author of a few policies about a header
/// that is not always sent; of ten thousand told apart by a header, each request without that
/// header would cost ten thousand trials, and whoever sends the request chooses that.
pub const MAX_POLICIES_ON_ABSENCE: usize = 8;

/// Keys of a cover past which the policy is put under one that has no more, if there is such a cover:
/// each key is some thirty bytes of the index, in every worker.
pub const MAX_PREFERRED_COVER_KEYS: usize = 64;

/// Sets under one subject of the index that are looked up one by one: the largest, which are not to be in
/// memory twice. Each takes a binary search.
pub const MAX_SETS_WALKED: usize = 4;

/// Members of sets that stand in the tables of the index as well, of all subjects together, so that
/// thousands of policies each with a list of its own cost one lookup. A member counts for each policy of
/// its set. A network of IPv4 takes 12 bytes, one of IPv6 24, a text 12 and its own: some 6 MB of every
/// worker.
pub const MAX_MERGED_MEMBERS: usize = 524_288;

/// Device rules of one revision: some 9 to 25 MB of the blob, and as much memory of every worker.
pub const MAX_DEVICE_RULES: usize = 1_000_000;

/// Bytes of a body that a policy can have kept: Envoy buffers a megabyte a request.
pub const MAX_HELD_BYTES: u32 = 1024 * 1024;

/// Bytes of a body that may bring a replay token: the token and its name are 64.
pub const MAX_REPLAY_BYTES: usize = 1024;

/// Bytes of each of a held request's content type, content encoding, origin and referrer. Boundaries of
/// multipart forms take 70; a referrer that is longer is left out.
pub const MAX_HELD_VALUE_BYTES: usize = 1024;

/// How long a browser remembers that it sent a held request: as long as the sidecar keeps a body, with
/// time to spare for clocks and for whoever reads the page that sends it again.
pub const HELD_SENDER_SECONDS: u32 = 600;

/// Cookies whose names a held request remembers. One past these is not sent on when it is repeated.
pub const MAX_HELD_COOKIES: usize = 64;

/// Bytes of an upstream's demand for more proof: the longest that says something has under a hundred.
pub const MAX_STEP_UP_BYTES: usize = 512;

/// Kinds that one such demand names: there are six.
pub const MAX_STEP_UP_KINDS: usize = 8;
