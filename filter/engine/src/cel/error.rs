//! Why an expression has no value.

use std::fmt::{self, Display, Formatter, Write};

use super::Op;

/// An error of evaluation. A condition that fails with one does not match, and is counted by
/// [`Self::code`]. Making one allocates nothing: a header that is not there is everyday.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EvalError {
    /// An integer was divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The remainder of a division by zero.
    #[error("modulus by zero")]
    ModulusByZero,
    /// The result is no 64-bit integer.
    #[error("integer overflow")]
    Overflow,
    /// A map, or the request's headers, have no such key.
    #[error("no such key: `{0}`")]
    NoSuchKey(Excerpt),
    /// The operator or function does not take values of these types.
    #[error("no such overload of `{}`", .0.name())]
    NoSuchOverload(Op),
    /// A list or a text has no such position.
    #[error("index out of range: {0}")]
    IndexOutOfRange(i64),
    /// A part of a list or a text that ends before it starts, or leaves it.
    #[error("invalid range: from {start} to {end}")]
    InvalidRange {
        /// Where it starts.
        start: i64,
        /// Where it ends.
        end: i64,
    },
    /// A declared variable that the caller gave no value.
    #[error("no such variable: {0}")]
    NoSuchVariable(u32),
    /// A name that nothing declares.
    #[error("undeclared reference to `{0}`")]
    UnknownName(Excerpt),
    /// A function that nothing declares.
    #[error("unbound function `{0}`")]
    UnknownFunction(Excerpt),
    /// The function takes the types, and not this value.
    #[error("invalid argument of `{}`", .0.name())]
    InvalidArgument(Op),
    /// The result is outside what its type holds.
    #[error("range error in `{}`", .0.name())]
    OutOfRange(Op),
    /// The text (or other value) does not say what it is to be converted to.
    #[error("type conversion error in `{}`: `{text}`", .op.name())]
    NotConvertible {
        /// The conversion.
        op: Op,
        /// What was to be converted.
        text: Excerpt,
    },
    /// Bytes that are to become a text and are none.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Only booleans, integers and texts are keys.
    #[error("unsupported key type `{0}`")]
    UnsupportedKey(&'static str),
    /// A key stands twice in a map.
    #[error("repeated key `{0}`")]
    DuplicateKey(Excerpt),
    /// The attribute is not known of this request: a device without a session, a country without a
    /// trusted header.
    #[error("attribute not available")]
    NotAvailable,
    /// A text that is to be an address, or an address with a prefix length, is none.
    #[error("not an address: `{0}`")]
    NotAnAddress(Excerpt),
    /// A time zone that neither the program nor the host knows.
    #[error("unknown time zone `{0}`")]
    UnknownZone(Excerpt),
    /// The automaton gave up on this text.
    #[error("pattern gave up")]
    PatternGaveUp,
    /// A pattern that is made at run time, where nothing compiles patterns.
    #[error("pattern is not a constant")]
    PatternNotConstant,
    /// A pattern that is made at run time and is none.
    #[error("invalid pattern `{0}`")]
    InvalidPattern(Excerpt),
    /// A template has a clause that `format` does not know, or ends inside one.
    #[error("could not parse formatting clause: unrecognized formatting clause `{0}`")]
    FormatClause(Excerpt),
    /// A clause of a template does not take values of that type.
    #[error("error during formatting: `%{clause}` does not take a value of type `{kind}`")]
    FormatType {
        /// The clause's letter.
        clause: char,
        /// The type of the value.
        kind: &'static str,
    },
    /// The value of an empty optional was asked for.
    #[error("optional.none() dereference")]
    EmptyOptional,
    /// A condition is something else than `true` or `false`.
    #[error("the condition is no bool")]
    NotBool,
    /// Values nested, or names that need one another, deeper than a worker's stack allows.
    #[error("nested too deeply")]
    TooDeep,
    /// The evaluation takes longer, or makes more, than a worker can give it.
    #[error("evaluation is too costly")]
    TooCostly,
    /// The caller asked for a node that the program does not have.
    #[error("no such node: {0}")]
    NoSuchNode(u32),
}

impl EvalError {
    /// A text that does not say what `op` converts to.
    pub(super) fn not_convertible(op: Op, text: &str) -> Self {
        Self::NotConvertible {
            op,
            text: Excerpt::of(text),
        }
    }

