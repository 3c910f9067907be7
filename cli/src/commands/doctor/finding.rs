//! What was looked at and what it was like, with what to do where it is not well.

use serde::Serialize;

use crate::colour::{BOLD, DIM, GREEN, RED, YELLOW, paint};

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ok,
    /// It works, and something is against it.
    Warning,
    /// It does not work, or does not hold what it should.
    Failed,
    /// It could not be looked at.
    Skipped,
}

/// Where a finding belongs to; they are shown in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Area {
    ControlPlane,
    Nodes,
    Sidecar,
    Envoy,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) area: Area,
    /// A name that stays: scripts ask for it.
    pub(crate) check: &'static str,
    pub(crate) status: Status,
    pub(crate) found: String,
    /// What to do about it; always there for what is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Finding {
    pub(crate) fn ok(area: Area, check: &'static str, found: impl Into<String>) -> Self {
        Self {
            area,
            check,
            status: Status::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    pub(crate) fn warning(
        area: Area,
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::with(area, check, Status::Warning, found.into(), remedy.into())
    }

    pub(crate) fn failed(
        area: Area,
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::with(area, check, Status::Failed, found.into(), remedy.into())
    }

    pub(crate) fn skipped(
        area: Area,
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::with(area, check, Status::Skipped, found.into(), remedy.into())
    }

    fn with(
        area: Area,
        check: &'static str,
        status: Status,
        found: String,
        remedy: String,
    ) -> Self {
        Self {
            area,
            check,
            status,
            found,
            remedy: Some(remedy),
        }
    }
}

/// All of them, counted.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) ok: usize,
    pub(crate) warnings: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    pub(crate) findings: Vec<Finding>,
}

impl From<Vec<Finding>> for Report {
    fn from(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.area);
        let count = |status| findings.iter().filter(|it| it.status == status).count();
        Self {
            ok: count(Status::Ok),
            warnings: count(Status::Warning),
            failed: count(Status::Failed),
            skipped: count(Status::Skipped),
            findings,
        }
    }
}

impl Report {
    pub(crate) fn text(&self, colour: bool) -> String {
        let mut text = String::new();
        let mut area = None;
        for finding in &self.findings {
            if area.replace(finding.area) != Some(finding.area) {
                let name = paint(colour, BOLD, finding.area.name());
                let gap = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}{name}\n"));
            }
            let word = format!("{:7}", finding.status.word());
            let word = paint(colour, finding.status.colour(), &word);
            text.push_str(&format!(
                "  {word}  {:17}  {}\n",
                finding.check,
                shown(&finding.found)
            ));
            if let Some(remedy) = &finding.remedy {
                text.push_str(&format!("{:30}to do: {}\n", "", shown(remedy)));
            }
        }
        text.push_str(&format!(
            "\n{} ok, {} warnings, {} failed, {} skipped\n",
            self.ok, self.warnings, self.failed, self.skipped
        ));
        text
    }
}

/// Of files and answers that anybody may have written: nothing of them moves the cursor.
fn shown(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Ok => GREEN,
            Self::Warning => YELLOW,
            Self::Failed => RED,
            Self::Skipped => DIM,
        }
    }
}

impl Area {
    fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control plane",
            Self::Nodes => "nodes",
            Self::Sidecar => "sidecar",
            Self::Envoy => "Envoy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_grouped_counted_and_says_what_to_do() {
        let report = Report::from(vec![
            Finding::failed(Area::Envoy, "guard", "there is\u{1b} none", "add it"),
            Finding::ok(Area::ControlPlane, "reachable", "it answers"),
        ]);
        assert_eq!(
            report.text(false),
            "control plane\n  ok       reachable          it answers\n\nEnvoy\n  \
             failed   guard              there is  none\n                              to do: add it\n\n\
             1 ok, 0 warnings, 1 failed, 0 skipped\n"
        );
        assert!(report.text(true).contains("\u{1b}[1;31mfailed"));
    }
}
