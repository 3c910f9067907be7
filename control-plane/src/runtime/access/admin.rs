//! Access given and taken back.

use super::Access;
use crate::access::{
    BadName, Caller, CertificateEntry, NoBinding, NodeBinding, NotAToken, Role, Secret, TokenEntry,
    UnverifiedToken,
};
use crate::clock::{self, NoEntropy};
use crate::limits;
use crate::store::{AccessChange, StoreError, StoredAccess};

/// Why access was not given or taken back.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A name that names nobody.
    #[error(
        "a token needs a name of 1 to {} bytes on one line: whose it is",
        limits::MAX_TOKEN_NAME_BYTES
    )]
    Name,
    /// It would never be good.
    #[error("the token would have ended before it began")]
    Ended,
    /// A name that no certificate has.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// A node that there cannot be.
    #[error(transparent)]
    NoBinding(#[from] NoBinding),
    /// A role that speaks for no node.
    #[error("only the role `node` speaks for nodes; `{0}` cannot be bound to one")]
    BoundRole(Role),
    /// There is no room.
    #[error("there are as many entries as there may be; revoke some, ended ones go after 90 days")]
    Full,
    /// The same is there.
    #[error("certificates of this name have a role already; remove it first")]
    Exists,
    /// Nothing has this id.
    #[error("there is no entry `{0}`, or it was taken back before")]
    Missing(String),
    /// What was given as a one-time token is none.
    #[error("what was given as a one-time token is none: {0}")]
    NotAToken(#[from] NotAToken),
    /// A lasting token, or one that is used up.
    #[error(
        "this one-time token is not good, or not any more: it ends with its use or after an hour; the control plane prints another when it starts and nobody has access"
    )]
    NotOnce,
    /// Too often.
    #[error("too many attempts from this address; try again in a moment")]
    TooMany,
    /// The store failed; nothing is changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No token could be made.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// What is given.
#[derive(Clone, Copy, Debug)]
pub struct Granted<'a> {
    /// What it lets do.
    pub role: Role,
    /// The nodes that it speaks for, see [`NodeBinding`]; empty = all.
    pub node: &'a str,
}

impl Granted<'_> {
    fn binding(self) -> Result<Option<NodeBinding>, AccessError> {
        match (self.node, self.role) {
            ("", _) => Ok(None),
            (node, Role::Node) => Ok(Some(node.parse()?)),
            _ => Err(AccessError::BoundRole(self.role)),
        }
    }
}

/// A token just made.
#[derive(Debug)]
pub struct Created {
    /// What is kept.
    pub entry: TokenEntry,
    /// What is shown once.
    pub secret: Secret,
}

impl Access {
    /// Everybody, as the store has it now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<StoredAccess, StoreError> {
        let mut stored = self.store.access().await?;
        stored
            .tokens
            .sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        let used = self.book.borrow().used();
        for (id, used_ms) in used {
            if let Some(token) = stored.tokens.iter_mut().find(|token| token.id == id) {
                token.used_ms = Some(used_ms);
            }
        }
        stored.certificates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(stored)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When what is asked makes no sense or the store fails: then nothing is changed.
    pub async fn create_token(
        &self,
        caller: &Caller,
        name: &str,
        granted: Granted<'_>,
        expires_ms: Option<u64>,
        action: &str,
    ) -> Result<Created, AccessError> {
        let by = caller.author("nobody");
        let created = self.new_token(name, granted, expires_ms, &by)?;
        caller.note.on(object(&created.entry));
        let row = self.row(caller, action);
        made(self.store.add_token(&created.entry, &row).await?, "")?;
        caller.note.written();
        self.read().await?;
        Ok(created)
    }

