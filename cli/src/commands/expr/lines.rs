//! Lines of bounded length out of a stream.

use std::io::{self, BufRead};

use crate::limits::MAX_EXPR_LINE_BYTES;

/// A stream, cut into lines. Holds one line at a time.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    /// The last line ended with a line break that is still to be read away.
    at_hand: bool,
}

/// A line without its end.
pub(super) enum Line<'l> {
    Whole(&'l [u8]),
    /// Longer than the limit; it is read away.
    TooLong(usize),
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            at_hand: false,
        }
    }

    /// The next line. `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        // What one long line took is not kept for all that follow.
        self.line.shrink_to(64 * 1024);
        let mut length = 0_usize;
        loop {
            let part = match self.input.fill_buf() {
                Ok(part) => part,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if part.is_empty() {
                self.at_hand = false;
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let end = part.iter().position(|&byte| byte == b'\n');
            let taken = end.map_or(part.len(), |end| end + 1);
            let content = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
            length = length.saturating_add(taken);
            let room = MAX_EXPR_LINE_BYTES.saturating_add(1) - self.line.len();
            self.line
                .extend_from_slice(content.get(..room.min(content.len())).unwrap_or_default());
            self.at_hand = taken < part.len();
            self.input.consume(taken);
            if end.is_some() {
                break;
            }
        }
        Ok(Some(if self.line.len() > MAX_EXPR_LINE_BYTES {
            Line::TooLong(MAX_EXPR_LINE_BYTES)
        } else {
            Line::Whole(&self.line)
        }))
    }

    /// Is more of the stream here already, so that nobody waits?
    pub(super) const fn has_more_at_hand(&self) -> bool {
        self.at_hand
    }
}
