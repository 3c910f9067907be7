//! The records of policies, signals, settings and keys: runs of `u32`, little-endian. A text is two
//! words, offset and length in the section `Strings`; a list of texts is two words, start and count in
//! the section `Texts`, whose entries are such pairs. Names here are positions of words.

use crate::form::Words;

/// A policy: section `Policies`.
pub(super) mod policy {
    pub(crate) const NAME: usize = 0;
    /// The condition's node plus one; zero is "always".
    pub(crate) const WHEN: usize = 2;
    /// See [`super::Action`].
    pub(crate) const ACTION: usize = 3;
    /// 1: decide and count, do not act.
    pub(crate) const MONITOR_ONLY: usize = 4;
    pub(crate) const HOSTS: usize = 5;
    pub(crate) const ENDPOINTS: usize = 7;
    pub(crate) const METHODS: usize = 9;
    pub(crate) const MIN_ASSURANCE: usize = 11;
    pub(crate) const MAX_AGE_S: usize = 12;
    pub(crate) const KINDS: usize = 13;
    pub(crate) const FALLBACK: usize = 15;
    pub(crate) const LOCATION: usize = 17;
    pub(crate) const STATUS: usize = 19;
    pub(crate) const HOLD_BODY: usize = 20;
    pub(crate) const AUTHENTICATORS: usize = 21;
    /// The number of a record of `StepUps` plus one; zero is none.
    pub(crate) const STEP_UP: usize = 23;
    /// See [`super::proving`].
    pub(crate) const PROVING: usize = 24;
    pub(crate) const WORDS: usize = 25;
}

/// A signal: section `Signals`.
pub(super) mod signal {
    pub(crate) const NAME: usize = 0;
    /// The condition's node plus one; zero is "always".
    pub(crate) const WHEN: usize = 2;
    /// Signed.
    pub(crate) const WEIGHT: usize = 3;
    pub(crate) const REASON: usize = 4;
    /// See [`crate::Verdict::number`].
    pub(crate) const VERDICT: usize = 6;
    pub(crate) const WORDS: usize = 7;
}

/// Settings: section `Settings`, one record.
pub(super) mod settings {
    /// The number of a set of CIDRs plus one; zero is none.
    pub(crate) const TRUSTED_HOPS: usize = 0;
    pub(crate) const SCORE_HEADER: usize = 1;
    pub(crate) const COUNTRY_HEADER: usize = 3;
    pub(crate) const ASN_HEADER: usize = 5;
    pub(crate) const EXEMPT_PATHS: usize = 7;
    /// 1: endpoint patterns compare letters by case.
    pub(crate) const CASE_SENSITIVE_PATHS: usize = 9;
    /// 0 redirect, 1 block.
    pub(crate) const PLAINTEXT: usize = 10;
    pub(crate) const HTTPS_PORT: usize = 11;
    pub(crate) const SESSION_LEEWAY_S: usize = 12;
    pub(crate) const SESSION_LIFETIME_S: usize = 13;
    pub(crate) const TICKET_LIFETIME_S: usize = 14;
    pub(crate) const ALLOW_SAMPLING: usize = 15;
    /// 0 observe, 1 enforce.
    pub(crate) const VERDICT_MODE: usize = 16;
    /// 0 allow, 1 block, 2 challenge.
    pub(crate) const VERDICT_CHALLENGE: usize = 17;
    /// What a verdict's challenge demands.
    pub(crate) const MIN_ASSURANCE: usize = 18;
    pub(crate) const MAX_AGE_S: usize = 19;
    pub(crate) const KINDS: usize = 20;
    pub(crate) const FALLBACK: usize = 22;
    /// Headers of the six identifiers that are texts, in the order of
    /// [`crate::device::Identifier`]; two words each.
    pub(crate) const IDENTIFIERS: usize = 24;
    pub(crate) const HOLD_BODY: usize = 36;
    pub(crate) const AUTHENTICATORS: usize = 37;
    /// Of a session that is bound to a key of its device: how long each copy lasts; 0 binds none.
    pub(crate) const SESSION_BOUND_S: usize = 39;
    /// See [`super::policy::STEP_UP`].
    pub(crate) const STEP_UP: usize = 40;
    /// See [`super::proving`].
    pub(crate) const PROVING: usize = 41;
    pub(crate) const WORDS: usize = 42;
}

