//! A policy in place.

use super::record::{TextList, Texts, action, policy as at, proving};
use crate::Assurance;
use crate::cel::NodeId;
use crate::form::Words;
use crate::limits::MAX_HELD_BYTES;

/// A `MitigationPolicy`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    record: Words<'a>,
    texts: Texts<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum PolicyAction<'a> {
    Allow,
    Block,
    Redirect { location: &'a str, status: u16 },
    Challenge(Demand<'a>),
    Monitor,
}

/// What a challenge demands of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) min_assurance: Assurance,
    /// Seconds since the proof; 0 = as long as the session lasts.
    pub(crate) max_age_s: u32,
    pub(crate) kinds: TextList<'a>,
    pub(crate) fallback: TextList<'a>,
    /// Bytes of a navigation's body that are kept meanwhile; 0 = none is.
    pub(crate) hold_body: u32,
    /// Authenticators that `fido` asks for; empty = the sidecar's default.
    pub(crate) authenticators: TextList<'a>,
    /// The session has to be bound to a key by DPoP.
    pub(crate) dpop: bool,
    /// The proof may be given on another device than the one that asked.
    pub(crate) other_device: bool,
}

/// What keeps a record from being a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidField(pub(super) &'static str);

impl<'a> Policy<'a> {
    pub(super) fn at(records: Words<'a>, texts: Texts<'a>, number: usize) -> Option<Self> {
        let record = records.part(number.checked_mul(at::WORDS)?, at::WORDS)?;
        Some(Self { record, texts })
    }

    pub(crate) fn name(&self) -> &'a str {
        self.texts.text(self.record, at::NAME).unwrap_or_default()
    }

    pub(crate) fn hosts(&self) -> TextList<'a> {
        self.texts.list(self.record, at::HOSTS)
    }

    pub(crate) fn endpoints(&self) -> TextList<'a> {
        self.texts.list(self.record, at::ENDPOINTS)
    }

    pub(crate) fn methods(&self) -> TextList<'a> {
        self.texts.list(self.record, at::METHODS)
    }

    /// The condition; `None` = always.
    pub(crate) fn when(&self) -> Option<NodeId> {
        self.word(at::WHEN).checked_sub(1).map(NodeId)
    }

    pub(crate) fn monitor_only(&self) -> bool {
        self.word(at::MONITOR_ONLY) != 0
    }

    /// The number of what its upstreams may ask for.
    pub(crate) fn step_up(&self) -> Option<u32> {
        self.word(at::STEP_UP).checked_sub(1)
    }

    /// The action. What the loader has checked is one; anything else would refuse.
    pub(crate) fn action(&self) -> PolicyAction<'a> {
        self.checked_action().unwrap_or(PolicyAction::Block)
    }

    fn word(&self, position: usize) -> u32 {
        self.record.get(position).unwrap_or(0)
    }

    /// Checks what the accessors rely on.
    pub(super) fn check(&self, nodes: usize) -> Result<(), InvalidField> {
        let list = |position, what| {
            self.texts
                .checked_list(self.record, position)
                .ok_or(InvalidField(what))
        };
        if self.name().is_empty() {
            return Err(InvalidField("the name"));
        }
        if self.word(at::WHEN) as usize > nodes {
            return Err(InvalidField("the condition"));
        }
        list(at::HOSTS, "the hosts")?;
        list(at::ENDPOINTS, "the endpoints")?;
        list(at::METHODS, "the methods")?;
        self.checked_action().map(|_| ())
    }

    fn checked_action(&self) -> Result<PolicyAction<'a>, InvalidField> {
        Ok(match self.word(at::ACTION) {
            action::ALLOW => PolicyAction::Allow,
            action::BLOCK => PolicyAction::Block,
            action::MONITOR => PolicyAction::Monitor,
            action::REDIRECT => {
                let status = u16::try_from(self.word(at::STATUS))
                    .ok()
                    .filter(|status| matches!(status, 302 | 307 | 308))
                    .ok_or(InvalidField("the redirect status"))?;
                let location = self
                    .texts
                    .text(self.record, at::LOCATION)
                    // A line break would end the header.
                    .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte >= b' '))
                    .ok_or(InvalidField("the redirect location"))?;
                PolicyAction::Redirect { location, status }
            }
            action::CHALLENGE => PolicyAction::Challenge(Demand::read(
                self.record,
                self.texts,
                [
                    at::MIN_ASSURANCE,
                    at::MAX_AGE_S,
                    at::KINDS,
                    at::FALLBACK,
                    at::HOLD_BODY,
                    at::AUTHENTICATORS,
                    at::PROVING,
                ],
            )?),
            _ => return Err(InvalidField("the action")),
        })
    }
}

impl<'a> Demand<'a> {
    /// Reads the words at these positions: assurance, age, kinds, fallback, bytes held,
    /// authenticators, how.
    pub(super) fn read(
        record: Words<'a>,
        texts: Texts<'a>,
        [
            min_assurance,
            max_age_s,
            kinds,
            fallback,
            hold_body,
            authenticators,
            how,
        ]: [usize; 7],
    ) -> Result<Self, InvalidField> {
        let grade = record.get(min_assurance).unwrap_or(u32::MAX);
        let list = |position, what| {
            texts
                .checked_list(record, position)
                .ok_or(InvalidField(what))
        };
        let how = record
            .get(how)
            .filter(|bits| bits & !proving::ALL == 0)
            .ok_or(InvalidField("how it is proven"))?;
        Ok(Self {
            dpop: how & proving::DPOP != 0,
            other_device: how & proving::OWN_DEVICE == 0,
            min_assurance: Assurance::from_grade(grade.into())
                .ok_or(InvalidField("the assurance"))?,
            max_age_s: record.get(max_age_s).unwrap_or(0),
            kinds: list(kinds, "the kinds")?,
            fallback: list(fallback, "the fallback")?,
            hold_body: record
                .get(hold_body)
                .filter(|&bytes| bytes <= MAX_HELD_BYTES)
                .ok_or(InvalidField("`holdBody`"))?,
            authenticators: list(authenticators, "the authenticators")?,
        })
    }
}
