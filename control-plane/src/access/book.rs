//! Everybody who has access, as the store had it last: a request is judged without asking the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::certificate::{CertificateName, ClientCertificate};
use super::identity::{Identity, Source};
use super::node_binding::NodeBinding;
use super::passkey::PasskeyEntry;
use super::refusal::Refusal;
use super::role::Role;
use super::sign_in::{SignIn, SignedInBy};
use super::token::{TokenHash, UnverifiedToken};

/// A token as the store keeps it: all but its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Names it in lists and commands.
    pub id: String,
    /// What it is looked up by.
    pub hash: TokenHash,
    /// Whose it is.
    pub name: String,
    /// What it lets do.
    pub role: Role,
    /// The nodes that it speaks for; none = all.
    pub node: Option<NodeBinding>,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// By whom.
    pub created_by: String,
    /// From then on it is good for nothing.
    pub expires_ms: Option<u64>,
    /// When it was used last, to the minute.
    pub used_ms: Option<u64>,
    /// When it was taken back.
    pub revoked_ms: Option<u64>,
}

impl TokenEntry {
    /// Is it good?
    ///
    /// # Errors
    /// When it is not any more.
    pub fn good(&self, now: u64) -> Result<(), Refusal> {
        if self.revoked_ms.is_some() {
            return Err(Refusal::Revoked);
        }
        if self.expires_ms.is_some_and(|end| end <= now) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }
}

/// A name that client certificates are given a role by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEntry {
    /// Names it in lists and commands.
    pub id: String,
    /// What is looked for.
    pub name: CertificateName,
    /// What it lets do.
    pub role: Role,
    /// The nodes that it speaks for; none = all.
    pub node: Option<NodeBinding>,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// By whom.
    pub created_by: String,
}

/// What a request shows of its caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The text after `Bearer `.
    pub bearer: Option<&'a str>,
    /// A certificate that TLS has verified.
    pub certificate: Option<&'a ClientCertificate>,
}

#[derive(Debug)]
struct Held {
    entry: TokenEntry,
    /// Milliseconds; 0 = not since this was read.
    used: AtomicU64,
}

/// Every token and every certificate.
#[derive(Debug, Default)]
pub struct Book {
    version: i64,
    tokens: HashMap<TokenHash, Arc<Held>>,
    by_id: HashMap<String, TokenHash>,
    certificates: Vec<CertificateEntry>,
    sign_ins: HashMap<TokenHash, SignIn>,
    passkeys: HashMap<String, PasskeyEntry>,
}

impl Book {
    /// As the store had it at `version`.
    #[must_use]
    pub fn new(
        version: i64,
        tokens: Vec<TokenEntry>,
        mut certificates: Vec<CertificateEntry>,
    ) -> Self {
        // Names that stand for one come before those that stand for many, the longer of these first:
        // an exception must be possible.
        certificates.sort_by_key(|entry| {
            (
                entry.name.is_pattern(),
                std::cmp::Reverse(entry.name.value().len()),
                entry.name.clone(),
            )
        });
        Self {
            version,
            by_id: tokens
                .iter()
                .map(|entry| (entry.id.clone(), entry.hash))
                .collect(),
            tokens: tokens
                .into_iter()
                .map(|entry| {
                    let used = AtomicU64::new(0);
                    (entry.hash, Arc::new(Held { entry, used }))
                })
                .collect(),
            certificates,
            sign_ins: HashMap::new(),
            passkeys: HashMap::new(),
        }
    }

    /// With browsers that are signed in.
    #[must_use]
    pub fn with_sign_ins(mut self, sign_ins: Vec<SignIn>) -> Self {
        let sign_ins = sign_ins.into_iter().map(|sign_in| (sign_in.hash, sign_in));
        self.sign_ins = sign_ins.collect();
        self
    }

    /// With passkeys.
    #[must_use]
    pub fn with_passkeys(mut self, passkeys: Vec<PasskeyEntry>) -> Self {
        let passkeys = passkeys
            .into_iter()
            .map(|passkey| (passkey.id.clone(), passkey));
        self.passkeys = passkeys.collect();
        self
    }

    /// Knows also what `former` saw used and the store may not have kept yet.
    #[must_use]
    pub fn after(self, former: &Self) -> Self {
        for (hash, held) in &former.tokens {
            if let Some(here) = self.tokens.get(hash) {
                let used = held.used.load(Ordering::Relaxed);
                here.used.fetch_max(used, Ordering::Relaxed);
            }
        }
        self
    }

