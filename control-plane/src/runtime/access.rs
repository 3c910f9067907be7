//! Who is let in: the access table as this replica saw it last, rates, and what the audit log is told.
//!
//! A call is judged from memory. The table's count of changes is looked at each second, so that what
//! another replica changed holds here as soon; while the store does not answer, what was seen last goes
//! on: an outage of the store must not lock operators out of the control plane that they need then.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::stopping;
use crate::access::{
    Book, Buckets, Caller, Class, Credentials, Identity, Need, Note, Refusal, Role, Rule, Seal,
    Shown, Source, network,
};
use crate::clock::{self, Clock};
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{AuditRow, Store, StoreError};
use crate::tls::Peer;

mod admin;
mod audit;
mod ceremonies;
mod credential;
mod first_start;
mod passkeys;
mod sign_in;

pub use admin::{AccessError, Created, Granted};
pub(crate) use audit::Outcome;
pub use ceremonies::Asked;
pub use first_start::{DeclaredToken, FirstStartError};
use passkeys::Passkeys;
pub use passkeys::{ListedPasskey, PasskeyError, PasskeyOrigin, PasskeyOriginError, PasskeysAt};
pub use sign_in::{SignInError, SignedIn};

/// How soon what another replica changed holds here.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// When tokens were used is kept this often.
const USES_EVERY: Duration = Duration::from_secs(60);

/// Is anybody asked who they are?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody. For tests in one process, and for a machine where everybody may everything.
    #[default]
    Open,
    /// Everybody.
    Required,
}

/// Everything about access that is said at the start.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// Is anybody asked?
    pub mode: Mode,
    /// Tokens that files hold.
    pub tokens: Vec<DeclaredToken>,
    /// Where the one-time token of a first start goes, beside standard error.
    pub bootstrap_token_file: Option<std::path::PathBuf>,
    /// `/metrics` is open to everybody.
    pub open_metrics: bool,
    /// Where browsers find the dashboard, for passkeys.
    pub passkeys: PasskeyOrigin,
}

#[derive(Debug)]
struct Rates {
    identities: Buckets<Source>,
    strangers: Buckets<IpAddr>,
    audited: Buckets<()>,
}

/// The gate.
#[derive(Debug)]
pub struct Access {
    mode: Mode,
    open_metrics: bool,
    passkeys: Option<Passkeys>,
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
    book: watch::Sender<Arc<Book>>,
    rates: Mutex<Rates>,
    /// Rates are measured by a clock that nobody sets.
    began: tokio::time::Instant,
    refused: mpsc::Sender<AuditRow>,
    refused_rows: Mutex<Option<mpsc::Receiver<AuditRow>>>,
    /// Refused attempts that were summed up already.
    summed: tokio::sync::Mutex<u64>,
}

