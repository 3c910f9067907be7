//! Settings in place.

use std::net::IpAddr;

use super::policy::{Demand, InvalidField};
use super::record::{TextList, Texts, settings as at};
use super::verdict::{ChallengeVerdict, Plaintext, VerdictMode};
use crate::cel::{Program, Set};
use crate::form::Words;

/// How many identifiers of a device are texts that a header carries.
pub(crate) const TEXT_IDENTIFIERS: usize = 6;

/// The `Settings` of a revision.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    record: Words<'a>,
    texts: Texts<'a>,
    trusted_hops: Option<Set<'a>>,
    demand: Demand<'a>,
}

impl<'a> Settings<'a> {
    pub(super) fn load(
        record: Words<'a>,
        texts: Texts<'a>,
        program: &Program<'a>,
    ) -> Result<Self, InvalidField> {
        if record.len() != at::WORDS {
            return Err(InvalidField("the record"));
        }
        let word = |position| record.get(position).unwrap_or(0);
        let trusted_hops = match word(at::TRUSTED_HOPS).checked_sub(1) {
            None => None,
            Some(set) => Some(
                program
                    .sets()
                    .get(set)
                    .filter(|set| set.kind() == crate::cel::SetKind::Cidrs)
                    .ok_or(InvalidField("a trusted hop"))?,
            ),
        };
        let headers = [at::SCORE_HEADER, at::COUNTRY_HEADER, at::ASN_HEADER]
            .into_iter()
            .chain((0..TEXT_IDENTIFIERS).map(|identifier| at::IDENTIFIERS + identifier * 2));
        for position in headers {
            texts
                .text(record, position)
                .filter(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase()))
                .ok_or(InvalidField("a header name"))?;
        }
        texts
            .checked_list(record, at::EXEMPT_PATHS)
            .ok_or(InvalidField("the exempt paths"))?;
        if word(at::PLAINTEXT) > 1 {
            return Err(InvalidField("`plaintext`"));
        }
        if !(1..=65_535).contains(&word(at::HTTPS_PORT)) {
            return Err(InvalidField("the https port"));
        }
        if word(at::VERDICT_MODE) > 1 || word(at::VERDICT_CHALLENGE) > 2 {
            return Err(InvalidField("`verdicts`"));
        }
        let demand = Demand::read(
            record,
            texts,
            [
                at::MIN_ASSURANCE,
                at::MAX_AGE_S,
                at::KINDS,
                at::FALLBACK,
                at::HOLD_BODY,
                at::AUTHENTICATORS,
                at::PROVING,
            ],
        )?;
        Ok(Self {
            record,
            texts,
            trusted_hops,
            demand,
        })
    }

    fn word(&self, position: usize) -> u32 {
        self.record.get(position).unwrap_or(0)
    }

    fn header(&self, position: usize) -> &'a str {
        self.texts.text(self.record, position).unwrap_or_default()
    }

    /// Is that a peer whose `x-forwarded-for`, score and geo headers are believed?
    pub(crate) fn is_trusted_hop(&self, address: IpAddr) -> bool {
        self.trusted_hops
            .is_some_and(|hops| hops.contains_address(address))
    }

    /// Lower-case; empty = no upstream score.
    pub(crate) fn score_header(&self) -> &'a str {
        self.header(at::SCORE_HEADER)
    }

    pub(crate) fn country_header(&self) -> &'a str {
        self.header(at::COUNTRY_HEADER)
    }

    pub(crate) fn asn_header(&self) -> &'a str {
        self.header(at::ASN_HEADER)
    }

    /// The header of one of the identifiers that are texts; empty = none.
    pub(crate) fn identifier_header(&self, identifier: usize) -> &'a str {
        if identifier >= TEXT_IDENTIFIERS {
            return "";
        }
        self.header(at::IDENTIFIERS + identifier * 2)
    }

    /// Globs on the normalised path that are permitted before any policy.
    pub(crate) fn exempt_paths(&self) -> TextList<'a> {
        self.texts.list(self.record, at::EXEMPT_PATHS)
    }

    pub(crate) fn case_sensitive_paths(&self) -> bool {
        self.word(at::CASE_SENSITIVE_PATHS) != 0
    }

    pub(crate) fn plaintext(&self) -> Plaintext {
        match self.word(at::PLAINTEXT) {
            0 => Plaintext::Redirect,
            _ => Plaintext::Block,
        }
    }

    pub(crate) fn https_port(&self) -> u16 {
        u16::try_from(self.word(at::HTTPS_PORT)).unwrap_or(443)
    }

    /// How far a clock may be off when `exp` and `nbf` are checked.
    pub(crate) fn session_leeway_s(&self) -> i64 {
        self.word(at::SESSION_LEEWAY_S).into()
    }

    pub(crate) fn session_lifetime_s(&self) -> u32 {
        self.word(at::SESSION_LIFETIME_S)
    }

    pub(crate) fn session_bound_s(&self) -> u32 {
        self.word(at::SESSION_BOUND_S)
    }

    pub(crate) fn ticket_lifetime_s(&self) -> i64 {
        self.word(at::TICKET_LIFETIME_S).into()
    }

    /// One in this many plain allows becomes an event; 0 = none.
    pub(crate) fn allow_sampling(&self) -> u32 {
        self.word(at::ALLOW_SAMPLING)
    }

    pub(crate) fn verdict_mode(&self) -> VerdictMode {
        match self.word(at::VERDICT_MODE) {
            0 => VerdictMode::Observe,
            _ => VerdictMode::Enforce,
        }
    }

    pub(crate) fn verdict_challenge(&self) -> ChallengeVerdict {
        match self.word(at::VERDICT_CHALLENGE) {
            0 => ChallengeVerdict::Allow,
            1 => ChallengeVerdict::Block,
            _ => ChallengeVerdict::Challenge,
        }
    }

    /// The number of what upstreams may ask for where no policy says.
    pub(crate) fn step_up(&self) -> Option<u32> {
        self.word(at::STEP_UP).checked_sub(1)
    }

    /// What the challenge of a verdict demands.
    pub(crate) const fn verdict_demand(&self) -> &Demand<'a> {
        &self.demand
    }
}
