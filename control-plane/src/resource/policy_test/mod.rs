//! `PolicyTest`: requests and what is expected to become of them. No request is ever judged by one:
//! the compiler leaves them out, and `countersign test` runs them ([`crate::policy_test`]).

mod expectation;
mod request;
mod upstream;

use countersign_engine::{Assurance, Timestamp};

use super::fields::{Field, Fields, Reader};
use super::yaml::{self, Node};
use super::{limits, words};
use crate::diagnostic::{Finding, Findings, Located, Source, quoted};
use crate::rehearsal::UpstreamSpec;

pub(crate) use expectation::Expectation;
pub(crate) use request::RequestSpec;

/// Requests and what is expected to become of them.
#[derive(Clone, Debug)]
pub struct PolicyTest {
    pub(crate) tests: Vec<Test>,
}

/// One request and what is expected to become of it.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// With its place, so that a failure can name its line.
    pub(crate) name: Located<String>,
    pub(crate) request: RequestSpec,
    pub(crate) session: Option<SessionSpec>,
    pub(crate) now: Timestamp,
    /// What the upstream answers: nothing that concerns us, where there is none.
    pub(crate) upstream: Option<UpstreamSpec>,
    pub(crate) expect: Expectation,
}

/// The session that the request carries.
#[derive(Clone, Debug)]
pub(crate) struct SessionSpec {
    pub(crate) assurance: Assurance,
    pub(crate) age_s: u32,
    /// A lesser proof beside it, just given.
    pub(crate) also: Option<Assurance>,
    pub(crate) device: String,
    pub(crate) bound: bool,
}

/// The time of a test that states none, 2026-01-01 12:00:00 UTC: the same test gives the same answer
/// on every day.
const DEFAULT_NOW: Timestamp = Timestamp::from_seconds(1_767_268_800);

/// The device of a session that names none.
const DEFAULT_DEVICE: &str = "test-device";

impl PolicyTest {
    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let tests = spec.take_required(reader, "tests");
        spec.finish(reader);
        let field = tests?;
        let items = reader.items(&field, limits::MAX_TESTS)?;
        if items.is_empty() {
            let span = reader.visible(&field.node);
            reader.error(
                span,
                "`tests` is empty",
                "write a test, or leave the document out",
            );
            return None;
        }
        let mut tests: Vec<Test> = Vec::with_capacity(items.len());
        let mut names = std::collections::HashMap::new();
        for item in items {
            let Some(test) = Test::read(reader, item) else {
                continue;
            };
            let name = &test.name;
            if let Some(first) = names.insert(name.value.clone(), name.span.clone()) {
                let message = format!("a second test {}", quoted(&name.value));
                let finding = Finding::error(reader.source(), name.span.clone(), message)
                    .label("again here")
                    .related(reader.source(), first, "first here");
                reader.push(finding);
            }
            tests.push(test);
        }
        Some(Self { tests })
    }
}

impl Test {
    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut fields = reader.mapping("a test", node.clone())?;
        let name = fields
            .take_required(reader, "name")
            .and_then(|field| test_name(reader, &field));
        let request = fields
            .take_required(reader, "request")
            .and_then(|field| RequestSpec::read(reader, field));
        let session = fields
            .take(reader, "session")
            .map(|field| SessionSpec::read(reader, field));
        let now = match fields.take(reader, "now") {
            Some(field) => time(reader, &field),
            None => Some(DEFAULT_NOW),
        };
        let upstream = fields
            .take(reader, "upstream")
            .map(|field| upstream::read(reader, field));
        let expect = fields
            .take_required(reader, "expect")
            .and_then(|field| Expectation::read(reader, field, upstream.is_some()));
        fields.finish(reader);
        Some(Self {
            name: name?,
            request: request?,
            // Refused as a whole where the session is: a test without it would test something else.
            session: match session {
                Some(session) => Some(session?),
                None => None,
            },
            now: now?,
            // As with the session.
            upstream: match upstream {
                Some(upstream) => Some(upstream?),
                None => None,
            },
            expect: expect?,
        })
    }
}

