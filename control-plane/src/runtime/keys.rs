//! Keys: session keys come from sidecars and must reach every filter before they sign; ticket keys
//! are made here and must reach every sidecar before they sign.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_proto::policy::v1 as policy;
use tokio::sync::watch;

use super::catch_up::Tries;
use super::change::ApplyError;
use super::control::{By, Control, SidecarMaterial, State};
use super::remade::Remade;
use super::revocations;
use crate::clock::random_bytes;
use crate::compile::RuntimeMaterial;
use crate::limits::{self, millis};
use crate::store::{Commit, RegisteredKey, TicketKeyRow};

/// Why keys were not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// More than one sidecar needs.
    #[error("{0} keys are more than the {max} allowed", max = limits::MAX_SESSION_KEYS_PER_SIDECAR)]
    TooMany(usize),
    /// More than all sidecars need.
    #[error("all sidecars together have more than the {max} keys allowed", max = limits::MAX_SESSION_KEYS)]
    TooManyInAll,
    /// Not a name for a key.
    #[error("a key's name is empty, too long or not printable")]
    BadName,
    /// Not an Ed25519 public key.
    #[error("the key `{kid}` is no Ed25519 public key")]
    BadKey {
        /// Its name.
        kid: String,
    },
    /// The name already stands for other bytes.
    #[error("the name `{kid}` already stands for another key")]
    Taken {
        /// The name.
        kid: String,
    },
    /// It could not be stored; nothing was changed.
    #[error(transparent)]
    Change(#[from] ApplyError),
}

impl Control {
    /// What sidecars are told, now and from now on.
    #[must_use]
    pub fn sidecar_material(&self) -> watch::Receiver<Arc<SidecarMaterial>> {
        self.material.subscribe()
    }

    /// The keys that may sign, now and from now on.
    #[must_use]
    pub fn live_kids(&self) -> watch::Receiver<Arc<BTreeSet<String>>> {
        self.live_kids.subscribe()
    }

    /// Every registered session key.
    pub async fn session_keys(&self) -> Vec<RegisteredKey> {
        self.state.lock().await.session_keys.clone()
    }

    /// Every registered session key, and whether it is live: every connected node holds it.
    pub async fn keys_and_live(&self) -> Vec<(RegisteredKey, bool)> {
        let live = self.live_kids.borrow().clone();
        let with_live = self.session_keys().await.into_iter().map(|key| {
            let is_live = live.contains(&key.kid);
            (key, is_live)
        });
        with_live.collect()
    }

