//! What every request and the control-plane stream share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::http::HeaderMap;
use countersign_proto::node::v1::{Outcome, SidecarSettings};
use prometheus::IntGauge;
use prost::Message as _;
use tokio::sync::{Notify, Semaphore, watch};

use crate::authority::Authority;
use crate::cause::Cause;
use crate::channels::texts::ChannelTexts;
use crate::channels::{ChannelOptions, Channels, InvalidChannels};
use crate::cookies;
use crate::http::frame;
use crate::keys::KeyRing;
use crate::keys::kek::{Kek, KeyFileError, SealError};
use crate::keys::tag::{TagKeyError, Tagger};
use crate::kind::Kind;
use crate::kinds::pow::Pressure;
use crate::language::{Catalog, InvalidCatalog};
use crate::limits;
use crate::metrics::Metrics;
use crate::outcome::{self, Step};
use crate::pairing;
use crate::rate::Rates;
use crate::session::{self, Session};
use crate::settings::{InvalidSettings, Settings};
use crate::store::{Connection, OpenError, Store, StoreError};
use crate::ticket::Ticket;
use crate::totp::texts::AllTexts;
use crate::webauthn::RelyingParties;
use crate::world::{Clock, NoRandomness, Random, opaque_id};

const SETTINGS: &str = "settings";

/// The sidecar's state.
pub struct App {
    /// What outlives this process, and what sidecars that share it agree by.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Seals what the store holds.
    pub kek: Kek,
    /// Hashes what the store may compare and not read.
    pub tagger: Tagger,
    /// What the operator set up: captcha, mail.
    pub channels: Channels,
    /// How often each address prefix may ask.
    pub rates: Rates,
    /// Session keys as they stand now.
    pub keys: watch::Sender<Arc<KeyRing>>,
    /// `None`: the control plane has never told any. Its own state, with its own answer (503).
    pub settings: watch::Sender<Option<Arc<Settings>>>,
    /// Verifiers.
    pub relying_parties: RelyingParties,
    /// What the page says that sets up an authenticator app.
    pub totp_texts: AllTexts,
    /// What the page says for codes and captchas.
    pub channel_texts: ChannelTexts,
    /// What is said where proof is given on another device.
    pub pairing_texts: pairing::texts::AllTexts,
    /// What is said in a frame of another origin.
    pub frame_texts: frame::AllTexts,
    /// Messages by language.
    pub catalog: Catalog,
    /// Counters.
    pub metrics: Metrics,
    /// Rung when the spool grew.
    pub spool_grew: Notify,
    /// The spool's name: sequence numbers belong to it.
    pub spool: String,
    /// How hard proof of work is.
    pub pressure: Pressure,
    /// Places for requests.
    pub places: Semaphore,
    /// Places for bodies on their way in.
    pub held_places: Semaphore,
    /// Bytes of held bodies that are kept at the most.
    pub held_bytes: AtomicU64,
}