/// Bits of how a challenge is to be passed.
pub(super) mod proving {
    /// The session has to be bound to a key by DPoP.
    pub(crate) const DPOP: u32 = 1;
    /// Nobody may prove anything on another device than the one that asked.
    pub(crate) const OWN_DEVICE: u32 = 2;
    pub(crate) const ALL: u32 = DPOP | OWN_DEVICE;

    pub(crate) const fn bits(dpop: bool, other_device: bool) -> u32 {
        (if dpop { DPOP } else { 0 }) | (if other_device { 0 } else { OWN_DEVICE })
    }
}

/// What upstreams may ask for: section `StepUps`.
pub(super) mod step_up {
    pub(crate) const UPSTREAMS: usize = 0;
    pub(crate) const KINDS: usize = 2;
    pub(crate) const FALLBACK: usize = 4;
    pub(crate) const HOLD_BODY: usize = 6;
    pub(crate) const AUTHENTICATORS: usize = 7;
    pub(crate) const WORDS: usize = 9;
}

/// A key or a revocation: section `Keys`; records sorted by kind, those of one kind by text.
pub(super) mod key {
    /// 1 session key, 2 ticket key, 3 revoked session, 4 revoked device.
    pub(crate) const KIND: usize = 0;
    /// Key id, token id, or device.
    pub(crate) const TEXT: usize = 1;
    /// Of a key: offset and length in the section `Bytes`. Of a revocation: the low and the high half
    /// of the second before which sessions were issued.
    pub(crate) const VALUE: usize = 3;
    pub(crate) const WORDS: usize = 5;

    pub(crate) const SESSION: u32 = 1;
    pub(crate) const TICKET: u32 = 2;
    pub(crate) const REVOKED_SESSION: u32 = 3;
    pub(crate) const REVOKED_DEVICE: u32 = 4;
}

/// The numbers of actions.
pub(super) mod action {
    pub(crate) const ALLOW: u32 = 1;
    pub(crate) const BLOCK: u32 = 2;
    pub(crate) const REDIRECT: u32 = 3;
    pub(crate) const CHALLENGE: u32 = 4;
    pub(crate) const MONITOR: u32 = 5;
}

/// Texts and lists of texts, by the words that name them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Texts<'a> {
    pub(super) strings: &'a str,
    pub(super) pairs: Words<'a>,
}

impl<'a> Texts<'a> {
    /// The text that the words at `at` of a record name.
    pub(super) fn text(&self, record: Words<'a>, at: usize) -> Option<&'a str> {
        let start = record.get(at)? as usize;
        let length = record.get(at + 1)? as usize;
        self.strings.get(start..start.checked_add(length)?)
    }

    /// The list that the words at `at` of a record name; empty where it is none.
    pub(super) fn list(&self, record: Words<'a>, at: usize) -> TextList<'a> {
        self.checked_list(record, at).unwrap_or_default()
    }

    /// The list, if every text of it is one.
    pub(super) fn checked_list(&self, record: Words<'a>, at: usize) -> Option<TextList<'a>> {
        let start = record.get(at)? as usize;
        let count = record.get(at + 1)? as usize;
        let pairs = self
            .pairs
            .part(start.checked_mul(2)?, count.checked_mul(2)?)?;
        Some(TextList {
            texts: Self {
                strings: self.strings,
                pairs,
            },
        })
    }
}

/// A list of texts in place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextList<'a> {
    texts: Texts<'a>,
}

impl<'a> TextList<'a> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.texts.pairs.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let texts = self.texts;
        (0..texts.pairs.len() / 2).filter_map(move |index| texts.text(texts.pairs, index * 2))
    }

    pub(crate) fn to_vec(self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}
