//! One set and what it decides.

use countersign_engine::{Decision, EventId, Explanation, Request, WorkerMemory, decide, explain};

use super::record::{Defaults, Record};
use super::sessions::Cookies;
use super::set::Set;

/// A set with the memory of the worker that runs it.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) set: Set,
    memory: WorkerMemory,
}

/// A request before the engine.
pub(super) struct Asked<'a> {
    pub(super) set: &'a Set,
    pub(super) request: &'a Request<'a>,
    /// The other end of the connection, as it is written.
    pub(super) peer: &'a [u8],
    pub(super) memory: &'a mut WorkerMemory,
    pub(super) id: EventId,
}

impl Asked<'_> {
    pub(super) fn explain(&mut self) -> Explanation {
        explain(&self.set.revision, self.request, self.memory, self.id)
    }
}

impl Judge {
    pub(super) fn new(set: Set) -> Self {
        Self {
            set,
            memory: WorkerMemory::default(),
        }
    }

    /// What the filter does with a request.
    pub(super) fn decide(
        &mut self,
        record: &mut Record,
        defaults: &Defaults,
        cookies: &mut Cookies,
    ) -> Decision {
        self.ask(record, defaults, cookies, |asked| {
            decide(&asked.set.revision, asked.request, asked.memory, asked.id)
        })
    }

    /// The same, and why.
    pub(super) fn explain(
        &mut self,
        record: &mut Record,
        defaults: &Defaults,
        cookies: &mut Cookies,
    ) -> Explanation {
        self.ask(record, defaults, cookies, |mut asked| asked.explain())
    }

    /// Puts a request before the engine.
    pub(super) fn ask<T>(
        &mut self,
        record: &mut Record,
        defaults: &Defaults,
        cookies: &mut Cookies,
        question: impl FnOnce(Asked<'_>) -> T,
    ) -> T {
        let Self { set, memory } = self;
        let hop = set.hop.as_ref();
        let mark = record.dress(hop, defaults, cookies);
        let request = record.request(&set.revision, hop, defaults);
        let answer = question(Asked {
            set,
            request: &request,
            peer: record.peer(hop),
            memory,
            // Nobody looks for an event of these.
            id: EventId::new(record.now(defaults).as_millis(), [0; 10]),
        });
        drop(request);
        record.undress(mark);
        answer
    }
}