    /// Makes a sidecar's keys these, which is a revision where there are resources.
    ///
    /// # Errors
    /// When a key is none or the store fails: then nothing was changed.
    pub async fn register_keys(
        &self,
        sidecar: &str,
        keys: Vec<policy::SessionKey>,
    ) -> Result<(), KeyError> {
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            match self.register_state(&mut state, sidecar, &keys).await {
                Err(KeyError::Change(error)) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    async fn register_state(
        &self,
        state: &mut State,
        sidecar: &str,
        keys: &[policy::SessionKey],
    ) -> Result<(), KeyError> {
        check(&state.session_keys, sidecar, keys)?;
        let own = |key: &&RegisteredKey| key.sidecar == sidecar;
        let before: Vec<_> = state.session_keys.iter().filter(own).cloned().collect();
        let same = before.len() == keys.len()
            && before
                .iter()
                .zip(keys)
                .all(|(old, new)| old.kid == new.kid && old.public_key == new.public_key);
        if same {
            return Ok(());
        }
        let now = self.clock.now();
        let registered = |key: &policy::SessionKey| RegisteredKey {
            kid: key.kid.clone(),
            public_key: key.public_key.clone(),
            sidecar: sidecar.to_owned(),
            registered_ms: before
                .iter()
                .find(|old| old.kid == key.kid)
                .map_or(now, |old| old.registered_ms),
        };
        let mut all = state.session_keys.clone();
        all.retain(|key| key.sidecar != sidecar);
        all.extend(keys.iter().map(registered));
        let former = std::mem::replace(&mut state.session_keys, all);
        let author = format!("sidecar:{sidecar}");
        let by = By {
            author: &author,
            message: "session keys",
        };
        let remade = match self.remade(state, by).await {
            Ok(remade) => remade,
            Err(error) => {
                // The keys are kept all the same: the next change that compiles takes them along.
                tracing::error!(%error, sidecar, "no revision could be made with a sidecar's keys");
                None
            }
        };
        let session_keys = Some((sidecar, keys));
        let commit = Commit {
            session_keys,
            now,
            seen: Some(state.head),
            ..remade.as_ref().map(Remade::commit).unwrap_or_default()
        };
        match self.store.commit(commit).await {
            Ok(head) => state.head = head,
            Err(error) => {
                state.session_keys = former;
                return Err(ApplyError::from(error).into());
            }
        }
        tracing::info!(sidecar, keys = keys.len(), "session keys registered");
        if let Some(remade) = remade {
            self.take(state, remade);
        }
        Ok(())
    }

    /// Looks whether time alone makes another revision: a ticket key that begins to sign or ends, or
    /// a newer release that compiles the same resources otherwise.
    ///
    /// # Errors
    /// When the store fails: then nothing was changed.
    pub async fn refresh(&self) -> Result<(), ApplyError> {
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            match self.refresh_state(&mut state).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    async fn refresh_state(&self, state: &mut State) -> Result<(), ApplyError> {
        self.renew_ticket_key(state).await?;
        let by = By {
            author: "control-plane",
            message: "keys and compiled form",
        };
        if let Some(remade) = self.remade(state, by).await? {
            let commit = Commit {
                now: self.clock.now(),
                seen: Some(state.head),
                ..remade.commit()
            };
            state.head = self.store.commit(commit).await?;
            self.take(state, remade);
        } else {
            let plan = self.plan.borrow().clone();
            self.tell_sidecars(state, plan.stable().map(AsRef::as_ref));
        }
        Ok(())
    }

    /// Makes the first ticket key, or the next one when the present one is old.
    async fn renew_ticket_key(&self, state: &mut State) -> Result<(), ApplyError> {
        let now = self.clock.now();
        let newest = state.ticket_keys.iter().map(|key| key.created_ms).max();
        let old = |made: u64| now.saturating_sub(made) > millis(limits::TICKET_KEY_AGE);
        if newest.is_some_and(|made| !old(made)) {
            state
                .ticket_keys
                .retain(|key| key.expires_ms.is_none_or(|end| end > now));
            return Ok(());
        }
        self.add_ticket_key(state, newest.is_none()).await
    }

    async fn add_ticket_key(&self, state: &mut State, first: bool) -> Result<(), ApplyError> {
        let now = self.clock.now();
        let name = u32::from_le_bytes(random_bytes()?);
        let lead = if first {
            0
        } else {
            millis(limits::TICKET_KEY_LEAD)
        };
        let key = TicketKeyRow {
            kid: format!("ticket-{name:08x}"),
            secret: random_bytes::<32>()?.to_vec(),
            created_ms: now,
            signs_from_ms: now.saturating_add(lead),
            expires_ms: None,
        };
        let end = key
            .signs_from_ms
            .saturating_add(millis(limits::TICKET_KEY_OVERLAP));
        let seen = Some(state.head);
        state.head = self.store.add_ticket_key(&key, end, seen).await?;
        tracing::info!(kid = %key.kid, "ticket key made");
        state.ticket_keys = self.store.ticket_keys().await?;
        Ok(())
    }

    /// Replaces the ticket key: the new one verifies at once and signs when everybody has it.
    ///
    /// # Errors
    /// When the store fails: then nothing was changed.
    pub async fn rotate_ticket_key(&self) -> Result<(), ApplyError> {
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            match self.add_ticket_key(&mut state, false).await {
                Err(error) if tries.again(&error) => {}
                done => break done?,
            }
        }
        drop(state);
        self.refresh().await
    }

    /// What goes into a revision beside the resources, in an order that the same keys always have.
    pub(super) fn compile_material(&self, state: &State) -> RuntimeMaterial {
        let by_kid: BTreeMap<_, _> = state
            .session_keys
            .iter()
            .map(|key| (&key.kid, &key.public_key))
            .collect();
        let session_key = |(kid, public_key): (&String, &Vec<u8>)| policy::SessionKey {
            kid: kid.clone(),
            public_key: public_key.clone(),
        };
        RuntimeMaterial {
            session_keys: by_kid.into_iter().map(session_key).collect(),
            ticket_keys: ticket_keys(&state.ticket_keys, self.clock.now()),
            revocations: revocations::wire(&state.revocations, self.clock.now()),
            allow_sampling: None,
        }
    }

    /// Looks whether keys became live; once live a key stays it, since every later revision holds it.
    pub fn update_live_kids(&self) {
        let plan = self.plan.borrow().clone();
        let Some(kids) = plan.kids() else { return };
        let known = self.live_kids.borrow().clone();
        if kids.iter().all(|kid| known.contains(kid)) && known.len() == kids.len() {
            return;
        }
        let mut live: BTreeSet<String> = known.intersection(&kids).cloned().collect();
        let revisions: Vec<_> = plan.revisions().map(|it| it.revision.as_str()).collect();
        if self.fleet.all_run(&revisions) {
            live.extend(kids);
        }
        if live != *known {
            tracing::info!(kids = ?live, "session keys live");
            self.live_kids.send_replace(Arc::new(live));
        }
    }
}

/// A revision to be stored, and the form in which it is sent.
pub(super) type Next = (crate::store::NewRevision, Arc<crate::xds::Published>);

/// The signing key first, then the others that verify, newest first.
fn ticket_keys(rows: &[TicketKeyRow], now: u64) -> Vec<policy::TicketKey> {
    let mut usable: Vec<_> = rows
        .iter()
        .filter(|key| key.expires_ms.is_none_or(|end| end > now))
        .collect();
    usable.sort_by_key(|key| {
        std::cmp::Reverse((key.signs_from_ms <= now, key.signs_from_ms, &key.kid))
    });
    let wire = |key: &TicketKeyRow| policy::TicketKey {
        kid: key.kid.clone(),
        secret: key.secret.clone(),
    };
    usable.into_iter().map(wire).collect()
}

fn is_public_key(bytes: &[u8]) -> bool {
    let key = bytes
        .try_into()
        .ok()
        .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).ok());
    key.is_some_and(|key| !key.is_weak())
}