impl SessionSpec {
    fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let assurance = fields
            .take_required(reader, "assurance")
            .and_then(|field| grade(reader, &field));
        let also = fields
            .take(reader, "also")
            .and_then(|field| grade(reader, &field));
        let age_s = match fields.take(reader, "age") {
            Some(field) => reader.seconds(&field, 0..=limits::MAX_SESSION_SECONDS),
            None => Some(0),
        };
        let device = match fields.take(reader, "device") {
            Some(field) => line(reader, &field).map(|device| device.value),
            None => Some(DEFAULT_DEVICE.to_owned()),
        };
        let bound = match fields.take(reader, "bound") {
            Some(field) => reader.boolean(&field),
            None => Some(false),
        };
        fields.finish(reader);
        Some(Self {
            bound: bound?,
            assurance: assurance?,
            age_s: age_s?,
            also,
            device: device?,
        })
    }
}

fn grade(reader: &mut Reader<'_>, field: &Field) -> Option<Assurance> {
    let help = "leave `session` out for a request without one";
    grade_above_none(reader, field, "no session has the grade `none`", help)
}

fn grade_above_none(
    reader: &mut Reader<'_>,
    field: &Field,
    none: &str,
    help: &str,
) -> Option<Assurance> {
    let grade = reader.word(field, &words::assurances())?;
    if grade.value == Assurance::None {
        reader.error(grade.span, none, help);
        return None;
    }
    Some(grade.value)
}

/// A document that is nothing but a request. `None` comes with at least one finding.
pub(super) fn request_alone(source: &Source, findings: &mut Findings) -> Option<RequestSpec> {
    let node = match yaml::parse(source) {
        Ok(Some(node)) => node,
        Ok(None) => {
            findings.push(Finding::error(
                source,
                0..0,
                "there is no request in this file",
            ));
            return None;
        }
        Err(finding) => {
            findings.push(*finding);
            return None;
        }
    };
    let key = Located::new("request".to_owned(), node.span.start..node.span.start);
    RequestSpec::read(&mut Reader::new(source, findings), Field { key, node })
}

fn test_name(reader: &mut Reader<'_>, field: &Field) -> Option<Located<String>> {
    let name = line(reader, field)?;
    if name.value.chars().count() > limits::MAX_TEST_NAME {
        let message = format!("this name has {} characters", name.value.chars().count());
        let help = format!("at most {}", limits::MAX_TEST_NAME);
        reader.error(name.span, message, &help);
        return None;
    }
    Some(name)
}

/// A string that says something, on one line.
fn line(reader: &mut Reader<'_>, field: &Field) -> Option<Located<String>> {
    let text = reader.text(field)?;
    let name = &field.key.value;
    if text.value.trim().is_empty() {
        reader.error(field.key.span.clone(), format!("`{name}` is empty"), "");
        return None;
    }
    shown(reader, name, text)
}

/// A string that a report can show: a terminal obeys control characters.
fn shown(reader: &mut Reader<'_>, name: &str, text: Located<String>) -> Option<Located<String>> {
    if text.value.chars().any(char::is_control) {
        let message = format!("`{name}` holds a line break or another control character");
        reader.error(text.span, message, "write it in one line");
        return None;
    }
    Some(text)
}

fn time(reader: &mut Reader<'_>, field: &Field) -> Option<Timestamp> {
    let text = reader.text(field)?;
    let nanos = text
        .value
        .parse::<jiff::Timestamp>()
        .ok()
        .and_then(|time| i64::try_from(time.as_nanosecond()).ok())
        // Sessions have no time before 1970.
        .filter(|nanos| *nanos >= 0);
    if nanos.is_none() {
        let message = format!("{} is not a time", quoted(&text.value));
        let help = "write it as `2026-11-21T12:00:00Z` (RFC 3339), from 1970 to 2262";
        reader.error(text.span, message, help);
    }
    nanos.map(Timestamp::from_nanos)
}
