//! Signing in to the dashboard: a token is exchanged for a cookie that no script can read.

use super::{Access, Mode};
use crate::access::{
    Caller, Need, Refusal, Role, Rule, Secret, Shown, SignIn, SignedInBy, Source, TokenHash,
    UnverifiedToken,
};
use crate::clock::{self, NoEntropy};
use crate::limits::{self, millis};
use crate::store::{AccessChange, StoreError};
use crate::tls::Peer;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The token is no good.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It opens what programs need and nothing that people look at.
    #[error("this is the token of a node; sign in with a viewer's, an editor's or an approver's")]
    NodesToken,
    /// Nobody is asked who they are.
    #[error("access is open: nobody has to sign in")]
    Open,
    /// There is no room.
    #[error("too many browsers are signed in; try again when some have signed out")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No cookie could be made.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// The cookie, told once.
    pub cookie: Secret,
}

impl Access {
    /// Exchanges a token for a cookie.
    ///
    /// # Errors
    /// When the token is no good for that, or the store fails.
    pub async fn sign_in(
        &self,
        peer: Option<&Peer>,
        token: &str,
        action: &str,
    ) -> Result<SignedIn, SignInError> {
        if self.mode == Mode::Open {
            return Err(SignInError::Open);
        }
        let anybody = Rule::changes(Need::Anybody);
        let caller = self.admit(peer, Shown::Bearer(token), Some(anybody), action)?;
        if caller.identity.role() == Some(Role::Node) {
            return Err(SignInError::NodesToken);
        }
        let Source::Token(id) = caller.identity.source() else {
            return Err(Refusal::UnknownToken.into());
        };
        let cookie = Secret::new(clock::random_bytes()?);
        let sign_in = self.sign_in_of(cookie.hash(), SignedInBy::Token(id.clone()));
        let row = self.row(&caller, action);
        match self.store.add_sign_in(&sign_in, &row).await? {
            AccessChange::Full => return Err(SignInError::Full),
            _ => self.read().await?,
        }
        Ok(SignedIn { caller, cookie })
    }

    /// From now on for as long as any.
    pub(super) fn sign_in_of(&self, hash: TokenHash, by: SignedInBy) -> SignIn {
        let now = self.clock.now();
        SignIn {
            hash,
            by,
            created_ms: now,
            expires_ms: now.saturating_add(millis(limits::SIGN_IN_LASTS)),
        }
    }

    /// Ends the sign-in that a cookie is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(
        &self,
        caller: &Caller,
        cookie: &str,
        action: &str,
    ) -> Result<(), StoreError> {
        if let Ok(cookie) = UnverifiedToken::read(cookie) {
            let row = self.row(caller, action);
            self.store.end_sign_in(cookie.hash(), &row).await?;
            caller.note.written();
            self.read().await?;
        }
        Ok(())
    }
}
