//! One discovery stream, as a state machine without a socket.
//!
//! At most one push is under way; what is published meanwhile replaces what waits, so that a slow
//! node never queues more than the newest revision. Bytes that were refused are never sent again:
//! Envoy would ACK them and serve the old configuration. The same revision is tried again only on a
//! new stream, since that may be an Envoy whose fault was mended, and then with a new nonce.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{RESOURCE_NAME, Version};

/// What a node says, in the terms that delta and state-of-the-world have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRequest {
    /// It wants the resource. In delta also said again by who already has it.
    pub subscribes: bool,
    /// It wants the resource no longer.
    pub unsubscribes: bool,
    /// The version that it holds from a former stream, as it says.
    pub holds: Option<String>,
    /// Which response this answers; empty = none.
    pub nonce: String,
    /// Why it refuses that response.
    pub refusal: Option<String>,
}

/// What a request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It wants the resource and holds this version of it.
    Subscribed(Option<Version>),
    /// It wants the resource no longer.
    Unsubscribed,
    /// It took the version.
    Accepted(Version),
    /// It refused the version, and says why.
    Refused(Version, String),
    /// It answered something else than the last response.
    Stale,
}

/// The revision that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// `number-hash`.
    pub revision: &'a str,
    /// The nonce of its first send.
    pub attempt: u64,
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Revision and attempt.
    pub version: Version,
    /// The response's nonce, unique on its stream.
    pub nonce: String,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Session {
    subscribed: bool,
    /// What the node said last that it runs.
    holds: Option<Version>,
    under_way: Option<Push>,
    /// The revision refused on this stream: it waits for another one.
    refused_here: Option<String>,
    /// Every attempt that this node refused, on this and on former streams.
    refused: BTreeSet<u64>,
    /// A subscription said again has to be answered although nothing changed.
    owed: bool,
    sent: u64,
}

impl Session {
    /// A new stream of a node that refused these attempts before.
    #[must_use]
    pub fn new(refused: impl IntoIterator<Item = u64>) -> Self {
        Self {
            refused: refused.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Takes what the node says.
    pub fn on_request(&mut self, request: ClientRequest) -> Vec<Reaction> {
        let mut reactions = Vec::new();
        if !request.nonce.is_empty() {
            reactions.push(self.on_answer(&request.nonce, request.refusal));
        }
        if request.unsubscribes {
            self.subscribed = false;
            self.owed = false;
            // What it gave back it has to be sent again.
            self.holds = None;
            reactions.push(Reaction::Unsubscribed);
        }
        if request.subscribes {
            if self.subscribed {
                self.owed = true;
            } else {
                self.subscribed = true;
                if let Some(holds) = request.holds.as_deref().and_then(|text| text.parse().ok()) {
                    self.holds = Some(holds);
                }
                reactions.push(Reaction::Subscribed(self.holds.clone()));
            }
        }
        reactions
    }

    fn on_answer(&mut self, nonce: &str, refusal: Option<String>) -> Reaction {
        let Some(push) = self.under_way.take_if(|push| push.nonce == nonce) else {
            return Reaction::Stale;
        };
        match refusal {
            None => {
                self.holds = Some(push.version.clone());
                self.refused_here = None;
                Reaction::Accepted(push.version)
            }
            Some(reason) => {
                self.refused.insert(push.version.attempt);
                self.refused_here = Some(push.version.revision.clone());
                Reaction::Refused(push.version, reason)
            }
        }
    }

    /// What to send now, if anything. `fresh` makes a nonce that was never used.
    pub fn next_push<E>(
        &mut self,
        target: Target<'_>,
        fresh: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Option<Push>, E> {
        if !self.subscribed || self.under_way.is_some() {
            return Ok(None);
        }
        let held = self
            .holds
            .as_ref()
            .filter(|version| version.revision == target.revision);
        let waits = self.refused_here.as_deref() == Some(target.revision);
        if (held.is_some() || waits) && !self.owed {
            return Ok(None);
        }
        let attempt = held.map_or(target.attempt, |version| version.attempt);
        let attempt = if self.refused.contains(&attempt) {
            fresh()?
        } else {
            attempt
        };
        self.owed = false;
        self.sent = self.sent.wrapping_add(1);
        let version = Version {
            revision: target.revision.to_owned(),
            attempt,
        };
        let push = Push {
            version,
            nonce: format!("{RESOURCE_NAME}-{}", self.sent),
        };
        self.under_way = Some(push.clone());
        Ok(Some(push))
    }
}
