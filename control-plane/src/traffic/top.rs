//! What occurs most: hosts, paths, reasons and the like, with what was answered to each.

use std::collections::HashMap;

use countersign_proto::policy::v1::ActionKind;

use super::counts::{Counts, Measure};
use crate::limits;

/// What is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The deciding policy.
    Policy,
    /// The host.
    Host,
    /// The normal path.
    Path,
    /// Each reason.
    Reason,
    /// The client's address.
    Address,
    /// The session's device.
    Device,
    /// The user agent.
    UserAgent,
    /// The fingerprint of the TLS handshake.
    Ja4,
}

impl By {
    /// Each, with its word.
    pub const ALL: [(&'static str, Self); 8] = [
        ("policy", Self::Policy),
        ("host", Self::Host),
        ("path", Self::Path),
        ("reason", Self::Reason),
        ("address", Self::Address),
        ("device", Self::Device),
        ("user_agent", Self::UserAgent),
        ("ja4", Self::Ja4),
    ];

    /// The one of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|(name, _)| *name == word);
        known.map(|(_, by)| by)
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let known = Self::ALL.into_iter().find(|(_, by)| *by == self);
        known.map_or("", |(name, _)| name)
    }

    /// The roll-ups know it: it is counted over all that was told, without reading events.
    #[must_use]
    pub fn is_rolled_up(self) -> bool {
        matches!(self, Self::Policy | Self::Host)
    }

    fn of(self, event: &Tallied) -> impl Iterator<Item = &str> {
        let device = || event.session.as_ref().map(|it| it.device.as_str());
        let (one, many) = match self {
            Self::Reason => ("", event.reasons.as_slice()),
            Self::Policy => (event.policy.as_str(), [].as_slice()),
            Self::Host => (event.host.as_str(), [].as_slice()),
            Self::Path => (event.path.as_str(), [].as_slice()),
            Self::Address => (event.client_address.as_str(), [].as_slice()),
            Self::UserAgent => (event.user_agent.as_str(), [].as_slice()),
            Self::Ja4 => (event.ja4.as_str(), [].as_slice()),
            Self::Device => (device().unwrap_or_default(), [].as_slice()),
        };
        std::iter::once(one).chain(many.iter().map(String::as_str))
    }
}

/// What is counted of an event: of a `DecisionEvent`'s bytes, which have these fields and many more that
/// nobody needs to read for it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Tallied {
    #[prost(enumeration = "ActionKind", tag = "4")]
    action: i32,
    #[prost(string, tag = "5")]
    policy: String,
    #[prost(string, repeated, tag = "8")]
    reasons: Vec<String>,
    #[prost(message, optional, tag = "11")]
    session: Option<TalliedSession>,
    #[prost(string, tag = "12")]
    host: String,
    #[prost(string, tag = "14")]
    path: String,
    #[prost(string, tag = "15")]
    client_address: String,
    #[prost(string, tag = "16")]
    user_agent: String,
    #[prost(string, tag = "17")]
    ja4: String,
    #[prost(uint32, tag = "21")]
    weight: u32,
}

/// See [`Tallied`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct TalliedSession {
    #[prost(string, tag = "4")]
    device: String,
}

/// Counts by key.
#[derive(Debug)]
pub struct Tally {
    by: By,
    counts: HashMap<String, Counts>,
}

/// One key with what was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A host, a path, …
    pub key: String,
    /// What was answered.
    pub counts: Counts,
}

impl Tally {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(by: By) -> Self {
        Self {
            by,
            counts: HashMap::new(),
        }
    }

    /// Counts an event as often as it stands for. What has no such thing is counted nowhere.
    pub fn add(&mut self, event: &Tallied) {
        let measure = Measure::of_action(event.action());
        let weight = u64::from(event.weight.clamp(1, limits::MAX_EVENT_WEIGHT));
        for key in self.by.of(event) {
            self.add_sum(key, measure, weight);
        }
    }

    /// Counts a sum.
    pub fn add_sum(&mut self, key: &str, measure: Measure, count: u64) {
        if key.is_empty() {
            return;
        }
        if let Some(counts) = self.counts.get_mut(key) {
            counts.add(measure, count);
        } else {
            let mut counts = Counts::default();
            counts.add(measure, count);
            self.counts.insert(key.to_owned(), counts);
        }
    }

