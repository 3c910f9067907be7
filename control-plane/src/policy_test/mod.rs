//! Runs `PolicyTest`s: what the filter would decide and answer, by the filter's own engine. Pure: no
//! clock, no file, no network, no control plane.

mod compare;
mod session;

use countersign_engine::{
    Action, Connection, Decision, Denial, Event, EventId, LoadError, Outcome, Request, Revision,
    RevisionId, WorkerMemory, blob, decide, reply,
};
use countersign_proto::event::v1::DecisionEvent;
use serde::Serialize;

use crate::compile::{Compiled, compile};
use crate::diagnostic::{Diagnostic, Severity};
use crate::rehearsal::{self, Turn};
use crate::resource::{Document, RequestSpec, Resource, Test};

pub use compare::Difference;

/// The result of every test of a set.
#[derive(Clone, Debug)]
pub struct Run {
    /// What compiles and is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// In the order of the documents.
    pub results: Vec<TestResult>,
}

/// What became of one test.
#[derive(Clone, Debug, Serialize)]
pub struct TestResult {
    /// `metadata.name` of its document.
    pub document: String,
    /// Its own name.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its name.
    pub line: u32,
    /// Did everything come as expected?
    pub passed: bool,
    /// What did not.
    pub differences: Vec<Difference>,
    /// What happened, and why.
    pub seen: Seen,
}

/// What happened to a request, and what that was based on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// `allow`, `block`, `redirect` or `challenge`.
    pub action: &'static str,
    /// Permitted before any policy was asked.
    pub exempt: bool,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The status of the reply; none where the request goes on.
    pub status: Option<u16>,
    /// Where the reply leads; the ticket of a challenge is left out.
    pub location: Option<String>,
    /// None where nothing was asked.
    pub score: Option<u32>,
    /// What a trusted hop's score had part in that.
    pub upstream_score: Option<u32>,
    /// `ALLOW`, `CHALLENGE` or `BLOCK`: what reasons and device rules came to. None where nothing was
    /// asked.
    pub verdict: Option<&'static str>,
    /// What the signals said.
    pub reasons: Vec<String>,
    /// The signals, with their weights.
    pub signals: Vec<String>,
    /// Policies that matched and only counted.
    pub monitored: Vec<String>,
    /// Policies whose challenge the session satisfied.
    pub satisfied: Vec<String>,
    /// `absent`, `valid` or why it was not accepted; none where nobody asked.
    pub session: Option<&'static str>,
    /// Conditions that failed, with the error.
    pub errors: Vec<String>,
    /// What else was noticed.
    pub notes: Vec<&'static str>,
    /// What a challenge demands.
    pub min_assurance: Option<&'static str>,
    /// What became of the upstream's demand; none where the test states none.
    pub step_up: Option<StepUpSeen>,
}

/// What became of an upstream's demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepUpSeen {
    /// As `expect.stepUp` says it.
    pub came_of_it: &'static str,
    /// Why.
    pub why: String,
}

/// Compiles a set of documents and runs the tests among them.
///
/// # Errors
/// The findings of the compiler: what does not compile is not tested.
pub fn run(documents: &[Document]) -> Result<Run, Vec<Diagnostic>> {
    let compiled = compile(documents, &rehearsal::material())?;
    let warnings = compiled.warnings.clone();
    let revision = load(compiled).map_err(|error| {
        let message = format!("the filter refuses this set: {error}");
        vec![Diagnostic::general(Severity::Error, message, None)]
    })?;
    let lifetime_s = revision.session_lifetime_s();
    let mut results = Vec::new();
    for document in documents {
        let Resource::PolicyTest(tests) = &document.resource else {
            continue;
        };
        for test in &tests.tests {
            let seen = judge(&revision, test, lifetime_s);
            let differences = compare::differences(&test.expect, &seen, &revision);
            results.push(TestResult {
                document: document.name.clone(),
                name: test.name.value.clone(),
                file: document.file.clone(),
                line: document.to_source().position(test.name.span.start).0,
                passed: differences.is_empty(),
                differences,
                seen,
            });
        }
    }
    Ok(Run { warnings, results })
}

fn load(compiled: Compiled) -> Result<Revision, LoadError> {
    let Compiled { forms, hash, .. } = compiled;
    let body = forms.everything;
    Revision::load(blob::seal(&body, &RevisionId { number: 1, hash }, 0)?)
}