/// Why the sidecar cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A statement.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key file is another store's.
    #[error(
        "the key file `{0}` does not open what is in the store: it belongs to another store; give the right one with --key-file (sidecars that share a store need copies of one key file: copy that of a sidecar that runs), or start with a new store"
    )]
    WrongKeyFile(std::path::PathBuf),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// A key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Two metrics of one name.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The key of hashes.
    #[error(transparent)]
    TagKey(#[from] TagKeyError),
    /// Captcha or mail.
    #[error(transparent)]
    Channels(#[from] InvalidChannels),
    /// A language file.
    #[error(transparent)]
    Catalog(#[from] InvalidCatalog),
    /// Texts of pages.
    #[error("the texts of pages cannot be read: {0}")]
    Texts(#[from] serde_json::Error),
    /// A key in the store.
    #[error(transparent)]
    Key(#[from] crate::keys::InvalidKey),
}

/// Why a message of the control plane was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It says what cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidSettings),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl App {
    /// Opens store and key file, and remembers what the control plane said last.
    pub async fn open(
        database_url: &str,
        key_file: &std::path::Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        channels: &ChannelOptions,
    ) -> Result<Arc<Self>, StartError> {
        let store = Store::open(database_url).await?;
        let kek = Kek::open(key_file, !store.holds_sealed().await?, random.as_ref())?;
        let spool = store.meta_or("spool", &opaque_id(random.as_ref())?).await?;
        store.prune(clock.now_s()).await?;
        let tagger = match Tagger::open(&store, &kek, random.as_ref()).await {
            Err(TagKeyError::Seal(SealError::Refused)) => {
                return Err(StartError::WrongKeyFile(key_file.to_owned()));
            }
            tagger => tagger?,
        };
        let metrics = Metrics::new()?;
        let app = Arc::new(Self {
            store,
            tagger,
            channels: Channels::start(channels, &metrics, clock.now_s())?,
            rates: Rates::default(),
            clock,
            random,
            kek,
            keys: watch::Sender::new(Arc::new(KeyRing::default())),
            settings: watch::Sender::new(None),
            relying_parties: RelyingParties::default(),
            catalog: Catalog::builtin()?,
            totp_texts: AllTexts::builtin()?,
            channel_texts: ChannelTexts::builtin()?,
            frame_texts: frame::AllTexts::builtin()?,
            pairing_texts: pairing::texts::AllTexts::builtin()?,
            metrics,
            spool_grew: Notify::new(),
            spool,
            pressure: Pressure::default(),
            places: Semaphore::new(limits::REQUESTS_IN_FLIGHT),
            held_places: Semaphore::new(limits::HELD_IN_FLIGHT),
            held_bytes: AtomicU64::new(limits::HELD_BYTES),
        });
        app.ensure_session_key().await?;
        app.load_keys().await.map_err(|error| match error {
            crate::control::keys::KeyError::Seal(SealError::Refused) => {
                StartError::WrongKeyFile(key_file.to_owned())
            }
            crate::control::keys::KeyError::Seal(error) => error.into(),
            crate::control::keys::KeyError::Store(error) => error.into(),
            crate::control::keys::KeyError::Key(error) => error.into(),
        })?;
        app.recall_settings().await?;
        Ok(app)
    }

    /// Whether a ticket can be read and a session signed that every filter accepts, and the store says
    /// what was done already.
    pub fn is_ready(&self) -> bool {
        let ticket_key = self
            .settings
            .borrow()
            .as_ref()
            .is_some_and(|settings| !settings.ticket_keys.is_empty());
        let ready = ticket_key && self.keys.borrow().signer.is_some() && self.store.answers();
        self.metrics.ready.set(ready.into());
        ready
    }

    /// The settings in force.
    #[must_use]
    pub fn current_settings(&self) -> Option<Arc<Settings>> {
        self.settings.borrow().clone()
    }

    /// Takes settings and keeps them, sealed: they hold ticket keys.
    pub async fn take_settings(&self, message: &SidecarSettings) -> Result<(), SettingsError> {
        let settings = Settings::try_from(message)?;
        let sealed = self
            .kek
            .seal(SETTINGS, &message.encode_to_vec(), self.random.as_ref())?;
        self.store.set_meta(SETTINGS, &sealed).await?;
        self.settings.send_replace(Some(Arc::new(settings)));
        Ok(())
    }

    /// Reads back the settings of the last run: a restart works while the control plane is away.
    async fn recall_settings(&self) -> Result<(), StartError> {
        let Some(sealed) = self.store.meta(SETTINGS).await? else {
            return Ok(());
        };
        let known = self.kek.unseal(SETTINGS, &sealed).ok().and_then(|bytes| {
            let message = SidecarSettings::decode(bytes.as_slice()).ok()?;
            Settings::try_from(&message).ok()
        });
        match known {
            Some(settings) => {
                self.settings.send_replace(Some(Arc::new(settings)));
            }
            None => {
                tracing::warn!("the stored settings cannot be read; waiting for the control plane")
            }
        }
        Ok(())
    }

    /// The browser's own session at this host, if it is good: any good one, when it sent several.
    #[must_use]
    pub fn session_of(&self, headers: &HeaderMap, host: &Authority) -> Option<Session> {
        let settings = self.current_settings()?;
        let ring = self.keys.borrow().clone();
        let now = self.clock.now_s();
        // Two are the most that an honest browser could send, by a clash of cookie jars.
        cookies::values(headers, cookies::SESSION)
            .into_iter()
            .take(2)
            .find_map(|text| {
                session::verify(text, &ring.verifiers, &settings.revocations, host, now)
            })
    }

    /// Spools one step within a transaction.
    pub async fn record(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
        kind: Option<Kind>,
        step: Step<'_>,
        device: &str,
    ) -> Result<(), StoreError> {
        let message = outcome::message(ticket, kind, step, device, self.clock.now_ms());
        self.spool_message(on, message).await?;
        self.metrics.steps.with_label_values(&[step.word()]).inc();
        Ok(())
    }

    /// Spools a refusal that ends the device's sessions, within a transaction.
    pub async fn record_compromise(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
        kind: Kind,
        device: &str,
    ) -> Result<(), StoreError> {
        let step = Step::Rejected(Cause::CredentialCloned);
        let message = outcome::message(ticket, Some(kind), step, device, self.clock.now_ms());
        let message = Outcome {
            compromised: true,
            ..message
        };
        self.spool_message(on, message).await?;
        self.metrics.steps.with_label_values(&[step.word()]).inc();
        Ok(())
    }

    async fn spool_message(
        &self,
        on: &mut Connection,
        mut message: Outcome,
    ) -> Result<(), StoreError> {
        message.spool.clone_from(&self.spool);
        let dropped = self.store.spool(on, &mut message).await?;
        self.metrics.outcomes_dropped.inc_by(dropped);
        Ok(())
    }

    /// Removes what is over, looks after keys, refreshes gauges.
    pub async fn keep_house(&self) {
        if let Err(error) = self.store.prune(self.clock.now_s()).await {
            tracing::warn!(%error, "cannot prune the store");
        }
        if let Err(error) = self.drop_ended_keys().await {
            tracing::warn!(%error, "cannot look after the session keys");
        }
        let show = |gauge: &IntGauge, counted: Result<u64, StoreError>, what| match counted {
            Ok(number) => gauge.set(i64::try_from(number).unwrap_or(i64::MAX)),
            Err(error) => tracing::warn!(%error, "cannot count {what}"),
        };
        let (store, metrics) = (&self.store, &self.metrics);
        show(&metrics.spooled, store.spool_size().await, "the spool");
        let held = store.held_bytes().await;
        show(&metrics.held_bytes, held, "the held bodies");
        let bound = store.bound_sessions().await;
        show(&metrics.bound_now, bound, "the bound sessions");
        if let Some(attestation) = &self.channels.attestation {
            match attestation.refresh(self.clock.now_s()) {
                Ok(true) => tracing::info!("took what was written of authenticators"),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "authenticators stay as they were"),
            }
        }
        self.is_ready();
    }
}
