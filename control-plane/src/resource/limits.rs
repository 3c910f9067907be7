//! Every bound on what authors may write, with its reason. Each has a test at the limit and one past
//! it.

/// Bytes of one file of resources: ten thousand policies have half of it. A larger one is refused before
/// anything of it is parsed; long lists have files of their own.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of a file that a list takes its values from: a million address ranges have 20 to 30 MB.
pub const MAX_LIST_FILE_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of all files of one call: a million device rules by UUID have 43 MB, by SHA-256 as much again.
pub const MAX_TOTAL_BYTES: usize = 96 * 1024 * 1024;

/// Files of one call.
pub const MAX_FILES: usize = 10_000;

/// Documents of one file: each costs a parser and a place in the store.
pub const MAX_DOCUMENTS_PER_FILE: usize = 10_000;

/// Problems of one expression over nodes that are told.
pub const MAX_STAGE_PROBLEMS: usize = 8;
/// Levels of mappings and sequences. Ours have seven; the parser of trees recurses.
pub const MAX_YAML_DEPTH: usize = 32;

/// Nodes of one document: a list of [`MAX_LIST_ENTRIES`], and room for the rest. Read, each takes some
/// hundred bytes, so that one document takes some hundred megabytes at the most, whatever it holds.
pub const MAX_YAML_NODES: usize = MAX_LIST_ENTRIES + 100_000;

/// Aliases of one document.
pub const MAX_YAML_ALIASES: usize = 1_000;

/// Parser events that aliases may add: a handful of them can multiply a small file into any size
/// ("billion laughs").
pub const MAX_YAML_REPLAYED: usize = 100_000;

/// Fields of one mapping: ours have thirteen, and each is compared with all others.
pub const MAX_FIELDS: usize = 100;

/// Characters of a name: a DNS label, as Kubernetes demands it of many kinds.
pub const MAX_NAME: usize = 63;

/// Characters of a reason: it is a label of metrics.
pub const MAX_REASON: usize = 64;

/// Hosts, endpoints or methods of one policy.
pub const MAX_PATTERNS: usize = 1_000;

/// Upstreams that a `stepUp` names.
pub const MAX_UPSTREAMS: usize = 100;

/// Bytes of the pattern of an upstream: names of clusters that are made of others' names are long.
pub const MAX_UPSTREAM_BYTES: usize = 256;

/// Bytes of one endpoint pattern: matching takes the product of its length and the path's.
pub const MAX_ENDPOINT_BYTES: usize = 1_024;

/// Bytes of a host pattern (RFC 1035, section 2.3.4), and `*.`.
pub const MAX_HOST_BYTES: usize = 255;

/// Bytes of a method: the longest that is registered has 17.
pub const MAX_METHOD_BYTES: usize = 32;

/// Bytes of a redirect's location: what every browser and proxy passes on.
pub const MAX_LOCATION_BYTES: usize = 2_048;

/// Bytes of one expression: far more than a person reads, little enough for the parser.
pub const MAX_EXPRESSION_BYTES: usize = 64 * 1024;

/// Priorities run from 0 to this.
pub const MAX_PRIORITY: i64 = 1_000_000;

/// The priority of a policy that states none; there is room on both sides.
pub const DEFAULT_PRIORITY: i32 = 1_000;

/// Weights run from minus this to this: the score itself ends there.
pub const MAX_WEIGHT: i64 = 100;

/// Entries of one list: compiled, a million address ranges have 8 to 32 MB, half of what the filter takes.
pub const MAX_LIST_ENTRIES: usize = 1_000_000;

/// Bytes of one string of a list.
pub const MAX_LIST_STRING_BYTES: usize = 4_096;

/// Trusted hops: walked for every request.
pub const MAX_TRUSTED_HOPS: usize = 1_000;

/// Exempt paths: matched one after the other before any policy.
pub const MAX_EXEMPT_PATHS: usize = 100;

/// Seconds that a session may live and that `maxAge` may demand: thirty days.
pub const MAX_SESSION_SECONDS: u32 = 30 * 24 * 3600;

/// Bytes of a body that a challenge may keep: what the filter takes.
pub const MAX_HELD_BYTES: i64 = countersign_engine::limits::MAX_HELD_BYTES as i64;

/// Seconds that clocks may differ: more would stretch every expiry.
pub const MAX_LEEWAY_SECONDS: u32 = 300;

/// Seconds that a copy of a bound session lives: so long a copied cookie is good.
pub const MAX_BOUND_SECONDS: u32 = 3600;
/// Less, and a browser would sign all the time; Chromium signs some six times in nine minutes.
pub const MIN_BOUND_SECONDS: u32 = 10;

/// Seconds that a ticket may live: it only has to survive a person's hesitation.
pub const MAX_TICKET_SECONDS: u32 = 3600;

/// One in this many plain allows at the least becomes an event.
pub const MAX_SAMPLING: i64 = 1_000_000;

/// Bytes of a header's name; Envoy takes more, nobody writes more.
pub const MAX_HEADER_BYTES: usize = 256;

/// Tests of one document: a file of [`MAX_FILE_BYTES`] ends before.
pub const MAX_TESTS: usize = 10_000;

/// Characters of a test's name: it is a line of the report.
pub const MAX_TEST_NAME: usize = 200;

/// Bytes of a path or of one header's value in a test: what Envoy takes of all headers by default.
pub const MAX_TEST_VALUE_BYTES: usize = 60 * 1024;

/// Values of one device rule, and of all rules of a set: what a revision has room for. Where they are long,
/// [`MAX_FILE_BYTES`] comes first: then they stand in several files.
pub const MAX_DEVICE_RULE_VALUES: usize = countersign_engine::limits::MAX_DEVICE_RULES;

/// The shortest prefix of a device rule's IPv4 range: a wider one is a network of many owners, and no
/// device.
pub const WIDEST_V4_RULE: u8 = 16;

/// The shortest prefix of a device rule's IPv6 range: what registries hand to one provider.
pub const WIDEST_V6_RULE: u8 = 32;

/// The latest second in which a device rule may end, the last one of 2105: the compiled form counts
/// seconds in 32 bits.
pub const LATEST_EXPIRY_SECONDS: i64 = 4_291_747_199;

/// Characters of a site's name: it is a line above a heading.
pub const MAX_PAGE_NAME: usize = 60;

/// Bytes of a site's logo: every visitor who is challenged waits for it.
pub const MAX_LOGO_BYTES: usize = 32 * 1024;

/// Characters of a description: it is a note and not a document.
pub const MAX_DESCRIPTION: usize = 1_000;
