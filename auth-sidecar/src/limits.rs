//! Everything here can be driven by a stranger, so everything has a bound, and each bound a reason.

use std::time::Duration;

use crate::lockout::Patience;
use crate::rate::Allowance;

/// Bytes of a ticket. The filter puts return paths of up to 24 KiB into one; base64 adds a third and
/// the other claims take the rest.
pub const TICKET_BYTES: usize = 40 * 1024;

/// Bytes of a body that carries a ticket.
pub const TICKET_BODY_BYTES: usize = TICKET_BYTES + 4 * 1024;

/// Bytes of a credential's answer. The largest honest one is an RSA-4096 registration of about
/// 3 KiB; attestation certificates would add some more.
pub const CREDENTIAL_BODY_BYTES: usize = 32 * 1024;

/// How long a body may take to arrive; a slow one would hold a slot.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of `Cookie` headers that are looked at. Browsers send at most about 4 KiB a cookie; a site
/// with more cookies than this is served as if it had sent none of ours.
pub const COOKIE_BYTES: usize = 32 * 1024;

/// Bytes of a session cookie that are worth a signature check.
pub const SESSION_BYTES: usize = 4 * 1024;

/// Bytes of `Accept-Language` that are looked at.
pub const ACCEPT_LANGUAGE_BYTES: usize = 512;

/// Requests in work at once; one more is answered 503 at once instead of queueing without end.
pub const REQUESTS_IN_FLIGHT: usize = 512;

/// Relying parties kept ready, one for each (scheme, host with port). The oldest is forgotten: it
/// can be built again in microseconds.
pub const RELYING_PARTIES: usize = 256;

/// How long a ceremony waits for its answer.
pub const CEREMONY_LIFETIME_S: u64 = 300;

/// Ceremonies that wait at once; each is about 2 KiB in the store.
pub const CEREMONIES: u64 = 50_000;

/// Ceremonies that one ticket may start. A person who failed this often gets a new ticket by going
/// back to the page; a program is slowed to the rate at which the filter issues tickets.
pub const ATTEMPTS_PER_TICKET: u64 = 20;

/// Steps (`unsupported`, `cancelled`) that one ticket may claim before they are no longer recorded.
pub const CLAIMS_PER_TICKET: u64 = 20;

/// Tickets remembered at once. One is forgotten when it could no longer verify.
pub const TICKETS: u64 = 500_000;

/// Credentials offered in one authentication: a browser has one as a rule, a few after a reset.
pub const CREDENTIALS_PER_DEVICE: u64 = 8;

/// Credentials in the store; past this the ones that were used longest ago are forgotten.
pub const CREDENTIALS: u64 = 2_000_000;

/// A device that was not seen for as long as its cookie lives (400 days, the most that browsers
/// keep a cookie) cannot come back.
pub const DEVICE_COOKIE_S: u64 = 400 * 24 * 3600;

/// Puzzles of one proof of work: so many that its time varies by less than a fifth.
pub const POW_PUZZLES: u32 = 32;

/// Hashes that a proof of work takes on average when nothing is going on: a fraction of a second on a
/// desktop, about a second on a phone.
pub const POW_WORK: u64 = 1 << 18;

/// The hardest it gets, whoever asks how often: half a minute on a slow phone. Harder would shut out
/// people behind the same address before it hurts a program.
pub const POW_WORK_MOST: u64 = 1 << 23;

/// How long a proof of work waits for its answer: what takes longer is worked elsewhere.
pub const POW_LIFETIME_S: u64 = 120;

/// Proofs of work that one network may begin before they get harder: an office opens in the morning.
pub const POW_FREE_OF_PREFIX: u64 = 16;

/// The same for all networks together.
pub const POW_FREE_OF_ALL: u64 = 2_000;

/// What a network asked for counts half after this long.
pub const POW_HALF_LIFE_S: u64 = 120;

/// Networks whose asking is remembered, about 100 bytes each.
pub const POW_PREFIXES: usize = 32_768;

/// How long a form without JavaScript has to be held.
pub const NOJS_WAIT_S: u64 = 5;

/// Presses of its button that come too soon before one has to begin again.
pub const NOJS_TRIES: u32 = 5;

/// Outcomes kept while the control plane is away, about 200 bytes each.
pub const SPOOL: u64 = 100_000;

