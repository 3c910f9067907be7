//! How often one address prefix may ask: a bucket of tokens each, in memory.
//!
//! It is a brake, not a proof: each sidecar brakes for itself, and what must hold across sidecars (how
//! often a code was guessed) stands in the store ([`crate::lockout`]).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::limits;
use crate::peer::Prefix;

/// How much a prefix may do at once, and how fast it may again.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// At once.
    pub burst: u32,
    /// Until one more is allowed.
    pub each_ms: u64,
}

/// What is braked, each with buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Beginning a ceremony.
    Begin,
    /// Answering one.
    Answer,
    /// Having a mail sent.
    Mail,
    /// Having a device's sessions ended.
    Compromise,
}

/// Every bucket.
#[derive(Debug, Default)]
pub struct Rates {
    begin: Mutex<Buckets>,
    answer: Mutex<Buckets>,
    mail: Mutex<Buckets>,
    compromise: Mutex<Buckets>,
}

impl Rates {
    /// Takes one token, if there is one. Requests from nobody knows where share a bucket.
    #[must_use]
    pub fn allow(&self, what: What, from: Option<Prefix>, now_ms: u64) -> bool {
        let (buckets, allowance) = match what {
            What::Begin => (&self.begin, limits::BEGIN_RATE),
            What::Answer => (&self.answer, limits::ANSWER_RATE),
            What::Mail => (&self.mail, limits::MAIL_RATE),
            What::Compromise => (&self.compromise, limits::COMPROMISE_RATE),
        };
        let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.allow(from, allowance, now_ms)
    }
}

/// When each prefix's bucket will be full again: that is all there is to know of it.
///
/// Two generations, so that a flood of prefixes costs a bounded memory and no search: when the young one
/// is full it becomes the old one, and what is asked for again moves over. A bucket that is forgotten is
/// a full one; who has that many prefixes needs no patience with one of them.
#[derive(Debug, Default)]
struct Buckets {
    young: HashMap<Option<Prefix>, u64>,
    old: HashMap<Option<Prefix>, u64>,
}

impl Buckets {
    fn allow(&mut self, prefix: Option<Prefix>, allowance: Allowance, now_ms: u64) -> bool {
        let known = self.young.get(&prefix).or_else(|| self.old.get(&prefix));
        let most = allowance.each_ms.saturating_mul(u64::from(allowance.burst));
        // An empty bucket is full again after `most`; what lies further ahead, a clock that was set
        // back has put there.
        let latest = now_ms.saturating_add(most);
        let full_at = known.copied().unwrap_or(0).clamp(now_ms, latest);
        let next = full_at.saturating_add(allowance.each_ms);
        let allowed = next.saturating_sub(now_ms) <= most;
        if self.young.len() >= limits::RATE_BUCKETS / 2 && !self.young.contains_key(&prefix) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young
            .insert(prefix, if allowed { next } else { full_at });
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn prefix(number: u32) -> Option<Prefix> {
        Some(Prefix::of(Ipv4Addr::from(number << 8).into()))
    }

    #[test]
    fn a_burst_is_allowed_and_then_one_at_a_time() {
        let rates = Rates::default();
        let mut now = 1_000;
        for number in 0..=limits::MAIL_RATE.burst {
            let allowed = rates.allow(What::Mail, prefix(1), now);
            assert_eq!(allowed, number < limits::MAIL_RATE.burst, "{number}");
        }
        assert!(
            rates.allow(What::Mail, prefix(2), now),
            "a neighbour is not concerned"
        );
        assert!(
            rates.allow(What::Begin, prefix(1), now),
            "nor is another matter"
        );
        now += limits::MAIL_RATE.each_ms - 1;
        assert!(!rates.allow(What::Mail, prefix(1), now));
        now += 1;
        assert!(rates.allow(What::Mail, prefix(1), now));
        assert!(!rates.allow(What::Mail, prefix(1), now));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_longer_than_a_bucket_takes() {
        let rates = Rates::default();
        assert!(rates.allow(What::Mail, prefix(1), 1_000_000_000));
        let back = 1_000_000;
        assert!(!rates.allow(What::Mail, prefix(1), back));
        let one_later = back + limits::MAIL_RATE.each_ms;
        assert!(rates.allow(What::Mail, prefix(1), one_later));
    }

    #[test]
    fn many_prefixes_do_not_fill_the_memory() {
        let mut buckets = Buckets::default();
        for number in 0..u32::try_from(limits::RATE_BUCKETS).unwrap() * 2 {
            let allowed = buckets.allow(prefix(number), limits::BEGIN_RATE, 5);
            assert!(allowed);
        }
        assert!(buckets.young.len() + buckets.old.len() <= limits::RATE_BUCKETS);
    }
}
