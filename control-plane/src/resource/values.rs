//! Fields into values: strings, numbers, lists, words.

use std::ops::RangeInclusive;

use super::fields::{Field, Reader};
use super::yaml::{Node, Value};
use super::{Expression, duration, limits};
use crate::diagnostic::{Finding, Located, did_you_mean, one_of, quoted};

impl Reader<'_> {
    /// A string.
    pub(super) fn text(&mut self, field: &Field) -> Option<Located<String>> {
        self.text_of(&field.key.value, &field.node)
    }

    fn text_of(&mut self, name: &str, node: &Node) -> Option<Located<String>> {
        match &node.value {
            Value::Text(text) => Some(Located::new(text.clone(), node.span.clone())),
            _ => {
                self.wrong_type(name, node, "a string");
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, field: &Field) -> Option<bool> {
        match &field.node.value {
            Value::Bool(value) => Some(*value),
            _ => {
                self.wrong_type(&field.key.value, &field.node, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number within a range.
    pub(super) fn integer(
        &mut self,
        field: &Field,
        range: RangeInclusive<i64>,
    ) -> Option<Located<i64>> {
        match &field.node.value {
            Value::Int(value) if range.contains(value) => {
                Some(Located::new(*value, field.node.span.clone()))
            }
            Value::Int(_) => {
                let message = format!(
                    "`{}` must be between {} and {}",
                    field.key.value,
                    range.start(),
                    range.end()
                );
                self.error(field.node.span.clone(), message, "");
                None
            }
            _ => {
                self.wrong_type(&field.key.value, &field.node, "a whole number");
                None
            }
        }
    }

    /// Seconds, written as `1h30m`.
    pub(super) fn seconds(&mut self, field: &Field, range: RangeInclusive<u32>) -> Option<u32> {
        if let Value::Int(number) = &field.node.value {
            let message = format!("`{}` must be a duration", field.key.value);
            self.push(
                Finding::error(self.source(), field.node.span.clone(), message)
                    .label("a number without its unit")
                    .help(format!(
                        "for seconds write `{number}s`; the units are `h`, `m` and `s`"
                    )),
            );
            return None;
        }
        let text = self.text(field)?;
        let Some(seconds) = duration::seconds(&text.value) else {
            let message = format!("{} is not a duration", quoted(&text.value));
            self.error(
                text.span,
                message,
                "write it as `1h`, `30m`, `90s` or `1h30m`",
            );
            return None;
        };
        match u32::try_from(seconds)
            .ok()
            .filter(|seconds| range.contains(seconds))
        {
            Some(seconds) => Some(seconds),
            None => {
                let message = format!(
                    "`{}` must be between {} and {}",
                    field.key.value,
                    duration::text(*range.start()),
                    duration::text(*range.end())
                );
                self.error(text.span, message, "");
                None
            }
        }
    }

    /// A string that is a word of a closed set; what is no string is told the set.
    pub(super) fn word_text<'w>(
        &mut self,
        field: &Field,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Option<Located<String>> {
        if matches!(field.node.value, Value::Text(_)) {
            return self.text(field);
        }
        self.wrong_type(&field.key.value, &field.node, &one_of(words));
        None
    }

    /// One of the words of `known`.
    pub(super) fn word<T: Clone>(
        &mut self,
        field: &Field,
        known: &[(&str, T)],
    ) -> Option<Located<T>> {
        let text = self.word_text(field, known.iter().map(|(word, _)| *word))?;
        self.known_word(&field.key.value, &text, known)
    }

    fn known_word<T: Clone>(
        &mut self,
        name: &str,
        text: &Located<String>,
        known: &[(&str, T)],
    ) -> Option<Located<T>> {
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text.value) {
            return Some(Located::new(value.clone(), text.span.clone()));
        }
        let words = || known.iter().map(|(word, _)| *word);
        let message = format!("{} is no `{name}`", quoted(&text.value));
        self.push(
            Finding::error(self.source(), text.span.clone(), message)
                .suggest(did_you_mean(&text.value, words()))
                .help(format!("it is {}", one_of(words()))),
        );
        None
    }

    /// The items of a list.
    pub(super) fn items<'f>(&mut self, field: &'f Field, at_most: usize) -> Option<&'f [Node]> {
        let Value::Sequence(items) = &field.node.value else {
            self.wrong_type(&field.key.value, &field.node, "a list");
            return None;
        };
        if items.len() > at_most {
            let message = format!("`{}` has {} entries", field.key.value, items.len());
            self.error(
                field.key.span.clone(),
                message,
                &format!("at most {at_most}"),
            );
            return None;
        }
        Some(items)
    }

    /// A list of strings, each read by `read`, which reports what it refuses. Where an empty list
    /// would mean "all", it is refused: the author of `[]` may have meant "none".
    pub(super) fn patterns<T>(
        &mut self,
        field: &Field,
        at_most: usize,
        mut read: impl FnMut(&mut Self, Located<String>) -> Option<T>,
    ) -> Vec<T> {
        let name = &field.key.value;
        let Some(items) = self.items(field, at_most) else {
            return Vec::new();
        };
        if items.is_empty() {
            let span = self.visible(&field.node);
            self.error(
                span,
                format!("`{name}` is empty"),
                &format!("leave `{name}` out to match all"),
            );
        }
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            if let Some(text) = self.text_of(&format!("{name}[]"), item) {
                values.extend(read(self, text));
            }
        }
        values
    }

    /// A list of strings that may be empty.
    pub(super) fn texts(&mut self, field: &Field) -> Vec<Located<String>> {
        let Some(items) = self.items(field, limits::MAX_PATTERNS) else {
            return Vec::new();
        };
        let name = format!("{}[]", field.key.value);
        items
            .iter()
            .filter_map(|item| self.text_of(&name, item))
            .collect()
    }

    /// An expression, not yet read.
    pub(super) fn expression(&mut self, field: &Field) -> Option<Expression> {
        let span = field.node.span.clone();
        // `when: true` is YAML's word and CEL's.
        if let Value::Bool(value) = field.node.value {
            return Some(Expression::new(value.to_string(), span));
        }
        let text = self.text(field)?;
        if text.value.trim().is_empty() {
            let help = "leave it out for a condition that always holds";
            self.error(
                field.key.span.clone(),
                format!("`{}` is empty", field.key.value),
                help,
            );
            return None;
        }
        if text.value.len() > limits::MAX_EXPRESSION_BYTES {
            let message = format!("this expression has {} bytes", text.value.len());
            let help = format!(
                "at most {}; put long lists into a `List`",
                limits::MAX_EXPRESSION_BYTES
            );
            self.past_limit(span, message, help);
            return None;
        }
        Some(Expression::new(text.value, span))
    }
}
