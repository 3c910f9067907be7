//! A sidecar with a clock that the test moves and a store of its own: a file, or with
//! `COUNTERSIGN_TEST_STORE=postgres` a database on a server.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_auth_sidecar::app::{App, StartError};
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::channels::ChannelOptions;
use countersign_auth_sidecar::ticket::TYP;
use countersign_auth_sidecar::world::{Clock, SystemRandom, opaque_id};
use countersign_database::testing::{Database, On};
use countersign_proto::node::v1::{Outcome, SidecarSettings, Step};
use countersign_proto::policy::v1::TicketKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

pub const START_S: u64 = 1_800_000_000;
pub const SECRET: [u8; 32] = [7; 32];
pub const HOST: &str = "localhost:10443";

/// A clock that stands still until it is moved.
pub struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub struct World {
    pub app: Arc<App>,
    pub clock: Arc<HandClock>,
    pub folder: PathBuf,
    pub database: Arc<Database>,
    channels: ChannelOptions,
    tickets: AtomicU64,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!(
        "countersign-sidecar-{}",
        opaque_id(&SystemRandom).unwrap()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn settings() -> SidecarSettings {
    SidecarSettings {
        session_lifetime_s: 3600,
        ticket_keys: vec![TicketKey {
            kid: "t1".into(),
            secret: SECRET.to_vec(),
        }],
        revocations: vec![],
        bound_lifetime_s: 300,
        page: None,
    }
}

impl World {
    /// Nothing was ever heard from a control plane.
    pub async fn fresh() -> Self {
        Self::fresh_with(ChannelOptions::default()).await
    }

    async fn fresh_with(channels: ChannelOptions) -> Self {
        Self::try_with(channels).await.unwrap()
    }

    /// With options that may be wrong.
    pub async fn try_with(channels: ChannelOptions) -> Result<Self, StartError> {
        Self::try_in(Database::new(On::chosen()).await, channels).await
    }

    async fn try_in(database: Database, channels: ChannelOptions) -> Result<Self, StartError> {
        let folder = folder();
        let database = Arc::new(database);
        let clock = Arc::new(HandClock(AtomicU64::new(START_S * 1000)));
        let app = open(&database, &folder, &clock, &channels).await?;
        Ok(Self {
            app,
            clock,
            folder,
            database,
            channels,
            tickets: AtomicU64::new(0),
        })
    }

    /// Settings known and the session key live.
    pub async fn ready() -> Self {
        Self::with(ChannelOptions::default()).await
    }

    /// The same with captcha or mail.
    pub async fn with(channels: ChannelOptions) -> Self {
        Self::fresh_with(channels).await.made_ready().await
    }

    /// The same in a database that the test chose.
    pub async fn ready_in(database: Database) -> Self {
        let world = Self::try_in(database, ChannelOptions::default())
            .await
            .unwrap();
        world.made_ready().await
    }

    async fn made_ready(self) -> Self {
        let world = self;
        world.app.take_settings(&settings()).await.unwrap();
        world.app.keys_live(&world.kids()).await.unwrap();
        assert!(world.app.is_ready());
        world
    }

    /// Another sidecar on the same store, with a copy of the key file.
    pub async fn beside(&self) -> Self {
        let folder = folder();
        std::fs::copy(self.folder.join("kek"), folder.join("kek")).unwrap();
        let app = open(&self.database, &folder, &self.clock, &self.channels);
        Self {
            app: app.await.unwrap(),
            clock: Arc::clone(&self.clock),
            folder,
            database: Arc::clone(&self.database),
            channels: self.channels.clone(),
            tickets: AtomicU64::new(1_000_000),
        }
    }

    /// The same store, opened again.
    pub async fn restart(&mut self) {
        self.app.store.close().await;
        self.app = open(&self.database, &self.folder, &self.clock, &self.channels)
            .await
            .unwrap();
    }

    pub fn pass_time(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub fn kids(&self) -> Vec<String> {
        self.app
            .keys
            .borrow()
            .verifiers
            .iter()
            .map(|key| key.kid.clone())
            .collect()
    }

    /// The claims of a good ticket with an event id of its own.
    pub fn claims(&self) -> Value {
        let number = self.tickets.fetch_add(1, Ordering::SeqCst);
        let now = self.clock.now_s();
        json!({
            "iss": "countersign-filter", "aud": HOST, "scheme": "https", "path": "/checkout?step=2",
            "policy": "checkout-protection", "jti": format!("event-{number}"), "acr": "uv", "max_age": 0,
            "kinds": ["fido"], "fallback": [], "iat": now, "exp": now + 600,
        })
    }

    pub fn ticket(&self) -> String {
        sign(&self.claims())
    }

    pub fn ticket_with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        sign(&claims)
    }

    /// Everything that waits for the control plane.
    pub async fn outcomes(&self) -> Vec<Outcome> {
        self.app.store.spooled_after(0).await.unwrap()
    }

    pub async fn steps(&self) -> Vec<Step> {
        self.outcomes().await.iter().map(Outcome::step).collect()
    }

    pub fn refusals(&self, cause: Cause) -> u64 {
        self.app
            .metrics
            .refusals
            .with_label_values(&[cause.name()])
            .get()
    }
}

pub async fn open(
    database: &Database,
    folder: &std::path::Path,
    clock: &Arc<HandClock>,
    channels: &ChannelOptions,
) -> Result<Arc<App>, StartError> {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let random = Arc::new(SystemRandom);
    App::open(database.url(), &folder.join("kek"), clock, random, channels).await
}

pub fn sign(claims: &Value) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(TYP.to_owned());
    header.kid = Some("t1".to_owned());
    encode(&header, claims, &EncodingKey::from_secret(&SECRET)).unwrap()
}
