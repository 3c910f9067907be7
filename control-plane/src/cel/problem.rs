//! What is wrong with an expression, in bytes of the expression.

/// Bytes of an expression, from and to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// From and to.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the beginning of this to the end of `other`.
    #[must_use]
    pub const fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }

    /// What stands there.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }
}

/// Which step found a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The text is no CEL, or larger than the limits allow.
    Parse,
    /// It is CEL and makes no sense here: an unknown name, a wrong type.
    Check,
}

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// It compiles, and probably not to what was meant.
    Warning,
    /// It does not compile.
    Error,
}

/// One finding inside an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which step found it.
    pub kind: ProblemKind,
    /// How grave it is.
    pub gravity: Gravity,
    /// Where.
    pub span: Span,
    /// In one line, lower case, without a full stop.
    pub message: String,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// Is it a limit that is passed? Then no part of the expression alone is at fault.
    pub limit: bool,
}

impl Problem {
    /// The text is no CEL.
    pub(crate) fn parse(span: Span, message: impl Into<String>) -> Self {
        Self {
            kind: ProblemKind::Parse,
            gravity: Gravity::Error,
            span,
            message: message.into(),
            label: String::new(),
            help: String::new(),
            limit: false,
        }
    }

    /// It is CEL and makes no sense here.
    pub(crate) fn check(span: Span, message: impl Into<String>) -> Self {
        Self {
            kind: ProblemKind::Check,
            ..Self::parse(span, message)
        }
    }

    /// It compiles, and probably not to what was meant.
    pub(crate) fn warning(span: Span, message: impl Into<String>) -> Self {
        Self {
            gravity: Gravity::Warning,
            ..Self::check(span, message)
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// "did you mean …?" where there is a near word.
    pub(crate) fn suggest(self, word: Option<&str>) -> Self {
        match word {
            Some(word) => self.label(format!("did you mean `{word}`?")),
            None => self,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// It passes a limit.
    pub(crate) const fn past_limit(mut self) -> Self {
        self.limit = true;
        self
    }

    /// Does it refuse the expression?
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self.gravity, Gravity::Error)
    }

    /// Message, label and help in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = self.message.clone();
        for more in [&self.label, &self.help] {
            if !more.is_empty() {
                sentence.push_str("; ");
                sentence.push_str(more);
            }
        }
        sentence
    }
}
