//! Findings about policy files, from the compiler here or from the control plane, in one form.

use countersign_control_plane::diagnostic::{Diagnostic, Severity};
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use crate::colour::{self, paint};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: &'static str,
    pub(crate) message: String,
    pub(crate) file: String,
    /// From 1; 0 = the whole file.
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// With source, carets and advice.
    pub(crate) rendered: String,
    /// The same for a terminal.
    #[serde(skip)]
    coloured: String,
}

impl From<&Diagnostic> for Finding {
    fn from(found: &Diagnostic) -> Self {
        Self {
            severity: found.severity.word(),
            message: found.message.clone(),
            file: found.file.clone(),
            line: found.line,
            column: found.column,
            rendered: found.rendered.clone(),
            coloured: found.render_coloured(),
        }
    }
}

impl From<&admin::Diagnostic> for Finding {
    fn from(found: &admin::Diagnostic) -> Self {
        let severity = match found.severity() {
            admin::Severity::Error => Severity::Error,
            admin::Severity::Warning => Severity::Warning,
        };
        Self {
            severity: severity.word(),
            message: found.message.clone(),
            file: found.file.clone(),
            line: found.line,
            column: found.column,
            rendered: found.rendered.clone(),
            coloured: coloured(&found.rendered, severity),
        }
    }
}

impl Finding {
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error.word()
    }

    /// As a person reads it, ending in a line break.
    pub(crate) fn text(&self, colour: bool) -> String {
        let text = if colour {
            &self.coloured
        } else {
            &self.rendered
        };
        format!("{}\n", text.trim_end())
    }
}

/// `2 errors, 1 warning`; empty where there is neither.
pub(crate) fn count(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - errors;
    let mut parts = Vec::new();
    for (number, word) in [(errors, "error"), (warnings, "warning")] {
        if number > 0 {
            parts.push(format!(
                "{number} {word}{}",
                if number == 1 { "" } else { "s" }
            ));
        }
    }
    parts.join(", ")
}

/// What came over the wire has no colour: the first word gets the one it has elsewhere.
fn coloured(rendered: &str, severity: Severity) -> String {
    let code = match severity {
        Severity::Error => colour::RED,
        Severity::Warning => colour::YELLOW,
    };
    rendered
        .lines()
        .map(|line| {
            let caret = line.contains('^') && line.trim_start().starts_with('|');
            match line.strip_prefix(severity.word()) {
                Some(rest) => format!(
                    "{}{}\n",
                    paint(true, code, severity.word()),
                    paint(true, colour::BOLD, rest)
                ),
                None if caret => format!("{}\n", paint(true, code, line)),
                None if line.trim_start().starts_with("-->") => {
                    format!("{}\n", paint(true, colour::BLUE, line))
                }
                None => format!("{line}\n"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: admin::Severity) -> Finding {
        Finding::from(&admin::Diagnostic {
            severity: severity.into(),
            message: "unknown field `x`".to_owned(),
            file: "a.yaml".to_owned(),
            line: 3,
            column: 1,
            rendered: "error: unknown field `x`\n --> a.yaml:3:1\n  |\n3 | x: 1\n  | ^\n"
                .to_owned(),
        })
    }

    #[test]
    fn findings_are_counted_in_words() {
        let (error, warning) = (
            finding(admin::Severity::Error),
            finding(admin::Severity::Warning),
        );
        assert_eq!(count(&[]), "");
        assert_eq!(count(&[error.clone(), error.clone()]), "2 errors");
        assert_eq!(count(&[error, warning]), "1 error, 1 warning");
    }

    #[test]
    fn a_finding_over_the_wire_is_coloured_without_a_change_to_its_text() {
        let finding = finding(admin::Severity::Error);
        let coloured = finding.text(true);
        assert!(coloured.contains("\u{1b}[1;31merror\u{1b}[0m"));
        let mut plain = coloured;
        for code in ["\u{1b}[1;31m", "\u{1b}[1;34m", "\u{1b}[1m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, finding.text(false));
    }
}
