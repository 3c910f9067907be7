//! What happens to session keys when the control plane, or time, says so.

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::App;
use crate::keys::kek::SealError;
use crate::keys::life::{KeyState, is_over, settle};
use crate::keys::{InvalidKey, KeyRing, SessionKey, verifier};
use crate::limits;
use crate::store::session_keys::session_keys;
use crate::store::{Connection, StoreError};
use crate::world::NoRandomness;

/// Why keys could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealing or opening.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A seed that is none.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

impl From<NoRandomness> for KeyError {
    fn from(error: NoRandomness) -> Self {
        Self::Seal(error.into())
    }
}

impl From<sqlx::Error> for KeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What became of a request to rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// A new key is pending.
    Made,
    /// This request has been followed before.
    Repeated,
    /// There are too many keys already.
    Full,
}

impl App {
    /// The first start makes the first key.
    pub async fn ensure_session_key(&self) -> Result<(), crate::app::StartError> {
        let mut tx = self.store.write().await?;
        if session_keys(&mut tx).await?.is_empty() {
            self.make_key(&mut tx).await.map_err(|error| match error {
                KeyError::Store(error) => crate::app::StartError::from(error),
                KeyError::Seal(error) => error.into(),
                KeyError::Key(error) => error.into(),
            })?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn make_key(&self, on: &mut Connection) -> Result<(), KeyError> {
        let mut seed = [0; 32];
        self.random.fill(&mut seed)?;
        let key = SessionKey::from_seed(&seed)?;
        let sealed = self.kek.seal(key.kid(), &seed, self.random.as_ref())?;
        self.store
            .add_session_key(on, key.kid(), key.public(), &sealed)
            .await?;
        tracing::info!(
            kid = key.kid(),
            "made a session key; it signs once every filter knows it"
        );
        Ok(())
    }

    /// Reads the keys from the store and puts them into use; announces them if they changed.
    pub async fn load_keys(&self) -> Result<(), KeyError> {
        let rows = self.store.session_keys().await?;
        let mut ring = KeyRing::default();
        for state in [KeyState::Pending, KeyState::Live, KeyState::Retired] {
            let count = rows.iter().filter(|row| row.life.state == state).count();
            self.metrics
                .session_keys
                .with_label_values(&[state.word()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for row in rows {
            // Every key is opened, not only the one that signs: a wrong key file is told at start.
            let seed = self.kek.unseal(&row.life.kid, &row.sealed_seed)?;
            if row.life.state == KeyState::Live {
                let seed = <[u8; 32]>::try_from(seed.as_slice()).map_err(|_| InvalidKey)?;
                ring.signer = Some(SessionKey::from_seed(&seed)?.signer());
            }
            ring.verifiers.push(verifier(row.life.kid, row.public));
        }
        let changed = |old: &KeyRing| {
            let kids = |ring: &KeyRing| {
                ring.verifiers
                    .iter()
                    .map(|key| key.kid.clone())
                    .collect::<Vec<_>>()
            };
            let signer = |ring: &KeyRing| ring.signer.as_ref().map(|signer| signer.kid.clone());
            kids(old) != kids(&ring) || signer(old) != signer(&ring)
        };
        let changed = changed(&self.keys.borrow());
        if changed {
            self.keys.send_replace(Arc::new(ring));
        }
        self.is_ready();
        Ok(())
    }

    /// Every filter holds these keys, of those that this sidecar announced.
    pub async fn keys_live(&self, kids: &[String]) -> Result<(), KeyError> {
        let mut live: HashSet<String> = kids
            .iter()
            .take(4 * limits::SESSION_KEYS)
            .cloned()
            .collect();
        let mut tx = self.store.write().await?;
        let lives: Vec<_> = session_keys(&mut tx)
            .await?
            .into_iter()
            .map(|row| row.life)
            .collect();
        // What another sidecar on the same store announced is not spoken of here: it stays live.
        let ring = self.keys.borrow().clone();
        let ours = |kid: &str| ring.verifiers.iter().any(|key| key.kid == kid);
        let of_others = lives
            .iter()
            .filter(|key| key.state == KeyState::Live && !ours(&key.kid));
        live.extend(of_others.map(|key| key.kid.clone()));
        for (before, after) in lives.iter().zip(settle(&lives, &live, self.clock.now_s())) {
            if *before != after {
                tracing::info!(
                    kid = after.kid,
                    from = before.state.word(),
                    to = after.state.word(),
                    "session key"
                );
                self.store.set_key_life(&mut tx, &after).await?;
            }
        }
        tx.commit().await?;
        self.load_keys().await
    }

    /// Makes a new key, once for each request.
    pub async fn rotate_keys(&self, request_id: &str) -> Result<Rotation, KeyError> {
        let mut tx = self.store.write().await?;
        if session_keys(&mut tx).await?.len() >= limits::SESSION_KEYS {
            tracing::warn!(
                request_id,
                "not rotating: too many session keys are still in use"
            );
            return Ok(Rotation::Full);
        }
        if !self.store.note_rotation(&mut tx, request_id).await? {
            return Ok(Rotation::Repeated);
        }
        self.make_key(&mut tx).await?;
        tx.commit().await?;
        self.load_keys().await?;
        Ok(Rotation::Made)
    }

    /// Forgets retired keys whose last session has ended.
    pub async fn drop_ended_keys(&self) -> Result<(), KeyError> {
        let mut tx = self.store.write().await?;
        for row in session_keys(&mut tx).await? {
            if is_over(&row.life, limits::SESSION_LEEWAY_MAX_S, self.clock.now_s()) {
                tracing::info!(
                    kid = row.life.kid,
                    "dropped a session key: its last session has ended"
                );
                self.store.drop_session_key(&mut tx, &row.life.kid).await?;
            }
        }
        tx.commit().await?;
        self.load_keys().await
    }
}
