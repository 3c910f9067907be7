//! Regular expressions: RE2's syntax, as CEL has it, into automata that the filter reads in place.
//!
//! `regex-syntax` reads almost the same language. Where it reads the same text otherwise than RE2,
//! the text is refused rather than given another meaning; where RE2's classes are those of ASCII
//! (`\d`, `\w`, `\s`, `\b`), they are made so.

use std::collections::HashMap;
use std::ops::Range;

use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson;
use regex_syntax::ast::{self, Ast};

use crate::compile::limits::{
    MAX_AUTOMATA_BYTES, MAX_AUTOMATON_BYTES, MAX_DETERMINIZE_BYTES, MAX_NFA_BYTES,
    MAX_PATTERN_BYTES, MAX_PATTERN_NESTING,
};

/// The automata of a set: equal patterns share one.
#[derive(Debug, Default)]
pub(in crate::compile) struct Patterns {
    numbers: HashMap<String, u32>,
    automata: Vec<Automaton>,
    bytes: usize,
}

/// A pattern and what it became.
#[derive(Debug)]
pub(in crate::compile) struct Automaton {
    pub(in crate::compile) bytes: Vec<u8>,
    pub(in crate::compile) pattern: String,
}

/// Why a pattern is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: String,
    /// The bytes of the pattern at fault, where they are known.
    pub(super) span: Option<Range<usize>>,
}

impl Refusal {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            span: None,
        }
    }

    fn at(mut self, span: &ast::Span) -> Self {
        self.span = Some(span.start.offset..span.end.offset);
        self
    }
}

impl Patterns {
    /// The number of the pattern's automaton.
    pub(super) fn number(&mut self, pattern: &str) -> Result<u32, Refusal> {
        if let Some(number) = self.numbers.get(pattern) {
            return Ok(*number);
        }
        let automaton = automaton(pattern)?;
        if self.bytes + automaton.len() > MAX_AUTOMATA_BYTES {
            let message =
                format!("the automata of this set take more than {MAX_AUTOMATA_BYTES} bytes");
            return Err(Refusal::new(
                message,
                "`startsWith`, `endsWith`, `contains` and lists need none",
            ));
        }
        let number = u32::try_from(self.automata.len())
            .map_err(|_| Refusal::new("too many patterns", ""))?;
        self.bytes += automaton.len();
        self.automata.push(Automaton {
            bytes: automaton,
            pattern: pattern.to_owned(),
        });
        self.numbers.insert(pattern.to_owned(), number);
        Ok(number)
    }

    pub(in crate::compile) fn into_automata(self) -> Vec<Automaton> {
        self.automata
    }
}

/// A sparse automaton in little-endian bytes, unanchored, over any bytes.
fn automaton(pattern: &str) -> Result<Vec<u8>, Refusal> {
    if pattern.len() > MAX_PATTERN_BYTES {
        let message = format!("this pattern has {} bytes", pattern.len());
        return Err(Refusal::new(
            message,
            format!("at most {MAX_PATTERN_BYTES}"),
        ));
    }
    let rewritten = rewrite(pattern)?;
    let hir = regex_syntax::ParserBuilder::new()
        .utf8(false)
        .nest_limit(MAX_PATTERN_NESTING * 2)
        .build()
        .parse(&rewritten)
        .map_err(|error| Refusal::new(format!("this is no pattern: {}", kind(&error)), ""))?;
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .nfa_size_limit(Some(MAX_NFA_BYTES)),
        )
        .build_from_hir(&hir)
        .map_err(|_| too_large("an automaton's first stage", MAX_NFA_BYTES))?;
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .byte_classes(true)
        .unicode_word_boundary(false)
        .dfa_size_limit(Some(MAX_DETERMINIZE_BYTES))
        .determinize_size_limit(Some(MAX_DETERMINIZE_BYTES));
    let dfa = dense::Builder::new()
        .configure(config)
        .build_from_nfa(&nfa)
        .map_err(|error| {
            if error.is_size_limit_exceeded() {
                too_large("memory to make its automaton", MAX_DETERMINIZE_BYTES)
            } else {
                Refusal::new(format!("this is no pattern: {error}"), "")
            }
        })?;
    let sparse = dfa
        .to_sparse()
        .map_err(|_| too_large("an automaton", MAX_AUTOMATON_BYTES))?;
    let bytes = sparse.to_bytes_little_endian();
    if bytes.len() > MAX_AUTOMATON_BYTES {
        return Err(too_large("an automaton", MAX_AUTOMATON_BYTES));
    }
    Ok(bytes)
}

