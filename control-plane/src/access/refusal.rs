//! Why somebody may not, in words for the one who can act.

use std::time::Duration;

use super::role::{Need, Role};
use super::token::NotAToken;

/// Why a call is refused before its handler sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing was shown.
    #[error(
        "this needs a token: make one with `countersign access tokens create` (the very first with `countersign access bootstrap`) and give it by COUNTERSIGN_TOKEN, `--token-file` or `countersign context set`"
    )]
    NoCredentials,
    /// Something that can be no token.
    #[error("what was sent as a token is none: {0}")]
    NotAToken(#[from] NotAToken),
    /// Never given out, or tidied away since.
    #[error("nobody knows this token; was it made at another control plane?")]
    UnknownToken,
    /// It was good once.
    #[error("this token has expired; make another with `countersign access tokens create`")]
    Expired,
    /// It was taken back.
    #[error("this token was revoked; make another with `countersign access tokens create`")]
    Revoked,
    /// A cookie that was good once, or never.
    #[error("you are signed out; sign in again")]
    SignedOut,
    /// It was good once.
    #[error("this passkey was removed; sign in with another one, or with a token")]
    PasskeyRemoved,
    /// What it was made with is good no more.
    #[error(
        "this passkey has ended with the token that it was made with; sign in with a token and make another"
    )]
    PasskeyEnded,
    /// Its answer proves nothing. Why, the audit log knows: a forger is not told what to mend.
    #[error("this passkey was not accepted; sign in with another one, or with a token")]
    PasskeyRejected,
    /// A page of another site made the browser send it.
    #[error("a page of another site asks this with your sign-in; it is not heard")]
    OtherSite,
    /// It makes the first token and nothing else.
    #[error(
        "a one-time token is exchanged: for a passkey on the dashboard's sign-in page, or for a token by `countersign access bootstrap`"
    )]
    OneTime,
    /// TLS verified it, and nobody gave it a role.
    #[error(
        "no role was given to this client certificate; give one with `countersign access certificates add`, by one of its names: {names}"
    )]
    UnknownCertificate {
        /// As `access certificates add` takes them.
        names: String,
    },
    /// Known, and may not.
    #[error("this needs the role `{needs}`, and `{name}` has the role `{has}`")]
    WrongRole {
        /// Who.
        name: String,
        /// The role it has.
        has: Role,
        /// The role it would need.
        needs: Role,
    },
    /// It speaks for other nodes.
    #[error("`{name}` speaks for the node `{}` only, and this is `{}`", .nodes.0, .nodes.1)]
    OtherNode {
        /// Who.
        name: Box<str>,
        /// What it is bound to, and the node that it named.
        nodes: Box<(String, String)>,
    },
    /// No rule names the call; what nobody thought of is closed.
    #[error("nobody may call this: no rule says who may")]
    NoRule,
    /// Too often.
    #[error("too many requests; try again in {} s", .retry_after.as_secs().max(1))]
    TooMany {
        /// When one more will be heard.
        retry_after: Duration,
    },
    /// Too often, with nothing that is known.
    #[error("too many attempts without a good token from this address; try again in {} s", .retry_after.as_secs().max(1))]
    TooManyAttempts {
        /// When one more will be heard.
        retry_after: Duration,
    },
}

/// What kind of answer a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Who are you? 401, UNAUTHENTICATED.
    Unknown,
    /// You may not: 403, PERMISSION_DENIED.
    Forbidden,
    /// Not now: 429, RESOURCE_EXHAUSTED.
    Later,
}

impl Refusal {
    /// What kind of answer it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoCredentials
            | Self::NotAToken(_)
            | Self::UnknownToken
            | Self::Expired
            | Self::Revoked
            | Self::OneTime
            | Self::SignedOut
            | Self::PasskeyRemoved
            | Self::PasskeyEnded
            | Self::PasskeyRejected
            | Self::UnknownCertificate { .. } => Class::Unknown,
            Self::WrongRole { .. } | Self::OtherNode { .. } | Self::NoRule | Self::OtherSite => {
                Class::Forbidden
            }
            Self::TooMany { .. } | Self::TooManyAttempts { .. } => Class::Later,
        }
    }

    /// The word that counters know it by.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::NotAToken(_) => "malformed_token",
            Self::UnknownToken => "unknown_token",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::OneTime => "one_time_token",
            Self::SignedOut => "signed_out",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyEnded => "passkey_ended",
            Self::PasskeyRejected => "passkey_rejected",
            Self::OtherSite => "other_site",
            Self::UnknownCertificate { .. } => "unknown_certificate",
            Self::WrongRole { .. } => "role",
            Self::OtherNode { .. } => "other_node",
            Self::NoRule => "no_rule",
            Self::TooMany { .. } => "rate",
            Self::TooManyAttempts { .. } => "attempts",
        }
    }

    /// When to try again, in whole seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after } | Self::TooManyAttempts { retry_after } => {
                let whole = retry_after.as_secs();
                let more = u64::from(retry_after.subsec_nanos() > 0);
                Some(whole.saturating_add(more).max(1))
            }
            _ => None,
        }
    }
}

impl super::Identity {
    /// May it do what needs this?
    ///
    /// # Errors
    /// When it may not.
    pub fn may(&self, need: Need) -> Result<(), Refusal> {
        match (need, self.role()) {
            (Need::Role(needs), Some(has)) if !has.covers(needs) => Err(Refusal::WrongRole {
                name: self.name().to_owned(),
                has,
                needs,
            }),
            _ => Ok(()),
        }
    }
}
