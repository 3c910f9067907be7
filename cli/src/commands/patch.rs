//! What tells two texts of a resource apart, as a unified diff.

use countersign_proto::admin::v1 as admin;
use serde::Serialize;
use similar::TextDiff;

use super::words;
use crate::colour::{self, paint};
use crate::limits::COMPARE_TIMEOUT;

/// Lines shown around a changed one.
const CONTEXT: usize = 3;

/// A resource that is another in two sets.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    kind: String,
    name: String,
    change: &'static str,
    before: Option<String>,
    after: Option<String>,
    /// Unified, as `patch` takes it.
    diff: String,
}

impl Difference {
    /// `from` and `to`: what the two sets are called.
    pub(crate) fn new(difference: admin::ResourceDifference, from: &str, to: &str) -> Self {
        let change = words::change(difference.change());
        let admin::ResourceRef { kind, name } = difference.resource.unwrap_or_default();
        let header = |text: &Option<String>, set: &str| match text {
            Some(_) => format!("{kind}/{name}\t{set}"),
            None => "/dev/null".to_owned(),
        };
        let (before, after) = (difference.before, difference.after);
        let diff = TextDiff::configure()
            .timeout(COMPARE_TIMEOUT)
            .diff_lines(
                before.as_deref().unwrap_or_default(),
                after.as_deref().unwrap_or_default(),
            )
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&header(&before, from), &header(&after, to))
            .to_string();
        Self {
            kind,
            name,
            change,
            before,
            after,
            diff,
        }
    }

    /// As a person reads it.
    pub(crate) fn text(&self, colour: bool) -> String {
        let mut header = true;
        self.diff
            .lines()
            .map(|line| {
                header &= !line.starts_with("@@");
                let code = match line.chars().next() {
                    _ if header => colour::BOLD,
                    Some('@') => colour::BLUE,
                    Some('+') => colour::GREEN,
                    Some('-') => colour::RED,
                    _ => return format!("{line}\n"),
                };
                format!("{}\n", paint(colour, code, line))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(before: Option<&str>, after: Option<&str>) -> Difference {
        let wire = admin::ResourceDifference {
            resource: Some(admin::ResourceRef {
                kind: "List".to_owned(),
                name: "a".to_owned(),
            }),
            change: admin::Change::Updated.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        Difference::new(wire, "1-a", "2-b")
    }

    #[test]
    fn a_changed_line_is_shown_with_its_neighbours() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let found = difference(Some(before), Some(&before.replace('5', "five")));
        assert_eq!(
            found.text(false),
            "--- List/a\t1-a\n+++ List/a\t2-b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn what_is_new_or_gone_is_shown_against_nothing() {
        let new = difference(None, Some("x\n")).text(false);
        assert_eq!(new, "--- /dev/null\n+++ List/a\t2-b\n@@ -0,0 +1 @@\n+x\n");
        let gone = difference(Some("x\n"), None).text(false);
        assert_eq!(gone, "--- List/a\t1-a\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
    }

    #[test]
    fn colour_changes_no_text() {
        let found = difference(Some("--x\n"), Some("y\n"));
        let mut plain = found.text(true);
        assert!(plain.contains("\u{1b}[1;31m---x"), "{plain:?}");
        for code in ["1;31", "32", "1;34", "1", "0"] {
            plain = plain.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(plain, found.text(false));
    }
}
