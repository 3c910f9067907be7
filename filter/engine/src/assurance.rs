//! The grades of what a session has proven.

use countersign_proto::policy::v1 as wire;

/// The grade of a session, weakest first; a higher grade satisfies a lower demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// Nothing was proven.
    #[default]
    None,
    /// A computer did some work.
    Effort,
    /// A test that people pass more easily than programs.
    Human,
    /// Something is possessed: a mailbox, a one-time-code generator, a key without verification.
    Possession,
    /// An authenticator says that it verified its user (WebAuthn UV flag).
    Uv,
    /// The same with a credential that cannot leave its device (WebAuthn BE flag unset).
    UvBound,
    /// The same, attested by a manufacturer that the operator trusts.
    UvAttested,
}

impl Assurance {
    /// Every grade, weakest first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Effort,
        Self::Human,
        Self::Possession,
        Self::Uv,
        Self::UvBound,
        Self::UvAttested,
    ];

    /// The word used in policies, tickets and the `acr` claim.
    #[must_use]
    pub const fn word(self) -> &'static str {
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

    /// The grade that `word` names, if it names one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.word() == word)
    }

    /// The grade as a number, as `session.assurance` has it in expressions.
    #[must_use]
    pub const fn grade(self) -> i64 {
        self as i64
    }

    /// The wire's enum.
    #[must_use]
    pub const fn to_wire(self) -> wire::Assurance {
        match self {
            Self::None => wire::Assurance::None,
            Self::Effort => wire::Assurance::Effort,
            Self::Human => wire::Assurance::Human,
            Self::Possession => wire::Assurance::Possession,
            Self::Uv => wire::Assurance::Uv,
            Self::UvBound => wire::Assurance::UvBound,
            Self::UvAttested => wire::Assurance::UvAttested,
        }
    }

    /// The grade that the wire's enum stands for.
    #[must_use]
    pub const fn from_wire(grade: wire::Assurance) -> Self {
        match grade {
            wire::Assurance::None => Self::None,
            wire::Assurance::Effort => Self::Effort,
            wire::Assurance::Human => Self::Human,
            wire::Assurance::Possession => Self::Possession,
            wire::Assurance::Uv => Self::Uv,
            wire::Assurance::UvBound => Self::UvBound,
            wire::Assurance::UvAttested => Self::UvAttested,
        }
    }

    /// The grade of that number.
    #[must_use]
    pub fn from_grade(grade: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.grade() == grade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grade_survives_the_wire_and_its_word() {
        for grade in Assurance::ALL {
            assert_eq!(Assurance::from_grade(grade.grade()), Some(grade));
            assert_eq!(Assurance::from_word(grade.word()), Some(grade));
            assert_eq!(grade.grade(), i64::from(grade.to_wire() as i32));
        }
        assert_eq!(Assurance::from_grade(7), None);
        assert_eq!(Assurance::from_word("UV"), None);
    }
}
