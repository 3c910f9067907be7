//! The life of a session key: pending → live → retired → gone. Pure.

use std::collections::HashSet;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Announced, not yet known to every filter.
    Pending,
    /// Signs.
    Live,
    /// Verifies what it signed.
    Retired,
}

impl KeyState {
    /// As it is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Live => "live",
            Self::Retired => "retired",
        }
    }

    /// Reads [`Self::word`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Live, Self::Retired]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// What decides over a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLife {
    /// Its name.
    pub kid: String,
    /// Where it stands.
    pub state: KeyState,
    /// When the last session that it signed ends; 0 = it signed none.
    pub last_exp_s: u64,
    /// When it was retired; 0 = it was not.
    pub retired_s: u64,
}

/// The states after every filter is known to hold `live`. `keys` is oldest first.
///
/// The newest of them signs. One that fell out of `live` (a node joined that has an older revision)
/// stops signing while an older key is known everywhere: a session that one filter refuses would
/// send people round in circles. Where none of ours is live nothing changes: an empty list says that
/// no node is connected, not that the filters forgot.
#[must_use]
pub fn settle(keys: &[KeyLife], live: &HashSet<String>, now_s: u64) -> Vec<KeyLife> {
    let Some(newest) = keys.iter().rposition(|key| live.contains(&key.kid)) else {
        return keys.to_vec();
    };
    let place = |(at, key): (usize, &KeyLife)| {
        let state = match at.cmp(&newest) {
            std::cmp::Ordering::Less => KeyState::Retired,
            std::cmp::Ordering::Equal => KeyState::Live,
            std::cmp::Ordering::Greater => KeyState::Pending,
        };
        let retired_s = match (state, key.retired_s) {
            (KeyState::Retired, 0) => now_s,
            (KeyState::Retired, since) => since,
            _ => 0,
        };
        KeyLife {
            state,
            retired_s,
            ..key.clone()
        }
    };
    keys.iter().enumerate().map(place).collect()
}

/// Whether no session of this key can be good any more anywhere.
#[must_use]
pub fn is_over(key: &KeyLife, leeway_s: u64, now_s: u64) -> bool {
    key.state == KeyState::Retired
        && now_s > key.last_exp_s.max(key.retired_s).saturating_add(leeway_s)
}

#[cfg(test)]
mod tests {
    use super::KeyState::{Live, Pending, Retired};
    use super::*;

    fn key(kid: &str, state: KeyState) -> KeyLife {
        KeyLife {
            kid: kid.to_owned(),
            state,
            last_exp_s: 0,
            retired_s: 0,
        }
    }

    fn states(keys: &[KeyLife], live: &[&str]) -> Vec<KeyState> {
        let live = live.iter().map(|kid| (*kid).to_owned()).collect();
        settle(keys, &live, 100)
            .into_iter()
            .map(|key| key.state)
            .collect()
    }

    #[test]
    fn a_key_signs_once_it_is_live_and_the_older_one_retires() {
        let keys = [key("a", Live), key("b", Pending)];
        assert_eq!(states(&keys, &["a"]), [Live, Pending]);
        assert_eq!(states(&keys, &["a", "b"]), [Retired, Live]);
        assert_eq!(states(&keys, &["b"]), [Retired, Live]);
    }

    #[test]
    fn an_empty_list_changes_nothing() {
        assert_eq!(
            states(&[key("a", Live), key("b", Pending)], &[]),
            [Live, Pending]
        );
        assert_eq!(states(&[key("a", Pending)], &["foreign"]), [Pending]);
    }

    #[test]
    fn the_older_key_signs_again_while_a_node_lacks_the_newer() {
        assert_eq!(
            states(&[key("a", Retired), key("b", Live)], &["a"]),
            [Live, Pending]
        );
    }

    #[test]
    fn a_key_is_over_only_after_its_last_session_and_the_leeway() {
        let mut old = settle(
            &[key("a", Live), key("b", Pending)],
            &["b".to_owned()].into(),
            100,
        )
        .remove(0);
        assert_eq!(old.retired_s, 100);
        old.last_exp_s = 3600;
        assert!(!is_over(&old, 30, 3630));
        assert!(is_over(&old, 30, 3631));
        old.state = Live;
        assert!(!is_over(&old, 30, 99_999));
    }
}
