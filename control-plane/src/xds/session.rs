//! One discovery stream, as a state machine without a socket. It holds every resource that the node
//! subscribes to, and sends one at a time, each in a response of its own: an answer then says which one
//! it means.
//!
//! At most one push is under way; what is published meanwhile replaces what waits, so that a slow
//! node never queues more than the newest revision. Bytes that were refused are never sent again:
//! Envoy would ACK them and serve the old configuration. The same revision is tried again only on a
//! new stream, since that may be an Envoy whose fault was mended, or where it is asked for, and then
//! with a new nonce.
//!
//! A resource that does not exist is named as removed to a node that holds nothing of it: it then stops
//! waiting. From a node that runs it, it is never taken away: Envoy would answer every request with an
//! error until something else comes.

mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{RESOURCE_NAME, Version};
use crate::limits;
use slot::{Due, Slot};

/// A subscription to whatever is meant for the node.
pub const WILDCARD: &str = "*";

/// What a node says, in the terms that delta and state-of-the-world have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRequest {
    /// Resources that it wants. In delta also said again by who already has them.
    pub subscribes: Vec<String>,
    /// Resources that it wants no longer.
    pub unsubscribes: Vec<String>,
    /// The versions that it holds from a former stream, as it says, by resource.
    pub holds: BTreeMap<String, String>,
    /// Which response this answers; empty = none.
    pub nonce: String,
    /// Why it refuses that response.
    pub refusal: Option<String>,
}

/// What a request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It wants the resource and holds this version of it.
    Subscribed(String, Option<Version>),
    /// It wants the resource no longer.
    Unsubscribed(String),
    /// It wants more resources than a stream can have.
    TooMany(String),
    /// It took the version.
    Accepted(String, Version),
    /// It heard that there is no such resource.
    Noted(String),
    /// It refused the version, and says why.
    Refused(String, Version, String),
    /// It answered something else than the last response.
    Stale,
}

/// What a resource shall be for the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desired<'a> {
    /// There is nothing to say yet, or it must not be sent.
    Nothing,
    /// There is no such resource.
    Absent,
    /// This.
    Target(Target<'a>),
}

/// The form of a revision that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// `number-hash`.
    pub revision: &'a str,
    /// The gateway whose form it is; none = the set of everything.
    pub gateway: Option<&'a str>,
    /// The nonce of its first send.
    pub attempt: u64,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this.
    Push(Push),
    /// Nothing: what was refused is not wanted any more, and the node runs what is.
    Keeps(String, Version),
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The resource.
    pub resource: String,
    /// What it is; none = that it does not exist.
    pub version: Option<Version>,
    /// The response's nonce, unique on its stream.
    pub nonce: String,
}

#[derive(Debug)]
struct UnderWay {
    push: Push,
    number: u64,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Session {
    slots: BTreeMap<String, Slot>,
    under_way: Option<UnderWay>,
    /// Every attempt that this node refused, on this and on former streams.
    refused: BTreeSet<u64>,
    /// State-of-the-world has no words for what does not exist.
    tells_absence: bool,
    sent: u64,
}

impl Session {
    /// A new stream of a node that refused these attempts before. `tells_absence`: can it be told that a
    /// resource does not exist?
    #[must_use]
    pub fn new(refused: impl IntoIterator<Item = u64>, tells_absence: bool) -> Self {
        Self {
            refused: refused.into_iter().collect(),
            tells_absence,
            ..Self::default()
        }
    }

    /// The resources that the node wants.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.slots.keys().map(String::as_str)
    }

    /// Takes what the node says.
    pub fn on_request(&mut self, request: ClientRequest) -> Vec<Reaction> {
        let mut reactions = Vec::new();
        if !request.nonce.is_empty() {
            reactions.push(self.on_answer(&request.nonce, request.refusal));
        }
        for name in request.unsubscribes {
            reactions.extend(self.unsubscribe(name));
        }
        for name in request.subscribes {
            reactions.extend(self.subscribe(name, &request.holds));
        }
        reactions
    }

