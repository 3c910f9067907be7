//! One Envoy's discovery stream, paired with a stream to the control plane, without a socket.
//!
//! While the control plane can be heard, its resources pass and Envoy's answers go back. Each side
//! has nonces of its own. What Envoy accepts is kept; where the control plane cannot be heard, the
//! copy serves. Envoy is sent one resource at a time and the next once it has answered, so that one
//! bad resource does not take a good one with it, and so that only the newest waits.
//!
//! Bytes that Envoy refused are never sent again: it would acknowledge them the second time and serve
//! the old configuration. Bytes that it holds are not sent again either, unless it asks for them.
//!
//! A removal is passed on and not remembered: the copy stays. An Envoy that restarts without a control
//! plane then gets the last policy rather than none, which would be an outage for everybody behind it.

#[cfg(test)]
mod property;
mod said;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::limits;
use super::shelf::{Resource, Shelf};
use slot::{Held, Slot};

pub(crate) use said::{EnvoyRequest, News, Output, UpstreamRequest, UpstreamResponse};

/// The state of one stream.
#[derive(Debug, Default)]
pub(crate) struct Session {
    slots: BTreeMap<String, Slot>,
    under_way: Option<UnderWay>,
    upstream: Upstream,
    /// The response of the control plane that is not answered yet.
    answer: Option<Answer>,
    sent: u64,
    last_sent: String,
}

#[derive(Debug)]
struct UnderWay {
    nonce: String,
    news: News,
    /// Envoy unsubscribed meanwhile: what it answers says nothing about what it holds.
    orphaned: bool,
}

#[derive(Debug, Default)]
struct Upstream {
    open: bool,
    /// Not known before the first try.
    reachable: Option<bool>,
}

#[derive(Debug)]
struct Answer {
    nonce: String,
    /// What of it Envoy has not answered.
    outstanding: BTreeSet<String>,
    refusals: Vec<String>,
}

impl Session {
    /// Takes what Envoy says.
    pub(crate) fn on_envoy(&mut self, request: EnvoyRequest, shelf: &mut Shelf) -> Vec<Output> {
        let mut out = Vec::new();
        let mut up = UpstreamRequest::default();
        if !request.nonce.is_empty() {
            self.on_answer(&request.nonce, request.refusal, shelf, &mut out);
        }
        for name in request.unsubscribe {
            if self.slots.remove(&name).is_some() {
                if let Some(it) = self.under_way.as_mut().filter(|it| it.news.name() == name) {
                    it.orphaned = true;
                }
                self.settle(&name, None);
                up.unsubscribe.push(name);
            }
        }
        for name in request.subscribe {
            if let Some(slot) = self.slots.get_mut(&name) {
                slot.owed = true;
                slot.out_of_patience = false;
            } else if self.slots.len() < limits::MAX_RESOURCES {
                let holds = request.holds.get(&name).map(|version| Held {
                    version: version.clone(),
                    digest: shelf
                        .copy(&name)
                        .filter(|copy| copy.version == *version)
                        .map(Resource::digest),
                });
                let slot = Slot {
                    holds,
                    ..Slot::default()
                };
                self.slots.insert(name.clone(), slot);
            } else {
                out.push(Output::TooMany { name });
                continue;
            }
            up.subscribe.push(name);
        }
        if self.upstream.open && (!up.subscribe.is_empty() || !up.unsubscribe.is_empty()) {
            out.push(Output::ToUpstream(up));
        }
        self.advance(shelf, &mut out);
        out
    }

    /// A stream to the control plane is being opened: what it has to be told first.
    pub(crate) fn on_opening(&mut self, shelf: &Shelf) -> UpstreamRequest {
        self.upstream.open = true;
        self.answer = None;
        let mut first = UpstreamRequest {
            first: true,
            ..UpstreamRequest::default()
        };
        for (name, slot) in &self.slots {
            first.subscribe.push(name.clone());
            // Said only of what is on the shelf: else the control plane would not send what Envoy runs,
            // and there would never be a copy of it.
            let kept = |held: &&Held| {
                let copy = shelf.copy(name);
                copy.is_some_and(|copy| copy.version == held.version)
            };
            if let Some(held) = slot.holds.as_ref().filter(kept).filter(|_| !slot.owed) {
                first.holds.insert(name.clone(), held.version.clone());
            }
        }
        first
    }

