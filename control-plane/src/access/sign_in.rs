//! Browsers that are signed in: a cookie stands for a token, which itself no page can read.

use super::token::TokenHash;

/// A sign-in as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Of the cookie.
    pub hash: TokenHash,
    /// What it was exchanged for. It is good as long as that is, at most.
    pub by: SignedInBy,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// From then on it is good for nothing.
    pub expires_ms: u64,
}

/// What somebody signed in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedInBy {
    /// The token of this id.
    Token(String),
    /// The passkey of this id.
    Passkey(String),
}

/// What a request shows of its caller, beside a certificate.
#[derive(Clone, Copy, Debug, Default)]
pub enum Shown<'a> {
    /// Nothing.
    #[default]
    Nothing,
    /// The text after `Bearer `.
    Bearer(&'a str),
    /// The cookie of a page of ours.
    Cookie(&'a str),
    /// The cookie, and another site made the browser send it.
    CookieFromElsewhere,
}

impl<'a> From<Option<&'a str>> for Shown<'a> {
    fn from(bearer: Option<&'a str>) -> Self {
        bearer.map_or(Self::Nothing, Self::Bearer)
    }
}
