//! Lock-outs that grow with each failure, kept in the store: sidecars that share one share them.
//!
//! What a code can be guessed with is time: each lock-out is twice the one before, so that the number of
//! tries grows with the logarithm of the time, and then by one for each longest lock-out.

use crate::keys::tag::{Tagger, Use};
use crate::limits;
use crate::peer::Prefix;

/// How many failures are forgiven, and what follows.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Failures until the first lock-out.
    pub free: u32,
    /// How long the first lasts.
    pub first_s: u64,
    /// How long each lasts at most.
    pub most_s: u64,
    /// Without a failure for this long, all are forgotten. Longer than the longest lock-out, or waiting
    /// one out would forgive everything.
    pub forget_s: u64,
}

/// What is known of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// The last one.
    pub last_s: u64,
    /// No try counts before this second.
    pub until_s: u64,
}

impl Failures {
    /// After one more.
    #[must_use]
    pub fn and_one(self, patience: Patience, now_s: u64) -> Self {
        let forgotten = now_s.saturating_sub(self.last_s) > patience.forget_s;
        let count = if forgotten { 0 } else { self.count }.saturating_add(1);
        let lock_s = match count.checked_sub(patience.free) {
            None => 0,
            Some(doubled) => 1_u64
                .checked_shl(doubled)
                .and_then(|factor| patience.first_s.checked_mul(factor))
                .map_or(patience.most_s, |lock| lock.min(patience.most_s)),
        };
        Self {
            count,
            last_s: now_s,
            until_s: now_s.saturating_add(lock_s),
        }
    }

    /// Whether a try counts now.
    #[must_use]
    pub fn is_locked(self, now_s: u64) -> bool {
        now_s < self.until_s
    }
}

