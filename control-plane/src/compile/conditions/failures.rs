//! What in conditions can fail at run time: a condition that fails does not match, and its author
//! should know before the request comes that makes it.

use super::Place;
use crate::cel::{self, Typed};
use crate::compile::limits::{MAX_FAILURE_PART, MAX_FAILURES};
use crate::resource::Kind;

/// A part of a condition that can fail at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A policy's or a signal's condition.
    pub kind: Kind,
    /// The policy's or the signal's name.
    pub name: String,
    /// The file as the author named it.
    pub file: String,
    /// Counted from one.
    pub line: u32,
    /// Counted from one, in characters.
    pub column: u32,
    /// The part as it is written, in one line, cut where it is long.
    pub part: String,
    /// When it fails: "the header `x` may not be there".
    pub cause: String,
    /// What can be written so that it does not; empty where there is nothing that is simple.
    pub guard: String,
}

/// What can fail in a set, bounded by [`MAX_FAILURES`].
#[derive(Debug, Default)]
pub(in crate::compile) struct Failures {
    pub(in crate::compile) told: Vec<Failure>,
    /// How many are not told.
    pub(in crate::compile) more: usize,
}

impl Failures {
    pub(super) fn add(&mut self, place: &Place<'_>, tree: &Typed, mut found: Vec<cel::Failure>) {
        if tree.ty.is_dynamic() {
            found.push(cel::Failure {
                span: tree.span,
                cause: "the value may be no bool".to_owned(),
                guard: String::new(),
            });
        }
        let room = MAX_FAILURES.saturating_sub(self.told.len());
        self.more += found.len().saturating_sub(room);
        if found.is_empty() || room == 0 {
            return;
        }
        let source = place.document.to_source();
        let places = place.expression.places(&source);
        for failure in found.into_iter().take(room) {
            let span = places.of(failure.span.range());
            let (line, column) = source.position(span.start);
            self.told.push(Failure {
                kind: place.kind,
                name: place.document.name.clone(),
                file: place.document.file.clone(),
                line,
                column,
                part: part(failure.span.of(place.expression.text())),
                cause: failure.cause,
                guard: failure.guard,
            });
        }
    }
}

/// The part in one line, without what a terminal would obey.
fn part(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut part = String::new();
    for (count, letter) in words.join(" ").chars().enumerate() {
        if count == MAX_FAILURE_PART {
            part.push('…');
            break;
        }
        if letter.is_control() {
            part.extend(letter.escape_default());
        } else {
            part.push(letter);
        }
    }
    part
}
