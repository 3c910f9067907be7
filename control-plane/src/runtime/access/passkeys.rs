//! Operators' passkeys: where they are asked for, who may make one, who may remove one.

use std::net::SocketAddr;

use countersign_webauthn::{Fault, RelyingParty};
use url::{Host, Url};

use super::{Access, Mode};
use crate::access::{Book, Caller, Identity, NotAToken, PasskeyEntry, Refusal, Role, Seal, Source};
use crate::clock::NoEntropy;
use crate::limits::{self, cut};
use crate::store::{PasskeyChange, StoreError};

/// Where the dashboard is, as browsers name it. Never taken from a request: whoever could choose it could
/// have answers taken that were made for a page of theirs.
#[derive(Clone, Debug, Default)]
pub struct PasskeyOrigin {
    /// `https://HOST[:PORT]`; none = `localhost`, where only this machine is listened to.
    pub origin: Option<String>,
    /// The host of the origin, or a domain above it; none = the host.
    pub rp_id: Option<String>,
}

/// Why passkeys cannot be asked for there.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyOriginError {
    /// No origin.
    #[error("`{0}` is no origin; write https://HOST or https://HOST:PORT (--passkey-origin)")]
    Malformed(String),
    /// Browsers offer none there.
    #[error(
        "`{0}` is neither https nor localhost, and browsers offer passkeys nowhere else (--passkey-origin)"
    )]
    Insecure(String),
    /// An address is no relying party.
    #[error(
        "`{0}` has an address for a host, and passkeys are for names only; give the control plane a name (--passkey-origin)"
    )]
    Address(String),
    /// They do not go together.
    #[error(
        "passkeys of `{rp_id}` cannot be used at `{origin}`: it must be that host, or a domain above it (--passkey-rp-id)"
    )]
    Unfit {
        /// The relying party's id.
        rp_id: String,
        /// Where it would be asked for.
        origin: String,
    },
    /// An id for no origin.
    #[error("--passkey-rp-id needs --passkey-origin")]
    NoOrigin,
}

/// Where passkeys are asked for.
#[derive(Clone, Debug)]
pub struct PasskeysAt {
    pub(super) origin: String,
    pub(super) party: RelyingParty,
}

impl PasskeysAt {
    /// As browsers name it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What passkeys are made for.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        self.party.id()
    }
}

impl PasskeyOrigin {
    /// Where it is, of a dashboard that is served at this address. None where it has to be said and is not.
    ///
    /// # Errors
    /// When passkeys cannot be asked for there.
    pub fn at(
        &self,
        http: SocketAddr,
        encrypted: bool,
    ) -> Result<Option<PasskeysAt>, PasskeyOriginError> {
        let said = match (&self.origin, &self.rp_id) {
            (Some(origin), _) => origin.clone(),
            (None, Some(_)) => return Err(PasskeyOriginError::NoOrigin),
            (None, None) if !http.ip().is_loopback() => return Ok(None),
            (None, None) => {
                let scheme = if encrypted { "https" } else { "http" };
                format!("{scheme}://localhost:{}", http.port())
            }
        };
        let url = Url::parse(&said).ok().filter(is_origin);
        let url = url.ok_or_else(|| PasskeyOriginError::Malformed(cut(&said, 200).to_owned()))?;
        let origin = url.origin().ascii_serialization();
        let host = match url.host() {
            Some(Host::Domain(host)) => host.to_owned(),
            _ => return Err(PasskeyOriginError::Address(origin)),
        };
        let local = host == "localhost" || host.ends_with(".localhost");
        if url.scheme() != "https" && !(url.scheme() == "http" && local) {
            return Err(PasskeyOriginError::Insecure(origin));
        }
        let rp_id = self.rp_id.clone().unwrap_or(host);
        match RelyingParty::new(&rp_id, &origin, limits::CEREMONY_PROMPT) {
            Ok(party) => Ok(Some(PasskeysAt { origin, party })),
            Err(_) => Err(PasskeyOriginError::Unfit { rp_id, origin }),
        }
    }
}

fn is_origin(url: &Url) -> bool {
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    bare && url.username().is_empty() && url.password().is_none() && url.has_host()
}

/// What passkeys need at run time.
#[derive(Debug)]
pub(super) struct Passkeys {
    pub(super) at: PasskeysAt,
    pub(super) seal: Seal,
}

