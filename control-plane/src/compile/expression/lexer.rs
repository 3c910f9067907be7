//! The tokens of an expression: before the parser runs, to bound its recursion and to say plainly
//! what a grammar reports as "mismatched input"; after it, to find brackets and names.

use std::ops::Range;

use super::problem::Problem;
use crate::compile::limits::MAX_NESTING;
use crate::diagnostic::quoted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    /// A string or bytes literal.
    Text,
    /// `( [ {`
    Open,
    /// `) ] }`
    Close,
    Operator,
}

/// A token and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
}

/// The tokens of an expression in order.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

const OPERATORS: [&str; 20] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "-", "+", "*", "/", "%", "?", ":", ".", ",",
    "`", "@",
];

impl<'a> Tokens<'a> {
    /// Cuts `text` into tokens and checks brackets and depth.
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        let mut tokens = Self {
            text,
            tokens: Vec::new(),
        };
        let mut at = 0;
        while let Some(next) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let white = next.len() - next.trim_start().len();
            if white > 0 {
                at += white;
            } else if next.starts_with("//") {
                at += next.find('\n').unwrap_or(next.len());
            } else {
                let (kind, length) = token(next, at)?;
                tokens.tokens.push(Token {
                    kind,
                    span: at..at + length,
                });
                at += length;
            }
        }
        tokens.check_depth()?;
        Ok(tokens)
    }

    fn of(&self, token: &Token) -> &'a str {
        self.text.get(token.span.clone()).unwrap_or_default()
    }

    /// The token that holds byte `at`, or the next one.
    pub(super) fn at(&self, at: usize) -> Option<(&Token, &'a str)> {
        let index = self.tokens.partition_point(|token| token.span.end <= at);
        self.tokens.get(index).map(|token| (token, self.of(token)))
    }

    /// The end of the bracket that opens at `open`.
    pub(super) fn closing(&self, open: usize) -> usize {
        let start = self.tokens.partition_point(|token| token.span.start < open);
        let mut depth = 0_usize;
        for token in self.tokens.get(start..).unwrap_or_default() {
            match token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 {
                return token.span.end;
            }
        }
        self.text.len()
    }

    /// The word before byte `at`: the name of the function whose bracket opens there.
    pub(super) fn before(&self, at: usize) -> Range<usize> {
        let index = self.tokens.partition_point(|token| token.span.end <= at);
        match index
            .checked_sub(1)
            .and_then(|before| self.tokens.get(before))
        {
            Some(token) => token.span.clone(),
            None => at..at,
        }
    }

    /// The token after byte `at`: the field behind a dot.
    pub(super) fn after(&self, at: usize) -> Range<usize> {
        self.at(at).map_or(at..at, |(token, _)| token.span.clone())
    }

    /// A level is a bracket, or an operator that takes what stands left of it as its operand: the
    /// parser recurses into both. `&&`, `||` and commas join any number on one level.
    fn check_depth(&self) -> Result<(), Problem> {
        let mut open: Vec<(&str, Range<usize>, usize)> = Vec::new();
        let mut chain = 0_usize;
        let mut depth = 0_usize;
        for token in &self.tokens {
            let text = self.of(token);
            match token.kind {
                TokenKind::Open => {
                    open.push((text, token.span.clone(), chain));
                    depth += 1 + chain;
                    chain = 0;
                }
                TokenKind::Close => match open.pop() {
                    Some((opened, _, outer)) if pairs(opened, text) => {
                        depth = depth.saturating_sub(1 + outer);
                        chain = outer + 1;
                    }
                    Some((opened, span, _)) => {
                        return Err(Problem::error(
                            token.span.clone(),
                            format!("`{text}` closes a `{opened}`"),
                        )
                        .help(format!("that `{opened}` is character {}", span.start + 1)));
                    }
                    None => {
                        return Err(Problem::error(
                            token.span.clone(),
                            format!("`{text}` closes nothing"),
                        ));
                    }
                },
                TokenKind::Operator if matches!(text, "&&" | "||" | ",") => chain = 0,
                TokenKind::Operator => chain += 1,
                TokenKind::Word if text == "in" => chain += 1,
                _ => {}
            }
            if depth + chain > MAX_NESTING {
                return Err(Problem::error(
                    token.span.clone(),
                    format!("this is nested deeper than {MAX_NESTING} levels"),
                )
                .label("the limit is reached here")
                .help("split the condition over several policies or signals"));
            }
        }
        match open.pop() {
            Some((opened, span, _)) => Err(Problem::error(
                span,
                format!("this `{opened}` is never closed"),
            )),
            None => Ok(()),
        }
    }
}

