//! The HTTP context: one request from headers to decision.

use std::cell::OnceCell;
use std::rc::Rc;

use countersign_engine::reply::{self, Reply};
use countersign_engine::{
    ConnectionSource, Decision, Denial, Headers, Permit, Request, Revision, decide,
};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::running::Running;
use crate::{counters, host, worker};

/// Our headers on the way to the upstream: what a client sends under this prefix is taken off.
const OWN_HEADERS: &str = "countersign-";
/// Tells the upstream which decision let the request through.
const EVENT_HEADER: &str = "countersign-event-id";

pub(crate) struct RequestContext {
    running: Option<Rc<Running>>,
}

impl RequestContext {
    pub(crate) const fn new(running: Option<Rc<Running>>) -> Self {
        Self { running }
    }
}

impl Context for RequestContext {}

impl HttpContext for RequestContext {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let Some(running) = &self.running else {
            counters::count_not_ready();
            return answer(&reply::not_ready());
        };
        let revision = &running.revision;
        let map = host::request_headers();
        // A map that is none has no host, and a request without one is refused.
        let headers = Headers::parse(&map).unwrap_or_default();
        let connection = Asking::new();
        let connection: &dyn ConnectionSource = &connection;
        let now = host::now();
        let request = Request::new(revision, headers, connection, now);
        let id = worker::next_event_id(now);
        let decision = worker::with_memory(|memory| decide(revision, &request, memory, id));
        let timed = running.counted.count(decision.outcome());
        let action = match decision {
            Decision::Permit(permit) => forward(revision, &request, &permit),
            Decision::Denial(denial) => refuse(revision, &request, denial),
        };
        if timed {
            running.counted.took(now, host::now());
        }
        action
    }
}

/// Lets the request through. Demands a [`Permit`], and only the engine makes one.
#[inline(never)]
fn forward(revision: &Revision, request: &Request<'_>, permit: &Permit) -> Action {
    let outcome = permit.outcome();
    counters::count(outcome);
    for name in request.header_names_with_prefix(OWN_HEADERS) {
        host::remove_request_header(name);
    }
    if !revision.score_header().is_empty() && !request.from_trusted_hop() {
        // A score that nobody trustworthy gave must not reach the upstream as if somebody had.
        if request.header(revision.score_header()).is_some() {
            host::remove_request_header(revision.score_header());
        }
    }
    host::set_request_header(EVENT_HEADER, outcome.event_id.text().as_str());
    host::set_state(permit.state());
    Action::Continue
}

#[inline(never)]
fn refuse(revision: &Revision, request: &Request<'_>, mut denial: Denial) -> Action {
    let reply = reply::reply(revision, request, &denial);
    denial.answered_with(reply.status);
    counters::count(denial.outcome());
    if let Some(state) = denial.state() {
        host::set_state(state);
    }
    answer(&reply)
}

fn answer(reply: &Reply) -> Action {
    host::send(reply);
    Action::Pause
}

/// Asks the host for what a rule needs of the connection, once.
#[derive(Debug)]
struct Asking {
    peer: Option<Vec<u8>>,
    server_name: OnceCell<Option<Vec<u8>>>,
    tls_version: OnceCell<Option<Vec<u8>>>,
    mtls: OnceCell<bool>,
    ja4: OnceCell<Option<Vec<u8>>>,
}

impl Asking {
    fn new() -> Self {
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
