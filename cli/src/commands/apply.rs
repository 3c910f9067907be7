//! `countersign apply`: gives policy files to the control plane, which takes all of them or none.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::diagnostics::{Finding, count};
use super::history::Revision;
use super::patch::Difference;
use super::replay::Replay;
use super::{CommandError, Context, Outcome, words};
use crate::output::Output;
use crate::progress::Spinner;
use crate::{api, colour, sources};

/// The options of `countersign apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Files, directories with all below them, or `-` for standard input; tests (`PolicyTest`) among
    /// them are checked and left out
    #[arg(short, long = "file", required = true, num_args = 1.., value_name = "FILE|DIR|-")]
    files: Vec<PathBuf>,

    /// Check and compile in the control plane, show what would be another and what would change for the
    /// decisions recorded in the last day; change nothing
    #[arg(long)]
    dry_run: bool,

    /// Delete what was applied before and is in none of the files; what the control plane's watched
    /// directory holds stays
    #[arg(long)]
    prune: bool,

    /// The revision that the change was made against: refused when resources were changed since
    #[arg(
        long,
        default_value = "",
        value_name = "REVISION",
        hide_default_value = true
    )]
    base: String,

    /// The rollout strategy by which it goes out [default: the one named `default`; without one, to every
    /// node at once]
    #[arg(
        long,
        default_value = "",
        value_name = "NAME",
        hide_default_value = true,
        conflicts_with = "now"
    )]
    strategy: String,

    /// To every node at once, whatever strategies there are
    #[arg(long)]
    now: bool,

    /// Why: kept with the revision
    #[arg(short, long, default_value = "")]
    message: String,
}

/// What came of it; also for `delete`.
#[derive(Debug, Serialize)]
pub(crate) struct Applied {
    pub(crate) dry_run: bool,
    pub(crate) diagnostics: Vec<Finding>,
    pub(crate) changes: Vec<Change>,
    /// On a dry run, what would be another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) differences: Vec<Difference>,
    /// On a dry run, what recorded decisions would become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replay: Option<Replay>,
    /// The revision that is now current.
    pub(crate) revision: Option<Revision>,
    /// The strategy by which it goes out; empty = to every node at once.
    pub(crate) strategy: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) change: &'static str,
}

pub(crate) async fn run(args: &ApplyArgs, context: &Context) -> Result<Outcome, CommandError> {
    let files = sources::read(&args.files)?;
    let request = admin::ApplyRequest {
        files: files
            .into_iter()
            .map(|source| admin::SourceFile {
                name: source.name,
                content: source.content,
            })
            .collect(),
        dry_run: args.dry_run,
        author: author(),
        message: args.message.clone(),
        base: args.base.clone(),
        prune: args.prune,
        strategy: args.strategy.clone(),
        now: args.now,
    };
    let spinner = Spinner::begin(match args.dry_run {
        true => "trying it on the decisions of the last day",
        false => "compiling",
    });
    let mut client = api::connect(&context.control_plane).await?;
    let answer = client.apply(request).await?.into_inner();
    spinner.end();
    Applied::new(answer, args.dry_run).print(context)
}

impl Applied {
    pub(crate) fn new(answer: admin::ApplyResponse, dry_run: bool) -> Self {
        Self {
            dry_run,
            diagnostics: answer.diagnostics.iter().map(Finding::from).collect(),
            changes: answer.changes.into_iter().map(Change::from).collect(),
            differences: answer
                .differences
                .into_iter()
                .map(|difference| Difference::new(difference, "now", "dry run"))
                .collect(),
            replay: answer.replay.map(Replay::from),
            revision: answer.revision.map(Revision::from),
            strategy: answer.strategy,
        }
    }

