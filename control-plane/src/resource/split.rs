//! A file into its documents.

/// One document's text and the line on which it starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) line: u32,
}

/// Splits at `---` and `...` in the first column followed by white space. YAML 1.2 forbids both there
/// in every other place, block and quoted scalars included (production 206, `c-forbidden`), so that
/// lines are enough. A part of nothing but comments and white space is no document.
pub(super) fn documents(file: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut start_line) = (0, 1);
    let mut offset = 0;
    let mut line_number: u32 = 1;
    let mut close = |start: usize, end: usize, line: u32| {
        let text = file.get(start..end).unwrap_or_default();
        if has_content(text) {
            parts.push(Part { text, line });
        }
    };
    for line in file.split_inclusive('\n') {
        let after = offset + line.len();
        if let Some(rest) = marker(line) {
            close(start, offset, start_line);
            // What follows the marker on its line belongs to the document and keeps its column.
            if rest.trim().is_empty() || rest.trim_start().starts_with('#') {
                (start, start_line) = (after, line_number.saturating_add(1));
            } else {
                (start, start_line) = (offset, line_number);
            }
        }
        offset = after;
        line_number = line_number.saturating_add(1);
    }
    close(start, file.len(), start_line);
    parts
}

fn marker(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("---")
        .or_else(|| line.strip_prefix("..."))?;
    (rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r'])).then_some(rest)
}

fn has_content(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().any(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("%YAML")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(file: &str) -> Vec<(u32, &str)> {
        documents(file)
            .into_iter()
            .map(|part| (part.line, part.text))
            .collect()
    }

    #[test]
    fn documents_know_their_first_line() {
        assert_eq!(split("a: 1\n---\nb: 2\n"), [(1, "a: 1\n"), (3, "b: 2\n")]);
        assert_eq!(
            split("---\na: 1\n--- # next\nb: 2"),
            [(2, "a: 1\n"), (4, "b: 2")]
        );
        assert_eq!(split("--- {a: 1}\n"), [(1, "--- {a: 1}\n")]);
        assert_eq!(split("a: 1\n...\n# over\n"), [(1, "a: 1\n")]);
    }

    #[test]
    fn parts_without_content_are_no_documents() {
        for file in [
            "",
            "\n",
            "# a\n",
            "---\n---\n",
            "---\n# a\n...\n",
            "\u{feff}",
        ] {
            assert_eq!(split(file), [], "{file:?}");
        }
    }

    #[test]
    fn dashes_elsewhere_do_not_split() {
        assert_eq!(split("a: |\n  ---\n  b\n----\n").len(), 1);
    }
}
