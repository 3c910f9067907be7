//! Regular expressions: RE2's syntax, as CEL has it, into automata that the filter reads in place.
//!
//! `regex-syntax` reads almost the same language. Where it reads the same text otherwise than RE2,
//! the text is refused rather than given another meaning; where RE2's classes are those of ASCII
//! (`\d`, `\w`, `\s`, `\b`), they are made so.

use std::ops::Range;

use regex_automata::Input;
use regex_automata::dfa::{Automaton as _, StartKind, dense, sparse};
use regex_automata::nfa::thompson;
use regex_syntax::ast::{self, Ast};

use super::limits::{
    MAX_AUTOMATON_BYTES, MAX_DETERMINIZE_BYTES, MAX_NFA_BYTES, MAX_PATTERN_BYTES,
    MAX_PATTERN_NESTING,
};

/// Why a pattern is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: String,
    /// The bytes of the pattern at fault, where they are known.
    pub(super) span: Option<Range<usize>>,
    /// Is it a limit that is passed?
    pub(super) limit: bool,
}

impl Refusal {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            span: None,
            limit: false,
        }
    }

    fn past_limit(mut self) -> Self {
        self.limit = true;
        self
    }

    fn at(mut self, span: &ast::Span) -> Self {
        self.span = Some(span.start.offset..span.end.offset);
        self
    }
}

/// A sparse automaton in little-endian bytes, unanchored, over any bytes.
pub(super) fn automaton(pattern: &str) -> Result<Vec<u8>, Refusal> {
    if pattern.len() > MAX_PATTERN_BYTES {
        let message = format!("this pattern has {} bytes", pattern.len());
        let help = format!("at most {MAX_PATTERN_BYTES}");
        return Err(Refusal::new(message, help).past_limit());
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
        .map_err(|_| too_large("for its automaton's first stage", MAX_NFA_BYTES))?;
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
                too_large("while its automaton is made", MAX_DETERMINIZE_BYTES)
            } else {
                Refusal::new(format!("this is no pattern: {error}"), "")
            }
        })?;
    let sparse = dfa
        .to_sparse()
        .map_err(|_| too_large("for its automaton", MAX_AUTOMATON_BYTES))?;
    let bytes = sparse.to_bytes_little_endian();
    if bytes.len() > MAX_AUTOMATON_BYTES {
        return Err(too_large("for its automaton", MAX_AUTOMATON_BYTES));
    }
    Ok(bytes)
}

/// Does a pattern that is made at run time match? `None` where the pattern is none, or too large.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    let bytes = automaton(pattern).ok()?;
    let (automaton, _) = sparse::DFA::from_bytes(&bytes).ok()?;
    let found = automaton.try_search_fwd(&Input::new(text)).ok()?;
    Some(found.is_some())
}

fn too_large(what: &str, limit: usize) -> Refusal {
    Refusal::new(
        format!("this pattern takes more than {limit} bytes {what}"),
        "shorten its repetitions, or use `startsWith`, `endsWith` or `contains`",
    )
    .past_limit()
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
mod tests {
    use super::*;

    fn found(pattern: &str, text: &[u8]) -> bool {
        let bytes = automaton(pattern).unwrap_or_else(|refusal| panic!("{pattern}: {refusal:?}"));
        let (dfa, _) = sparse::DFA::from_bytes(&bytes).unwrap();
        dfa.try_search_fwd(&Input::new(text)).unwrap().is_some()
    }

    #[test]
    fn patterns_search_as_re2_does() {
        for (pattern, text, expected) in [
            ("abc", "xxabcxx", true),
            ("^abc$", "xabc", false),
            ("^/api/v[0-9]+/", "/api/v12/x", true),
            (r"\d+", "a1", true),
            (r"^\d$", "\u{0663}", false),
            (r"^\w+$", "é", false),
            (r"^[\w-]+$", "a-b", true),
            (r"^[^\s]+$", "a b", false),
            (r"\bbot\b", "a bot b", true),
            (r"\bbot\b", "robot", false),
            (r"\bbot\b", "ébot", true),
            ("(?i)headless", "HeadLESS", true),
            ("(?i)straße", "STRAßE", true),
            ("^.$", "é", true),
            ("", "anything", true),
            ("a{2,3}", "aa", true),
            (r"\.php$", "x.php", true),
            (r"\p{Greek}", "λ", true),
        ] {
            assert_eq!(
                found(pattern, text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(found("b", b"\xff\xfeb"));
    }

    #[test]
    fn what_re2_reads_otherwise_is_refused() {
        for (pattern, message) in [
            ("(", "this is no pattern: unclosed group"),
            (
                "*",
                "this is no pattern: repetition operator missing expression",
            ),
            ("[a&&b]", "RE2 has no set operations inside brackets"),
            ("[a[b]]", "RE2 has no brackets inside brackets"),
            ("(?x)a b", "RE2 does not have this flag"),
            (r"\b{start}a", "RE2 does not have this assertion"),
            (
                r"(a)\1",
                "this is no pattern: backreferences are not supported",
            ),
            (
                "(?=a)",
                "this is no pattern: look-around, including look-ahead and look-behind, is not supported",
            ),
        ] {
            assert_eq!(
                automaton(pattern).unwrap_err().message,
                message,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_pattern_that_explodes_is_refused_by_its_limit() {
        let refusal = automaton("(a|b)*a(a|b){24}").unwrap_err();
        assert!(
            refusal.message.contains(&MAX_DETERMINIZE_BYTES.to_string()),
            "{}",
            refusal.message
        );
        assert!(automaton("(a|b)*a(a|b){12}").is_ok());
        let refusal = automaton("(a|b)*a(a|b){15}").unwrap_err();
        assert!(
            refusal.message.contains(&MAX_AUTOMATON_BYTES.to_string()),
            "{}",
            refusal.message
        );
        let refusal = automaton("((((a{100}){100}){100}){100})").unwrap_err();
        assert!(
            refusal.message.contains(&MAX_NFA_BYTES.to_string()),
            "{}",
            refusal.message
        );
    }

    #[test]
    fn length_and_nesting_are_bounded() {
        assert!(automaton(&"a".repeat(MAX_PATTERN_BYTES)).is_ok());
        assert!(automaton(&"a".repeat(MAX_PATTERN_BYTES + 1)).is_err());
        let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
        let most = MAX_PATTERN_NESTING as usize;
        assert!(automaton(&nested(most)).is_ok());
        assert!(automaton(&nested(most + 1)).is_err());
    }
}
