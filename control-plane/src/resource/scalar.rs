//! Text of a YAML scalar whose characters know where they were written.
//!
//! YAML changes what stands in a file: quotes go, escapes are resolved, lines are folded, indentation
//! is cut. A finding inside an expression shall still point at the character that the author wrote.

use std::ops::Range;

use crate::diagnostic::Source;

/// An expression as YAML gave it, with the bytes of the document that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    text: String,
    span: Range<usize>,
}

impl Expression {
    pub(crate) fn new(text: String, span: Range<usize>) -> Self {
        Self { text, span }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where the bytes of the text stand in the document.
    pub(crate) fn places(&self, source: &Source) -> Places {
        let start = self.span.start;
        Places {
            offsets: self.offsets(source),
            first_line: start..self.span.end.min(source.line_end(start)).max(start),
        }
    }

    /// The byte of the document for each byte of the text and for its end. Which notation a scalar
    /// has is found by reading it in each: the one that gives the text is the one.
    fn offsets(&self, source: &Source) -> Option<Vec<usize>> {
        let raw = source.text().get(self.span.clone())?;
        let start = self.span.start;
        let indent = start - source.line_start(start);
        [
            plain(raw),
            single_quoted(raw),
            double_quoted(raw),
            Some(block(raw, indent, false)),
            Some(block(raw, indent, true)),
        ]
        .into_iter()
        .flatten()
        .find_map(|read| read.offsets_of(&self.text, start))
    }
}

/// The bytes of a document that say the bytes of an expression. Found out once for all that is told about
/// it: the whole scalar is read for that.
#[derive(Debug)]
pub(crate) struct Places {
    offsets: Option<Vec<usize>>,
    first_line: Range<usize>,
}

impl Places {
    /// Where the bytes `range` of the text stand. Where the scalar's notation cannot be followed, its
    /// first line.
    pub(crate) fn of(&self, range: Range<usize>) -> Range<usize> {
        let Some(offsets) = &self.offsets else {
            return self.first_line.clone();
        };
        let last = offsets.last().copied().unwrap_or(self.first_line.start);
        let from = offsets.get(range.start).copied().unwrap_or(last);
        let to = offsets.get(range.end).copied().unwrap_or(last);
        from..to.max(from)
    }
}

/// A reading of a raw scalar: the text it gives and the raw byte of each of its bytes.
#[derive(Default)]
struct Reading {
    text: String,
    raw: Vec<usize>,
    end: usize,
}

impl Reading {
    fn push(&mut self, character: char, at: usize) {
        self.text.push(character);
        self.raw.resize(self.text.len(), at);
    }

    /// Breaks of lines at both ends are the business of chomping and leave no mark in a reading.
    fn offsets_of(mut self, text: &str, start: usize) -> Option<Vec<usize>> {
        let leading = text.len() - text.trim_start_matches('\n').len();
        let core = text.trim_matches('\n');
        let own = self.text.len() - self.text.trim_start_matches('\n').len();
        if self.text.trim_matches('\n') != core {
            return None;
        }
        self.raw.drain(..own);
        let first = self.raw.first().copied().unwrap_or(0);
        let mut offsets = vec![start + first; leading];
        offsets.extend(self.raw.iter().take(core.len()).map(|at| start + at));
        offsets.resize(text.len() + 1, start + self.end);
        Some(offsets)
    }
}

/// White space that holds a line break is folded: one break is a space, more are one break less.
/// Returns where it ends.
fn fold(raw: &str, at: usize, reading: &mut Reading) -> usize {
    let rest = raw.get(at..).unwrap_or_default();
    let length = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    let space = rest.get(..length).unwrap_or_default();
    match space.bytes().filter(|&byte| byte == b'\n').count() {
        0 => {
            for (offset, character) in space.char_indices() {
                reading.push(character, at + offset);
            }
        }
        1 => reading.push(' ', at),
        breaks => (1..breaks).for_each(|_| reading.push('\n', at)),
    }
    at + length
}

fn plain(raw: &str) -> Option<Reading> {
    let raw = raw.trim_end();
    let mut reading = Reading {
        end: raw.len(),
        ..Reading::default()
    };
    let mut at = 0;
    while let Some(character) = raw.get(at..)?.chars().next() {
        if matches!(character, ' ' | '\t' | '\r' | '\n') {
            at = fold(raw, at, &mut reading);
        } else {
            reading.push(character, at);
            at += character.len_utf8();
        }
    }
    Some(reading)
}

fn single_quoted(raw: &str) -> Option<Reading> {
    let raw = raw.trim_end();
    let end = raw
        .len()
        .checked_sub(1)
        .filter(|&end| end > 0 && raw.starts_with('\'') && raw.ends_with('\''))?;
    let raw = raw.get(..end)?;
    let mut reading = Reading {
        end,
        ..Reading::default()
    };
    let mut at = 1;
    while let Some(character) = raw.get(at..)?.chars().next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => at = fold(raw, at, &mut reading),
            '\'' => {
                reading.push('\'', at);
                at += 2;
            }
            _ => {
                reading.push(character, at);
                at += character.len_utf8();
            }
        }
    }
    Some(reading)
}