/// A full spool is made smaller once in so many outcomes, and holds that many more until then.
pub const SPOOL_TRIM: u64 = 64;

/// Beside them, outcomes that end a device's sessions, which stay when the others have to go. The control
/// plane takes ten such a minute.
pub const SPOOL_COMPROMISED: u64 = 1_000;

/// Outcomes read from the spool and sent at a time.
pub const SPOOL_BATCH: u64 = 256;

/// How long an outcome waits for others that are told with it, as do their acknowledgements: a twentieth
/// of the second in which a revocation has to be everywhere.
pub const SPOOL_GATHER: Duration = Duration::from_millis(50);

/// Session keys in the store: one live, one pending, and those whose sessions have not all ended.
/// A rotation past this is refused, because every filter carries them all.
pub const SESSION_KEYS: usize = 8;

/// Rotation requests remembered, so that a repeated one makes no second key.
pub const ROTATIONS: u64 = 1_000;

/// Ticket keys and revocations accepted from the control plane.
pub const TICKET_KEYS: usize = 16;
/// See [`TICKET_KEYS`].
pub const REVOCATIONS: usize = 100_000;

/// Less than a second cannot be said in a JWT.
pub const SESSION_LIFETIME_MIN_S: u64 = 1;
/// A session is a bearer token: a month is more than any policy should want.
pub const SESSION_LIFETIME_MAX_S: u64 = 30 * 24 * 3600;
/// When the control plane names no lifetime.
pub const SESSION_LIFETIME_DEFAULT_S: u64 = 3600;

/// A session of a higher grade is kept beside a new lesser proof if it lasts longer than this: else the
/// new proof would be asked for again at once.
pub const STRONGER_LEFT_S: u64 = 60;

/// How far filter clocks may be off when they check a session. The sidecar is not told the
/// configured leeway, so a key is kept for the most that can be configured sensibly.
pub const SESSION_LEEWAY_MAX_S: u64 = 300;

/// How far the filter's clock may be ahead of or behind ours when a ticket is checked.
pub const TICKET_LEEWAY_S: u64 = 5;

/// How long the page and the browser wait for the person.
pub const PROMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// How often expired rows are removed and keys are looked at.
pub const HOUSEKEEPING: Duration = Duration::from_secs(15);

/// Connections to a store on a server for transactions that write: one does, and the next is not far.
pub const STORE_WRITERS: u32 = 4;
/// Connections for everything else; apart, so that who waits for the lock keeps nobody from reading.
pub const STORE_READERS: u32 = 8;
/// How long the store may take for a connection or a lock: a person waits, and Envoy waits 15 s for us.
pub const STORE_WAIT: Duration = Duration::from_secs(5);
/// How often is looked whether the store answers and what another sidecar wrote into it: a key that one
/// signs with is known to the others before it is known to every filter.
pub const STORE_LOOK: Duration = Duration::from_secs(1);
/// A sidecar that stands still in the middle of a transaction keeps the others from writing for so long.
pub const STORE_STANDSTILL: Duration = Duration::from_secs(10);

/// Waits between attempts to reach the control plane.
pub const RECONNECT_MIN: Duration = Duration::from_millis(200);
/// See [`RECONNECT_MIN`].
pub const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// How long open requests may go on after a signal to stop.
pub const SHUTDOWN: Duration = Duration::from_secs(5);

/// Bytes of a captcha's token; the longest that providers make are about 3 KiB.
pub const CAPTCHA_TOKEN_BYTES: usize = 8 * 1024;

/// Bytes of a provider's answer about a token; an honest one has some hundred.
pub const CAPTCHA_ANSWER_BYTES: usize = 16 * 1024;

/// How long a provider may take, all in all: a person waits, and Envoy waits 15 s for us.
pub const CAPTCHA_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection to it may take.
pub const CAPTCHA_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Questions to the provider at once. A slow one holds these and leaves the other places of
/// [`REQUESTS_IN_FLIGHT`] to the other kinds.
pub const CAPTCHAS_IN_FLIGHT: usize = 64;

/// How long ago a captcha may have been solved. Longer, and tokens could be bought in advance.
pub const CAPTCHA_AGE_S: u64 = 300;
/// How far the provider's clock may be ahead of ours.
pub const CAPTCHA_SKEW_S: u64 = 60;

