//! Every bound of the control plane with its reason.

use std::time::Duration;

use crate::access::Rate;

/// One message of Envoy's access log: a batch of events.
pub const MAX_LOG_MESSAGE_BYTES: usize = 32 * 1024 * 1024;
/// One message of a node's discovery stream: names and, in the first one, all that it says about itself.
/// Envoy tells its extensions in some fifty kilobytes.
pub const MAX_DISCOVERY_MESSAGE_BYTES: usize = 1024 * 1024;
/// One message of an operator: an apply of files, with their names. What is larger is refused unread.
pub const MAX_ADMIN_MESSAGE_BYTES: usize =
    crate::resource::limits::MAX_TOTAL_BYTES + MAX_FILES * 1024;
/// One REST request body: an apply of a directory of policies.
pub const MAX_HTTP_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Files in one apply or in the watched directory.
pub const MAX_FILES: usize = 10_000;
/// Bytes read of one watched file: one past what the compiler takes, so that it says "too large".
pub const MAX_FILE_READ_BYTES: u64 = crate::resource::limits::MAX_FILE_BYTES as u64 + 1;
/// The same of a file that a list takes its values from.
pub const MAX_LIST_FILE_READ_BYTES: u64 = crate::resource::limits::MAX_LIST_FILE_BYTES as u64 + 1;
/// Author and message of a revision: they are shown in tables.
pub const MAX_LABEL_BYTES: usize = 256;

/// A browser is signed in for so long, a working day, and no longer than its token is good.
pub const SIGN_IN_LASTS: Duration = Duration::from_secs(12 * 3_600);
/// Browsers that are signed in: each replica holds them in memory.
pub const MAX_SIGN_INS: i64 = 10_000;
/// Revocations: each is a record in every node's memory. A sidecar takes no more either.
pub const MAX_REVOCATIONS: usize = 10_000;

/// Of these, those that sidecars asked for because a credential was copied. The rest is left to operators:
/// whoever makes devices of his own can copy their credentials.
pub const MAX_COMPROMISED: usize = MAX_REVOCATIONS / 2;

/// The same within a minute: each is a revision that every node takes.
pub const MAX_COMPROMISED_A_MINUTE: usize = 10;
/// The id of a session or a device.
pub const MAX_REVOKED_BYTES: usize = 128;
/// A revocation is kept for so long: no session lasts longer, see the sidecar's limits.
pub const LONGEST_SESSION: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Compiled bytes are kept for so many revisions; older ones keep only their line in the history.
pub const KEPT_COMPILED: u64 = 100;
/// Lines of the revision history.
pub const KEPT_REVISIONS: u64 = 10_000;
/// Changes of resources in one answer: what one apply can name.
pub const MAX_CHANGES_LISTED: i64 = MAX_FILES as i64;
/// What changed meanwhile, in the details of a gRPC status: trailers are small.
pub const MAX_DETAIL_BYTES: usize = 4 * 1024;
/// Revisions in one answer.
pub const MAX_REVISIONS_LISTED: u32 = 500;
/// Nodes in one answer, where fewer than all were asked for.
pub const MAX_NODES_LISTED: u32 = 500;

/// Connections to a database server: a few changes, the events' writer, and whoever asks. A SQLite file
/// has its own few.
pub const DATABASE_CONNECTIONS: u32 = 10;
/// A connection to the database is waited for so long: a change is refused rather than left hanging.
pub const DATABASE_WAIT: Duration = Duration::from_secs(5);
/// Two transactions that met: the one that gave way is made again so often.
pub const TRANSACTION_TRIES: u32 = 10;