/// Why a passkey was not made, taken or removed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// Who asks may not, or proves nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody is asked who they are.
    #[error("access is open: nobody has to sign in")]
    Open,
    /// It does not know where it is.
    #[error(
        "passkeys are not set up here: start the control plane with --passkey-origin and the address that browsers open, for example https://cp.example.com"
    )]
    NotSetUp,
    /// Only people at a browser have passkeys, and theirs end with what they were made with.
    #[error(
        "a passkey is made by who is signed in with a token or a passkey, and not with a node's"
    )]
    NotOnes,
    /// A name that names nothing.
    #[error(
        "this needs a name of 1 to {} bytes on one line",
        limits::MAX_TOKEN_NAME_BYTES
    )]
    Name,
    /// What came back is not what was given out, or not to this caller, or too late, or for the second time.
    #[error("this attempt is over; begin again")]
    Over,
    /// The new credential is no good.
    #[error("the new passkey was not accepted: {0}")]
    Rejected(Fault),
    /// It has one.
    #[error("this device or key has a passkey of yours already")]
    Exists,
    /// There is no room.
    #[error(
        "there are as many passkeys as there may be ({} of one person); remove one",
        limits::MAX_PASSKEYS_OF_ONE
    )]
    Full,
    /// There is no room for another sign-in.
    #[error("too many browsers are signed in; try again when some have signed out")]
    SignIns,
    /// Somebody else's.
    #[error("this passkey is `{0}`'s; who is no approver removes only passkeys of their own")]
    NotYours(String),
    /// Nothing has this id.
    #[error("there is no passkey `{0}`, or it was removed before")]
    Missing(String),
    /// What was given as a one-time token is none.
    #[error("what was given as a one-time token is none: {0}")]
    NotAToken(#[from] NotAToken),
    /// A lasting token, or one that is used up.
    #[error(
        "this one-time token is not good, or not any more: it ends with its use or after an hour; the control plane prints another when it starts and nobody has access"
    )]
    NotOnce,
    /// The store failed; nothing is changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing random could be had.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// A passkey and when it ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPasskey {
    /// The passkey.
    pub entry: PasskeyEntry,
    /// When the token that it comes from ends.
    pub ends_ms: Option<u64>,
    /// Can it be signed in with?
    pub good: bool,
}

impl ListedPasskey {
    pub(super) fn new(entry: PasskeyEntry, book: &Book, now: u64) -> Self {
        Self {
            ends_ms: entry.token.as_deref().and_then(|id| book.token_ends(id)),
            good: book.by_passkey(&entry, now).is_ok(),
            entry,
        }
    }
}

impl Access {
    /// Where passkeys are asked for; none = nowhere.
    #[must_use]
    pub fn passkeys_at(&self) -> Option<&PasskeysAt> {
        self.passkeys.as_ref().map(|passkeys| &passkeys.at)
    }

    /// Is nobody asked who they are?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.mode == Mode::Open
    }

    /// Every passkey, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_passkeys(&self) -> Result<Vec<ListedPasskey>, StoreError> {
        let stored = self.store.access().await?;
        let book = Book::new(stored.version, stored.tokens, Vec::new());
        let now = self.clock.now();
        let mut listed: Vec<_> = stored
            .passkeys
            .into_iter()
            .map(|entry| ListedPasskey::new(entry, &book, now))
            .collect();
        listed.sort_by(|a, b| {
            (b.entry.created_ms, &b.entry.id).cmp(&(a.entry.created_ms, &a.entry.id))
        });
        Ok(listed)
    }

    /// Removes a passkey: one's own, or as an approver anybody's. Who is signed in by it no longer is.
    ///
    /// # Errors
    /// When there is none of this id, it is somebody else's, or the store fails.
    pub async fn remove_passkey(
        &self,
        caller: &Caller,
        id: &str,
        action: &str,
    ) -> Result<PasskeyEntry, PasskeyError> {
        let missing = || PasskeyError::Missing(cut(id, 80).to_owned());
        let all = self.store.access().await?.passkeys;
        let found = all.into_iter().find(|passkey| passkey.id == id);
        let entry = found.ok_or_else(missing)?;
        caller.note.on(object(&entry));
        if !may_remove(&caller.identity, &entry) {
            return Err(PasskeyError::NotYours(entry.identity));
        }
        let now = self.clock.now();
        let row = self.row(caller, action);
        match self.store.remove_passkey(id, now, &row).await? {
            PasskeyChange::Made => {}
            _ => return Err(missing()),
        }
        caller.note.written();
        self.read().await?;
        Ok(PasskeyEntry {
            removed_ms: Some(now),
            ..entry
        })
    }

    pub(super) fn passkeys(&self) -> Result<&Passkeys, PasskeyError> {
        if self.mode == Mode::Open {
            return Err(PasskeyError::Open);
        }
        self.passkeys.as_ref().ok_or(PasskeyError::NotSetUp)
    }

    /// What a passkey of this caller comes from: a token, or what their passkey comes from.
    pub(super) fn root(&self, identity: &Identity) -> Result<(Role, Option<String>), PasskeyError> {
        let role = identity.role().filter(|role| *role != Role::Node);
        let role = role.ok_or(PasskeyError::NotOnes)?;
        let token = match identity.source() {
            Source::Token(id) => Some(id.clone()),
            Source::Passkey(id) => {
                let book = self.book.borrow();
                let passkey = book.passkey(id).ok_or(Refusal::PasskeyRemoved)?;
                passkey.token.clone()
            }
            Source::Open | Source::Certificate(_) => return Err(PasskeyError::NotOnes),
        };
        Ok((role, token))
    }
}