fn judge(revision: &Revision, test: &Test, lifetime_s: u32) -> Seen {
    let spec = &test.request;
    let mut headers = headers(spec);
    if let Some(session) = &test.session {
        let cookie = session::cookie(session, &spec.target.authority, test.now, lifetime_s);
        headers.push(("cookie".to_owned(), cookie.into_bytes()));
    }
    let bytes = |text: &'_ Option<String>| text.clone().map(String::into_bytes);
    let peer = spec.peer.to_string();
    let (server_name, tls_version, ja4) =
        (bytes(&spec.sni), bytes(&spec.tls_version), bytes(&spec.ja4));
    let connection = Connection {
        peer: Some(peer.as_bytes()),
        server_name: server_name.as_deref(),
        tls_version: tls_version.as_deref(),
        mtls: spec.mtls,
        ja4: ja4.as_deref(),
    };
    let request = Request::new(revision, &headers, connection, test.now);
    let id = EventId::new(test.now.as_millis(), [0; 10]);
    // One cache for each test: none sees what another left behind.
    let memory = &mut WorkerMemory::default();
    let decision = decide(revision, &request, memory, id);
    let mut seen = seen(decision.outcome());
    if let Decision::Denial(denial) = &decision {
        seen.refused(denial, &reply::reply(revision, &request, denial));
    }
    if let Some(upstream) = &test.upstream {
        let turn = rehearsal::turn(revision, &request, memory, &decision, upstream);
        seen.turned(&turn);
    }
    seen
}

impl Seen {
    fn refused(&mut self, denial: &Denial, answer: &reply::Reply) {
        self.status = Some(answer.status);
        self.location = location(answer);
        if let Action::Challenge(challenge) = &denial.action {
            self.min_assurance = Some(challenge.min_assurance.word());
        }
    }

    /// What was seen when the request was let through still holds.
    fn turned(&mut self, turn: &Turn) {
        self.step_up = Some(StepUpSeen {
            came_of_it: turn.came_of_it.word(),
            why: turn.came_of_it.why(),
        });
        if let Some((denial, answer)) = &turn.refused {
            let outcome = denial.outcome();
            self.action = outcome.action;
            self.policy.clone_from(&outcome.policy);
            self.notes.extend(&outcome.notes);
            self.refused(denial, answer);
        }
    }
}

/// As the host gives them: pseudo headers first, names lower-case.
fn headers(spec: &RequestSpec) -> Vec<(String, Vec<u8>)> {
    [
        (":method", &spec.method),
        (":scheme", &spec.target.scheme),
        (":authority", &spec.target.authority),
        (":path", &spec.target.path),
    ]
    .into_iter()
    .chain(
        spec.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value)),
    )
    .map(|(name, value)| (name.to_owned(), value.clone().into_bytes()))
    .collect()
}

fn seen(outcome: &Outcome) -> Seen {
    let exempt = outcome.action == "exempt";
    let event = outcome.event.as_ref().map(Event::decode);
    let event = event.as_ref();
    let signals = event.map(|event| event.signals.as_slice());
    Seen {
        action: if exempt { "allow" } else { outcome.action },
        exempt,
        policy: outcome.policy.clone(),
        status: None,
        location: None,
        score: event.map(|event| event.score),
        upstream_score: event.map(|event| event.upstream_score),
        verdict: event.and_then(verdict),
        reasons: event.map(|event| event.reasons.clone()).unwrap_or_default(),
        signals: signals
            .unwrap_or_default()
            .iter()
            .map(|signal| format!("{} {:+}", signal.name, signal.weight))
            .collect(),
        monitored: outcome.monitored.clone(),
        satisfied: outcome.satisfied.clone(),
        session: outcome.session,
        errors: outcome
            .errors
            .iter()
            .map(|(name, error)| format!("{name}: {error}"))
            .collect(),
        notes: outcome.notes.clone(),
        min_assurance: None,
        step_up: None,
    }
}

fn verdict(event: &DecisionEvent) -> Option<&'static str> {
    use countersign_engine::Verdict;
    let verdict = u32::try_from(event.verdict).ok();
    verdict.and_then(Verdict::from_number).map(Verdict::word)
}

/// A ticket differs with every key and every second: what it says is not for a test to repeat.
fn location(answer: &reply::Reply) -> Option<String> {
    let (_, location) = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "location")?;
    let ticketless = location
        .split_once('?')
        .filter(|(path, _)| *path == reply::CHALLENGE_PATH);
    Some(match ticketless {
        Some((path, _)) => path.to_owned(),
        None => location.clone(),
    })
}

#[cfg(test)]
mod tests;