fn too_large(what: &str, limit: usize) -> Refusal {
    Refusal::new(
        format!("this pattern takes more than {limit} bytes for {what}"),
        "shorten its repetitions, or use `startsWith`, `endsWith` or `contains`",
    )
}

/// A parser's error without the drawing around it.
fn kind(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => "not readable".to_owned(),
    }
}

/// Makes RE2's ASCII classes explicit and refuses what RE2 reads otherwise or not at all.
fn rewrite(pattern: &str) -> Result<String, Refusal> {
    let ast = ast::parse::ParserBuilder::new()
        .nest_limit(MAX_PATTERN_NESTING)
        .build()
        .parse(pattern)
        .map_err(|error| {
            let help = if matches!(error.kind(), ast::ErrorKind::EscapeUnrecognized) {
                "patterns are written in RE2's syntax"
            } else {
                ""
            };
            Refusal::new(format!("this is no pattern: {}", error.kind()), help).at(error.span())
        })?;
    let mut rewriter = Rewriter {
        replacements: Vec::new(),
    };
    ast::visit(&ast, &mut rewriter)?;
    let mut replacements = rewriter.replacements;
    replacements.sort_by_key(|(span, _)| span.start);
    let mut text = String::with_capacity(pattern.len());
    let mut at = 0;
    for (span, replacement) in replacements {
        text.push_str(pattern.get(at..span.start).unwrap_or_default());
        text.push_str(replacement);
        at = span.end;
    }
    text.push_str(pattern.get(at..).unwrap_or_default());
    Ok(text)
}

struct Rewriter {
    replacements: Vec<(Range<usize>, &'static str)>,
}

impl Rewriter {
    fn replace(&mut self, span: &ast::Span, by: &'static str) {
        self.replacements
            .push((span.start.offset..span.end.offset, by));
    }

    fn class(&mut self, class: &ast::ClassPerl) {
        self.replace(
            &class.span,
            match (&class.kind, class.negated) {
                (ast::ClassPerlKind::Digit, false) => "[0-9]",
                (ast::ClassPerlKind::Digit, true) => "[^0-9]",
                (ast::ClassPerlKind::Space, false) => r"[\t\n\f\r ]",
                (ast::ClassPerlKind::Space, true) => r"[^\t\n\f\r ]",
                (ast::ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
                (ast::ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
            },
        );
    }

    fn flags(flags: &ast::Flags) -> Result<(), Refusal> {
        for item in &flags.items {
            if let ast::FlagsItemKind::Flag(flag) = &item.kind
                && !matches!(
                    flag,
                    ast::Flag::CaseInsensitive
                        | ast::Flag::MultiLine
                        | ast::Flag::DotMatchesNewLine
                        | ast::Flag::SwapGreed
                )
            {
                return Err(Refusal::new(
                    "RE2 does not have this flag",
                    "the flags are `i`, `m`, `s` and `U`",
                )
                .at(&item.span));
            }
        }
        Ok(())
    }
}

impl ast::Visitor for &mut Rewriter {
    type Output = ();
    type Err = Refusal;

    fn finish(self) -> Result<(), Refusal> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Refusal> {
        match ast {
            Ast::ClassPerl(class) => self.class(class),
            Ast::Assertion(assertion) => match assertion.kind {
                ast::AssertionKind::WordBoundary => self.replace(&assertion.span, r"(?-u:\b)"),
                ast::AssertionKind::NotWordBoundary => self.replace(&assertion.span, r"(?-u:\B)"),
                ast::AssertionKind::StartLine
                | ast::AssertionKind::EndLine
                | ast::AssertionKind::StartText
                | ast::AssertionKind::EndText => {}
                _ => {
                    return Err(
                        Refusal::new("RE2 does not have this assertion", "use `\\b`")
                            .at(&assertion.span),
                    );
                }
            },
            Ast::Flags(set) => Rewriter::flags(&set.flags)?,
            Ast::Group(group) => {
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    Rewriter::flags(flags)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Refusal> {
        match item {
            ast::ClassSetItem::Perl(class) => self.class(class),
            ast::ClassSetItem::Bracketed(inner) => {
                return Err(Refusal::new(
                    "RE2 has no brackets inside brackets",
                    "to mean the character write `\\[`",
                )
                .at(&inner.span));
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, op: &ast::ClassSetBinaryOp) -> Result<(), Refusal> {
        Err(Refusal::new(
            "RE2 has no set operations inside brackets",
            "to mean the characters, escape them",
        )
        .at(&op.span))
    }
}

#[cfg(test)]
mod tests;