impl Access {
    /// Reads the table, and makes what a first start needs.
    ///
    /// # Errors
    /// When the store fails, or a declared token cannot be had.
    pub async fn open(
        config: &AccessConfig,
        passkeys_at: Option<PasskeysAt>,
        store: Store,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FirstStartError> {
        let (refused, rows) = mpsc::channel(limits::AUDIT_QUEUE);
        let passkeys = match passkeys_at {
            Some(at) if config.mode == Mode::Required => Some(Passkeys {
                at,
                seal: Seal::new(store.seal(clock::random_bytes()?).await?),
            }),
            _ => None,
        };
        let access = Arc::new(Self {
            mode: config.mode,
            open_metrics: config.open_metrics,
            passkeys,
            store,
            clock,
            metrics,
            book: watch::Sender::new(Arc::default()),
            rates: Mutex::new(Rates {
                identities: Buckets::new(limits::CALLS_PER_IDENTITY, limits::MAX_RATES),
                strangers: Buckets::new(limits::FAILED_ATTEMPTS, limits::MAX_RATES),
                audited: Buckets::new(limits::AUDITED_STRANGERS, 1),
            }),
            began: tokio::time::Instant::now(),
            refused,
            refused_rows: Mutex::new(Some(rows)),
            summed: tokio::sync::Mutex::default(),
        });
        access.read().await?;
        if access.mode == Mode::Required {
            access.declare(&config.tokens).await?;
            let file = config.bootstrap_token_file.as_deref();
            access.first_start(file).await?;
        }
        Ok(access)
    }

    /// Is `/metrics` open to everybody?
    #[must_use]
    pub fn metrics_need(&self) -> Need {
        if self.open_metrics {
            Need::Open
        } else {
            Need::Role(Role::Viewer)
        }
    }

    /// Lets a call in, or tells why not. What is refused is counted, and told to the audit log.
    ///
    /// # Errors
    /// When it is not let in.
    pub fn admit(
        &self,
        peer: Option<&Peer>,
        shown: Shown<'_>,
        rule: Option<Rule>,
        action: &str,
    ) -> Result<Caller, Refusal> {
        let caller = |identity| Caller {
            identity,
            address: peer.map(|peer| peer.address.ip()),
            request_id: self.new_id(),
            note: Note::default(),
        };
        let judged = self.judge(peer, shown, rule);
        match judged {
            Ok(identity) => Ok(caller(identity)),
            Err((identity, refusal)) => {
                self.count_refused(&refusal);
                let caller = caller(identity.unwrap_or_else(Identity::open));
                self.tell_refused(&caller, action, &refusal);
                Err(refusal)
            }
        }
    }

    fn judge(
        &self,
        peer: Option<&Peer>,
        shown: Shown<'_>,
        rule: Option<Rule>,
    ) -> Result<Identity, (Option<Identity>, Refusal)> {
        if self.mode == Mode::Open {
            return Ok(Identity::open());
        }
        let address = peer.map(|peer| peer.address.ip());
        let here = address.is_some_and(|address| address.to_canonical().is_loopback());
        let need = rule.map(|rule| rule.need);
        let identified = match need {
            Some(Need::Open) => return Ok(Identity::open()),
            Some(Need::Local) if here => return Ok(Identity::open()),
            _ => self.identify(peer, shown),
        };
        let identity = match identified {
            Ok(identity) => identity,
            Err(refusal) => {
                let refusal = match address.map(|address| self.attempt(address)) {
                    Some(Err(retry_after)) => Refusal::TooManyAttempts { retry_after },
                    _ => refusal,
                };
                return Err((None, refusal));
            }
        };
        let allowed = match need {
            None => Err(Refusal::NoRule),
            Some(need) => identity.may(need),
        };
        match allowed.and_then(|()| self.rate(&identity)) {
            Ok(()) => Ok(identity),
            Err(refusal) => Err((Some(identity), refusal)),
        }
    }

    /// What was let in named a node that it may not speak for: counted, and told to the audit log.
    pub(crate) fn refuse(&self, caller: &Caller, action: &str, refusal: &Refusal) {
        self.count_refused(refusal);
        self.tell_refused(caller, action, refusal);
    }

    fn count_refused(&self, refusal: &Refusal) {
        let reason = refusal.as_str();
        self.metrics
            .access
            .refused
            .with_label_values(&[reason])
            .inc();
    }

    fn identify(&self, peer: Option<&Peer>, shown: Shown<'_>) -> Result<Identity, Refusal> {
        let now = self.clock.now();
        let book = self.book.borrow();
        let certificate = peer.and_then(|peer| peer.certificate.as_deref());
        let bearer = match shown {
            Shown::Bearer(text) => Some(text),
            Shown::Nothing => None,
            Shown::CookieFromElsewhere => return Err(Refusal::OtherSite),
            // A certificate speaks for itself, whatever old cookie comes with it.
            Shown::Cookie(text) => match book.by_cookie(text, now) {
                Err(_) if certificate.is_some() => None,
                found => return found,
            },
        };
        let credentials = Credentials {
            bearer,
            certificate,
        };
        book.identify(credentials, now)
    }

    /// A one-time token is an attempt that no identity stands for.
    pub(super) fn attempt(&self, address: IpAddr) -> Result<(), Duration> {
        let now = self.elapsed();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.strangers.take(&network(address), now)
    }

    fn rate(&self, identity: &Identity) -> Result<(), Refusal> {
        if identity.role() == Some(Role::Node) {
            return Ok(());
        }
        let now = self.elapsed();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rates.identities.take(identity.source(), now);
        taken.map_err(|retry_after| Refusal::TooMany { retry_after })
    }

    /// Of version 7: in order of time.
    pub(crate) fn new_id(&self) -> Arc<str> {
        // Without randomness the time alone tells calls apart well enough for a log.
        let random = clock::random_bytes().unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(self.clock.now(), &random);
        Arc::from(id.into_uuid().to_string())
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns once this identity would not be let in any more: calls that last end with it.
    pub async fn ended(&self, identity: &Identity) -> Refusal {
        let mut book = self.book.subscribe();
        loop {
            let (still, ends) = {
                let book = book.borrow_and_update();
                let now = self.clock.now();
                let left = book.ends(identity).map(|end| end.saturating_sub(now));
                (book.still(identity, now), left)
            };
            if let Err(refusal) = still {
                return refusal;
            }
            let end = async {
                match ends {
                    Some(left) => tokio::time::sleep(Duration::from_millis(left)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = book.changed() => if changed.is_err() {
                    // The sender is in `self`, which is borrowed.
                    std::future::pending::<()>().await;
                },
                () = end => {}
            }
        }
    }

    /// Looks for changes of other replicas, keeps when tokens were used, writes refused attempts.
    pub(super) async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let rows = self
            .refused_rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut rows) = rows else { return };
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut uses = tokio::time::interval(USES_EVERY);
        uses.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping(&mut stop) => break,
                _ = look.tick() => self.look().await,
                _ = uses.tick() => {
                    self.keep_uses().await;
                    self.sum_up().await;
                    if let Err(error) = self.store.tidy_access(self.clock.now()).await {
                        tracing::warn!(%error, "the audit log was not tidied");
                    }
                }
                row = rows.recv() => {
                    let mut batch: Vec<_> = row.into_iter().collect();
                    while let Ok(row) = rows.try_recv() {
                        batch.push(row);
                    }
                    self.write(&batch).await;
                }
            }
        }
        self.keep_uses().await;
    }