/// A change that another replica was faster than is made again, on the new state, so often.
pub const CHANGE_TRIES: u32 = 20;
/// Requests to rotate that wait for this replica's sidecars: each makes a new key, one is enough.
pub const KEPT_ROTATIONS: usize = 16;
/// Requests to every replica that are kept: one that was cut off for longer does not need them.
pub const KEPT_CALLS: u64 = 1_000;
/// Replicas look for what is new this often, also where nobody tells them.
pub const REPLICA_POLLS: Duration = Duration::from_secs(1);
/// Views of nodes that one sign of life carries: a change of thousands of nodes is told within seconds, and
/// no sign of life is late for it.
pub const VIEWS_AT_ONCE: usize = 1_000;
/// Of these, at most so many that tell of counts alone: they change all the time.
pub const COUNTS_AT_ONCE: usize = 250;
/// A forgotten node's row is kept for so many signs of life: whoever listens has read it long before.
pub const FORGOTTEN_ROWS_KEPT: u64 = 600;
/// A replica's sign of life.
pub const REPLICA_BEATS: Duration = Duration::from_secs(1);
/// Who holds a lease raises its beat this often, and who waits for it looks this often.
pub const LEASE_BEATS: Duration = Duration::from_millis(500);
/// Who holds a lease stops acting so long after its last beat began.
pub const LEASE_HOLDS: Duration = Duration::from_millis(2_500);
/// Without a beat for so long, a lease and a replica's nodes are given up: a second after the holder
/// stopped at the latest, and early enough to act within five seconds.
pub const LEASE_SILENCE: Duration = Duration::from_millis(3_500);
/// The rows of a replica that is gone are taken away after so long.
pub const REPLICA_FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// A connecting node waits so long for what it refused of other replicas.
pub const REFUSALS_WITHIN: Duration = Duration::from_millis(500);

/// Nodes that are remembered. Past it the longest disconnected one is forgotten.
pub const MAX_NODES: usize = 20_000;
/// VMs of one node; an Envoy has one a core and one for the main thread.
pub const MAX_WORKERS_PER_NODE: usize = 1_024;
/// Streams of one VM: the old and the new root context, and what reconnects meanwhile.
pub const MAX_STREAMS_PER_WORKER: usize = 8;
/// A worker's report: some two hundred bytes, and names of the largest size.
pub const MAX_REPORT_BYTES: usize = 16 * 1024;
/// A stream's reports are read no faster than this: the filter sends one each half second, and one more
/// with a new configuration.
pub const REPORTS_APART: Duration = Duration::from_millis(25);
/// A node's name.
pub const MAX_NODE_ID_BYTES: usize = 256;
/// Metadata of one node that is kept, about as much as it takes in memory: what service meshes write, and
/// for as many nodes as are remembered not more than a machine has.
pub const MAX_METADATA_BYTES: usize = 8 * 1024;
/// Levels of it.
pub const MAX_METADATA_DEPTH: usize = 16;
/// An expression over nodes: it is evaluated for each node and written by hand.
pub const MAX_SELECTOR_BYTES: usize = 4 * 1024;
/// Levels of it. Evaluation recurses, on the stack of whoever asks.
pub const MAX_SELECTOR_DEPTH: u32 = 64;
/// A refusal's reason as Envoy tells it.
pub const MAX_REASON_BYTES: usize = 1_024;
/// A worker that said nothing for so long is not alive: five of its heartbeats.
pub const WORKER_SILENCE: Duration = Duration::from_secs(5);
/// How long a node may be ACKed without every worker having reported.
pub const SUSPECT_AFTER: Duration = Duration::from_secs(3);
/// A revision that some worker does not run is sent again this often: a node whose workers never report
/// looks the same, and each time is new VMs.
pub const MAX_RENEWALS: u32 = 6;
/// The pause after the first time; each further one is twice as long, so that the last try comes some
/// two and a half minutes after the first.
pub const RENEWAL_PAUSE: Duration = Duration::from_secs(5);
/// A node that was sent something and has not answered for so long is told of: Envoy answers in some
/// milliseconds, and in seconds where it fetches the module first.
pub const ANSWER_AWAITED: Duration = Duration::from_secs(10);
/// Streams of a node that end in a row without having taken a revision: from this one on it is not sent
/// again at once. One may be the network, and two a bad moment of it.
pub const SETBACKS_IN_A_ROW: u32 = 3;
/// The pause then; each further time it is twice as long.
pub const SETBACK_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause: a node that was mended gets its revision within it.
pub const SETBACK_PAUSE_MOST: Duration = Duration::from_secs(300);
/// Times farther apart than this are not in a row: above the longest pause and its reconnect.
pub const SETBACK_REMEMBERED: Duration = Duration::from_secs(600);
/// A VM that is gone is shown for so long.
pub const WORKER_FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// A node that is gone is shown for so long.
pub const NODE_FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// A new key waits so long for a node that is on its way to the revision that holds it.
pub const KEY_WAITS_FOR_NODE: Duration = Duration::from_secs(10);
/// Discovery streams of one node at one time: an Envoy has one for each listener that subscribes by
/// itself. More means that many Envoys share one id.
pub const MAX_STREAMS_PER_NODE: usize = 256;
/// Resources of one discovery stream: an Envoy has one for each gateway that it is.
pub const MAX_RESOURCES_PER_STREAM: usize = 64;
/// Refused attempts of one node that are remembered; each new stream adds at most one.
pub const MAX_REFUSALS_PER_NODE: usize = 256;

