//! The HTTP context: one request from headers to decision.

use std::cell::OnceCell;
use std::rc::Rc;

use countersign_engine::held::{Body, Hold, may_bring_token};
use countersign_engine::reply::{self, Reply};
use countersign_engine::step_up::ASSURANCE_HEADER;
use countersign_engine::{
    ConnectionSource, Decision, Denial, Headers, Permit, Request, Revision, decide,
};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::held::{Held, Waiting};
use crate::running::Running;
use crate::step_up::{Seen, Watched};
use crate::{counters, host, worker};

/// Our headers on the way to the upstream: what a client sends under this prefix is taken off.
const OWN_HEADERS: &str = "countersign-";
/// Tells the upstream which decision let the request through.
const EVENT_HEADER: &str = "countersign-event-id";

pub(crate) struct RequestContext {
    pub(crate) running: Option<Rc<Running>>,
    /// What a request that was held back waits for; nearly none is.
    pub(crate) waiting: Option<Waiting>,
    /// What is remembered of a request that was let through, where its upstream may ask for more.
    pub(crate) watched: Option<Box<Watched>>,
}

/// What is known of the body of a request that is decided about.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'b> {
    /// What has come of it; `None` where none follows.
    pub(crate) body: Option<&'b [u8]>,
    /// Is that all?
    pub(crate) whole: bool,
}

impl RequestContext {
    pub(crate) const fn new(running: Option<Rc<Running>>) -> Self {
        Self {
            running,
            waiting: None,
            watched: None,
        }
    }

    /// Decides about the request, and does what was decided.
    pub(crate) fn decide(
        &mut self,
        running: &Running,
        request: &Request<'_>,
        asked: Asked<'_>,
    ) -> Action {
        let revision = &running.revision;
        let (decision, timed) = decided(running, request);
        let action = match decision {
            Decision::Permit(permit) => {
                self.watched = Watched::of(request, &permit, asked);
                forward(revision, request, &permit)
            }
            Decision::Denial(denial) => self.refuse(revision, request, denial, asked),
        };
        if timed {
            running.counted.took(request.now(), host::now());
        }
        action
    }

    #[inline(never)]
    pub(crate) fn refuse(
        &mut self,
        revision: &Revision,
        request: &Request<'_>,
        denial: Denial,
        asked: Asked<'_>,
    ) -> Action {
        match Hold::of(revision, request, &denial, asked.body.is_some()) {
            Body::Leave => {
                let reply = reply::reply(revision, request, &denial);
                finish_denial(denial, &reply);
                self.waiting = Some(Waiting::Answered);
                Action::Pause
            }
            Body::Refuse(lost) => self.lose(denial, &lost),
            Body::Hold(hold) => self.hold(Held { hold, denial }, asked),
        }
    }
}

impl Context for RequestContext {
    fn on_http_call_response(&mut self, _: u32, _: usize, _: usize, _: usize) {
        self.sidecar_answered();
    }
}

impl HttpContext for RequestContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(running) = self.running.clone() else {
            counters::count_not_ready();
            self.waiting = Some(Waiting::Answered);
            return answer(&reply::not_ready());
        };
        let map = host::request_headers();
        let connection = Asking::new();
        let request = read(&running.revision, &map, &connection);
        if may_bring_token(&request, !end_of_stream) {
            self.waiting = Some(Waiting::Token);
            return Action::Pause;
        }
        let asked = Asked {
            body: (!end_of_stream).then_some(&[]),
            whole: false,
        };
        let action = self.decide(&running, &request, asked);
        self.remember(Seen::Map(map));
        action
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.waiting.is_none() {
            self.body_passes(size, end_of_stream);
            return Action::Continue;
        }
        self.body_came(size, end_of_stream)
    }

    /// The end of a body that trailers follow.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        if self.waiting.is_none() {
            self.body_passes(0, true);
            return Action::Continue;
        }
        self.body_came(0, true)
    }

    /// Comes only while some request of this worker is watched: see `host/raw.rs`.
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.upstream_answered()
    }
}

