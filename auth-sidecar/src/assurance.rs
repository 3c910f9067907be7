//! What a session has proven, as a grade.

use countersign_proto::policy::v1 as proto;
use serde::{Deserialize, Serialize};

/// The grades, weakest first: a higher grade satisfies a lower demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Nothing.
    None,
    /// Something that costs, such as proof of work.
    Effort,
    /// A test that is hard for programs.
    Human,
    /// A key that this browser holds.
    Possession,
    /// The authenticator says that it verified its user.
    Uv,
    /// The same, by a credential that cannot leave its device.
    UvBound,
    /// The same, by an authenticator whose maker vouches for it.
    UvAttested,
}

impl Assurance {
    /// The grade of a verified WebAuthn answer.
    ///
    /// `backup_eligible` must be what registration *and* this answer said, either one true: a
    /// credential that may be synced now or could be later is not bound to its device. Without
    /// `attested` (a maker who is believed vouches for the authenticator) these are claims of whoever
    /// answered; no grade here pretends otherwise.
    #[must_use]
    pub fn of_answer(user_verified: bool, backup_eligible: bool, attested: bool) -> Self {
        match (user_verified, backup_eligible, attested) {
            (true, false, true) => Self::UvAttested,
            (true, false, false) => Self::UvBound,
            (true, true, _) => Self::Uv,
            (false, ..) => Self::Possession,
        }
    }

    /// The word used in tickets, sessions and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Effort => "effort",
            Self::Human => "human",
            Self::Possession => "possession",
            Self::Uv => "uv",
            Self::UvBound => "uv_bound",
            Self::UvAttested => "uv_attested",
        }
    }

    /// As it is told to the control plane.
    #[must_use]
    pub fn to_proto(self) -> proto::Assurance {
        match self {
            Self::None => proto::Assurance::None,
            Self::Effort => proto::Assurance::Effort,
            Self::Human => proto::Assurance::Human,
            Self::Possession => proto::Assurance::Possession,
            Self::Uv => proto::Assurance::Uv,
            Self::UvBound => proto::Assurance::UvBound,
            Self::UvAttested => proto::Assurance::UvAttested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synced_credential_is_verified_but_not_bound() {
        use Assurance as A;
        assert_eq!(A::of_answer(true, true, false), A::Uv);
        assert_eq!(A::of_answer(true, false, false), A::UvBound);
        assert_eq!(A::of_answer(false, false, false), A::Possession);
    }

    #[test]
    fn a_maker_vouches_for_what_is_verified_and_bound_and_for_nothing_less() {
        use Assurance as A;
        assert_eq!(A::of_answer(true, false, true), A::UvAttested);
        assert_eq!(A::of_answer(true, true, true), A::Uv);
        assert_eq!(A::of_answer(false, false, true), A::Possession);
        assert!(Assurance::Uv < Assurance::UvBound && Assurance::UvBound < Assurance::UvAttested);
    }

    #[test]
    fn the_word_is_the_serialised_form() {
        for grade in [
            Assurance::None,
            Assurance::Possession,
            Assurance::UvBound,
            Assurance::UvAttested,
        ] {
            assert_eq!(serde_json::to_value(grade).unwrap(), grade.word());
        }
    }
}
