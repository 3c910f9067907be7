//! How often somebody may: a bucket of permits for each key, filled at a steady rate.
//!
//! The table is bounded. A full bucket says nothing that a new one would not, so full ones go first; a
//! table in which none is full forgets the one that is nearest to it.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many at once, and how many a second in the long run.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// A second; at least one.
    pub per_second: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a permit.
    milli: u64,
    at_ms: u64,
}

/// The buckets of one kind of key.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    most: usize,
    buckets: HashMap<K, Bucket>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// None yet; never more than `most`.
    #[must_use]
    pub fn new(rate: Rate, most: usize) -> Self {
        Self {
            rate,
            most,
            buckets: HashMap::new(),
        }
    }

    /// Takes a permit. `now` is milliseconds of a clock that never goes back.
    ///
    /// # Errors
    /// With the time until the next permit, when none is left.
    pub fn take(&mut self, key: &K, now: u64) -> Result<(), Duration> {
        let full = u64::from(self.rate.burst).saturating_mul(1_000);
        let rate = u64::from(self.rate.per_second.max(1));
        if !self.buckets.contains_key(key) {
            self.make_room(now);
        }
        let bucket = self.buckets.entry(key.clone()).or_insert(Bucket {
            milli: full,
            at_ms: now,
        });
        // A thousandth of a permit each millisecond, times the permits a second.
        let grown = now.saturating_sub(bucket.at_ms).saturating_mul(rate);
        bucket.milli = bucket.milli.saturating_add(grown).min(full);
        bucket.at_ms = now;
        if let Some(left) = bucket.milli.checked_sub(1_000) {
            bucket.milli = left;
            return Ok(());
        }
        let missing = 1_000_u64.saturating_sub(bucket.milli);
        Err(Duration::from_millis(missing.div_ceil(rate).max(1)))
    }

    fn make_room(&mut self, now: u64) {
        if self.buckets.len() < self.most {
            return;
        }
        let full = u64::from(self.rate.burst).saturating_mul(1_000);
        let rate = u64::from(self.rate.per_second.max(1));
        let level = |bucket: &Bucket| {
            let grown = now.saturating_sub(bucket.at_ms).saturating_mul(rate);
            bucket.milli.saturating_add(grown)
        };
        self.buckets.retain(|_, bucket| level(bucket) < full);
        if self.buckets.len() >= self.most {
            let fullest = self.buckets.iter().max_by_key(|(_, bucket)| level(bucket));
            if let Some(key) = fullest.map(|(key, _)| key.clone()) {
                self.buckets.remove(&key);
            }
        }
    }
}

/// What an address counts as: an IPv6 network of 64 bits is one customer, who has all its addresses.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (!0 << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 3,
        per_second: 2,
    };

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let mut buckets = Buckets::new(RATE, 10);
        for _ in 0..3 {
            assert_eq!(buckets.take(&"a", 0), Ok(()));
        }
        assert_eq!(buckets.take(&"a", 0), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(&"b", 0), Ok(()));
        assert_eq!(buckets.take(&"a", 499), Err(Duration::from_millis(1)));
        assert_eq!(buckets.take(&"a", 500), Ok(()));
        assert!(buckets.take(&"a", 500).is_err());
        // However long nothing came, no more than the burst.
        for _ in 0..3 {
            assert_eq!(buckets.take(&"a", 1_000_000), Ok(()));
        }
        assert!(buckets.take(&"a", 1_000_000).is_err());
    }

    #[test]
    fn a_clock_that_went_back_gives_and_takes_nothing() {
        let mut buckets = Buckets::new(RATE, 10);
        for _ in 0..3 {
            buckets.take(&1, 5_000).unwrap();
        }
        assert!(buckets.take(&1, 1_000).is_err());
    }

    #[test]
    fn the_table_is_bounded_and_who_was_refused_is_not_forgotten_for_a_stranger() {
        let mut buckets = Buckets::new(RATE, 100);
        for _ in 0..3 {
            buckets.take(&0, 0).unwrap();
        }
        for stranger in 1..10_000 {
            buckets.take(&stranger, 0).unwrap();
            assert!(buckets.buckets.len() <= 100);
        }
        assert!(buckets.take(&0, 0).is_err());
        assert_eq!(buckets.buckets.len(), 100);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_itself() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