/// Rollouts that are remembered.
pub const KEPT_ROLLOUTS: i64 = 1_000;
/// Steps of one rollout that are kept; pausing and resuming makes one each.
pub const MAX_ROLLOUT_STEPS: usize = 200;
/// One look at a rollout counts for at most so much time: a process that stood still has watched nothing.
pub const MAX_TICK_MS: u64 = 5_000;
/// After a start, nodes and their workers have so long to come back before a rollout looks at them.
pub const ROLLOUT_WAITS_FOR_NODES: Duration = Duration::from_secs(5);
/// Times that a node may come back within about a minute while it runs a candidate: a control plane that
/// starts again or a connection that is moved is one of them.
pub const ROLLOUT_RECONNECTS: u64 = 6;
/// Stages of one strategy.
pub const MAX_STAGES: usize = 32;

/// Sidecars connected at one time.
pub const MAX_SIDECARS: usize = 256;
/// Public keys of one sidecar: one signs, the others end with their last session.
pub const MAX_SESSION_KEYS_PER_SIDECAR: usize = 16;
/// Public keys of all sidecars: each goes into every policy.
pub const MAX_SESSION_KEYS: usize = 256;
/// A key's name.
pub const MAX_KID_BYTES: usize = 128;
/// A sidecar has so long to say who it is.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// Acknowledgements waiting for one sidecar; more means that it does not read.
pub const SIDECAR_QUEUE: usize = 64;

/// Relays that are remembered. Past it the one that was silent for longest is forgotten.
pub const MAX_RELAYS: usize = MAX_NODES;
/// Relays with metrics of their own; the others are counted together.
pub const MAX_METRIC_RELAYS: usize = 1_000;
/// One message of a relay: its events with what goes around them.
pub const MAX_RELAY_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Events in one message of a relay.
pub const MAX_RELAY_EVENTS: usize = 4 * 1024;
/// Reasons for which a relay says that it lost events.
pub const MAX_RELAY_REASONS: usize = 16;
/// Acknowledgements waiting for one relay; more means that it does not read.
pub const RELAY_QUEUE: usize = 64;

/// A ticket key verifies so long before it signs, so that every sidecar and filter has it.
pub const TICKET_KEY_LEAD: Duration = Duration::from_secs(60);
/// A replaced ticket key verifies for so long: far beyond the longest ticket.
pub const TICKET_KEY_OVERLAP: Duration = Duration::from_secs(2 * 3_600);
/// A ticket key signs for so long.
pub const TICKET_KEY_AGE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// One decision event: the filter cuts its texts, so that what is larger is not the filter's.
pub const MAX_EVENT_BYTES: usize = 16 * 1024;
/// One text of an event or an outcome.
pub const MAX_EVENT_TEXT_BYTES: usize = 2_048;
/// Repeated parts of one event.
pub const MAX_EVENT_ITEMS: usize = 256;
/// An event's id: a UUID as text.
pub const MAX_EVENT_ID_BYTES: usize = 64;
/// One event stands for at most so many requests: the largest sampling that `Settings` takes.
pub const MAX_EVENT_WEIGHT: u32 = 1_000_000;
/// A clock ahead by more than this is not believed; the time of receipt counts.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(300);
/// An event older than this is not believed either: Envoy's log holds seconds, not days.
pub const MAX_CLOCK_BEHIND: Duration = Duration::from_secs(24 * 3_600);
/// Outcomes of one event: a page that is loaded and tried again and again.
pub const MAX_OUTCOMES_PER_EVENT: i64 = 64;
/// Events and outcomes waiting for the store: some seconds of a busy edge.
pub const INGEST_QUEUE: usize = 16_384;
/// Written in one transaction: enough to make its cost small, little enough to lose little.
pub const INGEST_BATCH: usize = 1_024;
/// A log stream waits so long for room before an event is dropped and counted.
pub const INGEST_PATIENCE: Duration = Duration::from_secs(1);
/// A batch that the store refuses is tried again so often.
pub const INGEST_ATTEMPTS: u32 = 20;
/// The same while the database cannot be reached, which is a minute at least: meanwhile what comes waits
/// in the queue, and what has no room there is counted as dropped.
pub const INGEST_ATTEMPTS_AWAY: u32 = 120;
/// The pause between two of these tries.
pub const INGEST_RETRY: Duration = Duration::from_millis(500);
/// Hosts that get roll-ups of their own in one minute. The host is the client's choice: without a
/// bound it would choose the size of the store.
pub const MAX_HOSTS_PER_MINUTE: usize = 200;
/// An outcome waits so long for its event before it counts as one that was never issued.
pub const OUTCOME_WAITS: Duration = Duration::from_secs(60);