    async fn look(&self) {
        let seen = self.book.borrow().version();
        let read = match self.store.access_version().await {
            Ok(version) if version == seen => return,
            Ok(_) => self.read().await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            tracing::warn!(%error, "the access table cannot be read; what was seen last holds");
        }
    }

    /// Reads the table; what is in it holds from now on.
    pub(super) async fn read(&self) -> Result<(), StoreError> {
        let stored = self.store.access().await?;
        let book = Book::new(stored.version, stored.tokens, stored.certificates)
            .with_passkeys(stored.passkeys)
            .with_sign_ins(stored.sign_ins);
        self.book.send_if_modified(|held| {
            // Two readings may end in the other order.
            let newer = book.version() >= held.version();
            if newer {
                *held = Arc::new(book.after(held));
            }
            newer
        });
        Ok(())
    }

    async fn keep_uses(&self) {
        let used = self.book.borrow().used();
        if used.is_empty() {
            return;
        }
        if let Err(error) = self.store.tokens_used(&used).await {
            tracing::debug!(%error, "when tokens were used was not kept");
        }
    }
}

impl Refusal {
    /// A refusal of somebody who is known is theirs, and told as theirs.
    fn is_strangers(&self) -> bool {
        self.class() == Class::Unknown || matches!(self, Self::TooManyAttempts { .. })
    }
}