fn may_remove(identity: &Identity, passkey: &PasskeyEntry) -> bool {
    match identity.role() {
        // Access is open.
        None | Some(Role::Approver) => true,
        Some(Role::Node) => false,
        Some(Role::Viewer | Role::Editor) => identity.name() == passkey.identity,
    }
}

/// As the audit log names it.
pub(super) fn object(entry: &PasskeyEntry) -> String {
    format!(
        "passkey {} {} of {} {}",
        entry.id, entry.name, entry.identity, entry.role
    )
}

/// A name on one line, without space around it.
pub(super) fn bounded_name(name: &str) -> Result<String, PasskeyError> {
    let name = name.trim();
    let bounded = (1..=limits::MAX_TOKEN_NAME_BYTES).contains(&name.len());
    if !bounded || name.chars().any(char::is_control) {
        return Err(PasskeyError::Name);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(
        origin: Option<&str>,
        rp_id: Option<&str>,
        http: &str,
    ) -> Result<Option<(String, String)>, String> {
        let said = PasskeyOrigin {
            origin: origin.map(str::to_owned),
            rp_id: rp_id.map(str::to_owned),
        };
        let at = said.at(http.parse().unwrap(), false);
        at.map(|at| at.map(|at| (at.origin().to_owned(), at.rp_id().to_owned())))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_dashboard_of_this_machine_is_at_localhost_and_any_other_has_to_be_said() {
        let pair = |origin: &str, id: &str| Ok(Some((origin.to_owned(), id.to_owned())));
        let local = at(None, None, "127.0.0.1:8080");
        assert_eq!(local, pair("http://localhost:8080", "localhost"));
        assert_eq!(at(None, None, "0.0.0.0:8080"), Ok(None));
        let said = at(Some("https://CP.example.com:443/"), None, "0.0.0.0:8080");
        assert_eq!(said, pair("https://cp.example.com", "cp.example.com"));
        let above = at(
            Some("https://cp.example.com:8443"),
            Some("example.com"),
            "0.0.0.0:1",
        );
        assert_eq!(above, pair("https://cp.example.com:8443", "example.com"));
    }

    #[test]
    fn where_browsers_offer_no_passkeys_is_refused_with_what_to_write() {
        for (origin, rp_id, reason) in [
            ("cp.example.com", None, "is no origin"),
            ("https://cp.example.com/dashboard", None, "is no origin"),
            ("https://ann@cp.example.com", None, "is no origin"),
            ("http://cp.example.com", None, "neither https nor localhost"),
            ("https://10.0.0.1", None, "passkeys are for names only"),
            ("http://127.0.0.1:8080", None, "passkeys are for names only"),
            (
                "https://cp.example.com",
                Some("other.example"),
                "--passkey-rp-id",
            ),
        ] {
            let refused = at(Some(origin), rp_id, "127.0.0.1:1").unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        assert!(at(None, Some("example.com"), "127.0.0.1:1").is_err());
    }
}
