//! Texts beside an attribute whose values have a form of their own: what can never be equal is said,
//! since a condition that never holds protects nothing.

use std::net::IpAddr;

use countersign_engine::cel::Op;
use countersign_engine::{Attribute, Authority, normalise_path};

use super::attribute;
use crate::cel::{Constant, Problem, Span, Typed, TypedKind, why_doomed};
use crate::diagnostic::quoted;

/// Looks at a literal that is compared with `beside`. An address is put into the spelling that addresses
/// are compared in; what is none is an error.
pub(super) fn compared(op: Op, beside: &Typed, literal: &mut Typed, problems: &mut Vec<Problem>) {
    let (Some(attribute), Some(text)) = (attribute(beside), literal.constant_string()) else {
        return;
    };
    if !matches!(op, Op::Eq | Op::Ne) {
        return;
    }
    if attribute == Attribute::SourceAddress
        && let Ok(address) = text.parse::<IpAddr>()
    {
        let spelled = address.to_canonical().to_string();
        literal.kind = TypedKind::Constant(Constant::String(spelled));
        return;
    }
    problems.extend(objection(attribute, text).map(|problem| Problem {
        span: literal.span,
        ..problem
    }));
}

/// Why the attribute never equals the text. The place is the caller's.
pub(super) fn objection(attribute: Attribute, text: &str) -> Option<Problem> {
    match attribute {
        Attribute::SourceAddress => match text.parse::<IpAddr>() {
            Ok(address) => {
                let spelled = address.to_canonical().to_string();
                wrong(
                    text,
                    &spelled,
                    "equal: addresses are compared in one spelling",
                )
            }
            Err(_) => Some(no_address(text)),
        },
        Attribute::RequestHost => host(text),
        Attribute::RequestUrlPath => path(text, true),
        _ => case(attribute, text, "equal"),
    }
}

/// Looks at a literal that is looked for inside of a text.
pub(super) fn contained(op: Op, text: &Typed, part: &Typed, problems: &mut Vec<Problem>) {
    let (Some(attribute), Some(literal)) = (attribute(text), part.constant_string()) else {
        return;
    };
    let mut found = case(attribute, literal, "found");
    if attribute == Attribute::RequestUrlPath && op == Op::StartsWith {
        found = path(literal, false);
    }
    problems.extend(found.map(|problem| Problem {
        span: part.span,
        ..problem
    }));
}

/// Looks at a text that is read as a time, a duration or an address, and is known now.
pub(super) fn read(node: &Typed) -> Option<Problem> {
    let TypedKind::Call(op, args) = &node.kind else {
        return None;
    };
    let [literal] = args.as_slice() else {
        return None;
    };
    let text = literal.constant_string()?;
    why_doomed(node)?;
    let (what, help) = match op {
        Op::ToTimestamp => ("a time", "write it as `2026-09-01T12:00:00Z`"),
        Op::ToDuration => ("a duration", "write it as `1h`, `30m`, `1.5s` or `250ms`"),
        Op::ToIp => (
            "an address",
            "an address is written as `192.0.2.1` or `2001:db8::1`, without a port",
        ),
        _ => (
            "a range of addresses",
            "a range is written as `192.0.2.0/24` or `2001:db8::/32`",
        ),
    };
    let message = format!("{} is not {what}", quoted(text));
    Some(Problem::check(literal.span, message).help(help))
}

/// Addresses are compared as text; a range is not a text.
fn no_address(text: &str) -> Problem {
    let message = format!("{} is not an address", quoted(text));
    let problem = Problem::check(Span::default(), message);
    if text.contains('/') {
        problem
            .help("put ranges into a `List` with `cidrs`, and write `source.address in lists.NAME`")
    } else {
        problem.help("an address is written as `192.0.2.1` or `2001:db8::1`, without a port")
    }
}

fn host(text: &str) -> Option<Problem> {
    if text.contains('*') {
        let message = format!(
            "{} is never equal: `*` stands for nothing here",
            quoted(text)
        );
        return Some(
            Problem::warning(Span::default(), message)
                .help("write `request.host.endsWith(\"…\")`, or the pattern under `hosts:`"),
        );
    }
    let Some(authority) = Authority::parse(text.as_bytes()) else {
        let message = format!("{} is never equal: it is no host", quoted(text));
        return Some(
            Problem::warning(Span::default(), message)
                .help("a host is written as `shop.example.com`, with the port where one is sent"),
        );
    };
    let right = authority.to_string();
    let why = if text.eq_ignore_ascii_case(&right) {
        "hosts are compared in lower case"
    } else {
        "hosts are compared in their normal form"
    };
    wrong(text, &right, &format!("equal: {why}"))
}

/// Methods, hosts and schemes have one case, whatever the client sent.
fn case(attribute: Attribute, text: &str, never: &str) -> Option<Problem> {
    let (right, why) = match attribute {
        Attribute::RequestMethod => (text.to_ascii_uppercase(), "methods are compared by case"),
        Attribute::RequestHost | Attribute::RequestScheme => (
            text.to_ascii_lowercase(),
            "hosts and schemes are compared in lower case",
        ),
        _ => return None,
    };
    wrong(text, &right, &format!("{never}: {why}"))
}

/// Only what no path has after it was decoded: an escape in the literal may be what an escaped escape
/// became.
fn path(text: &str, whole: bool) -> Option<Problem> {
    let mut segments: Vec<&str> = text.split('/').collect();
    if !whole {
        // The beginning of a segment: `/.` is that of `/.well-known`.
        segments.pop();
    }
    let dots = segments
        .iter()
        .any(|segment| matches!(*segment, "." | ".."));
    let why = if text.is_empty() && !whole {
        return None;
    } else if !text.starts_with('/') {
        "every path starts with `/`"
    } else if text.contains("//") || dots {
        "repeated slashes and dot segments are resolved before paths are compared"
    } else {
        return None;
    };
    let normal = normalise_path(text.as_bytes());
    let normal = String::from_utf8_lossy(&normal).into_owned();
    if whole && normal == text {
        return None;
    }
    let never = if whole { "equal" } else { "found" };
    let message = format!("{} is never {never}: {why}", quoted(text));
    let problem = Problem::warning(Span::default(), message);
    Some(if whole && normal.starts_with('/') && normal != text {
        problem.suggest(Some(&normal))
    } else {
        problem
    })
}

fn wrong(text: &str, right: &str, never: &str) -> Option<Problem> {
    (text != right).then(|| {
        let message = format!("{} is never {never}", quoted(text));
        Problem::warning(Span::default(), message).suggest(Some(right))
    })
}