fn pairs(open: &str, close: &str) -> bool {
    matches!((open, close), ("(", ")") | ("[", "]") | ("{", "}"))
}

fn token(rest: &str, at: usize) -> Result<(TokenKind, usize), Problem> {
    let first = rest.chars().next().unwrap_or(' ');
    if let Some(length) = text_literal(rest, at)? {
        return Ok((TokenKind::Text, length));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        return Ok((TokenKind::Word, length));
    }
    if first.is_ascii_digit() {
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
            .unwrap_or(rest.len());
        return Ok((TokenKind::Number, length));
    }
    if matches!(first, '(' | '[' | '{') {
        return Ok((TokenKind::Open, 1));
    }
    if matches!(first, ')' | ']' | '}') {
        return Ok((TokenKind::Close, 1));
    }
    if let Some(operator) = OPERATORS
        .into_iter()
        .find(|operator| rest.starts_with(operator))
    {
        return Ok((TokenKind::Operator, operator.len()));
    }
    let end = at + first.len_utf8();
    Err(match first {
        '=' => Problem::error(at..end, "`=` compares nothing").label("did you mean `==`?"),
        '&' => Problem::error(at..end, "`&` joins nothing").label("did you mean `&&`?"),
        '|' => Problem::error(at..end, "`|` joins nothing").label("did you mean `||`?"),
        '“' | '”' | '„' | '‘' | '’' => Problem::error(
            at..end,
            format!("{} is no quotation mark of CEL", quoted(&first.to_string())),
        )
        .label("did you mean `\"`?"),
        _ => Problem::error(
            at..end,
            format!("unexpected {}", quoted(&first.to_string())),
        ),
    })
}

/// The length of the string or bytes literal at the start of `rest`, if there is one.
fn text_literal(rest: &str, at: usize) -> Result<Option<usize>, Problem> {
    let prefix = rest.len() - rest.trim_start_matches(['r', 'R', 'b', 'B']).len();
    let body = rest.get(prefix..).unwrap_or_default();
    let Some(quote) = body
        .chars()
        .next()
        .filter(|&quote| prefix <= 2 && matches!(quote, '"' | '\''))
    else {
        return Ok(None);
    };
    let raw = rest.get(..prefix).unwrap_or_default().contains(['r', 'R']);
    let triple = [quote; 3].iter().collect::<String>();
    let (delimiter, single) = if body.starts_with(&triple) {
        (triple, false)
    } else {
        (quote.to_string(), true)
    };
    let mut within = prefix + delimiter.len();
    loop {
        let ahead = rest.get(within..).unwrap_or_default();
        if ahead.starts_with(&delimiter) {
            return Ok(Some(within + delimiter.len()));
        }
        let mut characters = ahead.chars();
        match characters.next() {
            None => return Err(unterminated(at, prefix + delimiter.len())),
            Some('\n' | '\r') if single => return Err(unterminated(at, prefix + delimiter.len())),
            Some('\\') if !raw => {
                let escaped = characters.next().ok_or_else(|| unterminated(at, within))?;
                if !is_escape(escaped) {
                    let start = at + within;
                    let shown = quoted(&format!("\\{escaped}"));
                    return Err(Problem::error(
                        start..start + 1 + escaped.len_utf8(),
                        format!("{shown} is no escape"),
                    )
                    .help(format!(
                        "write `\\\\{escaped}`, or the string as `r\"…\"`, which has no escapes"
                    )));
                }
                within += 1 + escaped.len_utf8();
            }
            Some(character) => within += character.len_utf8(),
        }
    }
}

