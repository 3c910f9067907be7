//! Sessions that operators end before their time. Like keys they are a part of what nodes run, whatever
//! rollout is on its way, and reach every node at once.

use countersign_proto::policy::v1 as policy;
use countersign_proto::policy::v1::revocation::What;

use super::catch_up::Tries;
use super::change::ApplyError;
use super::control::{By, Control, State, named_author};
use super::remade::Remade;
use crate::clock::random_bytes;
use crate::limits::{self, cut, millis};
use crate::store::{Commit, RevocationChange, RevocationRow, Revoked};

/// How the names of authors begin that are sidecars.
pub(crate) const SIDECARS: &str = "sidecar:";

/// Why no session was ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Not an id of either.
    #[error("name a session or a device by its id: 1 to {max} bytes", max = limits::MAX_REVOKED_BYTES)]
    BadId,
    /// More than nodes are told.
    #[error("there are {max} revocations, which is as many as nodes are told; they end by themselves", max = limits::MAX_REVOCATIONS)]
    TooMany,
    /// It was to be taken back and is none.
    #[error("there is no revocation `{0}`")]
    Unknown(String),
    /// It could not be stored; nothing was changed.
    #[error(transparent)]
    Change(#[from] ApplyError),
}

/// What became of a sidecar's word that a credential of a device is in use twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compromised {
    /// Its sessions end.
    Ended,
    /// They had ended for this very reason: it was told twice.
    Known,
    /// Too many devices were named; this one's sessions go on to their end.
    TooMany,
}

impl Compromised {
    /// One of each, for counters that begin at zero.
    pub const EACH: [Self; 3] = [Self::Ended, Self::Known, Self::TooMany];

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Known => "known",
            Self::TooMany => "too_many",
        }
    }
}

impl Control {
    /// Ends what a device has earned, because a sidecar saw two copies of its credential.
    ///
    /// # Errors
    /// When the device's id is none or the store fails: then nothing was changed.
    pub async fn end_compromised(
        &self,
        device: &str,
        author: &str,
        event_id: &str,
    ) -> Result<Compromised, RevokeError> {
        let message = format!("a credential was copied: event {event_id}");
        let what = Revoked::Device(device.to_owned());
        let author = named_author(author);
        let minute_ago = self.clock.now().saturating_sub(60_000);
        {
            let state = self.state.lock().await;
            let by_sidecars = || {
                let all = state.revocations.iter();
                all.filter(|row| row.author.starts_with(SIDECARS))
            };
            if by_sidecars().any(|row| row.what == what && row.message == message) {
                return Ok(Compromised::Known);
            }
            let lately = by_sidecars().filter(|row| row.created_ms > minute_ago);
            if by_sidecars().count() >= limits::MAX_COMPROMISED
                || lately.count() >= limits::MAX_COMPROMISED_A_MINUTE
            {
                return Ok(Compromised::TooMany);
            }
        }
        match self.revoke(what, author, &message).await {
            Ok(_) => Ok(Compromised::Ended),
            Err(RevokeError::TooMany) => Ok(Compromised::TooMany),
            Err(error) => Err(error),
        }
    }

    /// Every revocation, the newest first.
    pub async fn revocations(&self) -> Vec<RevocationRow> {
        self.state.lock().await.revocations.clone()
    }

    /// Ends a session, or all that a device has earned so far.
    ///
    /// # Errors
    /// When the id is none, there are too many, or the store fails: then nothing was changed.
    pub async fn revoke(
        &self,
        what: Revoked,
        author: &str,
        message: &str,
    ) -> Result<RevocationRow, RevokeError> {
        if what.value().is_empty() || what.value().len() > limits::MAX_REVOKED_BYTES {
            return Err(RevokeError::BadId);
        }
        let now = self.clock.now();
        let name = u64::from_le_bytes(random_bytes().map_err(ApplyError::from)?);
        let added = RevocationRow {
            id: format!("{name:016x}"),
            what,
            // Sessions of this very second are concerned as well.
            issued_before_s: (now / 1_000).saturating_add(1),
            created_ms: now,
            expires_ms: now.saturating_add(millis(limits::LONGEST_SESSION)),
            author: named_author(author).to_owned(),
            message: cut(message, limits::MAX_LABEL_BYTES).to_owned(),
        };
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            if state.revocations.len() >= limits::MAX_REVOCATIONS {
                return Err(RevokeError::TooMany);
            }
            let mut revocations = state.revocations.clone();
            revocations.insert(0, added.clone());
            let message = format!("revoked {} {}", added.what.kind(), added.what.value());
            let by = (added.author.as_str(), message.as_str());
            let change = RevocationChange::Add(&added);
            match self.revoked(&mut state, revocations, change, by).await {
                Err(error) if tries.again(&error) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(added),
            }
        }
    }

    /// Takes a revocation back: what has not ended by itself is good again.
    ///
    /// # Errors
    /// When there is none of that id, or the store fails: then nothing was changed.
    pub async fn unrevoke(&self, id: &str, author: &str) -> Result<(), RevokeError> {
        let author = named_author(author);
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            let mut revocations = state.revocations.clone();
            let place = revocations.iter().position(|known| known.id == id);
            let place = place.ok_or_else(|| RevokeError::Unknown(id.to_owned()))?;
            let gone = revocations.remove(place);
            let message = format!(
                "took back the revocation of {} {}",
                gone.what.kind(),
                gone.what.value()
            );
            let by = (author, message.as_str());
            let change = RevocationChange::Remove(id);
            match self.revoked(&mut state, revocations, change, by).await {
                Err(error) if tries.again(&error) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn revoked(
        &self,
        state: &mut State,
        revocations: Vec<RevocationRow>,
        change: RevocationChange<'_>,
        (author, message): (&str, &str),
    ) -> Result<(), ApplyError> {
        let former = std::mem::replace(&mut state.revocations, revocations);
        let message = cut(message, limits::MAX_LABEL_BYTES);
        let done = async {
            let remade = self.remade(state, By { author, message }).await?;
            let commit = Commit {
                revocation: Some(change),
                now: self.clock.now(),
                seen: Some(state.head),
                ..remade.as_ref().map(Remade::commit).unwrap_or_default()
            };
            let head = self.store.commit(commit).await?;
            Ok((head, remade))
        };
        match done.await {
            Ok((head, remade)) => {
                state.head = head;
                match remade {
                    Some(remade) => self.take(state, remade),
                    // Without resources there is no revision; sidecars are told all the same.
                    None => self.tell_sidecars(state, None),
                }
                Ok(())
            }
            Err(error) => {
                state.revocations = former;
                Err(error)
            }
        }
    }
}

/// As nodes and sidecars are told: what has not expired, the oldest first, so that an order does not make
/// another form.
pub(super) fn wire(revocations: &[RevocationRow], now: u64) -> Vec<policy::Revocation> {
    let good = revocations.iter().rev().filter(|row| row.expires_ms > now);
    good.map(|row| policy::Revocation {
        what: Some(match &row.what {
            Revoked::Session(jti) => What::Jti(jti.clone()),
            Revoked::Device(device) => What::Device(device.clone()),
        }),
        issued_before: row.issued_before_s,
    })
    .collect()
}
