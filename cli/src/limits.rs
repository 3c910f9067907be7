//! Every bound of the command line, with its reason.

use std::time::Duration;

use countersign_control_plane::resource;

/// Policy files read in one go: what a directory tree of a large site holds, and not a home directory
/// given by mistake.
pub(crate) const MAX_FILES: usize = 2_000;

/// One policy file. Above this the control plane refuses it as well.
pub(crate) const MAX_FILE_BYTES: u64 = resource::limits::MAX_FILE_BYTES as u64;

/// One file that a list takes its values from.
pub(crate) const MAX_LIST_FILE_BYTES: u64 = resource::limits::MAX_LIST_FILE_BYTES as u64;

/// All files of one `apply` or `check` together: they travel in one message.
pub(crate) const MAX_TOTAL_BYTES: u64 = resource::limits::MAX_TOTAL_BYTES as u64;

/// Directories below the one that was named.
pub(crate) const MAX_DEPTH: usize = 16;

/// The largest answer that the control plane may give: every resource of a large site, with its text.
pub(crate) const MAX_ANSWER_BYTES: usize = 2 * resource::limits::MAX_TOTAL_BYTES;

/// A control plane on the same network connects at once or is not there.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Compiling ten thousand policies takes seconds, not more.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Longer than this no two texts are compared line by line; what is shown then is right, but longer
/// than it had to be.
pub(crate) const COMPARE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one part may take to answer. Envoy alone waits 10 s for its first policy.
pub(crate) const READY_TIMEOUT: Duration = Duration::from_secs(45);

/// How long a node may stay on a revision that it refused before the start is given up.
pub(crate) const REFUSAL_GRACE: Duration = Duration::from_secs(3);

/// How often a part that is not ready is asked again: short, since a start should feel immediate.
pub(crate) const READY_POLL: Duration = Duration::from_millis(40);

/// One readiness question.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a part may take to end after SIGTERM before it is killed. Four parts stay within 3 s.
pub(crate) const STOP_GRACE: Duration = Duration::from_millis(650);

/// The first wait before a part is started again; doubled at each death in a row.
pub(crate) const RESTART_FIRST: Duration = Duration::from_millis(100);

/// No part waits longer than this to be started again.
pub(crate) const RESTART_MOST: Duration = Duration::from_secs(5);

/// A part that lived this long died for a new reason: its next restart is quick again.
pub(crate) const RESTART_FORGET: Duration = Duration::from_secs(10);

/// Former logs of a part that are kept.
pub(crate) const LOGS_KEPT: u32 = 3;

/// How much of a dead part's log is shown: the reason is in the last lines.
pub(crate) const TAIL_LINES: usize = 12;

/// How much of one of those lines is shown: what went wrong stands at its beginning.
pub(crate) const TAIL_WIDTH: usize = 240;

/// How far from its end a log is read to find those lines.
pub(crate) const TAIL_BYTES: u64 = 16 * 1024;

/// The longest body that the demo shop's echo counts.
pub(crate) const ECHO_BODY_BYTES: usize = 16 * 1024 * 1024;

/// One line of `expr`: an expression of a megabyte, escaped, and as much again bound to its variables.
pub(crate) const MAX_EXPR_LINE_BYTES: usize = 8 * 1024 * 1024;

/// Stack of the thread that `expr` compiles and evaluates in: what the deepest expression takes in an
/// unoptimised build, several times.
pub(crate) const EXPR_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Compiled expressions that `expr` keeps: looking through so many takes less than compiling one.
pub(crate) const MAX_KEPT_EXPRESSIONS: usize = 64;

/// Bytes of an expression that is kept, so that all of them together stay small.
pub(crate) const MAX_KEPT_EXPRESSION_BYTES: usize = 64 * 1024;

/// Rows that `--all` reads: so many are held at once, and whoever needs more goes on with `--cursor`.
pub(crate) const MAX_LISTED: usize = 100_000;

/// Resources on one page: even large ones stay far below the largest answer.
pub(crate) const RESOURCES_PAGE: u32 = 1_000;

/// How often a list of resources is begun anew because the set changed while it was read.
pub(crate) const MAX_LIST_ATTEMPTS: u32 = 5;