fn double_quoted(raw: &str) -> Option<Reading> {
    let raw = raw.trim_end();
    let end = raw
        .len()
        .checked_sub(1)
        .filter(|&end| end > 0 && raw.starts_with('"') && raw.ends_with('"'))?;
    let raw = raw.get(..end)?;
    let mut reading = Reading {
        end,
        ..Reading::default()
    };
    let mut at = 1;
    while let Some(character) = raw.get(at..)?.chars().next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => at = fold(raw, at, &mut reading),
            '\\' => at = escape(raw, at, &mut reading)?,
            _ => {
                reading.push(character, at);
                at += character.len_utf8();
            }
        }
    }
    Some(reading)
}

/// Reads the escape at `at` (YAML 1.2, section 5.7) and returns where it ends.
fn escape(raw: &str, at: usize, reading: &mut Reading) -> Option<usize> {
    let letter = raw.get(at + 1..)?.chars().next()?;
    let hex = |digits: usize| {
        let text = raw.get(at + 2..at + 2 + digits)?;
        char::from_u32(u32::from_str_radix(text, 16).ok()?)
    };
    let (character, length) = match letter {
        '\n' => {
            let rest = raw.get(at + 2..)?;
            return Some(at + 2 + rest.len() - rest.trim_start_matches([' ', '\t']).len());
        }
        '0' => ('\0', 2),
        'a' => ('\u{7}', 2),
        'b' => ('\u{8}', 2),
        't' | '\t' => ('\t', 2),
        'n' => ('\n', 2),
        'v' => ('\u{b}', 2),
        'f' => ('\u{c}', 2),
        'r' => ('\r', 2),
        'e' => ('\u{1b}', 2),
        'N' => ('\u{85}', 2),
        '_' => ('\u{a0}', 2),
        'L' => ('\u{2028}', 2),
        'P' => ('\u{2029}', 2),
        ' ' | '"' | '/' | '\\' => (letter, 2),
        'x' => (hex(2)?, 4),
        'u' => (hex(4)?, 6),
        'U' => (hex(8)?, 10),
        _ => return None,
    };
    reading.push(character, at);
    Some(at + length)
}

/// A block scalar from its first character on; `indent` is cut from every further line.
fn block(raw: &str, indent: usize, folded: bool) -> Reading {
    let mut reading = Reading {
        end: raw.trim_end().len(),
        ..Reading::default()
    };
    let mut at: usize = 0;
    let mut blank = 0;
    let mut previous: Option<bool> = None;
    for (number, line) in raw.split_inclusive('\n').enumerate() {
        let content = line.trim_end_matches(['\n', '\r']);
        let cut = if number == 0 {
            0
        } else {
            content
                .bytes()
                .take(indent)
                .take_while(|&byte| byte == b' ')
                .count()
        };
        let text = content.get(cut..).unwrap_or_default();
        if text.trim_start_matches(' ').is_empty() {
            blank += 1;
        } else {
            let deeper = text.starts_with([' ', '\t']);
            if let Some(deeper_before) = previous {
                let keep = !folded || deeper || deeper_before;
                match (keep, blank) {
                    (false, 0) => reading.push(' ', at.saturating_sub(1)),
                    (false, breaks) => {
                        (0..breaks).for_each(|_| reading.push('\n', at.saturating_sub(1)))
                    }
                    (true, breaks) => {
                        (0..=breaks).for_each(|_| reading.push('\n', at.saturating_sub(1)))
                    }
                }
            }
            for (offset, character) in text.char_indices() {
                reading.push(character, at + cut + offset);
            }
            (previous, blank) = (Some(deeper), 0);
        }
        at += line.len();
    }
    reading
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Source;
    use crate::resource::{Resource, parse_document};

    /// The text that the place of `needle` in the condition covers, and its line and column.
    fn found(when: &str, needle: &str) -> (String, u32, u32) {
        let text = format!(
            "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: a}}\nspec:\n  when: {when}\n  action: block\n"
        );
        let document = parse_document(&text, "a.yaml", 1).unwrap();
        let Resource::MitigationPolicy(policy) = &document.resource else {
            panic!()
        };
        let expression = policy.when.clone().unwrap();
        let at = expression.text().find(needle).unwrap();
        let source = Source::new("a.yaml", &text, 1);
        let place = expression.places(&source).of(at..at + needle.len());
        let (line, column) = source.position(place.start);
        (text[place].to_owned(), line, column)
    }

    #[test]
    fn every_notation_of_a_scalar_leads_back_to_its_characters() {
        for (when, line, column) in [
            ("score > needle", 5, 17),
            ("\u{e9} > needle # why", 5, 13),
            ("'it''s == needle'", 5, 19),
            ("\"a\\t\\u00e9 needle\"", 5, 20),
            ("score\n    > needle", 6, 7),
            ("score\n\n    > needle", 7, 7),
            ("'score\n    > needle'", 6, 7),
            ("\"score \\\n    > needle\"", 6, 7),
            ("|\n    score\n    > needle", 7, 7),
            ("|-\n\n    score\n      > needle\n", 8, 9),
            (">\n    score\n    > needle", 7, 7),
            (">-\n    score\n\n      deep\n    > needle", 9, 7),
            ("|2\n      score\n    > needle", 7, 7),
            ("&x needle", 5, 12),
            ("!!str needle", 5, 15),
        ] {
            let (text, found_line, found_column) = found(when, "needle");
            assert_eq!(
                (text.as_str(), found_line, found_column),
                ("needle", line, column),
                "{when}"
            );
        }
    }
}
