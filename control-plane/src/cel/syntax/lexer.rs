//! Text into tokens, and the check that brackets pair: what a grammar reports as an unexpected end is
//! said plainly here.

use super::advice;
use crate::cel::problem::{Problem, Span};
use crate::diagnostic::quoted;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// A name in backticks.
    Quoted,
    Number,
    /// A string or bytes literal.
    Text,
    True,
    False,
    Null,
    In,
    And,
    Or,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Not,
    Minus,
    Plus,
    Star,
    Slash,
    Percent,
    Question,
    Colon,
    Dot,
    Comma,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    /// Behind the last token.
    End,
}

/// A token and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Longer ones first.
const SYMBOLS: [(&str, Kind); 24] = [
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("==", Kind::Equal),
    ("!=", Kind::NotEqual),
    ("<=", Kind::LessOrEqual),
    (">=", Kind::GreaterOrEqual),
    ("<", Kind::Less),
    (">", Kind::Greater),
    ("!", Kind::Not),
    ("-", Kind::Minus),
    ("+", Kind::Plus),
    ("*", Kind::Star),
    ("/", Kind::Slash),
    ("%", Kind::Percent),
    ("?", Kind::Question),
    (":", Kind::Colon),
    (".", Kind::Dot),
    (",", Kind::Comma),
    ("(", Kind::OpenParen),
    (")", Kind::CloseParen),
    ("[", Kind::OpenBracket),
    ("]", Kind::CloseBracket),
    ("{", Kind::OpenBrace),
    ("}", Kind::CloseBrace),
];

/// Cuts `text` into tokens, the last of which is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut open: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let white = rest.len()
            - rest
                .trim_start_matches([' ', '\t', '\n', '\r', '\u{c}'])
                .len();
        if white > 0 {
            at += white;
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = token(rest, at)?;
        let token = Token {
            kind,
            span: Span::new(at, at + length),
        };
        match kind {
            Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace => open.push(token),
            Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace => {
                close(text, open.pop(), token)?;
            }
            _ => {}
        }
        tokens.push(token);
        at += length;
    }
    if let Some(token) = open.pop() {
        let message = format!("this `{}` is never closed", token.span.of(text));
        return Err(Problem::parse(token.span, message));
    }
    // Where something is missing is where the text ends, not behind the space after it.
    let written = text.trim_end().len();
    let end = tokens.last().map_or(written, |token| token.span.end);
    tokens.push(Token {
        kind: Kind::End,
        span: Span::new(end, end),
    });
    Ok(tokens)
}

fn close(text: &str, open: Option<Token>, token: Token) -> Result<(), Problem> {
    let closing = token.span.of(text);
    let Some(open) = open else {
        let message = format!("`{closing}` closes nothing");
        return Err(Problem::parse(token.span, message));
    };
    if matches!(
        (open.kind, token.kind),
        (Kind::OpenParen, Kind::CloseParen)
            | (Kind::OpenBracket, Kind::CloseBracket)
            | (Kind::OpenBrace, Kind::CloseBrace)
    ) {
        return Ok(());
    }
    let opened = open.span.of(text);
    let message = format!("`{closing}` closes a `{opened}`");
    let place = text.get(..open.span.start).unwrap_or_default();
    let help = format!("that `{opened}` is character {}", place.chars().count() + 1);
    Err(Problem::parse(token.span, message).help(help))
}

/// The kind and the length of the token at the start of `rest`, which stands at byte `at`.
fn token(rest: &str, at: usize) -> Result<(Kind, usize), Problem> {
    if let Some(length) = text_length(rest, at)? {
        return Ok((Kind::Text, length));
    }
    let bytes = rest.as_bytes();
    let first = bytes.first().copied().unwrap_or(b' ');
    if first.is_ascii_alphabetic() || first == b'_' {
        let length = name_length(rest);
        let kind = match rest.get(..length) {
            Some("true") => Kind::True,
            Some("false") => Kind::False,
            Some("null") => Kind::Null,
            Some("in") => Kind::In,
            _ => Kind::Name,
        };
        return Ok((kind, length));
    }
    if first.is_ascii_digit() || first == b'.' && bytes.get(1).is_some_and(u8::is_ascii_digit) {
        return Ok((Kind::Number, number_length(bytes)));
    }
    if first == b'`' {
        return quoted_name(rest, at);
    }
    match SYMBOLS
        .into_iter()
        .find(|(symbol, _)| rest.starts_with(symbol))
    {
        Some((symbol, kind)) => Ok((kind, symbol.len())),
        None => Err(advice::no_token(rest, at)),
    }
}

pub(super) fn name_length(rest: &str) -> usize {
    rest.bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
        .unwrap_or(rest.len())
}

