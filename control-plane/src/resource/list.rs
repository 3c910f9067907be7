//! `List`: a named set that conditions look things up in.

use std::ops::Range;

use super::cidr::Cidr;
use super::fields::{Field, Fields, Reader};
use super::limits;
use super::yaml::{Node, Value};
use crate::diagnostic::{Finding, quoted};

/// A named set of one type.
#[derive(Clone, Debug)]
pub struct List {
    pub(crate) members: Members,
}

/// What a list holds, sorted and without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    Strings(Vec<String>),
    Numbers(Vec<i64>),
    Cidrs(Vec<Cidr>),
}

/// The fields of which a list has one.
pub(super) const KINDS: [&str; 3] = ["strings", "numbers", "cidrs"];

impl List {
    /// Reads a spec with exactly one of `strings`, `numbers` and `cidrs`.
    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let strings = spec.take(reader, "strings");
        let numbers = spec.take(reader, "numbers");
        let cidrs = spec.take(reader, "cidrs");
        let spans: Vec<Range<usize>> = [&strings, &numbers, &cidrs]
            .into_iter()
            .flatten()
            .map(|field| field.key.span.clone())
            .collect();
        match spans.as_slice() {
            [_] => {}
            [first, second, ..] => {
                let message = "a list holds values of one type";
                reader.push(
                    Finding::error(reader.source(), second.clone(), message)
                        .label("and this is another")
                        .related(reader.source(), first.clone(), "this is one type")
                        .help("make two lists"),
                );
            }
            [] => spec.require_one_of(reader, &KINDS),
        }
        spec.finish(reader);
        let list = if let Some(field) = strings {
            let mut values = entries(reader, &field, string)?;
            values.sort_unstable();
            values.dedup();
            Members::Strings(values)
        } else if let Some(field) = numbers {
            let mut values = entries(reader, &field, number)?;
            values.sort_unstable();
            values.dedup();
            Members::Numbers(values)
        } else {
            Members::Cidrs(Cidr::normalise(entries(reader, &cidrs?, cidr)?))
        };
        Some(Self { members: list })
    }
}

fn entries<T>(
    reader: &mut Reader<'_>,
    field: &Field,
    read: fn(&mut Reader<'_>, &Node) -> Option<T>,
) -> Option<Vec<T>> {
    let items = reader.items(field, limits::MAX_LIST_ENTRIES)?;
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        values.extend(read(reader, item));
    }
    Some(values)
}

fn string(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) if text.len() <= limits::MAX_LIST_STRING_BYTES => Some(text.clone()),
        Value::Text(text) => {
            let message = format!("this string has {} bytes", text.len());
            let help = format!("at most {}", limits::MAX_LIST_STRING_BYTES);
            reader.error(node.span.clone(), message, &help);
            None
        }
        _ => {
            reader.wrong_type("strings[]", node, "a string");
            None
        }
    }
}

fn number(reader: &mut Reader<'_>, node: &Node) -> Option<i64> {
    if let Value::Int(number) = node.value {
        return Some(number);
    }
    reader.wrong_type("numbers[]", node, "a whole number");
    None
}

fn cidr(reader: &mut Reader<'_>, node: &Node) -> Option<Cidr> {
    let Value::Text(text) = &node.value else {
        reader.wrong_type("cidrs[]", node, "a string");
        return None;
    };
    cidr_text(reader, text, node.span.clone())
}

/// Reads a CIDR and reports what is wrong with it.
pub(super) fn cidr_text(reader: &mut Reader<'_>, text: &str, span: Range<usize>) -> Option<Cidr> {
    match Cidr::parse(text) {
        Ok(cidr) => Some(cidr),
        Err(error) => {
            let (message, help) = error.explain();
            reader.error(span, format!("{} {message}", quoted(text)), &help);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Findings, Located, Source};

    /// What reading a list of so many numbers finds.
    fn findings(count: usize) -> usize {
        let source = Source::new("a.yaml", "numbers: []", 1);
        let mut findings = Findings::default();
        let one = Node {
            value: Value::Int(1),
            span: 0..0,
        };
        let field = Field {
            key: Located::new("numbers".to_owned(), 0..7),
            node: Node {
                value: Value::Sequence(vec![one; count]),
                span: 9..11,
            },
        };
        entries(&mut Reader::new(&source, &mut findings), &field, number);
        findings.mark()
    }

    #[test]
    fn entries_past_the_limit_are_refused() {
        assert_eq!(findings(limits::MAX_LIST_ENTRIES), 0);
        assert_eq!(findings(limits::MAX_LIST_ENTRIES + 1), 1);
    }
}
