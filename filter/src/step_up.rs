//! Upstreams that ask for more proof: what is remembered of the requests they may ask about, and what
//! becomes of their answers. Nothing of it is there where no policy trusts an upstream to ask.

use std::cell::Cell;

use countersign_engine::held::{Body, Hold};
use countersign_engine::step_up::{
    Answered, STEP_UP_HEADER, Upstream, answered, readable_as_answer, unreadable,
};
use countersign_engine::{Denial, EventId, Headers, Permit, Request, Revision, reply};
use proxy_wasm::types::Action;

use crate::held::Held;
use crate::request::{self, Asked, Asking, RequestContext, finish_denial};
use crate::{host, worker};

thread_local! {
    /// Requests of this worker that are remembered.
    static WATCHED: Cell<usize> = const { Cell::new(0) };
}

/// Is there a request whose answer has to be looked at?
pub(crate) fn any_watched() -> bool {
    WATCHED.get() > 0
}

/// A request that was let through.
pub(crate) struct Watched {
    id: EventId,
    seen: Seen,
    copy: Copy,
}

/// The headers that were decided on: routes and filters change those of the request.
pub(crate) enum Seen {
    /// As the host wrote them.
    Map(Vec<u8>),
    /// Of a request that is a repetition.
    Restored(Vec<(String, Vec<u8>)>),
}

/// The body, while it passes.
enum Copy {
    /// There is none, or none that a page repeats.
    Nothing,
    /// So far, and how much it may become.
    Growing(Vec<u8>, usize),
    Whole(Vec<u8>),
    /// It was more than is kept.
    TooLarge,
}

impl Watched {
    /// `None` where no upstream may ask.
    pub(crate) fn of(
        request: &Request<'_>,
        permit: &Permit,
        asked: Asked<'_>,
    ) -> Option<Box<Self>> {
        let watch = permit.watch()?;
        let mut copy = match watch.copies(request, asked.body.is_some()) {
            Some(limit) => Copy::Growing(Vec::new(), limit),
            None => Copy::Nothing,
        };
        if let Some(body) = asked.body {
            copy.take(body, asked.whole);
        }
        WATCHED.set(WATCHED.get().saturating_add(1));
        Some(Box::new(Self {
            id: permit.outcome().event_id,
            seen: Seen::Map(Vec::new()),
            copy,
        }))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHED.set(WATCHED.get().saturating_sub(1));
    }
}

impl Copy {
    fn take(&mut self, piece: &[u8], end: bool) {
        let Self::Growing(bytes, limit) = self else {
            return;
        };
        if bytes.len().saturating_add(piece.len()) > *limit {
            *self = Self::TooLarge;
            return;
        }
        bytes.extend_from_slice(piece);
        if end {
            *self = Self::Whole(std::mem::take(bytes));
        }
    }
}

impl RequestContext {
    /// The request is on its way; these were its headers.
    pub(crate) fn remember(&mut self, seen: Seen) {
        if let Some(watched) = &mut self.watched {
            watched.seen = seen;
        }
    }

    /// A piece of the body passes.
    pub(crate) fn body_passes(&mut self, size: usize, end: bool) {
        if let Some(watched) = &mut self.watched
            && matches!(watched.copy, Copy::Growing(..))
        {
            let piece = piece(size);
            watched.copy.take(&piece, end);
        }
    }

    /// The upstream's headers are there.
    pub(crate) fn upstream_answered(&mut self) -> Action {
        let (Some(mut watched), Some(running)) = (self.watched.take(), self.running.clone()) else {
            return Action::Continue;
        };
        let Some(demand) = host::response_header(STEP_UP_HEADER) else {
            return Action::Continue;
        };
        host::remove_response_header(STEP_UP_HEADER);
        let (revision, id) = (&running.revision, watched.id);
        let (name, connection) = (host::upstream().unwrap_or_default(), Asking::new());
        let upstream = Upstream {
            name: &name,
            demand: &demand,
        };
        let copy = std::mem::replace(&mut watched.copy, Copy::Nothing);
        let headers = match &watched.seen {
            Seen::Map(map) => Headers::parse(map).unwrap_or_default(),
            Seen::Restored(pairs) => Headers::from(pairs),
        };
        let request = request::of(revision, headers, &connection);
        let judged =
            worker::with_memory(|memory| answered(revision, &request, memory, id, upstream));
        match judged {
            Answered::Pass(permit) => {
                crate::counters::count_notes(permit.outcome());
                host::set_state(permit.state());
                Action::Continue
            }
            Answered::Refuse(denial) => {
                running.counted.refused_later(denial.outcome());
                self.replace(revision, &request, denial, copy)
            }
            Answered::Unreadable(denial, malformed) => {
                host::log_error(&format!(
                    "countersign: upstream `{}` asks for proof in words that are none: {malformed}",
                    String::from_utf8_lossy(&name)
                ));
                running.counted.refused_later(denial.outcome());
                finish_denial(denial, &unreadable(&request, id));
                self.answered()
            }
        }
    }

    /// The challenge takes the answer's place.
    fn replace(
        &mut self,
        revision: &Revision,
        request: &Request<'_>,
        denial: Denial,
        copy: Copy,
    ) -> Action {
        let has_body = !matches!(copy, Copy::Nothing);
        match Hold::of(revision, request, &denial, has_body) {
            Body::Leave => {
                let mut reply = reply::reply(revision, request, &denial);
                readable_as_answer(&mut reply, host::response_header);
                finish_denial(denial, &reply);
                self.answered()
            }
            Body::Refuse(lost) => self.lose(denial, &lost),
            Body::Hold(hold) => {
                let held = Box::new(Held { hold, denial });
                match copy {
                    Copy::Whole(body) => self.store(held, &body),
                    // Envoy drops the rest of a request whose answer is there.
                    Copy::Growing(..) => {
                        let lost = held.hold.unread();
                        self.lose(held.denial, &lost)
                    }
                    Copy::TooLarge | Copy::Nothing => {
                        let lost = held.hold.too_large();
                        self.lose(held.denial, &lost)
                    }
                }
            }
        }
    }
}

/// The piece of the body that this callback is about; at its trailers there is none.
fn piece(size: usize) -> Vec<u8> {
    match size {
        0 => Vec::new(),
        _ => host::request_body(),
    }
}