/// Reads a request from the host's map of headers. A map that is none has no host, and a request without
/// one is refused.
pub(crate) fn read<'a>(revision: &Revision, map: &'a [u8], connection: &'a Asking) -> Request<'a> {
    let headers = Headers::parse(map).unwrap_or_default();
    of(revision, headers, connection)
}

/// A request with these headers, on this connection, now.
pub(crate) fn of<'a>(
    revision: &Revision,
    headers: Headers<'a>,
    connection: &'a Asking,
) -> Request<'a> {
    let connection: &dyn ConnectionSource = connection;
    Request::new(revision, headers, connection, host::now())
}

/// Decides and counts. True when this request is one of those that are timed.
pub(crate) fn decided(running: &Running, request: &Request<'_>) -> (Decision, bool) {
    let revision = &running.revision;
    let id = worker::next_event_id(request.now());
    let decision = worker::with_memory(|memory| decide(revision, request, memory, id));
    let timed = running.counted.count(decision.outcome());
    (decision, timed)
}

/// Lets the request through. Demands a [`Permit`], and only the engine makes one.
#[inline(never)]
pub(crate) fn forward(revision: &Revision, request: &Request<'_>, permit: &Permit) -> Action {
    let outcome = permit.outcome();
    counters::count(outcome);
    for name in request.header_names_with_prefix(OWN_HEADERS) {
        host::remove_request_header(name);
    }
    if outcome.own_token {
        host::remove_request_header("authorization");
        host::remove_request_header("dpop");
    }
    if !revision.score_header().is_empty() && !request.from_trusted_hop() {
        // A score that nobody trustworthy gave must not reach the upstream as if somebody had.
        if request.header(revision.score_header()).is_some() {
            host::remove_request_header(revision.score_header());
        }
    }
    host::set_request_header(EVENT_HEADER, outcome.event_id.text().as_str());
    if let Some(watch) = permit.watch() {
        host::set_request_header(ASSURANCE_HEADER, &watch.proven);
    }
    host::set_state(permit.state());
    Action::Continue
}

/// Answers a refused request, and records it with its answer.
#[inline(never)]
pub(crate) fn finish_denial(mut denial: Denial, reply: &Reply) {
    denial.answered_with(reply.status);
    counters::count(denial.outcome());
    if let Some(state) = denial.state() {
        host::set_state(state);
    }
    host::send(reply);
}

pub(crate) fn answer(reply: &Reply) -> Action {
    host::send(reply);
    Action::Pause
}

/// Asks the host for what a rule needs of the connection, once.
#[derive(Debug)]
pub(crate) struct Asking {
    peer: Option<Vec<u8>>,
    server_name: OnceCell<Option<Vec<u8>>>,
    tls_version: OnceCell<Option<Vec<u8>>>,
    mtls: OnceCell<bool>,
    ja4: OnceCell<Option<Vec<u8>>>,
}

impl Asking {
    pub(crate) fn new() -> Self {
        Self {
            // The trusted-hop rule needs the peer whatever the conditions read.
            peer: host::property("source\0address"),
            server_name: OnceCell::new(),
            tls_version: OnceCell::new(),
            mtls: OnceCell::new(),
            ja4: OnceCell::new(),
        }
    }
}

impl ConnectionSource for Asking {
    fn peer(&self) -> Option<&[u8]> {
        self.peer.as_deref()
    }

    fn server_name(&self) -> Option<&[u8]> {
        let ask = || host::property("connection\0requested_server_name");
        self.server_name.get_or_init(ask).as_deref()
    }

    fn tls_version(&self) -> Option<&[u8]> {
        let ask = || host::property("connection\0tls_version");
        self.tls_version.get_or_init(ask).as_deref()
    }

    fn mtls(&self) -> bool {
        *self.mtls.get_or_init(|| {
            host::property("connection\0mtls")
                .is_some_and(|value| value.first().is_some_and(|&byte| byte != 0))
        })
    }

    fn ja4(&self) -> Option<&[u8]> {
        self.ja4.get_or_init(host::ja4).as_deref()
    }
}
