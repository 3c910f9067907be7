//! Text with a place in a file.

use std::ops::Range;
use std::sync::Arc;

/// A value with the bytes of the document that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    /// What was written.
    pub(crate) value: T,
    /// Where, in bytes of the document's source.
    pub(crate) span: Range<usize>,
}

impl<T> Located<T> {
    pub(crate) fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// The text of one document, or of one whole file, that findings point into.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    file: Arc<str>,
    text: Arc<str>,
    /// The line of the file on which `text` starts.
    first_line: u32,
}

impl Source {
    pub(crate) fn new(file: &str, text: &str, first_line: u32) -> Self {
        Self {
            file: file.into(),
            text: text.into(),
            first_line,
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Do both point into the same text?
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    /// Line and column of a byte, both counted from one, the column in characters.
    pub(crate) fn position(&self, offset: usize) -> (u32, u32) {
        let before = self.before(offset);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count();
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        (
            self.first_line.saturating_add(line),
            column.saturating_add(1),
        )
    }

    /// The byte of a line and column as a parser reports them: counted from one, within this text.
    pub(crate) fn offset(&self, line: usize, column: usize) -> usize {
        let mut start = 0;
        for _ in 1..line {
            match self.text.get(start..).and_then(|rest| rest.find('\n')) {
                Some(newline) => start += newline + 1,
                None => return self.text.len(),
            }
        }
        let rest = self.text.get(start..).unwrap_or_default();
        let within = rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(rest.len(), |(at, _)| at);
        start + within
    }

    /// The text from the start of the line that holds `offset` up to there.
    pub(crate) fn line_start(&self, offset: usize) -> usize {
        self.before(offset)
            .rfind('\n')
            .map_or(0, |newline| newline + 1)
    }

    /// Where the line that holds `offset` ends, without its line break.
    pub(crate) fn line_end(&self, offset: usize) -> usize {
        let offset = self.before(offset).len();
        let rest = self.text.get(offset..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        offset
            + rest
                .get(..length)
                .unwrap_or_default()
                .trim_end_matches('\r')
                .len()
    }

    /// The text before `offset`, cut back to a character's start.
    fn before(&self, offset: usize) -> &str {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.get(..end).unwrap_or_default()
    }
}
