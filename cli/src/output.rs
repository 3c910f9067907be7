//! The three forms of an answer: a table for people, JSON and YAML for programs.

use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// `--output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
}

/// Why an answer was not printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// The reader of a pipe may go away early; `main` takes that for a success.
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
    /// Our own types always have a form.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Our own types always have a form.
    #[error("cannot write YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

impl Output {
    /// Prints `value`, or for people what `table` makes of it.
    pub(crate) fn print<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), OutputError> {
        let text = self.render(value, table)?;
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(())
    }

    /// What `print` prints.
    pub(crate) fn render<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<String, OutputError> {
        Ok(match self {
            Self::Table => table(value),
            Self::Json => serde_json::to_string_pretty(value)?,
            Self::Yaml => serde_saphyr::to_string(value)?,
        })
    }
}

/// A table without borders: it can be cut with `awk` as well as read. `empty` stands for no rows.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    empty: &str,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.map(str::to_uppercase));
    let mut any = false;
    for row in rows {
        any = true;
        table.add_row(row.map(|cell| {
            if cell.is_empty() {
                "-".to_owned()
            } else {
                cell
            }
        }));
    }
    if !any {
        return format!("{empty}\n");
    }
    table
        .lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect()
}

/// `2026-11-21 22:15:03Z`; `-` for no time.
pub(crate) fn time(ms: u64) -> String {
    if ms == 0 {
        return "-".to_owned();
    }
    i64::try_from(ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(
            || "-".to_owned(),
            |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        )
}

/// RFC 3339 with milliseconds, for programs; `None` for no time.
pub(crate) fn rfc3339(ms: u64) -> Option<String> {
    let ms = i64::try_from(ms).ok().filter(|ms| *ms != 0)?;
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// At most `limit` characters of a cell; the last one is `…` where more was. JSON and YAML have it whole.
pub(crate) fn short(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(limit.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_cut_between_characters_and_says_so() {
        assert_eq!(short("übung", 5), "übung");
        assert_eq!(short("übungen", 5), "übun…");
        assert_eq!(short("", 5), "");
    }

    #[test]
    fn a_table_is_aligned_and_marks_empty_cells() {
        let rows = [
            ["checkout".to_owned(), "3".to_owned()],
            ["x".to_owned(), String::new()],
        ];
        let text = table(["policy", "challenge"], rows, "none");
        assert_eq!(text, "POLICY    CHALLENGE\ncheckout  3\nx         -\n");
    }

    #[test]
    fn no_rows_are_a_sentence() {
        assert_eq!(table(["a"], [], "no nodes yet"), "no nodes yet\n");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(1_800_000_000_123), "2027-01-15 08:00:00Z");
        assert_eq!(time(0), "-");
        assert_eq!(
            rfc3339(1_800_000_000_123).as_deref(),
            Some("2027-01-15T08:00:00.123Z")
        );
        assert_eq!(rfc3339(0), None);
    }

    #[test]
    fn json_and_yaml_say_the_same() {
        #[derive(Serialize)]
        struct Value {
            name: &'static str,
        }
        let value = Value { name: "a" };
        let json = Output::Json.render(&value, |_| String::new()).unwrap();
        let yaml = Output::Yaml.render(&value, |_| String::new()).unwrap();
        assert_eq!(json, "{\n  \"name\": \"a\"\n}");
        assert_eq!(yaml, "name: a\n");
    }
}