    /// The store's count of changes that this one has seen.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Was nobody ever given access?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.certificates.is_empty() && self.passkeys.is_empty()
    }

    /// Who shows this?
    ///
    /// A token decides alone where one is sent: a caller that means to be somebody else than its
    /// certificate must not be taken for the certificate's owner when the token is no good.
    ///
    /// # Errors
    /// When it is nobody.
    pub fn identify(&self, shown: Credentials<'_>, now: u64) -> Result<Identity, Refusal> {
        match (shown.bearer, shown.certificate) {
            (Some(text), _) => self.by_token(text, now),
            (None, Some(certificate)) => self.by_certificate(certificate),
            (None, None) => Err(Refusal::NoCredentials),
        }
    }

    fn by_token(&self, text: &str, now: u64) -> Result<Identity, Refusal> {
        let token = UnverifiedToken::read(text)?;
        if token.is_once() {
            return Err(Refusal::OneTime);
        }
        let held = self
            .tokens
            .get(&token.hash())
            .ok_or(Refusal::UnknownToken)?;
        held.entry.good(now)?;
        held.used.fetch_max(now, Ordering::Relaxed);
        Ok(Self::identity(&held.entry))
    }

    fn identity(entry: &TokenEntry) -> Identity {
        Identity::new(
            entry.name.clone(),
            entry.role,
            Source::Token(entry.id.clone()),
        )
        .bound(entry.node.clone())
    }

    /// Whose page sent this cookie?
    ///
    /// # Errors
    /// When it is nobody's, or the token that it stands for is no good any more.
    pub fn by_cookie(&self, text: &str, now: u64) -> Result<Identity, Refusal> {
        let hash = UnverifiedToken::read(text)?.hash();
        let sign_in = self.sign_ins.get(&hash);
        let sign_in = sign_in
            .filter(|sign_in| sign_in.expires_ms > now)
            .ok_or(Refusal::SignedOut)?;
        match &sign_in.by {
            SignedInBy::Token(id) => {
                let held = self.held(id).ok_or(Refusal::SignedOut)?;
                held.entry.good(now)?;
                held.used.fetch_max(now, Ordering::Relaxed);
                Ok(Self::identity(&held.entry))
            }
            SignedInBy::Passkey(id) => {
                let passkey = self.passkeys.get(id).ok_or(Refusal::SignedOut)?;
                self.by_passkey(passkey, now)
            }
        }
    }

    /// Who signs in with this passkey?
    ///
    /// # Errors
    /// When it is not good any more.
    pub fn by_passkey(&self, passkey: &PasskeyEntry, now: u64) -> Result<Identity, Refusal> {
        let token = passkey.token.as_deref().and_then(|id| self.held(id));
        passkey.good(token.map(|held| &held.entry), now)?;
        Ok(Identity::of_passkey(passkey))
    }

    fn held(&self, id: &str) -> Option<&Held> {
        self.tokens.get(self.by_id.get(id)?).map(Arc::as_ref)
    }

    fn by_certificate(&self, certificate: &ClientCertificate) -> Result<Identity, Refusal> {
        let found = self
            .certificates
            .iter()
            .find_map(|entry| Some((entry, entry.name.find(certificate)?)));
        let (entry, name) = found.ok_or_else(|| Refusal::UnknownCertificate {
            names: names(certificate),
        })?;
        Ok(Identity::new(
            name.to_owned(),
            entry.role,
            Source::Certificate(entry.id.clone()),
        )
        .bound(entry.node.clone()))
    }

    /// Would this identity still be let in? Asked for calls that last.
    ///
    /// # Errors
    /// When it would not.
    pub fn still(&self, identity: &Identity, now: u64) -> Result<(), Refusal> {
        match identity.source() {
            Source::Open => Ok(()),
            Source::Token(id) => {
                let held = self.held(id).ok_or(Refusal::UnknownToken)?;
                held.entry.good(now)
            }
            Source::Passkey(id) => {
                let passkey = self.passkeys.get(id).ok_or(Refusal::PasskeyRemoved)?;
                self.by_passkey(passkey, now).map(drop)
            }
            Source::Certificate(id) => {
                let known = self.certificates.iter().any(|entry| entry.id == *id);
                known
                    .then_some(())
                    .ok_or_else(|| Refusal::UnknownCertificate {
                        names: identity.name().to_owned(),
                    })
            }
        }
    }

    /// When what the identity was recognised by ends by itself.
    #[must_use]
    pub fn ends(&self, identity: &Identity) -> Option<u64> {
        let token = match identity.source() {
            Source::Token(id) => id,
            Source::Passkey(id) => self.passkeys.get(id)?.token.as_ref()?,
            Source::Open | Source::Certificate(_) => return None,
        };
        self.token_ends(token)
    }

    /// When a token ends by itself.
    #[must_use]
    pub fn token_ends(&self, id: &str) -> Option<u64> {
        self.held(id)?.entry.expires_ms
    }

    /// The passkey of this id.
    #[must_use]
    pub fn passkey(&self, id: &str) -> Option<&PasskeyEntry> {
        self.passkeys.get(id)
    }

    /// Every passkey.
    pub fn passkeys(&self) -> impl Iterator<Item = &PasskeyEntry> {
        self.passkeys.values()
    }

    /// The tokens used since this was read, and when.
    #[must_use]
    pub fn used(&self) -> Vec<(String, u64)> {
        self.tokens
            .values()
            .map(|held| (held, held.used.load(Ordering::Relaxed)))
            .filter(|(held, used)| *used > held.entry.used_ms.unwrap_or(0))
            .map(|(held, used)| (held.entry.id.clone(), used))
            .collect()
    }
}

/// The names of a certificate as `access certificates add` takes them, a few of them.
fn names(certificate: &ClientCertificate) -> String {
    let uris = certificate.uris.iter().map(|uri| format!("`uri:{uri}`"));
    let dns = certificate.dns.iter().map(|name| format!("`dns:{name}`"));
    let subject = Some(format!("`subject:{}`", certificate.subject));
    let all: Vec<_> = uris
        .chain(dns)
        .chain(subject.filter(|_| !certificate.subject.is_empty()))
        .take(4)
        .collect();
    all.join(", ")
}

#[cfg(test)]
mod tests;
