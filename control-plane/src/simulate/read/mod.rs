//! Recorded requests, one at a time, from any of the formats. How a file is written is seen from its
//! first line: an object to itself is one of many lines, anything else of JSON is a document.

mod document;
mod har;
mod line;
mod text;

use std::fmt::Display;
use std::io::{self, BufRead, Read as _};

use serde::de::DeserializeSeed as _;

use super::limits::MAX_LINE_BYTES;
use super::record::{Lacking, Record};
use line::Line;

/// Where in its file a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Counted from one.
    Line(u64),
    /// Of a document, counted from one.
    Entry(u64),
}

impl Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(number) => write!(formatter, "line {number}"),
            Self::Entry(number) => write!(formatter, "entry {number}"),
        }
    }
}

/// What becomes of what is read.
pub(super) trait Sink {
    /// A request, not finished yet.
    fn request(&mut self, record: &mut Record, place: Place);
    /// Something that is none.
    fn unreadable(&mut self, place: Place, reason: &dyn Display);
}

/// Reads everything.
///
/// # Errors
/// What the input fails with. What is read and is no request is no error: it goes to the sink.
pub(super) fn read(
    mut input: impl BufRead,
    record: &mut Record,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut number: u64 = 0;
    let mut first = true;
    loop {
        line.clear();
        let Some(whole) = next_line(&mut input, &mut line)? else {
            return Ok(());
        };
        number += 1;
        let mut text = line.as_slice();
        if number == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        // What stands at the end of a line may go on in the next.
        text = text.trim_ascii_start();
        if text.is_empty() {
            continue;
        }
        if first && is_document(text, whole, record) {
            let before = number - 1;
            return document::read(text.chain(input), before, record, sink);
        }
        first = false;
        let place = Place::Line(number);
        if !whole {
            let reason = format!("it is longer than {MAX_LINE_BYTES} bytes");
            sink.unreadable(place, &reason);
            skip_line(&mut input)?;
            continue;
        }
        match parse(text, record) {
            Ok(()) => sink.request(record, place),
            Err(error) if error.is_data() => sink.unreadable(place, &Lacking::NotAnObject),
            Err(error) => sink.unreadable(place, &not_json(&error)),
        }
    }
}

/// Is what starts with this line more than lines?
fn is_document(text: &[u8], whole: bool, record: &mut Record) -> bool {
    let Some(inside) = text.strip_prefix(b"{") else {
        return text.starts_with(b"[");
    };
    let inside = inside.trim_ascii_start();
    let holds_requests = [&b"\"log\""[..], b"\"events\""].iter().any(|key| {
        inside
            .strip_prefix(*key)
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
    });
    holds_requests || !whole || parse(text, record).is_err_and(|error| error.is_eof())
}

fn parse(text: &[u8], record: &mut Record) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_slice(text);
    Line(record).deserialize(&mut json)?;
    json.end()
}

/// Reads a line, its end included, or as much of it as is allowed: then `false`. `None` at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    let limit = MAX_LINE_BYTES as u64 + 1;
    let read = input.by_ref().take(limit).read_until(b'\n', line)?;
    let whole = line.ends_with(b"\n") || read <= MAX_LINE_BYTES;
    Ok((read > 0).then_some(whole))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        if let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
            input.consume(end + 1);
            return Ok(());
        }
        let all = buffer.len();
        input.consume(all);
    }
}

/// What is wrong with JSON, without line and column: the place is told beside it.
fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("it is no JSON: {}", text.get(..end).unwrap_or(&text))
}

#[cfg(test)]
mod tests;
