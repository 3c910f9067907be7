//! New session keys for every sidecar, because an operator asks for them.

use super::App;
use super::change::ApplyError;
use crate::clock::{self, NoEntropy};

/// Who was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A sidecar that hears it twice makes one key.
    pub request_id: String,
    /// Sidecars of every replica, by name.
    pub sidecars: Vec<String>,
}

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is nobody to tell.
    #[error("no auth sidecar is connected")]
    NoSidecar,
    /// No id could be made.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The store failed.
    #[error(transparent)]
    Change(#[from] ApplyError),
}

impl App {
    /// Has every sidecar make a new session key; sessions of the former one stay good.
    ///
    /// # Errors
    /// When there is none, or the store fails: then none was told.
    pub async fn rotate_session_keys(&self) -> Result<Rotation, RotationError> {
        let random = clock::random_bytes()?;
        let request_id = uuid::Builder::from_random_bytes(random)
            .into_uuid()
            .to_string();
        let mut sidecars = self.hub.names();
        sidecars.extend(self.fleet.sidecars_elsewhere());
        sidecars.sort();
        sidecars.dedup();
        if sidecars.is_empty() {
            return Err(RotationError::NoSidecar);
        }
        self.control.call_rotation(&request_id).await?;
        Ok(Rotation {
            request_id,
            sidecars,
        })
    }
}
