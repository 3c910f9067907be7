//! The policies to try: what the index makes of the request.

use crate::cel::{Evaluator, NodeId, Op, Program, Value};
use crate::facts::Facts;
use crate::index::{Candidates, Found, Subject, Values, Wanted};
use crate::revision::View;
use crate::{Attribute, Request};

/// Fills `candidates` with every policy that may match.
#[inline(never)]
pub(super) fn candidates<'a>(
    view: &'a View<'a>,
    facts: &Facts<'a>,
    conditions: &mut Evaluator<'a, 'a, &Facts<'a>>,
    candidates: &mut Candidates,
) {
    let mut ask = Ask {
        program: &view.program,
        facts,
        conditions,
        ignore_case: !view.settings.case_sensitive_paths(),
        text: Vec::new(),
        value: None,
    };
    view.index.candidates(&view.program, &mut ask, candidates);
}

/// Answers what the index looks up.
struct Ask<'e, 'f, 'a> {
    program: &'a Program<'a>,
    facts: &'e Facts<'a>,
    conditions: &'e mut Evaluator<'a, 'a, &'f Facts<'a>>,
    ignore_case: bool,
    text: Vec<u8>,
    value: Option<Value<'a>>,
}

impl Ask<'_, '_, '_> {
    fn is_client(&self, id: NodeId) -> bool {
        self.program.node(id).is_some_and(|node| {
            node.op == Op::Attribute && node.a == Attribute::SourceAddress.number()
        })
    }
}

impl Values for Ask<'_, '_, '_> {
    fn value(&mut self, subject: Subject, wanted: Wanted) -> Found<'_> {
        match subject {
            // The text of an address would only be read as an address again.
            Subject::Node(id) if wanted == Wanted::Address && self.is_client(id) => self
                .facts
                .request()
                .client()
                .map_or(Found::Absent, Found::Address),
            Subject::Node(id) => {
                self.value = self.conditions.evaluate(id).ok();
                found(self.value.as_ref())
            }
            selector_of => selector(
                self.facts.request(),
                selector_of,
                self.ignore_case,
                &mut self.text,
            ),
        }
    }
}

/// What policies select requests by. A path or a method in the other case is put into `text`.
#[inline]
pub(super) fn selector<'t>(
    request: &'t Request<'_>,
    subject: Subject,
    ignore_case: bool,
    text: &'t mut Vec<u8>,
) -> Found<'t> {
    match subject {
        Subject::Path => {
            let path = request.path();
            if !ignore_case || !path.iter().any(u8::is_ascii_uppercase) {
                return Found::Text(path);
            }
            *text = path.to_ascii_lowercase();
            Found::Text(text)
        }
        Subject::Method => {
            let method = request.method();
            if !method.iter().any(u8::is_ascii_lowercase) {
                return Found::Text(method);
            }
            *text = method.to_ascii_uppercase();
            Found::Text(text)
        }
        Subject::Host => match request.authority() {
            Some(authority) => Found::Text(authority.host().as_bytes()),
            None => Found::Absent,
        },
        // Its value is evaluated by whoever asks.
        Subject::Node(_) => Found::Other,
    }
}

/// What the index makes of a value.
#[inline]
pub(super) fn found<'v>(value: Option<&'v Value<'_>>) -> Found<'v> {
    match value {
        None => Found::Absent,
        Some(Value::String(text)) => Found::Text(text.as_bytes()),
        Some(Value::Int(number)) => Found::Number(*number),
        Some(Value::Uint(number)) => i64::try_from(*number).map_or(Found::Other, Found::Number),
        Some(Value::Bool(truth)) => Found::Bool(*truth),
        Some(Value::Ip(address)) => Found::Address(*address),
        Some(_) => Found::Other,
    }
}
