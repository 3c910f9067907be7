//! Verdicts, and what `Settings` make of them.

/// What signals and device rules say of a request, strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing against it.
    Allow,
    /// Doubtful.
    Challenge,
    /// Against it.
    Block,
}

impl Verdict {
    /// The word in policies and events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Challenge => "CHALLENGE",
            Self::Block => "BLOCK",
        }
    }

    /// The number in the compiled form.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Allow => 1,
            Self::Challenge => 2,
            Self::Block => 3,
        }
    }

    /// The verdict of that number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Allow),
            2 => Some(Self::Challenge),
            3 => Some(Self::Block),
            _ => None,
        }
    }
}

/// Do verdicts act by themselves?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerdictMode {
    /// They are recorded, and policies may read them.
    #[default]
    Observe,
    /// Where no policy decided, the verdict does.
    Enforce,
}

/// What an enforced `CHALLENGE` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChallengeVerdict {
    /// The request goes on.
    #[default]
    Allow,
    /// 403.
    Block,
    /// The person is asked for proof.
    Challenge,
}

/// What a challenge of a navigation over plaintext does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// First to the same address under https: WebAuthn and Secure cookies need it.
    #[default]
    Redirect,
    /// 403.
    Block,
}