    /// Findings to stderr, the rest to stdout.
    pub(crate) fn print(&self, context: &Context) -> Result<Outcome, CommandError> {
        if context.output == Output::Table {
            let colour = colour::wanted(std::io::stderr().is_terminal());
            for finding in &self.diagnostics {
                eprintln!("{}", finding.text(colour));
            }
        }
        let colour = colour::wanted(std::io::stdout().is_terminal());
        context.output.print(self, |applied| applied.text(colour))?;
        Ok(if self.diagnostics.iter().any(Finding::is_error) {
            Outcome::Refused
        } else {
            Outcome::Fine
        })
    }

    fn text(&self, colour: bool) -> String {
        if self.diagnostics.iter().any(Finding::is_error) {
            return format!("nothing was changed: {}\n", count(&self.diagnostics));
        }
        let mut text: String = self
            .differences
            .iter()
            .map(|difference| difference.text(colour))
            .collect();
        text.extend(
            self.changes
                .iter()
                .map(|change| format!("{} {}/{}\n", change.change, change.kind, change.name)),
        );
        if let Some(replay) = &self.replay {
            text.push_str(&replay.text());
        }
        text.push_str(&match (&self.revision, self.dry_run) {
            (_, true) => "dry run: nothing was changed\n".to_owned(),
            (Some(revision), false) if !self.strategy.is_empty() => format!(
                "revision {} goes out by strategy {}; see `countersign rollout status`\n",
                revision.name, self.strategy
            ),
            (Some(revision), false) => format!("revision {} is current\n", revision.name),
            (None, false) => String::new(),
        });
        text
    }
}

impl From<admin::ResourceChange> for Change {
    fn from(change: admin::ResourceChange) -> Self {
        let word = words::change(change.change());
        let resource = change.resource.unwrap_or_default();
        Self {
            kind: resource.kind,
            name: resource.name,
            change: word,
        }
    }
}

/// Who says so: for the history, not for permission.
pub(crate) fn author() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    match user {
        Ok(user) if !user.is_empty() => format!("cli:{user}"),
        _ => "cli".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(severity: Option<admin::Severity>) -> admin::ApplyResponse {
        admin::ApplyResponse {
            diagnostics: severity
                .map(|severity| admin::Diagnostic {
                    severity: severity.into(),
                    rendered: "x".to_owned(),
                    ..admin::Diagnostic::default()
                })
                .into_iter()
                .collect(),
            changes: vec![admin::ResourceChange {
                resource: Some(admin::ResourceRef {
                    kind: "List".to_owned(),
                    name: "offices".to_owned(),
                }),
                change: admin::Change::Updated.into(),
            }],
            differences: Vec::new(),
            strategy: String::new(),
            replay: None,
            revision: Some(admin::RevisionInfo {
                number: 3,
                hash: "abc".to_owned(),
                ..admin::RevisionInfo::default()
            }),
        }
    }

    #[test]
    fn changes_and_the_revision_are_said() {
        let applied = Applied::new(answer(None), false);
        assert_eq!(
            applied.text(false),
            "updated List/offices\nrevision 3-abc is current\n"
        );
    }

    #[test]
    fn an_error_says_that_nothing_was_changed() {
        let applied = Applied::new(answer(Some(admin::Severity::Error)), false);
        assert_eq!(applied.text(false), "nothing was changed: 1 error\n");
    }

    #[test]
    fn a_dry_run_says_so() {
        let applied = Applied::new(answer(Some(admin::Severity::Warning)), true);
        assert!(
            applied
                .text(false)
                .ends_with("dry run: nothing was changed\n")
        );
    }

    #[test]
    fn a_dry_run_shows_what_would_be_another() {
        let mut answer = answer(None);
        answer.differences = vec![admin::ResourceDifference {
            resource: answer.changes[0].resource.clone(),
            change: admin::Change::Updated.into(),
            before: Some("a\n".to_owned()),
            after: Some("b\n".to_owned()),
        }];
        let text = Applied::new(answer, true).text(false);
        assert_eq!(
            text,
            "--- List/offices\tnow\n+++ List/offices\tdry run\n@@ -1 +1 @@\n-a\n+b\n\
             updated List/offices\ndry run: nothing was changed\n"
        );
    }
}
