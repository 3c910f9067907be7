//! Mappings with known fields: each is taken by name, and what is left over is unknown.

use std::ops::Range;

use super::limits;
use super::yaml::{Node, Value};
use crate::diagnostic::{Finding, Findings, Located, Source, did_you_mean, one_of, quoted};

/// Where findings go while one document is read.
pub(super) struct Reader<'a> {
    source: &'a Source,
    findings: &'a mut Findings,
    /// What is read, in words, once that is known: ``policy `checkout` ``.
    owner: Option<String>,
}

/// A field that was taken: its key and its value, which is not "nothing".
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: Located<String>,
    pub(super) node: Node,
}

/// The fields of a mapping that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Fields {
    /// How the mapping is called, for messages.
    owner: String,
    /// Where the mapping is, for fields that it lacks.
    span: Range<usize>,
    entries: Vec<(Located<String>, Node)>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source, findings: &'a mut Findings) -> Self {
        Self {
            source,
            findings,
            owner: None,
        }
    }

    /// Says what is read from here on.
    pub(super) fn reads(&mut self, owner: String) {
        self.owner = Some(owner);
    }

    /// Reports that a value at `span` is larger than it may be.
    pub(super) fn past_limit(&mut self, span: Range<usize>, message: String, help: String) {
        let finding = Finding::error(self.source, span, message).help(help);
        let finding = match &self.owner {
            Some(owner) => finding.note(format!("this is in the {owner}")),
            None => finding,
        };
        self.push(finding);
    }

    pub(super) fn source(&self) -> &'a Source {
        self.source
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Reports an error at `span`.
    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>, help: &str) {
        let finding = Finding::error(self.source, span, message);
        self.push(if help.is_empty() {
            finding
        } else {
            finding.help(help)
        });
    }

    /// Reports that a field's value is of the wrong type.
    pub(super) fn wrong_type(&mut self, name: &str, node: &Node, expected: &str) {
        let message = format!("`{name}` must be {expected}");
        let finding = Finding::error(self.source, self.visible(node), message)
            .label(format!("this is {}", node.value.what()));
        let quotable = matches!(node.value, Value::Bool(_) | Value::Int(_) | Value::Float);
        self.push(if quotable && expected.contains("string") {
            finding.help("put it into quotes")
        } else {
            finding
        });
    }

    /// The fields of the value of `field`.
    pub(super) fn fields(&mut self, field: Field) -> Option<Fields> {
        let mut fields = self.mapping(&field.key.value, field.node)?;
        fields.span = field.key.span;
        Some(fields)
    }

    /// The fields of a mapping that is absent.
    pub(super) fn no_fields(&self, owner: &str) -> Fields {
        Fields {
            owner: owner.to_owned(),
            span: 0..0,
            entries: Vec::new(),
            known: Vec::new(),
        }
    }

    pub(super) fn mapping(&mut self, owner: &str, node: Node) -> Option<Fields> {
        let span = self.visible(&node);
        match node.value {
            Value::Mapping(entries) if entries.len() > limits::MAX_FIELDS => {
                let message = format!("{} has {} fields", owner_in_text(owner), entries.len());
                let help = format!("at most {}", limits::MAX_FIELDS);
                self.error(span, message, &help);
                None
            }
            Value::Mapping(entries) => {
                let mut fields = Fields {
                    owner: owner.to_owned(),
                    span,
                    entries: Vec::new(),
                    known: Vec::new(),
                };
                for (key, value) in entries {
                    self.enter(&mut fields, key, value);
                }
                Some(fields)
            }
            _ => {
                let message = format!("{} must be a mapping", owner_in_text(owner));
                let found = format!("this is {}", node.value.what());
                self.push(Finding::error(self.source, span, message).label(found));
                None
            }
        }
    }

    fn enter(&mut self, fields: &mut Fields, key: Located<String>, value: Node) {
        if let Some((first, _)) = fields
            .entries
            .iter()
            .find(|(known, _)| known.value == key.value)
        {
            let message = format!("field {} is there twice", quoted(&key.value));
            let finding = Finding::error(self.source, key.span, message)
                .label("again here")
                .related(self.source, first.span.clone(), "first here");
            self.push(finding);
        } else {
            fields.entries.push((key, value));
        }
    }

    /// What carets can stand under: the start of a collection written in blocks is a point.
    pub(super) fn visible(&self, node: &Node) -> Range<usize> {
        if node.span.is_empty() {
            node.span.start..self.source.line_end(node.span.start)
        } else {
            node.span.clone()
        }
    }
}

impl Fields {
    /// Is the field there and not taken?
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.value == name)
    }

    /// Takes a field if it is there. A field without a value is an error: it is what remains when
    /// the lines below it are commented out, and "all hosts" is hardly what was meant.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Option<Field> {
        self.known.push(name);
        let index = self.entries.iter().position(|(key, _)| key.value == name)?;
        let (key, node) = self.entries.swap_remove(index);
        if matches!(node.value, Value::Null) {
            reader.error(
                key.span,
                format!("`{name}` has no value"),
                "give it a value or leave it out",
            );
            return None;
        }
        Some(Field { key, node })
    }

    /// Takes a field that must be there.
    pub(super) fn take_required(
        &mut self,
        reader: &mut Reader<'_>,
        name: &'static str,
    ) -> Option<Field> {
        let there = self.has(name);
        let field = self.take(reader, name);
        if !there {
            let message = format!("{} has no `{name}`", owner_in_text(&self.owner));
            reader.error(self.span.clone(), message, "");
        }
        field
    }

    /// Reports that none of several fields is there.
    pub(super) fn require_one_of(&self, reader: &mut Reader<'_>, names: &[&str]) {
        let message = format!(
            "{} has none of {}",
            owner_in_text(&self.owner),
            one_of(names.iter().copied())
        );
        reader.error(self.span.clone(), message, "");
    }

    /// Reports what nobody has taken.
    pub(super) fn finish(mut self, reader: &mut Reader<'_>) {
        self.entries.sort_by_key(|(key, _)| key.span.start);
        for (key, _) in &self.entries {
            let message = format!("unknown field {}", quoted(&key.value));
            let near = did_you_mean(&key.value, self.known.iter().copied());
            let finding = Finding::error(reader.source, key.span.clone(), message).suggest(near);
            reader.push(match near {
                Some(_) => finding,
                None => finding.help(format!(
                    "the fields of {} are {}",
                    owner_in_text(&self.owner),
                    one_of(self.known.iter().copied()).replace(" or ", " and ")
                )),
            });
        }
    }
}

fn owner_in_text(owner: &str) -> String {
    if owner.contains(' ') {
        owner.to_owned()
    } else {
        format!("`{owner}`")
    }
}
