//! How an author keeps a part of an expression from failing.

use countersign_engine::cel::Op;

use crate::cel::typed::{Typed, TypedKind};
use crate::cel::types::Type;

/// Bytes of the author's text that a guard repeats: what is longer is not read in one line.
const MAX_REPEATED: usize = 60;

/// What can be written so that the node, which can fail, does not.
pub(super) fn guard(text: &str, node: &Typed) -> Option<String> {
    match &node.kind {
        TypedKind::Variable { facts, .. } => {
            facts.there_if.map(|there| format!("`{} && …`", there.name))
        }
        TypedKind::Header(name) => of_key(container(node.span.of(text))?, name, &node.ty),
        TypedKind::Call(Op::Index | Op::Select, args) => {
            let [operand, key] = args.as_slice() else {
                return None;
            };
            let of = short(operand.span.of(text))?;
            if matches!(operand.ty, Type::List(_)) {
                return Some(format!("`{of}[?…].orValue(…)`"));
            }
            match key.constant_string() {
                Some(key) => of_key(of, key, &node.ty),
                None => {
                    let key = short(key.span.of(text))?;
                    Some(format!("`{key} in {of} && …` or `{of}[?{key}].orValue(…)`"))
                }
            }
        }
        TypedKind::Call(Op::ToIp | Op::InCidrs, args) => {
            let of = short(args.first()?.span.of(text))?;
            Some(format!("`isIP({of}) && …`"))
        }
        TypedKind::Call(Op::ToCidr, args) => {
            let of = short(args.first()?.span.of(text))?;
            Some(format!("`isCIDR({of}) && …`"))
        }
        TypedKind::Call(Op::OptionalValue, args) => {
            let of = short(args.first()?.span.of(text))?;
            Some(format!("`{of}.hasValue() && …` or `{of}.orValue(…)`"))
        }
        _ => None,
    }
}

fn of_key(of: &str, key: &str, ty: &Type) -> Option<String> {
    let key = short(key)?;
    let otherwise = match ty {
        Type::String => "\"\"",
        Type::Int => "0",
        Type::Bool => "false",
        _ => "…",
    };
    Some(format!(
        "`\"{key}\" in {of} && …` or `{of}[?\"{key}\"].orValue({otherwise})`"
    ))
}

/// `request.headers` of `request.headers["x"]`, of `request.headers.x` and of ``request.headers.`x.y` ``.
fn container(access: &str) -> Option<&str> {
    let access = access.trim();
    let at = if access.ends_with(']') {
        access.find('[')?
    } else if let Some(quoted) = access.strip_suffix('`') {
        quoted.rfind('`')?
    } else {
        access.rfind('.')?
    };
    let of = access.get(..at)?.trim_end().trim_end_matches('.');
    short(of)
}

/// A text that fits into a line of advice.
fn short(text: &str) -> Option<&str> {
    let text = text.trim();
    let odd = |letter: char| letter.is_control() || letter == '`';
    let fits = !text.is_empty() && text.len() <= MAX_REPEATED && !text.contains(odd);
    fits.then_some(text)
}
