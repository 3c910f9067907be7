//! The values of literals.

use super::ast::Literal;
use super::lexer::TextShape;
use crate::cel::problem::{Problem, Span};
use crate::diagnostic::quoted;

/// A number without its sign, and the sign: the least int has no positive counterpart.
pub(super) fn number(text: &str, span: Span, negative: bool) -> Result<Literal, Problem> {
    let beyond = |what: &str| {
        let shown = if negative {
            format!("-{text}")
        } else {
            text.to_owned()
        };
        Problem::parse(span, format!("{} is beyond {what}", quoted(&shown)))
    };
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let magnitude = |digits: &str| match hex {
        Some(_) => u64::from_str_radix(digits, 16).ok(),
        None => digits.parse::<u64>().ok(),
    };
    let digits = hex.unwrap_or(text);
    if let Some(digits) = digits.strip_suffix(['u', 'U']) {
        if negative {
            return Err(Problem::parse(span, "a uint has no sign").help("leave out `-` or `u`"));
        }
        return magnitude(digits)
            .map(Literal::Uint)
            .ok_or_else(|| beyond("64 bits"));
    }
    if hex.is_none() && text.contains(['.', 'e', 'E']) {
        let value: f64 = text.parse().map_err(|_| beyond("what a double holds"))?;
        if value.is_infinite() {
            return Err(beyond("what a double holds").help("write `double(\"Infinity\")`"));
        }
        return Ok(Literal::Double(if negative { -value } else { value }));
    }
    let value = magnitude(digits).and_then(|magnitude| {
        if negative {
            0_i64.checked_sub_unsigned(magnitude)
        } else {
            i64::try_from(magnitude).ok()
        }
    });
    value
        .map(Literal::Int)
        .ok_or_else(|| match magnitude(digits) {
            Some(_) if !negative => {
                beyond("the greatest int").help("write it with a `u` as a uint")
            }
            _ => beyond("64 bits"),
        })
}

/// A string or bytes literal.
pub(super) fn text(literal: &str, span: Span) -> Result<Literal, Problem> {
    let Some(shape) = TextShape::of(literal) else {
        return Err(Problem::parse(span, "this is no string"));
    };
    let content = shape.content(literal);
    if shape.raw || !content.contains('\\') {
        return Ok(if shape.bytes {
            Literal::Bytes(content.as_bytes().to_vec())
        } else {
            Literal::String(content.to_owned())
        });
    }
    let mut reader = Reader {
        content,
        start: span.start + shape.opening(),
        bytes: shape.bytes,
        at: 0,
        out: Vec::with_capacity(content.len()),
    };
    while reader.step()? {}
    if shape.bytes {
        return Ok(Literal::Bytes(reader.out));
    }
    String::from_utf8(reader.out)
        .map(Literal::String)
        .map_err(|_| Problem::parse(span, "this string is no UTF-8"))
}

struct Reader<'a> {
    content: &'a str,
    start: usize,
    bytes: bool,
    at: usize,
    out: Vec<u8>,
}

impl Reader<'_> {
    /// Copies up to the next escape and reads it. `false` at the end.
    fn step(&mut self) -> Result<bool, Problem> {
        let rest = self.content.get(self.at..).unwrap_or_default();
        let Some(plain) = rest.find('\\') else {
            self.out.extend_from_slice(rest.as_bytes());
            return Ok(false);
        };
        let (before, escape) = rest.split_at(plain);
        self.out.extend_from_slice(before.as_bytes());
        self.at += plain;
        let length = self.escape(escape)?;
        self.at += length;
        Ok(true)
    }

    /// Reads the escape at the start of `rest`; gives its length.
    fn escape(&mut self, rest: &str) -> Result<usize, Problem> {
        let letter = rest.chars().nth(1).unwrap_or(' ');
        let (digits, radix, skip) = match letter {
            'a' => return Ok(self.byte(0x07)),
            'b' => return Ok(self.byte(0x08)),
            'f' => return Ok(self.byte(0x0c)),
            'n' => return Ok(self.byte(b'\n')),
            'r' => return Ok(self.byte(b'\r')),
            't' => return Ok(self.byte(b'\t')),
            'v' => return Ok(self.byte(0x0b)),
            '\\' | '?' | '"' | '\'' | '`' => {
                return Ok(self.byte(u8::try_from(letter).unwrap_or(b'?')));
            }
            'x' | 'X' => (2, 16, 2),
            'u' => (4, 16, 2),
            'U' => (8, 16, 2),
            '0'..='3' => (3, 8, 1),
            _ => return Err(self.no_escape(letter)),
        };
        let end = skip + digits;
        let code = rest
            .get(skip..end)
            .filter(|code| code.chars().all(|digit| digit.is_digit(radix)))
            .and_then(|code| u32::from_str_radix(code, radix).ok());
        let length = end.min(rest.len());
        let Some(code) = code else {
            let message = if radix == 8 {
                "an octal escape is `\\` and three digits, up to `\\377`".to_owned()
            } else {
                format!("`\\{letter}` is followed by {digits} hexadecimal digits")
            };
            return Err(self.refuse(skip, message));
        };
        if self.bytes {
            if matches!(letter, 'u' | 'U') {
                return Err(self
                    .refuse(length, format!("bytes have no `\\{letter}`"))
                    .help("write the character itself, or its bytes as `\\x…`"));
            }
            self.out.push(u8::try_from(code).unwrap_or(u8::MAX));
            return Ok(end);
        }
        match char::from_u32(code) {
            Some(character) => {
                let mut buffer = [0; 4];
                self.out
                    .extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                Ok(end)
            }
            None => Err(self.refuse(length, format!("there is no character U+{code:04X}"))),
        }
    }

    fn byte(&mut self, byte: u8) -> usize {
        self.out.push(byte);
        2
    }

    fn refuse(&self, length: usize, message: String) -> Problem {
        let start = self.start + self.at;
        let mut end = self.at + length;
        while !self.content.is_char_boundary(end) {
            end += 1;
        }
        Problem::parse(Span::new(start, self.start + end), message)
    }

    fn no_escape(&self, letter: char) -> Problem {
        let shown = quoted(&format!("\\{letter}"));
        self.refuse(1 + letter.len_utf8(), format!("{shown} is no escape"))
            .help(format!(
                "write {}, or the string as `r\"…\"`, which has no escapes",
                quoted(&format!("\\\\{letter}"))
            ))
    }
}