/// Ceremonies begun from one prefix: some hundred people of one office at once, then five a second.
/// What waits of one prefix is at most the burst and five minutes of this, a thirtieth of
/// [`CEREMONIES`].
pub const BEGIN_RATE: Allowance = Allowance {
    burst: 300,
    each_ms: 200,
};

/// Answers from one prefix: each ceremony may be answered a few times.
pub const ANSWER_RATE: Allowance = Allowance {
    burst: 600,
    each_ms: 100,
};

/// Mails that one prefix may have sent. Each costs the site's reputation a little, and whoever gets it
/// unasked some patience.
pub const MAIL_RATE: Allowance = Allowance {
    burst: 30,
    each_ms: 10_000,
};

/// Devices whose sessions one prefix may have ended by showing a copied credential. Each is a revocation
/// that every filter is told, and whoever makes devices of his own can copy their credentials.
pub const COMPROMISE_RATE: Allowance = Allowance {
    burst: 5,
    each_ms: 60_000,
};

/// Prefixes whose rate is remembered, about 50 bytes each, for each of the four rates.
pub const RATE_BUCKETS: usize = 200_000;

/// Codes of an authenticator app that one device may get wrong. The device alone can, by its cookie: a
/// long lock-out harms nobody else.
pub const TOTP_PATIENCE: Patience = Patience {
    free: 5,
    first_s: 60,
    most_s: 24 * 3600,
    forget_s: 48 * 3600,
};

/// Codes that may be got wrong for one mail address. Strangers can do that to somebody: an hour at most.
pub const ADDRESS_PATIENCE: Patience = Patience {
    free: 10,
    first_s: 60,
    most_s: 3600,
    forget_s: 24 * 3600,
};

/// Mails to one address whose code nobody has entered.
pub const MAIL_PATIENCE: Patience = Patience {
    free: 3,
    first_s: 60,
    most_s: 6 * 3600,
    forget_s: 24 * 3600,
};

/// Codes of any kind that may be got wrong from one prefix, whomever they are for: otherwise who has many
/// targets has many tries. People share a prefix, so it begins late.
pub const PREFIX_PATIENCE: Patience = Patience {
    free: 50,
    first_s: 60,
    most_s: 3600,
    forget_s: 24 * 3600,
};

/// Ceremonies of any kind that one device may fail. What is refused here costs machines little and
/// tells nothing; it is a brake on programs.
pub const DEVICE_PATIENCE: Patience = Patience {
    free: 20,
    first_s: 10,
    most_s: 900,
    forget_s: 3600,
};

/// Devices, addresses and prefixes whose failures are remembered; past this the ones that failed longest
/// ago are forgotten. About 150 bytes each.
pub const LOCKOUTS: u64 = 500_000;

/// Bytes of a mail address (RFC 5321: 254).
pub const ADDRESS_BYTES: usize = 254;

/// How long a code that was mailed is good: mail takes its time.
pub const CODE_LIFETIME_S: u64 = 600;

/// Times that one code may be got wrong.
pub const CODE_TRIES: u32 = 5;

/// Codes that wait for the mail server. One more is not taken, whomever it is for.
pub const MAILS_WAITING: usize = 256;
/// Mails on their way at once.
pub const MAILS_IN_FLIGHT: usize = 4;
/// How long one step of sending may take.
pub const SMTP_STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sending one mail may take, all in all.
pub const SMTP_TIMEOUT: Duration = Duration::from_secs(20);
/// How often the mail server is asked whether it is there.
pub const SMTP_ASK: Duration = Duration::from_secs(60);
/// The same while it is not.
pub const SMTP_ASK_AWAY: Duration = Duration::from_secs(5);

/// Authenticator apps in the store; past this the ones that were used longest ago are forgotten.
pub const TOTPS: u64 = 1_000_000;

/// How long setting up an authenticator app may take.
pub const ENROLMENT_S: u64 = 900;

/// Bytes of a form of the page that sets up an authenticator app.
pub const FORM_BYTES: usize = 1024;

/// The longest that a ceremony of any kind waits: a ticket is remembered until none of its could pass.
pub const CEREMONY_LONGEST_S: u64 = CODE_LIFETIME_S;
/// Bytes of a held body: the most that a policy can have kept.
pub const HELD_BODY_BYTES: usize = 1024 * 1024;

