//! Regular expressions by backtracking over what `regex-syntax` makes of them: no automaton.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::value::{Outcome, Stop, Value};

/// Steps of one search; what takes more is for automata.
const MAX_STEPS: u32 = 50_000;

thread_local! {
    static PARSED: RefCell<HashMap<String, Option<Hir>>> = RefCell::default();
}

/// Does the pattern match somewhere in the text?
pub(super) fn matches(text: &str, pattern: &str) -> Outcome {
    PARSED.with_borrow_mut(|parsed| {
        let hir = parsed
            .entry(pattern.to_owned())
            .or_insert_with(|| parse(pattern));
        let Some(hir) = hir else {
            return Err(Stop::VALUE);
        };
        let search = Search {
            text: text.as_bytes(),
            steps: Cell::new(0),
        };
        let found = (0..=text.len()).any(|start| search.run(hir, start, &|_| true));
        if search.steps.get() > MAX_STEPS {
            return Err(Stop::NoOpinion);
        }
        Ok(Value::Bool(found))
    })
}

/// RE2's classes are those of ASCII.
fn parse(pattern: &str) -> Option<Hir> {
    let mut ascii = String::new();
    let mut letters = pattern.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            in_class = match letter {
                '[' => true,
                ']' => false,
                _ => in_class,
            };
            ascii.push(letter);
            continue;
        }
        let escaped = letters.next()?;
        match (escaped, in_class) {
            ('d', false) => ascii.push_str("[0-9]"),
            ('d', true) => ascii.push_str("0-9"),
            ('w', false) => ascii.push_str("[0-9A-Za-z_]"),
            ('w', true) => ascii.push_str("0-9A-Za-z_"),
            ('s', false) => ascii.push_str(r"[\t\n\x0c\r ]"),
            ('s', true) => ascii.push_str(r"\t\n\x0c\r "),
            ('D', false) => ascii.push_str("[^0-9]"),
            ('W', false) => ascii.push_str("[^0-9A-Za-z_]"),
            ('S', false) => ascii.push_str(r"[^\t\n\x0c\r ]"),
            ('b', false) => ascii.push_str(r"(?-u:\b)"),
            ('B', false) => ascii.push_str(r"(?-u:\B)"),
            _ => {
                ascii.push('\\');
                ascii.push(escaped);
            }
        }
    }
    regex_syntax::ParserBuilder::new()
        .utf8(false)
        .build()
        .parse(&ascii)
        .ok()
}

struct Search<'t> {
    text: &'t [u8],
    steps: Cell<u32>,
}

impl Search<'_> {
    /// Does the part match from `at` on, so that what comes behind it (`then`) does as well?
    fn run(&self, hir: &Hir, at: usize, then: &dyn Fn(usize) -> bool) -> bool {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return false;
        }
        let rest = &self.text[at..];
        match hir.kind() {
            HirKind::Empty => then(at),
            HirKind::Literal(literal) => rest.starts_with(&literal.0) && then(at + literal.0.len()),
            HirKind::Class(Class::Bytes(class)) => rest.first().is_some_and(|&byte| {
                let inside = class
                    .ranges()
                    .iter()
                    .any(|range| (range.start()..=range.end()).contains(&byte));
                inside && then(at + 1)
            }),
            HirKind::Class(Class::Unicode(class)) => {
                // The text is one, and matches start and end between letters wherever a class stands.
                let letter = std::str::from_utf8(rest)
                    .ok()
                    .and_then(|rest| rest.chars().next());
                letter.is_some_and(|letter| {
                    let inside = class
                        .ranges()
                        .iter()
                        .any(|range| (range.start()..=range.end()).contains(&letter));
                    inside && then(at + letter.len_utf8())
                })
            }
            HirKind::Look(look) => self.look(*look, at) && then(at),
            HirKind::Repetition(repetition) => {
                self.repeat(&repetition.sub, repetition.min, repetition.max, at, then)
            }
            HirKind::Capture(capture) => self.run(&capture.sub, at, then),
            HirKind::Concat(parts) => self.concat(parts, at, then),
            HirKind::Alternation(parts) => parts.iter().any(|part| self.run(part, at, then)),
        }
    }

    fn concat(&self, parts: &[Hir], at: usize, then: &dyn Fn(usize) -> bool) -> bool {
        match parts {
            [] => then(at),
            [first, rest @ ..] => self.run(first, at, &|at| self.concat(rest, at, then)),
        }
    }

    fn repeat(
        &self,
        part: &Hir,
        least: u32,
        most: Option<u32>,
        at: usize,
        then: &dyn Fn(usize) -> bool,
    ) -> bool {
        if least == 0 && then(at) {
            return true;
        }
        if most == Some(0) {
            return false;
        }
        let fewer = |count: u32| count.saturating_sub(1);
        self.run(part, at, &|end| {
            // What matched nothing may be counted as often as is wanted, and no more.
            if end == at {
                return then(at);
            }
            self.repeat(part, fewer(least), most.map(fewer), end, then)
        })
    }

    fn look(&self, look: Look, at: usize) -> bool {
        let before = at.checked_sub(1).map(|at| self.text[at]);
        let after = self.text.get(at).copied();
        let word = |byte: Option<u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match look {
            Look::Start => before.is_none(),
            Look::End => after.is_none(),
            Look::StartLF => before.is_none_or(|byte| byte == b'\n'),
            Look::EndLF => after.is_none_or(|byte| byte == b'\n'),
            Look::WordAscii => word(before) != word(after),
            Look::WordAsciiNegate => word(before) == word(after),
            _ => {
                self.steps.set(MAX_STEPS + 1);
                false
            }
        }
    }
}