    /// Takes a token back; its streams end.
    ///
    /// # Errors
    /// When there is none of this id or the store fails.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        id: &str,
        action: &str,
    ) -> Result<TokenEntry, AccessError> {
        let missing = || AccessError::Missing(limits::cut(id, 80).to_owned());
        let find = |stored: StoredAccess| stored.tokens.into_iter().find(|token| token.id == id);
        let entry = find(self.store.access().await?).ok_or_else(missing)?;
        caller.note.on(object(&entry));
        let row = self.row(caller, action);
        let now = self.clock.now();
        made(self.store.revoke_token(id, now, &row).await?, id)?;
        caller.note.written();
        self.read().await?;
        Ok(TokenEntry {
            revoked_ms: Some(now),
            ..entry
        })
    }

    /// Exchanges a one-time token for an approver's.
    ///
    /// # Errors
    /// When it is not good or the store fails: then nothing is changed.
    pub async fn bootstrap(
        &self,
        caller: &Caller,
        once: &str,
        name: &str,
        action: &str,
    ) -> Result<Created, AccessError> {
        let refused = |error: AccessError| match caller.address.map(|it| self.attempt(it)) {
            Some(Err(_)) => AccessError::TooMany,
            _ => error,
        };
        let once = UnverifiedToken::read(once).map_err(|error| refused(error.into()))?;
        if !once.is_once() {
            return Err(refused(AccessError::NotOnce));
        }
        let approver = Granted {
            role: Role::Approver,
            node: "",
        };
        let created = self.new_token(name, approver, None, "bootstrap")?;
        caller.note.on(object(&created.entry));
        let row = self.row(caller, action);
        let exchanged = self.store.bootstrap(once.hash(), &created.entry, &row);
        match exchanged.await? {
            AccessChange::Made => {}
            _ => return Err(refused(AccessError::NotOnce)),
        }
        caller.note.written();
        self.read().await?;
        Ok(created)
    }

    /// Gives certificates of a name a role.
    ///
    /// # Errors
    /// When the name is none or the store fails: then nothing is changed.
    pub async fn add_certificate(
        &self,
        caller: &Caller,
        name: &str,
        granted: Granted<'_>,
        action: &str,
    ) -> Result<CertificateEntry, AccessError> {
        let role = granted.role;
        let entry = CertificateEntry {
            id: short_id()?,
            name: name.parse()?,
            role,
            node: granted.binding()?,
            created_ms: self.clock.now(),
            created_by: caller.author("nobody"),
        };
        caller.note.on(format!(
            "certificate {} {role}{}",
            entry.name,
            bound(entry.node.as_ref())
        ));
        let row = self.row(caller, action);
        made(self.store.add_certificate(&entry, &row).await?, "")?;
        caller.note.written();
        self.read().await?;
        Ok(entry)
    }

    /// Takes a role back from certificates of a name; their streams end.
    ///
    /// # Errors
    /// When there is no entry of this id or the store fails.
    pub async fn remove_certificate(
        &self,
        caller: &Caller,
        id: &str,
        action: &str,
    ) -> Result<CertificateEntry, AccessError> {
        let stored = self.store.access().await?;
        let found = stored.certificates.into_iter().find(|entry| entry.id == id);
        let entry = found.ok_or_else(|| AccessError::Missing(limits::cut(id, 80).to_owned()))?;
        caller
            .note
            .on(format!("certificate {} {}", entry.name, entry.role));
        let row = self.row(caller, action);
        made(self.store.remove_certificate(id, &row).await?, id)?;
        caller.note.written();
        self.read().await?;
        Ok(entry)
    }

    fn new_token(
        &self,
        name: &str,
        granted: Granted<'_>,
        expires_ms: Option<u64>,
        by: &str,
    ) -> Result<Created, AccessError> {
        let name = name.trim();
        let bounded = (1..=limits::MAX_TOKEN_NAME_BYTES).contains(&name.len());
        if !bounded || name.chars().any(char::is_control) {
            return Err(AccessError::Name);
        }
        let now = self.clock.now();
        if expires_ms.is_some_and(|end| end <= now) {
            return Err(AccessError::Ended);
        }
        let secret = Secret::new(clock::random_bytes()?);
        Ok(Created {
            entry: TokenEntry {
                id: short_id()?,
                hash: secret.hash(),
                name: name.to_owned(),
                role: granted.role,
                node: granted.binding()?,
                created_ms: now,
                created_by: by.to_owned(),
                expires_ms,
                used_ms: None,
                revoked_ms: None,
            },
            secret,
        })
    }
}

/// Names an entry in lists and commands; says nothing of the token.
pub(super) fn short_id() -> Result<String, NoEntropy> {
    use std::fmt::Write as _;
    let random = clock::random_bytes::<6>()?;
    Ok(random.iter().fold(String::new(), |mut id, byte| {
        let _infallible = write!(id, "{byte:02x}");
        id
    }))
}

fn object(entry: &TokenEntry) -> String {
    let bound = bound(entry.node.as_ref());
    format!("token {} {} {}{bound}", entry.id, entry.name, entry.role)
}

fn bound(node: Option<&NodeBinding>) -> String {
    node.map_or_else(String::new, |node| format!(" for {node}"))
}

fn made(change: AccessChange, id: &str) -> Result<(), AccessError> {
    match change {
        AccessChange::Made => Ok(()),
        AccessChange::Full => Err(AccessError::Full),
        AccessChange::Exists => Err(AccessError::Exists),
        AccessChange::Missing => Err(AccessError::Missing(id.to_owned())),
    }
}
