//! Bodies of challenged requests: read, brought to the sidecar, and put in place when the browser comes
//! back. What is said and decided is the engine's; here is only what waits for what.

use countersign_engine::held::{
    Change, HELD_NOTE, Hold, KEPT_HEADER, Lost, REPEATED_NOTE, Restored, Stored, Taken, take, token,
};
use countersign_engine::limits::MAX_REPLAY_BYTES;
use countersign_engine::{Decision, Denial, Headers};
use proxy_wasm::types::Action;

use crate::request::{self, Asked, Asking, RequestContext, answer, finish_denial, forward};
use crate::running::Running;
use crate::step_up::{Seen, Watched};
use crate::{counters, host, worker};

/// What a request that was held back waits for.
pub(crate) enum Waiting {
    /// Its small body: a token is perhaps in it.
    Token,
    /// Its body, to keep it.
    Body(Box<Held>),
    /// The sidecar, to say that it keeps the body.
    Stored(Box<Held>),
    /// The sidecar, to give a body.
    Taken,
    /// Nothing: it was answered.
    Answered,
}

/// A challenged request.
pub(crate) struct Held {
    pub(crate) hold: Box<Hold>,
    pub(crate) denial: Denial,
}

impl RequestContext {
    /// A piece of the body came; `size` is what is buffered, with it.
    pub(crate) fn body_came(&mut self, size: usize, end: bool) -> Action {
        match self.waiting.take() {
            None => Action::Continue,
            Some(Waiting::Body(held)) if size > held.hold.limit() => {
                let lost = held.hold.too_large();
                self.lose(held.denial, &lost)
            }
            Some(Waiting::Body(held)) if end => self.store(held, &host::request_body()),
            Some(Waiting::Token) if end || size > MAX_REPLAY_BYTES => self.token_came(end),
            Some(waiting) => self.wait(waiting),
        }
    }

    fn wait(&mut self, waiting: Waiting) -> Action {
        self.waiting = Some(waiting);
        Action::Pause
    }

    /// The answer was sent; whatever still comes of the request goes nowhere.
    pub(crate) fn answered(&mut self) -> Action {
        self.wait(Waiting::Answered)
    }

    /// Refuses a challenged request whose body cannot be kept.
    pub(crate) fn lose(&mut self, denial: Denial, lost: &Lost) -> Action {
        counters::count_held(lost.word);
        finish_denial(denial, &lost.reply);
        self.answered()
    }

    /// Keeps a body that is whole.
    pub(crate) fn store(&mut self, held: Box<Held>, body: &[u8]) -> Action {
        let Some(running) = self.running.clone() else {
            return self.stored(*held, Stored::Away);
        };
        let call = held.hold.store(&running.revision, body.len(), host::now());
        match call.is_some_and(|call| host::call_sidecar(&call, body)) {
            true => self.wait(Waiting::Stored(held)),
            false => self.stored(*held, Stored::Away),
        }
    }

    fn stored(&mut self, held: Held, stored: Stored) -> Action {
        let Held { hold, mut denial } = held;
        let (reply, word) = hold.answer(stored);
        counters::count_held(word);
        if stored == Stored::Kept {
            denial.noted(HELD_NOTE);
        }
        finish_denial(denial, &reply);
        self.answered()
    }

    /// A small body is whole, or longer than one with a token: asks for what the token stands for, or
    /// decides as always.
    fn token_came(&mut self, whole: bool) -> Action {
        let Some(running) = self.running.clone() else {
            return self.answered();
        };
        let revision = &running.revision;
        let (map, connection) = (host::request_headers(), Asking::new());
        let request = request::read(revision, &map, &connection);
        let body = host::request_body();
        let Some(token) = token(&body).filter(|_| whole) else {
            let asked = Asked {
                body: Some(&body),
                whole,
            };
            let action = self.decide(&running, &request, asked);
            self.remember(Seen::Map(map));
            return action;
        };
        let call = worker::with_memory(|memory| take(revision, &request, memory, token));
        match call {
            Ok(call) if host::call_sidecar(&call, token.as_bytes()) => self.wait(Waiting::Taken),
            Ok(_) => self.lose_token(&Lost::unasked()),
            Err(lost) => self.lose_token(&lost),
        }
    }

    fn lose_token(&mut self, lost: &Lost) -> Action {
        counters::count_held(lost.word);
        answer(&lost.reply);
        self.answered()
    }

    /// The sidecar answered, or did not.
    pub(crate) fn sidecar_answered(&mut self) {
        match self.waiting.take() {
            Some(Waiting::Stored(held)) => {
                self.stored(*held, Stored::read(host::call_status()));
            }
            Some(Waiting::Taken) => self.taken(),
            // Nobody asked.
            waiting => self.waiting = waiting,
        }
    }

    /// Decides about the request as it was, and lets it go with the body that it had.
    fn taken(&mut self) {
        let Some(running) = self.running.clone() else {
            return;
        };
        let kept = host::call_header(KEPT_HEADER);
        let taken = match Taken::read(host::call_status(), kept.as_deref()) {
            Ok(taken) => taken,
            Err(lost) => {
                self.lose_token(&lost);
                return;
            }
        };
        let body = host::call_body();
        let map = host::request_headers();
        let connection = Asking::new();
        let request = request::read(&running.revision, &map, &connection);
        let restored = taken.restored(&request, body.len());
        self.repeat(&running, &restored, &body);
    }

    fn repeat(&mut self, running: &Running, restored: &Restored, body: &[u8]) {
        let revision = &running.revision;
        let connection = Asking::new();
        let request = request::of(revision, Headers::from(&restored.headers), &connection);
        let (decision, _) = request::decided(running, &request);
        match decision {
            Decision::Permit(mut permit) => {
                if !host::set_request_body(body) {
                    // Never half a request: the bytes are gone, and the person is told.
                    self.lose_token(&Lost::broken());
                    return;
                }
                for change in &restored.changes {
                    match change {
                        Change::Set(name, value) => host::set_request_header(name, value),
                        Change::Remove(name) => host::remove_request_header(name),
                    }
                }
                let asked = Asked {
                    body: Some(body),
                    whole: true,
                };
                self.watched = Watched::of(&request, &permit, asked);
                permit.noted(REPEATED_NOTE);
                counters::count_held("repeated");
                let _continued = forward(revision, &request, &permit);
                self.remember(Seen::Restored(restored.headers.clone()));
                host::resume_request();
            }
            Decision::Denial(denial) => {
                let asked = Asked {
                    body: Some(body),
                    whole: true,
                };
                let _paused = self.refuse(revision, &request, denial, asked);
            }
        }
    }

    /// A challenged request whose body is to be kept: reads it, or takes what is there.
    pub(crate) fn hold(&mut self, held: Held, asked: Asked<'_>) -> Action {
        let held = Box::new(held);
        match asked.body {
            Some(body) if asked.whole => self.store(held, body),
            _ => self.wait(Waiting::Body(held)),
        }
    }
}