    /// The resource has to be sent again, in other bytes and to other VMs.
    pub fn renew(&mut self, resource: &str) {
        if let Some(slot) = self.slots.get_mut(resource) {
            slot.renew = true;
        }
    }

    fn subscribe(&mut self, name: String, holds: &BTreeMap<String, String>) -> Option<Reaction> {
        let wildcard = name == WILDCARD;
        let name = if wildcard {
            RESOURCE_NAME.to_owned()
        } else {
            name
        };
        if let Some(slot) = self.slots.get_mut(&name) {
            // Whoever says it again has to be answered again although nothing changed.
            slot.owed = true;
            slot.want(wildcard);
            return None;
        }
        let room = self.slots.len() < limits::MAX_RESOURCES_PER_STREAM;
        if !room || name.len() > limits::MAX_NODE_ID_BYTES {
            return Some(Reaction::TooMany(name));
        }
        let held = holds.get(&name).and_then(|text| text.parse().ok());
        let mut slot = Slot::holding(held.clone());
        slot.want(wildcard);
        self.slots.insert(name.clone(), slot);
        Some(Reaction::Subscribed(name, held))
    }

    fn unsubscribe(&mut self, name: String) -> Option<Reaction> {
        let wildcard = name == WILDCARD;
        let name = if wildcard {
            RESOURCE_NAME.to_owned()
        } else {
            name
        };
        let slot = self.slots.get_mut(&name)?;
        if slot.unwant(wildcard) {
            return None;
        }
        // What it gave back it has to be sent again: nothing of it is remembered.
        self.slots.remove(&name);
        Some(Reaction::Unsubscribed(name))
    }

    fn on_answer(&mut self, nonce: &str, refusal: Option<String>) -> Reaction {
        let Some(UnderWay { push, number }) = self.under_way.take_if(|it| it.push.nonce == nonce)
        else {
            return Reaction::Stale;
        };
        // One that was given back and asked for again meanwhile: who knows which of them is meant.
        let mut slot = self.slots.get_mut(&push.resource);
        if let Some(other) = slot.take_if(|slot| slot.sent != number) {
            other.may_run = true;
        }
        match (push.version, refusal) {
            (None, _) => Reaction::Noted(push.resource),
            (Some(version), None) => match slot {
                Some(slot) => {
                    slot.accepted(version.clone());
                    Reaction::Accepted(push.resource, version)
                }
                None => Reaction::Stale,
            },
            (Some(version), Some(reason)) => {
                self.refused.insert(version.attempt);
                if let Some(slot) = slot {
                    slot.refused(version.clone());
                }
                Reaction::Refused(push.resource, version, reason)
            }
        }
    }

    /// What to do now, if anything. `desired` says what a resource shall be, `fresh` makes a nonce that
    /// was never used.
    ///
    /// # Errors
    /// When no nonce can be made.
    pub fn next_step<'d, E>(
        &mut self,
        desired: impl Fn(&str) -> Desired<'d>,
        fresh: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Option<Step>, E> {
        if self.under_way.is_some() {
            return Ok(None);
        }
        // Whoever was sent something longest ago comes first: a resource that changes all the time does
        // not keep another one waiting.
        let mut order: Vec<(&String, &mut Slot)> = self.slots.iter_mut().collect();
        order.sort_by_key(|(_, slot)| slot.sent);
        for (name, slot) in order {
            let version = match slot.due(desired(name), self.tells_absence) {
                Due::Nothing => continue,
                Due::Keeps(version) => return Ok(Some(Step::Keeps(name.clone(), version))),
                Due::Absence => None,
                Due::Send(target) => Some(slot.version(target, &self.refused, fresh)?),
            };
            self.sent = self.sent.wrapping_add(1);
            slot.sending(self.sent, version.is_none());
            let push = Push {
                resource: name.clone(),
                version,
                nonce: format!("{RESOURCE_NAME}-{}", self.sent),
            };
            self.under_way = Some(UnderWay {
                push: push.clone(),
                number: self.sent,
            });
            return Ok(Some(Step::Push(push)));
        }
        Ok(None)
    }
}