/// Events whose outcomes are joined in one sweep: they are few, and what is left is joined in the next.
pub const JOINED_TOGETHER: i64 = 1_000;

/// Events written and events received are compared by stretches of this length.
pub const LEDGER_SLOT: Duration = Duration::from_secs(10);
/// A node that is new is compared after so many of them: by then all its workers were heard.
pub const LEDGER_OPENS: u64 = 3;
/// An event arrives within this, or it is missing until it does: the log's flush, a store that is away for
/// a minute, and some to spare.
pub const EVENTS_ARRIVE_WITHIN: Duration = Duration::from_secs(120);
/// How often what workers told is stored and compared: a row for each worker that wrote anything.
pub const LEDGER_SETTLES: Duration = Duration::from_secs(15);
/// Rows of one transaction: whoever else writes waits no longer than for these.
pub const LEDGER_TOGETHER: usize = 512;
/// What workers told and is not stored yet: each of ten thousand nodes' workers some times.
pub const MAX_LEDGER_WAITING: usize = 100_000;
/// Stretches are summed up after this: longer than events arrive late by but for a relay's spool, and those
/// are summed up later.
pub const LEDGER_FOLDS_AFTER: Duration = Duration::from_secs(3_600);
/// Workers and nodes that told nothing for so long are forgotten, with what was missing of them.
pub const LEDGER_FORGETS_AFTER: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Events kept.
pub const KEPT_EVENTS: i64 = 1_000_000;
/// Events are kept for so long.
pub const KEPT_EVENTS_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Roll-ups are kept for so long.
pub const KEPT_ROLLUPS_FOR: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Outcomes without an event are kept for so long.
pub const KEPT_STRAY_OUTCOMES_FOR: Duration = Duration::from_secs(3_600);
/// A session that was earned and not used for so long counts as one that never came back: longer than
/// any session lasts.
pub const EARNED_SESSION_AWAITED: Duration = Duration::from_secs(25 * 3_600);
/// How often the store is tidied and keys are looked at.
pub const MAINTENANCE_EVERY: Duration = Duration::from_secs(30);

/// Events in one answer.
pub const MAX_EVENTS_LISTED: u32 = 500;
/// Events in one answer when the question does not say.
pub const DEFAULT_EVENTS_LISTED: u32 = 50;
/// Events that one search looks at where no index helps: about a second on a slow disk. Its answer says
/// where to go on.
pub const MAX_EVENTS_SEARCHED: u32 = 20_000;
/// Of these at once.
pub const EVENTS_SEARCHED_AT_ONCE: u32 = 1_000;
/// Events that one count of what occurs most reads.
pub const MAX_EVENTS_TALLIED: u32 = 50_000;
/// Entries of it in an answer.
pub const MAX_TOP: u32 = 100;
/// See [`MAX_TOP`].
pub const DEFAULT_TOP: u32 = 10;
/// Points in one traffic answer.
pub const MAX_TRAFFIC_POINTS: u64 = 10_000;
/// Policies with metrics of their own: their names come from the network with the events.
pub const MAX_METRIC_POLICIES: usize = 2_000;