fn check(
    known: &[RegisteredKey],
    sidecar: &str,
    keys: &[policy::SessionKey],
) -> Result<(), KeyError> {
    if keys.len() > limits::MAX_SESSION_KEYS_PER_SIDECAR {
        return Err(KeyError::TooMany(keys.len()));
    }
    let others = || known.iter().filter(|key| key.sidecar != sidecar);
    if others().count().saturating_add(keys.len()) > limits::MAX_SESSION_KEYS {
        return Err(KeyError::TooManyInAll);
    }
    let mut seen: BTreeMap<&str, &[u8]> = others()
        .map(|key| (key.kid.as_str(), key.public_key.as_slice()))
        .collect();
    for key in keys {
        let printable = key.kid.bytes().all(|byte| byte.is_ascii_graphic());
        if key.kid.is_empty() || key.kid.len() > limits::MAX_KID_BYTES || !printable {
            return Err(KeyError::BadName);
        }
        // The filter refuses a policy with a key that is none: it must not get into one.
        if !is_public_key(&key.public_key) {
            return Err(KeyError::BadKey {
                kid: key.kid.clone(),
            });
        }
        // Sidecars that share a store have the same keys; the same name for other bytes is a fault.
        if seen
            .insert(&key.kid, &key.public_key)
            .is_some_and(|bytes| bytes != key.public_key)
        {
            return Err(KeyError::Taken {
                kid: key.kid.clone(),
            });
        }
    }
    Ok(())
}
