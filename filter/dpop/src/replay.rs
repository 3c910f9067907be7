//! Which proofs were shown before (RFC 9449 section 11.1), in bounded memory.

use std::collections::HashSet;

use crate::{PROOF_AGE_S, Proof, ProofError};

/// Proofs remembered at once, about 40 bytes each. At a worker's full load, some thousand proofs a
/// second, that is the window in which one is good.
pub const MAX_PROOFS: usize = 131_072;

/// The proofs that were admitted and are still good.
///
/// Two generations: the older one is forgotten when the younger has filled or outlived the window. What
/// is forgotten while it could still be good raises the least time that a proof may have been made:
/// a flood costs slow clients a new proof, and never lets one in twice.
#[derive(Debug, Default)]
pub struct Replays {
    young: Generation,
    old: Generation,
    /// Proofs made then or before are not admitted: some of them are forgotten.
    floor_s: i64,
}

#[derive(Debug, Default)]
struct Generation {
    ids: HashSet<[u8; 16]>,
    begun_s: i64,
    newest_s: i64,
}

impl Replays {
    /// Admits a proof once.
    ///
    /// # Errors
    /// [`ProofError::Replayed`], or [`ProofError::Stale`] where it cannot be told.
    pub fn admit(&mut self, proof: &Proof, now_s: i64, leeway_s: i64) -> Result<(), ProofError> {
        self.admit_of(proof, now_s, leeway_s, MAX_PROOFS / 2)
    }

    fn admit_of(
        &mut self,
        proof: &Proof,
        now_s: i64,
        leeway_s: i64,
        most: usize,
    ) -> Result<(), ProofError> {
        // A proof is good from a leeway before it was made until its age and a leeway after.
        let window_s = PROOF_AGE_S + 2 * leeway_s;
        let over = now_s.saturating_sub(self.young.begun_s) > window_s;
        if self.young.ids.len() >= most || (over && !self.young.ids.is_empty()) {
            self.floor_s = self.floor_s.max(self.old.newest_s);
            self.old = std::mem::take(&mut self.young);
        }
        if self.old.ids.contains(&proof.id) || self.young.ids.contains(&proof.id) {
            return Err(ProofError::Replayed);
        }
        if proof.made_s <= self.floor_s {
            return Err(ProofError::Stale);
        }
        if self.young.ids.is_empty() {
            self.young.begun_s = now_s;
        }
        self.young.newest_s = self.young.newest_s.max(proof.made_s);
        self.young.ids.insert(proof.id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Thumbprint;

    const NOW: i64 = 1_800_000_000;
    const LEEWAY: i64 = 5;

    fn proof(number: u32, made_s: i64) -> Proof {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        Proof {
            key: Thumbprint::of(&[]),
            made_s,
            id,
        }
    }

    #[test]
    fn a_proof_is_admitted_once_for_as_long_as_it_is_good() {
        let mut replays = Replays::default();
        let first = proof(1, NOW);
        assert_eq!(replays.admit(&first, NOW, LEEWAY), Ok(()));
        for later in 0..=PROOF_AGE_S + LEEWAY {
            let now = NOW + later;
            assert_eq!(
                replays.admit(&proof(2 + later as u32, now), now, LEEWAY),
                Ok(())
            );
            let again = replays.admit(&first, now, LEEWAY);
            assert_eq!(again, Err(ProofError::Replayed), "{later}");
        }
    }

    #[test]
    fn what_is_forgotten_early_is_stale_and_never_new() {
        let mut replays = Replays::default();
        let most = 10;
        let mut made = Vec::new();
        for number in 0..100_u32 {
            let proof = proof(number, NOW + i64::from(number / 10));
            let now = NOW + i64::from(number / 10);
            assert_eq!(replays.admit_of(&proof, now, LEEWAY, most), Ok(()));
            made.push(proof);
            assert!(replays.young.ids.len() + replays.old.ids.len() <= 2 * most);
        }
        for proof in &made {
            assert!(replays.admit_of(proof, NOW + 9, LEEWAY, most).is_err());
        }
        // Whoever makes one now is let in all the same.
        assert_eq!(
            replays.admit_of(&proof(100, NOW + 10), NOW + 10, LEEWAY, most),
            Ok(())
        );
    }

    #[test]
    fn after_a_pause_nothing_is_held_against_anybody() {
        let mut replays = Replays::default();
        for number in 0..5 {
            let now = NOW + i64::from(number) * 1000;
            assert_eq!(replays.admit(&proof(number, now), now, LEEWAY), Ok(()));
        }
        assert!(replays.old.ids.len() <= 1 && replays.young.ids.len() <= 1);
    }
}