/// A dry run replays the decisions of so long: a day has every hour's traffic.
pub const REPLAY_GOES_BACK: Duration = Duration::from_secs(24 * 3_600);
/// A dry run replays so many of them, the newest: enough that what concerns one request in a thousand is
/// among them.
pub const MAX_REPLAYED_EVENTS: u32 = 20_000;
/// Of how many they are is counted up to here: counting all of a busy day takes longer than replaying.
pub const MAX_REPLAY_COUNTED: u64 = 200_000;
/// Read and replayed together: some hundred kilobytes.
pub const REPLAY_PAGE: u32 = 1_000;
/// Whoever asks for a dry run waits for it. What is replayed by then is told.
pub const REPLAY_WITHIN: Duration = Duration::from_secs(5);
/// Sets that decided recorded events are compared with: a day of many changes. Events of further ones are
/// replayed without what their decisions tell.
pub const MAX_REPLAYED_REVISIONS: usize = 32;

/// Changes of the watched directory settle for so long: editors write, rename and touch.
pub const WATCH_SETTLES: Duration = Duration::from_millis(50);
/// The directory is read again this often even without a notice: the directory itself may have been
/// replaced, and a network file system sends no notices.
pub const WATCH_RESCANS: Duration = Duration::from_secs(5);

/// HTTP/2 pings: a node that vanished without a word is seen gone after interval plus timeout.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// See [`KEEPALIVE_INTERVAL`].
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Streams end by themselves on shutdown; what has not ended by then is cut.
pub const SHUTDOWN_WITHIN: Duration = Duration::from_millis(400);
/// What was handed in is written within this, or it is lost and said so.
pub const WRITE_WITHIN: Duration = Duration::from_millis(250);

/// Tokens, ended ones that are still listed included: a person's, a machine's, and some to spare.
pub const MAX_TOKENS: i64 = 10_000;
/// Names of certificates: patterns among them are tried one after the other.
pub const MAX_CERTIFICATES: i64 = 1_000;
/// A token's name: an address of mail fits.
pub const MAX_TOKEN_NAME_BYTES: usize = 128;
/// Passkeys, removed ones that are still listed included: each replica holds them in memory, without
/// their keys.
pub const MAX_PASSKEYS: i64 = 10_000;
/// Passkeys of one person: every device and a key in a safe. Each is named to an authenticator that makes
/// another.
pub const MAX_PASSKEYS_OF_ONE: i64 = 20;
/// A challenge of a passkey is taken back for so long: a person with a security key in another room.
pub const CEREMONY_LASTS: Duration = Duration::from_secs(300);
/// How long browser and person have once they are asked; within [`CEREMONY_LASTS`].
pub const CEREMONY_PROMPT: Duration = Duration::from_secs(120);
/// A sealed challenge: twenty credentials that are not to be made again, of the longest ids, in base64.
pub const MAX_CEREMONY_BYTES: usize = 64 * 1024;
/// Tokens and passkeys that have ended are listed for so long.
pub const KEPT_ENDED_TOKENS_FOR: Duration = Duration::from_secs(90 * 24 * 3_600);
/// The audit log goes back so far.
pub const KEPT_AUDIT_FOR: Duration = Duration::from_secs(400 * 24 * 3_600);
/// A one-time token of a first start is good for so long.
pub const BOOTSTRAP_LASTS: Duration = Duration::from_secs(3_600);
/// Calls by one identity, nodes apart: a script in a loop, not a fleet of them. Nodes open few streams,
/// all at once when the control plane comes back; a rate would make an outage longer.
pub const CALLS_PER_IDENTITY: Rate = Rate {
    burst: 500,
    per_second: 100,
};
/// Attempts without anything that is known, by address.
pub const FAILED_ATTEMPTS: Rate = Rate {
    burst: 20,
    per_second: 1,
};
/// Identities and addresses whose rate is remembered: some hundred bytes each.
pub const MAX_RATES: usize = 10_000;
/// Refused attempts of strangers that the audit log tells one by one; the rest is summed up each minute.
/// Strangers would otherwise choose its size.
pub const AUDITED_STRANGERS: Rate = Rate {
    burst: 60,
    per_second: 1,
};
/// Refused attempts waiting for the store.
pub const AUDIT_QUEUE: usize = 256;

/// `text` cut to at most `bytes` at a character's edge.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// Whole milliseconds of a bound.
#[must_use]
pub const fn millis(bound: Duration) -> u64 {
    bound.as_secs() * 1_000 + bound.subsec_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_characters_edge() {
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("", 0), "");
    }
}
