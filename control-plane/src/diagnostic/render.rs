//! From a finding to text, by `annotate-snippets`: lines of the source, carets, advice.

use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use super::{Diagnostic, Severity, Source};

/// Bytes of one excerpt. A list of half a million entries may stand on one line.
const MAX_EXCERPT: usize = 4096;
/// Bytes shown after what the carets point at.
const TAIL: usize = 160;

/// Lines of a source with what is marked in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    file: String,
    line: u32,
    column: u32,
    /// Empty where the place is too deep in a line to be shown.
    text: String,
    marks: Vec<Mark>,
}

/// Bytes of an excerpt and what is said about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) span: Range<usize>,
    pub(super) label: String,
    pub(super) primary: bool,
}

/// What is said below the excerpts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// What to do.
    Help(String),
    /// Why it is so.
    Note(String),
}

/// Adds `mark` to the excerpt of the same source if both fit in one, or as one more excerpt. The
/// source beside each excerpt is what the next mark is compared with.
pub(super) fn excerpt(excerpts: &mut Vec<(Source, Excerpt)>, source: &Source, mut mark: Mark) {
    mark.span = on_one_line(source, &mark.span);
    let lines = |span: &Range<usize>| {
        let end = source.line_end(span.end).min(span.end + TAIL);
        source.line_start(span.start)..end
    };
    let mut range = lines(&mark.span);
    let mut marks = vec![mark];
    let mut place = None;
    for (index, (other, known)) in excerpts.iter().enumerate() {
        let Some(first) = known.marks.first().filter(|_| other.is(source)) else {
            continue;
        };
        let origin = known_start(other, known);
        let absolute = first.span.start + origin..first.span.end + origin;
        let both = lines(&absolute);
        let union = range.start.min(both.start)..range.end.max(both.end);
        if union.len() <= MAX_EXCERPT {
            range = union;
            marks.splice(
                0..0,
                known.marks.iter().map(|mark| Mark {
                    span: mark.span.start + origin..mark.span.end + origin,
                    ..mark.clone()
                }),
            );
            place = Some(index);
            break;
        }
    }
    let anchor = marks
        .iter()
        .find(|mark| mark.primary)
        .or(marks.first())
        .map_or(0, |mark| mark.span.start);
    let (_, column) = source.position(anchor);
    let (line, _) = source.position(range.start);
    let mut end = range.end.min(source.text().len());
    while !source.text().is_char_boundary(end) {
        end += 1;
    }
    let text = source.text().get(range.start..end).unwrap_or_default();
    let fits = text.len() <= MAX_EXCERPT;
    let built = Excerpt {
        file: source.file().to_owned(),
        line: if fits {
            line
        } else {
            source.position(anchor).0
        },
        column,
        text: if fits { text.to_owned() } else { String::new() },
        marks: marks
            .into_iter()
            .map(|mark| Mark {
                span: mark.span.start.saturating_sub(range.start)
                    ..mark.span.end.saturating_sub(range.start),
                ..mark
            })
            .collect(),
    };
    match place.and_then(|index| excerpts.get_mut(index)) {
        Some(slot) => *slot = (source.clone(), built),
        None => excerpts.push((source.clone(), built)),
    }
}

/// The byte of the source at which an excerpt's text starts.
fn known_start(source: &Source, excerpt: &Excerpt) -> usize {
    let (first, _) = source.position(0);
    source.offset(
        (excerpt.line.saturating_sub(first) as usize).saturating_add(1),
        1,
    )
}

/// Carets over several lines are unreadable: a span ends at the end of its first line, and what is
/// empty, as a missing value is, gets one caret.
fn on_one_line(source: &Source, span: &Range<usize>) -> Range<usize> {
    let text = source.text();
    // A span inside a character would end the rendering in a panic.
    let floor = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start.min(text.len()));
    let end = floor(span.end.clamp(start, source.line_end(start).max(start)));
    if end > start {
        return start..end;
    }
    // A line break under the caret would draw it over two lines.
    let next = text
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .filter(|next| !matches!(next, '\n' | '\r'));
    start..start + next.map_or(0, char::len_utf8)
}

/// Without colour, for files, logs and answers of the API.
pub(super) fn plain(diagnostic: &Diagnostic) -> String {
    render(diagnostic, &Renderer::plain())
}

/// With colour, for a terminal.
pub(super) fn coloured(diagnostic: &Diagnostic) -> String {
    render(diagnostic, &Renderer::styled())
}

fn render(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str());
    let mut group = Group::with_title(title);
    for excerpt in &diagnostic.excerpts {
        group = group.element(element(excerpt));
    }
    for advice in &diagnostic.advice {
        group = group.element(match advice {
            Advice::Help(text) => Level::HELP.message(normalize_untrusted_str(text)),
            Advice::Note(text) => Level::NOTE.message(normalize_untrusted_str(text)),
        });
    }
    renderer.render(&[group])
}

fn element(excerpt: &Excerpt) -> Element<'_> {
    if excerpt.text.trim().is_empty() {
        return Element::from(
            Origin::path(excerpt.file.as_str())
                .line(excerpt.line as usize)
                .char_column(excerpt.column as usize),
        );
    }
    let marks = excerpt.marks.iter().map(|mark| {
        let kind = if mark.primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let span = kind.span(mark.span.clone());
        if mark.label.is_empty() {
            span
        } else {
            span.label(normalize_untrusted_str(&mark.label))
        }
    });
    Element::from(
        Snippet::source(excerpt.text.as_str())
            .path(excerpt.file.as_str())
            .line_start(excerpt.line as usize)
            .annotations(marks),
    )
}