    /// One word for counters; never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DivisionByZero => "division_by_zero",
            Self::ModulusByZero => "modulus_by_zero",
            Self::Overflow => "overflow",
            Self::NoSuchKey(_) => "no_such_key",
            Self::NoSuchOverload(_) => "no_such_overload",
            Self::IndexOutOfRange(_) => "index_out_of_range",
            Self::InvalidRange { .. } => "invalid_range",
            Self::NoSuchVariable(_) => "no_such_variable",
            Self::UnknownName(_) => "unknown_name",
            Self::UnknownFunction(_) => "unknown_function",
            Self::InvalidArgument(_) => "invalid_argument",
            Self::OutOfRange(_) => "out_of_range",
            Self::NotConvertible { .. } => "not_convertible",
            Self::NotUtf8 => "not_utf8",
            Self::UnsupportedKey(_) => "unsupported_key",
            Self::DuplicateKey(_) => "duplicate_key",
            Self::NotAvailable => "not_available",
            Self::NotAnAddress(_) => "not_an_address",
            Self::UnknownZone(_) => "unknown_zone",
            Self::PatternGaveUp => "pattern_gave_up",
            Self::PatternNotConstant => "pattern_not_constant",
            Self::InvalidPattern(_) => "invalid_pattern",
            Self::FormatClause(_) => "format_clause",
            Self::FormatType { .. } => "format_type",
            Self::EmptyOptional => "empty_optional",
            Self::NotBool => "not_bool",
            Self::TooDeep => "too_deep",
            Self::TooCostly => "too_costly",
            Self::NoSuchNode(_) => "no_such_node",
        }
    }

    /// Ends the whole evaluation: `||` and `&&` do not absorb it, or an expression could go on after
    /// it has used up what it may.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::TooCostly | Self::TooDeep)
    }
}

/// The start of a text, for messages, held without allocating.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Excerpt {
    length: u8,
    bytes: [u8; Self::BYTES],
}

impl Excerpt {
    const BYTES: usize = 29;
    const CUT: &'static str = "…";

    /// Of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut excerpt = Self::default();
        excerpt.append(text);
        excerpt
    }

    /// Of anything that can be printed.
    #[must_use]
    pub fn of_display(value: impl Display) -> Self {
        let mut excerpt = Self::default();
        // Writing into an excerpt does not fail; what does not fit is cut.
        let _fits = write!(excerpt, "{value}");
        excerpt
    }

    /// What is held of the text, with `…` where it was cut.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let held = self.bytes.get(..usize::from(self.length));
        held.and_then(|held| std::str::from_utf8(held).ok())
            .unwrap_or_default()
    }

    fn append(&mut self, text: &str) {
        let held = usize::from(self.length);
        if self.as_str().ends_with(Self::CUT) {
            return;
        }
        if held.saturating_add(text.len()) <= Self::BYTES {
            self.put(held, text);
            return;
        }
        // Bounds are no boundaries of characters where the text before was longer than the room left.
        let room = (Self::BYTES - Self::CUT.len()).saturating_sub(held);
        let part = text.get(..text.floor_char_boundary(room)).unwrap_or("");
        self.put(held, part);
        let held = self
            .as_str()
            .floor_char_boundary(Self::BYTES - Self::CUT.len());
        self.put(held, Self::CUT);
    }

    fn put(&mut self, at: usize, text: &str) {
        let end = at.saturating_add(text.len());
        if let (Some(place), Ok(length)) = (self.bytes.get_mut(at..end), u8::try_from(end)) {
            place.copy_from_slice(text.as_bytes());
            self.length = length;
        }
    }
}

impl Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text);
        Ok(())
    }
}

impl Display for Excerpt {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Excerpt::of("").as_str(), "");
        let whole = "x".repeat(Excerpt::BYTES);
        assert_eq!(Excerpt::of(&whole).as_str(), whole);
        let longer = "x".repeat(Excerpt::BYTES + 1);
        assert_eq!(
            Excerpt::of(&longer).as_str(),
            format!("{}…", "x".repeat(26))
        );
        assert_eq!(
            Excerpt::of(&"ä".repeat(20)).as_str(),
            format!("{}…", "ä".repeat(13))
        );
        let pieces = format!("{}{}", "a".repeat(28), "bcd");
        let mut written = Excerpt::default();
        for piece in [&pieces[..28], &pieces[28..], "more"] {
            written.append(piece);
        }
        assert_eq!(written.as_str(), format!("{}…", "a".repeat(26)));
        assert_eq!(Excerpt::of_display(i64::MIN).as_str(), i64::MIN.to_string());
    }

    #[test]
    fn a_result_stays_small() {
        assert!(size_of::<EvalError>() <= 32, "{}", size_of::<EvalError>());
    }
}