/// How long a body is kept.
pub const HELD_LIFETIME_S: u64 = 300;

/// How long at least it is kept after its sender's proof: the browser fetches it at once.
pub const HELD_GRACE_S: u64 = 60;

/// Bytes of all held bodies together, unless the command line says otherwise.
pub const HELD_BYTES: u64 = 64 * 1024 * 1024;

/// What a held body counts for besides its bytes: a row, its place in indexes, its headers. So empty
/// bodies are bounded as well.
pub const HELD_ROW_BYTES: u64 = 1024;

/// One network may have a body of the largest size kept, with its path and headers, however small the
/// room is; otherwise one in [`HELD_SHARES`] of it, so that nobody alone can take all of it.
pub const HELD_SIZE: u64 = HELD_BODY_BYTES as u64 + 64 * 1024;
/// See [`HELD_SIZE`].
pub const HELD_SHARES: u64 = 8;

/// Bodies on their way in at once: each is in memory three times while it is sealed.
pub const HELD_IN_FLIGHT: usize = 32;

/// Bytes of a site's logo, as the control plane bounds it.
pub const LOGO_BYTES: usize = 32 * 1024;

/// Bytes of a site's name: sixty characters of any script.
pub const PAGE_NAME_BYTES: usize = 240;

/// Root certificates of makers, or of the metadata's signer: there are some dozens in the world.
pub const ROOTS: usize = 256;

/// Bytes of a file of root certificates.
pub const ROOTS_BYTES: u64 = 1 << 20;

/// Bytes of a list of models: some ten thousand lines.
pub const MODELS_BYTES: u64 = 1 << 20;

/// Bytes of FIDO metadata; what the service publishes is below 10 MiB.
pub const METADATA_BYTES: u64 = 64 << 20;

/// Entries of FIDO metadata; what the service publishes has a few hundred.
pub const METADATA_ENTRIES: usize = 20_000;

/// How long a browser may take to register a key for a session that was just earned. It begins at once;
/// making a key in a security chip takes up to seconds.
pub const BOUND_OFFER_S: u64 = 60;

/// How long a challenge for a session's key is good: signing in a security chip takes up to seconds.
pub const BOUND_CHALLENGE_S: u64 = 60;

/// Offers and bound sessions in the store, about 800 bytes each; past this those that end first are
/// forgotten, and their browsers are challenged again.
pub const BOUND_SESSIONS: u64 = 1_000_000;

/// Bytes of what a browser signs; an honest one has some 500.
pub const BOUND_RESPONSE_BYTES: usize = 4 * 1024;

/// Bytes of a bound session's name.
pub const BOUND_ID_BYTES: usize = 64;

/// Bytes of the body of a browser's request for a copy, which has none.
pub const BOUND_BODY_BYTES: usize = 1024;

/// The least that a copy of a bound session may last. Browsers bound how often they sign (Chromium some
/// six times in nine minutes): below two minutes is for tests.
pub const BOUND_LIFETIME_MIN_S: u64 = 10;
/// How much earlier than its token the cookie of a bound session ends, at the most.
pub const BOUND_EARLY_S: u64 = 10;
/// The most: so long a copied cookie is good.
pub const BOUND_LIFETIME_MAX_S: u64 = 3600;
/// For sessions that were bound before that was switched off.
pub const BOUND_LIFETIME_DEFAULT_S: u64 = 300;

/// How long somebody may wait for a proof that is given on another device: to find it, and to type.
pub const PAIRING_LIFETIME_S: u64 = 600;

/// Pairings that wait at once, about 2 KiB each; past this the oldest of whoever has most go,
/// [`PAIRINGS_EVICTED`] at a time, so that a flood costs the one who makes it.
pub const PAIRINGS: u64 = 20_000;
/// See [`PAIRINGS`].
pub const PAIRINGS_EVICTED: u64 = 100;

/// Seconds between two questions of a program (RFC 8628 section 3.5), and what is added when it asks
/// sooner.
pub const PAIRING_INTERVAL_S: u64 = 5;
/// The same of a page, whose person looks at it.
pub const PAIRING_BROWSER_INTERVAL_S: u64 = 2;

/// How far a program's clock may be off when it asks for a token that is bound to its key.
pub const PROOF_LEEWAY_S: i64 = 30;