    /// The control plane has answered the call.
    pub(crate) fn on_reached(&mut self) {
        self.upstream.reachable = Some(true);
    }

    /// The control plane cannot be reached, or the stream to it has ended.
    pub(crate) fn on_lost(&mut self, shelf: &mut Shelf) -> Vec<Output> {
        self.upstream = Upstream {
            open: false,
            reachable: Some(false),
        };
        self.answer = None;
        let mut out = Vec::new();
        self.advance(shelf, &mut out);
        out
    }

    /// Takes what the control plane says.
    pub(crate) fn on_upstream(
        &mut self,
        response: UpstreamResponse,
        shelf: &mut Shelf,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        if !self.upstream.open {
            return out;
        }
        self.upstream.reachable = Some(true);
        // Of two responses that nobody has answered the newer one's answer stands for both.
        let (outstanding, refusals) = match self.answer.take() {
            Some(former) => (former.outstanding, former.refusals),
            None => Default::default(),
        };
        let mut answer = Answer {
            nonce: response.nonce,
            outstanding,
            refusals,
        };
        for (name, reason) in response.unusable {
            answer.outstanding.remove(&name);
            if let Some(slot) = self.slots.get_mut(&name) {
                slot.wanted = None;
                answer.refusals.push(format!("{name}: {reason}"));
            }
        }
        for name in response.removed {
            let Some(slot) = self.slots.get_mut(&name) else {
                continue;
            };
            slot.removed = true;
            answer.outstanding.insert(name.clone());
            slot.wanted = Some(News::Removed(name));
        }
        for resource in response.resources {
            self.take(resource, &mut answer, shelf, &mut out);
        }
        self.answer = Some(answer);
        self.finish_answer(&mut out);
        self.advance(shelf, &mut out);
        out
    }

    /// Is somebody waiting who could be served from the shelf?
    pub(crate) fn waits(&self, shelf: &Shelf) -> bool {
        self.slots.iter().any(|(name, slot)| {
            slot.hungry() && !slot.out_of_patience && shelf.copy(name).is_some()
        })
    }

    /// Whoever waits has waited long enough.
    pub(crate) fn on_patience(&mut self, shelf: &mut Shelf) -> Vec<Output> {
        for slot in self.slots.values_mut().filter(|slot| slot.hungry()) {
            slot.out_of_patience = true;
        }
        let mut out = Vec::new();
        self.advance(shelf, &mut out);
        out
    }

    fn take(
        &mut self,
        resource: Resource,
        answer: &mut Answer,
        shelf: &mut Shelf,
        out: &mut Vec<Output>,
    ) {
        // Nobody asked for it, or not any more.
        let Some(slot) = self.slots.get_mut(&resource.name) else {
            return;
        };
        slot.removed = false;
        if let Some(reason) = shelf.refusal(&resource) {
            let told = format!(
                "{}: refused before, not sent again: {reason}",
                resource.name
            );
            answer.refusals.push(told);
            answer.outstanding.remove(&resource.name);
            slot.wanted = None;
            return;
        }
        if let Some(under_way) = &self.under_way
            && under_way.news.name() == resource.name
        {
            answer.outstanding.insert(resource.name.clone());
            let same = matches!(&under_way.news, News::Resource(it) if *it == resource);
            slot.wanted = (!same || under_way.orphaned).then_some(News::Resource(resource));
            return;
        }
        if slot.holds_bytes_of(&resource) && !slot.owed {
            slot.wanted = None;
            answer.outstanding.remove(&resource.name);
            if let Some(held) = &mut slot.holds {
                held.digest = Some(resource.digest());
            }
            if shelf.keep(&resource) {
                out.push(Output::Keep(resource));
            }
            return;
        }
        answer.outstanding.insert(resource.name.clone());
        slot.wanted = Some(News::Resource(resource));
    }

