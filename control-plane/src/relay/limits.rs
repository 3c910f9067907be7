//! Every bound of the relay with its reason.

use std::time::Duration;

/// Resources of one node: one for each gateway that it serves.
pub(crate) const MAX_RESOURCES: usize = 64;
/// Refused bytes that are remembered; the control plane sends none of them again by itself.
pub(crate) const MAX_REFUSALS: usize = 256;
/// Nodes of one relay: one, and the next where a machine's Envoy is given another name.
pub(crate) const MAX_NODES: usize = 8;
/// One resource. An Envoy was seen to take 256 MiB.
pub(crate) const MAX_RESOURCE_BYTES: usize = 256 * 1024 * 1024;

/// Modules on a node: the one in force and those before it.
pub(crate) const MAX_MODULES: usize = 16;
/// One module: ours has about a megabyte.
pub(crate) const MAX_MODULE_BYTES: usize = 64 * 1024 * 1024;

/// An Envoy that has nothing waits so long for the control plane before it gets what was kept.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);
/// The pause before the first further try to reach the control plane; it doubles at each.
pub(crate) const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest pause: half a second, so that a node is LIVE within two of the control plane's return.
pub(crate) const RETRY_MOST: Duration = Duration::from_millis(500);
/// A connection to the control plane is there within this, or the control plane is away.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// Messages to the control plane that wait for one stream; more means that it does not read.
pub(crate) const UPSTREAM_QUEUE: usize = 64;

/// Events that wait for the disk; past it they are dropped and counted.
pub(crate) const QUEUE: usize = 16_384;
/// A log stream waits so long for room before an event is dropped and counted.
pub(crate) const QUEUE_PATIENCE: Duration = Duration::from_millis(500);
/// What waits is written this often: a relay that is killed loses no more.
pub(crate) const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// What is written is forced to the disk this often: a machine that dies loses no more.
pub(crate) const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Bytes that are written at once without waiting for the flush.
pub(crate) const FLUSH_BYTES: usize = 256 * 1024;
/// The smallest spool: eight segments of 64 KiB.
pub(crate) const MIN_SPOOL_BYTES: u64 = 512 * 1024;
/// The largest part of a spool that is dropped at once.
pub(crate) const MAX_SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// Segments that a spool is divided into, so that being full costs an eighth and not all of it.
pub(crate) const SEGMENTS: u64 = 8;
/// Events in one message to the control plane: one of its transactions.
pub(crate) const BATCH_EVENTS: usize = 1_024;
/// Bytes of events in one message to the control plane, far below what it takes.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;
/// Messages on their way that the control plane has not acknowledged.
pub(crate) const BATCHES_UNDER_WAY: usize = 4;
/// What was counted is said at least this often.
pub(crate) const COUNTS_EVERY: Duration = Duration::from_secs(1);
/// Report streams of workers: as many VMs as a node may have, old and new contexts.
pub(crate) const MAX_REPORTERS: usize = 2_048;