fn unterminated(at: usize, opening: usize) -> Problem {
    Problem::error(at..at + opening, "this string is never closed")
}

/// What may follow a backslash in CEL's strings.
const fn is_escape(character: char) -> bool {
    matches!(
        character,
        'a' | 'b'
            | 'f'
            | 'n'
            | 'r'
            | 't'
            | 'v'
            | '\\'
            | '?'
            | '"'
            | '\''
            | '`'
            | 'x'
            | 'X'
            | 'u'
            | 'U'
            | '0'..='3'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<&str> {
        let tokens = Tokens::read(text).unwrap();
        tokens.tokens.iter().map(|token| tokens.of(token)).collect()
    }

    #[test]
    fn tokens_are_cut_as_cel_cuts_them() {
        assert_eq!(
            tokens(r#"a.b["x\"y"]>=1.5e3&&!r'\d' // end"#),
            [
                "a",
                ".",
                "b",
                "[",
                r#""x\"y""#,
                "]",
                ">=",
                "1.5e3",
                "&&",
                "!",
                r"r'\d'"
            ]
        );
        assert_eq!(tokens("'''a'b\n'''"), ["'''a'b\n'''"]);
        assert_eq!(tokens("br'x' bar"), ["br'x'", "bar"]);
    }

    #[test]
    fn brackets_and_names_are_found() {
        let tokens = Tokens::read("f(a[1], (b)).c").unwrap();
        assert_eq!(tokens.closing(1), 12);
        assert_eq!(tokens.before(1), 0..1);
        assert_eq!(tokens.after(13), 13..14);
    }

    #[test]
    fn depth_is_bounded_whatever_it_is_made_of() {
        let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
        assert!(Tokens::read(&nested(MAX_NESTING)).is_ok());
        assert!(Tokens::read(&nested(MAX_NESTING + 1)).is_err());
        let long = MAX_NESTING + 2;
        for text in [
            vec!["a"; long].join("."),
            vec!["a"; long].join(" + "),
            vec!["a"; long].join(" in "),
            format!("{}a", "!".repeat(long)),
            format!("a{}", "[0]".repeat(long)),
            format!("a{}", "()".repeat(long)),
            format!("{}b", "a ? b : ".repeat(long)),
        ] {
            assert!(Tokens::read(&text).is_err(), "{}", &text[..20]);
        }
        for text in [
            vec!["a"; 10_000].join(" || "),
            format!("[{}]", vec!["1"; 10_000].join(",")),
        ] {
            assert!(Tokens::read(&text).is_ok());
        }
    }

    #[test]
    fn each_slip_of_the_pen_is_named() {
        for (text, message) in [
            ("a = b", "`=` compares nothing"),
            ("a & b", "`&` joins nothing"),
            ("a | b", "`|` joins nothing"),
            ("(a", "this `(` is never closed"),
            ("a)", "`)` closes nothing"),
            ("(a]", "`]` closes a `(`"),
            ("'abc", "this string is never closed"),
            ("'ab\nc'", "this string is never closed"),
            ("'\\", "this string is never closed"),
            ("'\\.'", "`\\.` is no escape"),
            ("a == “b”", "`“` is no quotation mark of CEL"),
            ("é", "unexpected `é`"),
            ("a ~ b", "unexpected `~`"),
        ] {
            assert_eq!(
                Tokens::read(text).map(|_| ()).unwrap_err().message,
                message,
                "{text}"
            );
        }
    }
}