/// Who, or what, fails.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A device's ceremonies at any host.
    Device(&'a str),
    /// A device's authenticator app.
    Totp(&'a str),
    /// Codes for a mail address, in its plainest spelling.
    Address(&'a str),
    /// Mails to an address.
    Mail(&'a str),
    /// Codes from a prefix.
    Prefix(Option<Prefix>),
}

impl Subject<'_> {
    /// The row's name: a keyed hash, so that the store holds no address and nobody finds one in it by
    /// trying.
    #[must_use]
    pub fn key(self, tagger: &Tagger) -> String {
        match self {
            Self::Device(id) => tagger.text(Use::Lockout, &[b"device", id.as_bytes()]),
            Self::Totp(id) => tagger.text(Use::Lockout, &[b"totp", id.as_bytes()]),
            Self::Address(address) => tagger.text(Use::Lockout, &[b"address", address.as_bytes()]),
            Self::Mail(address) => tagger.text(Use::Lockout, &[b"mail", address.as_bytes()]),
            Self::Prefix(prefix) => {
                let bytes = prefix.map(Prefix::bytes).unwrap_or_default();
                tagger.text(Use::Lockout, &[b"prefix", &bytes])
            }
        }
    }

    /// How patient we are with it.
    #[must_use]
    pub fn patience(self) -> Patience {
        match self {
            Self::Device(_) => limits::DEVICE_PATIENCE,
            Self::Totp(_) => limits::TOTP_PATIENCE,
            Self::Address(_) => limits::ADDRESS_PATIENCE,
            Self::Mail(_) => limits::MAIL_PATIENCE,
            Self::Prefix(_) => limits::PREFIX_PATIENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 24 * 3600;

    /// Tries that count for whoever tries again in the very second in which each lock-out ends.
    fn tries(patience: Patience, seconds: u64) -> u64 {
        let (mut now, mut known, mut tries) = (1_800_000_000, Failures::default(), 0);
        let end = now + seconds;
        while now < end {
            known = known.and_one(patience, now);
            tries += 1;
            now = known.until_s.max(now);
        }
        tries
    }

    /// The same for whoever knows the rules and waits until all is forgotten instead.
    fn patient_tries(patience: Patience, seconds: u64) -> u64 {
        u64::from(patience.free) * (seconds / patience.forget_s + 1)
    }

    #[test]
    fn lock_outs_double_up_to_the_longest() {
        let mut known = Failures::default();
        let mut locks = Vec::new();
        let mut now = 1_000;
        for _ in 0..10 {
            known = known.and_one(limits::ADDRESS_PATIENCE, now);
        }
        for _ in 0..8 {
            locks.push(known.until_s - now);
            assert!(known.is_locked(now) && !known.is_locked(known.until_s));
            now = known.until_s;
            known = known.and_one(limits::ADDRESS_PATIENCE, now);
        }
        assert_eq!(locks, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        let mut many = Failures {
            count: u32::MAX,
            ..known
        };
        many = many.and_one(limits::ADDRESS_PATIENCE, now);
        assert_eq!((many.count, many.until_s), (u32::MAX, now + 3600));
    }

    #[test]
    fn failures_are_forgotten_after_a_while_and_not_before_the_longest_lock_out_ends() {
        for patience in [
            limits::TOTP_PATIENCE,
            limits::ADDRESS_PATIENCE,
            limits::MAIL_PATIENCE,
            limits::PREFIX_PATIENCE,
            limits::DEVICE_PATIENCE,
        ] {
            assert!(patience.forget_s > patience.most_s);
            let known = Failures {
                count: 30,
                last_s: 1_000,
                until_s: 1_000,
            };
            assert_eq!(known.and_one(patience, 1_000 + patience.forget_s).count, 31);
            assert_eq!(known.and_one(patience, 1_001 + patience.forget_s).count, 1);
        }
    }

    #[test]
    fn a_million_codes_take_lifetimes() {
        // A mailed code is one of a million, whichever ceremony it is for.
        let a_year = tries(limits::ADDRESS_PATIENCE, 365 * DAY_S)
            .max(patient_tries(limits::ADDRESS_PATIENCE, 365 * DAY_S));
        assert!(a_year < 9_000, "{a_year}");
        let chance = 1.0 - (1.0_f64 - 1e-6).powf(a_year as f64);
        assert!(
            chance < 0.01,
            "one address, guessed at for a year: {chance}"
        );
        // Of an authenticator app three codes are good at any time.
        let a_year = tries(limits::TOTP_PATIENCE, 365 * DAY_S)
            .max(patient_tries(limits::TOTP_PATIENCE, 365 * DAY_S));
        assert!(a_year < 1_000, "{a_year}");
        let chance = 1.0 - (1.0_f64 - 3e-6).powf(a_year as f64);
        assert!(
            chance < 0.003,
            "one device, guessed at for a year: {chance}"
        );
        // Whoever spreads his tries over every address and every device there is, from one prefix: any
        // code of any of them would do, and three are good at a time where they are an app's.
        let a_day = tries(limits::PREFIX_PATIENCE, DAY_S);
        assert!(a_day < 90, "{a_day}");
        let a_year = tries(limits::PREFIX_PATIENCE, 365 * DAY_S)
            .max(patient_tries(limits::PREFIX_PATIENCE, 365 * DAY_S));
        assert!(a_year < 19_000, "{a_year}");
        let chance = 1.0 - (1.0_f64 - 3e-6).powf(a_year as f64);
        assert!(
            chance < 0.06,
            "anybody, guessed at for a year from one prefix: {chance}"
        );
        // A million tries from there, at that rate.
        assert!(1_000_000 / a_year >= 50, "{a_year}");
        // Beginning anew buys none: the ceremony's own tries end before those of its subject do.
        for patience in [limits::ADDRESS_PATIENCE, limits::TOTP_PATIENCE] {
            assert!(limits::CODE_TRIES <= patience.free);
        }
    }

    /// A bot with a clock: it tries each code in turn, keeps to the rules of all subjects at once, and is
    /// right as late as a bot is on average.
    #[test]
    fn a_year_of_guessing_at_one_address_and_one_device_finds_no_code_among_half_a_million() {
        for (who, name) in [
            (Subject::Address("a@b.example"), "address"),
            (Subject::Totp("device"), "app"),
        ] {
            let (mut subject, mut prefix) = (Failures::default(), Failures::default());
            let (mut now, mut guessed) = (1_800_000_000_u64, 0_u32);
            let end = now + 365 * DAY_S;
            while now < end {
                if !subject.is_locked(now) && !prefix.is_locked(now) {
                    guessed += 1;
                    subject = subject.and_one(who.patience(), now);
                    prefix = prefix.and_one(Subject::Prefix(None).patience(), now);
                }
                now = subject.until_s.max(prefix.until_s).max(now + 1);
            }
            assert!(guessed < 500_000 / 50, "{name}: {guessed}");
        }
    }

    #[test]
    fn a_stranger_can_send_somebody_few_mails() {
        assert!(tries(limits::MAIL_PATIENCE, DAY_S) <= 14);
    }

    #[test]
    fn subjects_do_not_meet() {
        let tagger = Tagger::new([1; 32]);
        let keys = [
            Subject::Device("x").key(&tagger),
            Subject::Totp("x").key(&tagger),
            Subject::Address("x").key(&tagger),
            Subject::Mail("x").key(&tagger),
            Subject::Prefix(None).key(&tagger),
            Subject::Device("x").key(&Tagger::new([2; 32])),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}
