//! Nodes that come and go: one that does not live through what it is sent is LIVE on it now and then, and
//! gone in between.

use std::collections::BTreeMap;

use crate::limits;

/// A reconnect is forgotten after this; faster ones add up.
const WEIGHT_MS: u64 = 10_000;

/// By node, what it connected so far and what of it is not forgotten yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Reconnects(BTreeMap<String, (u64, u64)>);

impl Reconnects {
    /// Looks at a node after so much time. How often it has come back of late, where that is too often.
    pub(super) fn look(&mut self, id: &str, connections: u64, delta_ms: u64) -> Option<u64> {
        if self.0.len() >= limits::MAX_NODES && !self.0.contains_key(id) {
            self.0.pop_first();
        }
        let (known, held) = self.0.entry(id.to_owned()).or_insert((connections, 0));
        // Less than before is another replica's count.
        let more = connections.saturating_sub(*known);
        *known = connections;
        *held = held
            .saturating_sub(delta_ms)
            .saturating_add(more.saturating_mul(WEIGHT_MS));
        let times = held.div_ceil(WEIGHT_MS);
        (times > limits::ROLLOUT_RECONNECTS).then_some(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reconnect_now_and_then_is_none_too_many_and_a_loop_is() {
        let mut reconnects = Reconnects::default();
        for minute in 0..=60 {
            assert_eq!(reconnects.look("a", 10 + minute, 60_000), None);
        }
        let most = 70 + limits::ROLLOUT_RECONNECTS;
        assert_eq!(reconnects.look("a", 70, 60_000), None);
        assert_eq!(reconnects.look("a", most, 1_000), None);
        assert!(reconnects.look("a", most + 1, 1_000).is_some());
    }

    #[test]
    fn what_it_did_before_it_was_looked_at_does_not_count_and_another_replica_counts_anew() {
        let mut reconnects = Reconnects::default();
        for connections in [1_000, 1, 2, 1_000_000] {
            let loops = reconnects.look("a", connections, 1_000).is_some();
            assert_eq!(loops, connections == 1_000_000);
        }
    }
}
