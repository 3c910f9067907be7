//! `countersign history`: what was current when, by whom and why.

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// The options of `countersign history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// How many, newest first
    #[arg(long, default_value_t = 20)]
    limit: u32,
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
    let request = admin::ListRevisionsRequest { limit: args.limit };
    let answer = client.list_revisions(request).await?.into_inner();
    let revisions: Vec<_> = answer.revisions.into_iter().map(Revision::from).collect();
    context
        .output
        .print(&revisions, |revisions| table(revisions))?;
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