    fn on_answer(
        &mut self,
        nonce: &str,
        refusal: Option<String>,
        shelf: &mut Shelf,
        out: &mut Vec<Output>,
    ) {
        let Some(under_way) = self.under_way.take_if(|it| it.nonce == nonce) else {
            return;
        };
        let name = under_way.news.name().to_owned();
        let slot = self.slots.get_mut(&name);
        let refusal = match (refusal, under_way.news) {
            (None, _) if under_way.orphaned => None,
            (None, News::Resource(resource)) => {
                if let Some(slot) = slot {
                    slot.holds = Some(Held {
                        version: resource.version.clone(),
                        digest: Some(resource.digest()),
                    });
                }
                if shelf.keep(&resource) {
                    out.push(Output::Keep(resource));
                }
                None
            }
            (None, News::Removed(_)) => {
                if let Some(slot) = slot {
                    slot.holds = None;
                }
                None
            }
            (Some(reason), News::Resource(resource)) => {
                let copy = shelf.refuse(&resource, &reason);
                out.push(Output::Refused {
                    resource,
                    reason: reason.clone(),
                    copy,
                });
                Some(reason)
            }
            (Some(reason), News::Removed(_)) => Some(reason),
        };
        // What was replaced meanwhile is not what the control plane waits to hear of.
        let superseded = self.slots.get(&name).is_some_and(|it| it.wanted.is_some());
        if !superseded {
            self.settle(&name, refusal);
        }
        self.finish_answer(out);
    }

    fn settle(&mut self, name: &str, refusal: Option<String>) {
        if let Some(answer) = &mut self.answer
            && answer.outstanding.remove(name)
        {
            answer.refusals.extend(refusal);
        }
    }

    fn finish_answer(&mut self, out: &mut Vec<Output>) {
        let Some(answer) = self.answer.take_if(|it| it.outstanding.is_empty()) else {
            return;
        };
        let refusal = (!answer.refusals.is_empty()).then(|| answer.refusals.join("; "));
        out.push(Output::ToUpstream(UpstreamRequest {
            nonce: answer.nonce,
            refusal,
            ..UpstreamRequest::default()
        }));
    }

    /// Sends Envoy the next thing, if it has answered the last one.
    fn advance(&mut self, shelf: &mut Shelf, out: &mut Vec<Output>) {
        self.finish_answer(out);
        if self.under_way.is_some() {
            return;
        }
        let Some((name, news, from_shelf)) = self.next(shelf) else {
            return;
        };
        if let (true, News::Resource(resource)) = (from_shelf, &news) {
            out.push(Output::ServedCopy {
                name: name.clone(),
                version: resource.version.clone(),
            });
        }
        self.sent = self.sent.wrapping_add(1);
        let nonce = format!("relay-{}", self.sent);
        self.under_way = Some(UnderWay {
            nonce: nonce.clone(),
            news: news.clone(),
            orphaned: false,
        });
        self.last_sent = name;
        out.push(Output::ToEnvoy { nonce, news });
    }

    fn next(&mut self, shelf: &Shelf) -> Option<(String, News, bool)> {
        // The one after the last, so that one that changes all the time does not starve the others.
        let wanting = |(name, slot): (&String, &Slot)| slot.wanted.is_some().then(|| name.clone());
        let later = std::ops::Bound::Excluded(self.last_sent.clone());
        let range = (later, std::ops::Bound::Unbounded);
        let name = self.slots.range(range).find_map(wanting);
        let name = name.or_else(|| self.slots.iter().find_map(wanting));
        if let Some(name) = name {
            let slot = self.slots.get_mut(&name)?;
            slot.owed = false;
            return Some((name, slot.wanted.take()?, false));
        }
        let away = self.upstream.reachable == Some(false);
        let (name, slot) = self.slots.iter_mut().find(|(name, slot)| {
            slot.hungry() && (away || slot.out_of_patience) && shelf.copy(name).is_some()
        })?;
        slot.owed = false;
        let copy = shelf.copy(name)?.clone();
        Some((name.clone(), News::Resource(copy), true))
    }
}
