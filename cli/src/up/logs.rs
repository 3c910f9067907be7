//! The parts' logs: one file each, moved aside at each start, shown from the end when a part dies.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::limits::{LOGS_KEPT, TAIL_BYTES, TAIL_LINES, TAIL_WIDTH};

/// Moves `envoy.log` to `envoy.log.1`, that to `envoy.log.2`, and forgets the oldest.
pub(crate) fn rotate(log: &Path) -> io::Result<()> {
    for number in (0..LOGS_KEPT).rev() {
        let from = numbered(log, number);
        if from.exists() {
            std::fs::rename(from, numbered(log, number + 1))?;
        }
    }
    Ok(())
}

fn numbered(log: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return log.to_owned();
    }
    let mut name = log.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    log.with_file_name(name)
}

/// The last lines, empty where there are none.
pub(crate) fn tail(log: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines
        .get(from..)
        .unwrap_or_default()
        .iter()
        .map(|line| format!("  | {}\n", shortened(&without_escapes(line))))
        .collect()
}

/// Envoy's lists of its extensions are some thousand characters long.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(TAIL_WIDTH) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line.to_owned(),
    }
}

/// A log in colour must not colour, move or ring what is printed here.
fn without_escapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            let _sequence = chars.by_ref().find(char::is_ascii_alphabetic);
        } else if !char.is_control() || char == '\t' {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn three_former_logs_are_kept() {
        let dir = Scratch::new();
        let log = dir.path().join("envoy.log");
        for start in 0..6 {
            rotate(&log).unwrap();
            std::fs::write(&log, start.to_string()).unwrap();
        }
        let content = |name: &str| std::fs::read_to_string(dir.path().join(name)).ok();
        assert_eq!(content("envoy.log").as_deref(), Some("5"));
        assert_eq!(content("envoy.log.1").as_deref(), Some("4"));
        assert_eq!(content("envoy.log.3").as_deref(), Some("2"));
        assert_eq!(content("envoy.log.4"), None);
    }

    #[test]
    fn the_tail_is_the_last_lines_without_colour_codes() {
        let dir = Scratch::new();
        let mut text: String = (0..100).map(|line| format!("line {line}\n")).collect();
        text.push_str("\u{1b}[31merror\u{1b}[0m: port in use\u{7}\n");
        let log = dir.file("x.log", text);
        let tail = tail(&log);
        assert_eq!(tail.lines().count(), TAIL_LINES);
        assert!(tail.ends_with("  | error: port in use\n"), "{tail}");
        assert!(!tail.contains("line 88\n"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(shortened(&"é".repeat(TAIL_WIDTH)), "é".repeat(TAIL_WIDTH));
        let cut = shortened(&"é".repeat(TAIL_WIDTH + 1));
        assert_eq!(cut, format!("{}…", "é".repeat(TAIL_WIDTH)));
    }

    #[test]
    fn the_tail_of_a_missing_log_is_empty() {
        assert_eq!(tail(Path::new("/nowhere/x.log")), "");
    }
}
