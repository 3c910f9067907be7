//! `countersign history`: what was current when, by whom and why.

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::pages::Pages;
use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// The options of `countersign history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// How many at most, newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Those before this number: where a former list ended
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true
    )]
    before: u64,
    /// All of them, page after page
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Revision {
    /// `12-3fa9c1d2e4b5`
    pub(crate) name: String,
    number: u64,
    hash: String,
    time: Option<String>,
    author: String,
    message: String,
    policies: u32,
    /// Not known where they were not kept.
    resources: Option<u32>,
    #[serde(skip)]
    time_ms: u64,
}

pub(crate) async fn run(args: &HistoryArgs, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let mut pages = Pages::begin("revisions", args.all, args.limit);
    let mut before = args.before;
    loop {
        let request = admin::ListRevisionsRequest {
            limit: pages.limit(),
            before,
        };
        let answer = client.list_revisions(request).await?.into_inner();
        before = answer.next_before;
        if !pages.take(answer.revisions, before > 0) {
            break;
        }
    }
    let revisions = pages.end().into_iter().map(Revision::from);
    let revisions: Vec<_> = revisions.collect();
    context.output.print(&revisions, |revisions| {
        let mut text = table(revisions);
        if before > 0 {
            text.push_str(&format!("\nmore with --before {before}\n"));
        }
        text
    })?;
    Ok(Outcome::Fine)
}

impl From<admin::RevisionInfo> for Revision {
    fn from(revision: admin::RevisionInfo) -> Self {
        Self {
            name: format!("{}-{}", revision.number, revision.hash),
            number: revision.number,
            hash: revision.hash,
            time: output::rfc3339(revision.time_ms),
            author: revision.author,
            message: revision.message,
            policies: revision.policies,
            resources: revision.resources,
            time_ms: revision.time_ms,
        }
    }
}

fn table(revisions: &[Revision]) -> String {
    let rows = revisions.iter().map(|revision| {
        [
            revision.name.clone(),
            output::time(revision.time_ms),
            revision.policies.to_string(),
            revision
                .resources
                .map(|resources| resources.to_string())
                .unwrap_or_default(),
            revision.author.clone(),
            revision.message.clone(),
        ]
    });
    output::table(
        ["revision", "time", "policies", "resources", "by", "message"],
        rows,
        "no revision yet; apply resources with `countersign apply -f FILE`",
    )
}