    /// The `most` with the most decisions, and the sum of all others. What tie, by key.
    #[must_use]
    pub fn top(self, most: usize) -> (Vec<Entry>, Counts) {
        let entries = self.counts.into_iter();
        let mut entries: Vec<_> = entries.map(|(key, counts)| Entry { key, counts }).collect();
        entries.sort_unstable_by(|one, other| {
            let weight =
                |entry: &Entry| (entry.counts.decisions(), entry.counts.get(Measure::Monitor));
            let order = weight(other).cmp(&weight(one));
            order.then_with(|| one.key.cmp(&other.key))
        });
        let others = entries.split_off(most.min(entries.len()));
        let others = others.iter().fold(Counts::default(), |mut sum, entry| {
            sum.add_all(&entry.counts);
            sum
        });
        (entries, others)
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::event::v1::{DecisionEvent, Session};
    use prost::Message as _;

    use super::*;

    fn event(path: &str, action: ActionKind, weight: u32) -> Tallied {
        Tallied {
            path: path.into(),
            action: action.into(),
            reasons: vec!["A".into(), "B".into()],
            weight,
            ..Tallied::default()
        }
    }

    #[test]
    fn the_most_frequent_come_first_and_the_rest_is_summed() {
        let mut tally = Tally::new(By::Path);
        for (path, action, weight) in [
            ("/a", ActionKind::Block, 1),
            ("/b", ActionKind::Allow, 100),
            ("/c", ActionKind::Challenge, 1),
            ("/a", ActionKind::Challenge, 1),
            ("", ActionKind::Block, 1),
        ] {
            tally.add(&event(path, action, weight));
        }
        let (entries, others) = tally.top(2);
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["/b", "/a"]);
        assert_eq!(entries[0].counts.get(Measure::Allow), 100);
        assert_eq!(entries[1].counts.get(Measure::Block), 1);
        assert_eq!(others.get(Measure::Challenge), 1);
        assert_eq!(others.decisions(), 1);
    }

    #[test]
    fn an_event_counts_for_each_of_its_reasons_and_not_where_it_has_none() {
        let mut tally = Tally::new(By::Reason);
        tally.add(&event("/", ActionKind::Block, 2));
        let (entries, _) = tally.top(9);
        assert_eq!(entries.len(), 2);
        assert!(
            entries
                .iter()
                .all(|entry| entry.counts.get(Measure::Block) == 2)
        );
        let mut tally = Tally::new(By::Device);
        tally.add(&event("/", ActionKind::Block, 2));
        assert_eq!(tally.top(9), (vec![], Counts::default()));
    }

    #[test]
    fn what_is_counted_stands_where_the_whole_event_has_it() {
        let whole = DecisionEvent {
            event_id: "e".into(),
            time_ms: 7,
            revision: "1-a".into(),
            action: ActionKind::Redirect.into(),
            policy: "policy".into(),
            reasons: vec!["A".into(), "B".into()],
            session: Some(Session {
                valid: true,
                device: "device".into(),
                ..Session::default()
            }),
            host: "host".into(),
            method: "GET".into(),
            path: "/path".into(),
            client_address: "192.0.2.1".into(),
            user_agent: "agent".into(),
            ja4: "ja4".into(),
            weight: 9,
            status: 302,
            ..DecisionEvent::default()
        };
        let counted = Tallied::decode(whole.encode_to_vec().as_slice()).unwrap();
        assert_eq!(counted.action(), whole.action());
        assert_eq!(counted.weight, whole.weight);
        for (by, expected) in [
            (By::Policy, vec!["policy"]),
            (By::Host, vec!["host"]),
            (By::Path, vec!["/path"]),
            (By::Reason, vec!["A", "B"]),
            (By::Address, vec!["192.0.2.1"]),
            (By::Device, vec!["device"]),
            (By::UserAgent, vec!["agent"]),
            (By::Ja4, vec!["ja4"]),
        ] {
            let keys: Vec<_> = by.of(&counted).filter(|key| !key.is_empty()).collect();
            assert_eq!(keys, expected, "{by:?}");
        }
    }

    #[test]
    fn each_word_is_read_as_it_is_written() {
        for (word, by) in By::ALL {
            assert_eq!(By::parse(word), Some(by));
            assert_eq!(by.as_str(), word);
        }
        assert_eq!(By::parse("colour"), None);
    }
}
