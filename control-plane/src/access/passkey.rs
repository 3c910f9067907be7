//! Passkeys of operators: another way to show who one is, for people at a browser.
//!
//! A passkey gives no more than what it was made with: the same name, the same role, and no longer. It
//! ends with the token that it comes from, so that whoever takes a token back takes back all that was
//! made with it, and a token of a day makes no passkey of a year.

use super::book::TokenEntry;
use super::refusal::Refusal;
use super::role::Role;

/// A passkey as lists show it: all but its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyEntry {
    /// Names it in lists and commands.
    pub id: String,
    /// Which one it is of its owner's.
    pub name: String,
    /// Whose it is.
    pub identity: String,
    /// What it lets do.
    pub role: Role,
    /// The token that it comes from and ends with; none = the one-time token of a first start.
    pub token: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// `token:ID`, `passkey:ID`, `bootstrap`.
    pub created_by: String,
    /// When somebody signed in with it last.
    pub used_ms: Option<u64>,
    /// When it was removed.
    pub removed_ms: Option<u64>,
}

impl PasskeyEntry {
    /// Is it good, with `token` being the one that it names?
    ///
    /// # Errors
    /// When it is not any more.
    pub fn good(&self, token: Option<&TokenEntry>, now: u64) -> Result<(), Refusal> {
        if self.removed_ms.is_some() {
            return Err(Refusal::PasskeyRemoved);
        }
        match (&self.token, token) {
            (None, _) => Ok(()),
            // What was tidied away had ended.
            (Some(_), None) => Err(Refusal::PasskeyEnded),
            (Some(_), Some(token)) => token.good(now).map_err(|_| Refusal::PasskeyEnded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Secret, TokenEntry};
    use super::*;

    fn token(expires_ms: Option<u64>, revoked_ms: Option<u64>) -> TokenEntry {
        TokenEntry {
            id: "t".into(),
            hash: Secret::new([1; 32]).hash(),
            name: "ann".into(),
            role: Role::Editor,
            node: None,
            created_ms: 1,
            created_by: String::new(),
            expires_ms,
            used_ms: None,
            revoked_ms,
        }
    }

    fn passkey(token: Option<&str>) -> PasskeyEntry {
        PasskeyEntry {
            id: "p".into(),
            name: "laptop".into(),
            identity: "ann".into(),
            role: Role::Editor,
            token: token.map(str::to_owned),
            created_ms: 1,
            created_by: String::new(),
            used_ms: None,
            removed_ms: None,
        }
    }

    #[test]
    fn a_passkey_ends_with_the_token_that_it_comes_from() {
        let of_token = passkey(Some("t"));
        for (token, ends) in [
            (Some(token(None, None)), Ok(())),
            (Some(token(Some(11), None)), Ok(())),
            (Some(token(Some(10), None)), Err(Refusal::PasskeyEnded)),
            (Some(token(None, Some(9))), Err(Refusal::PasskeyEnded)),
            (None, Err(Refusal::PasskeyEnded)),
        ] {
            assert_eq!(of_token.good(token.as_ref(), 10), ends);
        }
        assert_eq!(passkey(None).good(None, 10), Ok(()));
        let removed = PasskeyEntry {
            removed_ms: Some(9),
            ..passkey(None)
        };
        assert_eq!(removed.good(None, 10), Err(Refusal::PasskeyRemoved));
    }
}
