//! Holds what is served with, and looks each second whether the files hold something newer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::files::{Material, Pems, TlsError, TlsFiles};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// How often the files are looked at: reading three small files costs nothing beside what waiting for
/// notices of every kind of file system does.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The material in use.
#[derive(Debug)]
pub struct Keeper {
    files: TlsFiles,
    clock: Clock,
    metrics: Arc<Metrics>,
    material: watch::Sender<Material>,
    seen: tokio::sync::Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    used: Option<Pems>,
    /// What could not be used at the last look. Certificate and key are two files: between the two
    /// writes they never fit, so that only what is still so a second later is an error.
    bad: Option<Result<Pems, String>>,
    told: bool,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seen")
    }
}

impl Keeper {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(files: TlsFiles, clock: Clock, metrics: Arc<Metrics>) -> Result<Self, TlsError> {
        let pems = files.read()?;
        let material = files.material(&pems, clock.now())?;
        metrics.access.tls_ends.set(material.ends);
        Ok(Self {
            files,
            clock,
            metrics,
            material: watch::Sender::new(material),
            seen: tokio::sync::Mutex::new(Seen {
                used: Some(pems),
                ..Seen::default()
            }),
        })
    }

    pub(super) fn material(&self) -> Material {
        self.material.borrow().clone()
    }

    /// Looks each second until dropped.
    pub async fn follow(&self) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.look().await;
        }
    }

    /// Looks once.
    pub async fn look(&self) {
        let mut seen = self.seen.lock().await;
        let read = self.files.read();
        if let Ok(pems) = &read
            && seen.used.as_ref() == Some(pems)
        {
            seen.bad = None;
            seen.told = false;
            return;
        }
        let made = match &read {
            Ok(pems) => self.files.material(pems, self.clock.now()),
            Err(error) => return self.keep_old(&mut seen, Err(error.to_string()), error),
        };
        match (made, read) {
            (Ok(material), Ok(pems)) => {
                self.metrics.access.tls_ends.set(material.ends);
                self.metrics.access.tls_reloads.inc();
                self.material.send_replace(material);
                *seen = Seen {
                    used: Some(pems),
                    ..Seen::default()
                };
                tracing::info!(certificate = %self.files.certificate.display(), "TLS goes on with the new certificate");
            }
            (Err(error), Ok(pems)) => self.keep_old(&mut seen, Ok(pems), &error),
            (_, Err(_)) => {}
        }
    }

    fn keep_old(&self, seen: &mut Seen, bad: Result<Pems, String>, error: &TlsError) {
        let again = seen.bad.as_ref() == Some(&bad);
        if !again {
            seen.told = false;
        }
        seen.bad = Some(bad);
        if again && !std::mem::replace(&mut seen.told, true) {
            self.metrics.access.tls_reload_errors.inc();
            tracing::error!(%error, "the new TLS files cannot be used; the old certificate goes on");
        }
    }
}