/// As the grammar has it: `0x1F`, `12u`, `1.5e-3`, `.5`; the dot of `1.size()` is none of the number's.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize, is: fn(&u8) -> bool| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().position(|byte| !is(byte)).unwrap_or(rest.len())
    };
    let unsigned = |end: usize| end + usize::from(matches!(bytes.get(end), Some(b'u' | b'U')));
    if let [b'0', b'x' | b'X', ..] = bytes {
        let hex = digits(2, u8::is_ascii_hexdigit);
        if hex > 0 {
            return unsigned(2 + hex);
        }
    }
    let mut end = digits(0, u8::is_ascii_digit);
    let mut whole = true;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1, u8::is_ascii_digit);
        if fraction > 0 {
            end += 1 + fraction;
            whole = false;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign, u8::is_ascii_digit);
        if exponent > 0 {
            end += 1 + sign + exponent;
            whole = false;
        }
    }
    if whole { unsigned(end) } else { end }
}

fn quoted_name(rest: &str, at: usize) -> Result<(Kind, usize), Problem> {
    let inner = rest.get(1..).unwrap_or_default();
    let length = inner
        .find(|c: char| !(c.is_ascii_alphanumeric() || "_.-/ ".contains(c)))
        .unwrap_or(inner.len());
    let stopped = inner.get(length..).and_then(|rest| rest.chars().next());
    match stopped {
        Some('`') if length > 0 => Ok((Kind::Quoted, length + 2)),
        Some('`') => Err(Problem::parse(
            Span::new(at, at + 2),
            "a name in backticks cannot be empty",
        )),
        Some(other) if !matches!(other, '\n' | '\r') => {
            let start = at + 1 + length;
            let message = format!(
                "{} cannot stand in a name in backticks",
                quoted(&other.to_string())
            );
            Err(
                Problem::parse(Span::new(start, start + other.len_utf8()), message).help(
                    "letters, digits, `_`, `.`, `-`, `/` and spaces can; else write `x[\"…\"]`",
                ),
            )
        }
        _ => Err(Problem::parse(
            Span::new(at, at + 1),
            "this name in backticks is never closed",
        )),
    }
}

/// The length of the string or bytes literal at the start of `rest`, if there is one.
fn text_length(rest: &str, at: usize) -> Result<Option<usize>, Problem> {
    let Some(shape) = TextShape::of(rest) else {
        return Ok(None);
    };
    let opening = Span::new(at, at + shape.opening());
    let unterminated = || Problem::parse(opening, "this string is never closed");
    let bytes = rest.as_bytes();
    let mut within = shape.opening();
    loop {
        let ahead = bytes.get(within..).unwrap_or_default();
        match ahead.first() {
            None => return Err(unterminated()),
            Some(&byte) if byte == shape.quote && (!shape.triple || shape.closes(ahead)) => {
                return Ok(Some(within + shape.delimiter()));
            }
            Some(b'\n' | b'\r') if !shape.triple => {
                return Err(unterminated()
                    .help("a string of several lines stands between `\"\"\"` and `\"\"\"`"));
            }
            Some(b'\\') if !shape.raw => {
                within += 1;
                // Whatever is escaped is looked at when the literal is read; here it ends nothing.
                within += rest
                    .get(within..)
                    .and_then(|rest| rest.chars().next())
                    .ok_or_else(unterminated)?
                    .len_utf8();
            }
            Some(_) => within += 1,
        }
    }
}

/// How a string or bytes literal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextShape {
    pub(super) bytes: bool,
    pub(super) raw: bool,
    prefix: usize,
    quote: u8,
    triple: bool,
}

impl TextShape {
    /// The shape of the literal at the start of `text`, if there is one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let all = text.as_bytes();
        let bytes = matches!(all.first(), Some(b'b' | b'B'));
        let raw = matches!(all.get(usize::from(bytes)), Some(b'r' | b'R'));
        let prefix = usize::from(bytes) + usize::from(raw);
        let body = all.get(prefix..)?;
        let quote = *body.first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        Some(Self {
            bytes,
            raw,
            prefix,
            quote,
            triple: body.get(..3) == Some(&[quote; 3]),
        })
    }

    const fn delimiter(self) -> usize {
        if self.triple { 3 } else { 1 }
    }

    /// Bytes before the content.
    pub(super) const fn opening(self) -> usize {
        self.prefix + self.delimiter()
    }

    /// The content of a whole literal.
    pub(super) fn content(self, literal: &str) -> &str {
        literal
            .get(self.opening()..literal.len().saturating_sub(self.delimiter()))
            .unwrap_or_default()
    }

    fn closes(self, ahead: &[u8]) -> bool {
        ahead.get(..3) == Some(&[self.quote; 3])
    }
}
