//! What is told about the names of headers: a header that nobody can send is never there.

use countersign_engine::cel::Op;

use crate::cel::env::Lowering;
use crate::cel::problem::{Problem, Span};
use crate::cel::typed::{Typed, TypedKind};
use crate::diagnostic::quoted;

/// Headers whose names are no tokens; Envoy has them among the others.
const PSEUDO_HEADERS: [&str; 4] = [":authority", ":method", ":path", ":scheme"];

/// Warns of names that are no header's, and of such as are written in the wrong case.
pub(super) fn look_at_names(tree: &Typed, problems: &mut Vec<Problem>) {
    for child in tree.children() {
        look_at_names(child, problems);
    }
    let TypedKind::Call(op, args) = &tree.kind else {
        return;
    };
    let (map, key) = match (op, args.as_slice()) {
        (Op::In, [key, map]) => (map, key),
        (Op::Index | Op::Select | Op::Has | Op::OptionalIndex | Op::OptionalSelect, [map, key]) => {
            (map, key)
        }
        _ => return,
    };
    let headers = matches!(
        map.kind,
        TypedKind::Variable {
            lowering: Lowering::Headers(_),
            ..
        }
    );
    if let Some(name) = key.constant_string().filter(|_| headers) {
        problems.extend(objection(name, key.span));
    }
}

fn objection(name: &str, span: Span) -> Option<Problem> {
    if PSEUDO_HEADERS.contains(&name) {
        return None;
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        let message = format!("no header has the name {}", quoted(name));
        return Some(Problem::warning(span, message));
    }
    let lower = name.to_ascii_lowercase();
    (lower != name).then(|| {
        let message = format!("the header {} is written in the wrong case", quoted(name));
        Problem::warning(span, message)
            .label(format!("read as `{lower}`"))
            .help("header names are lower-case here, whatever the client sent")
    })
}
