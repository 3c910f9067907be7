//! `countersign audit`: who did what, and who tried.

use clap::{Args, ValueEnum};
use countersign_proto::access::v1 as proto;
use serde::Serialize;

use super::pages::Pages;
use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// Characters of a cell that can name many things: a line is to be read, not to be wrapped.
const WIDEST: usize = 60;

/// The options of `countersign audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// By this person or program
    #[arg(long, default_value = "")]
    identity: String,
    /// This call, for example `/countersign.admin.v1.AdminService/Apply`
    #[arg(long, default_value = "")]
    action: String,
    /// How it ended
    #[arg(long, value_enum)]
    outcome: Option<OutcomeWord>,
    /// How many at most, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Go on where a former list ended
    #[arg(long, default_value = "")]
    cursor: String,
    /// All of them, page after page
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// `--outcome`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OutcomeWord {
    Done,
    Failed,
    Refused,
}

#[derive(Debug, Serialize)]
struct Entries {
    entries: Vec<Entry>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_cursor: String,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    time: Option<String>,
    identity: String,
    source: String,
    address: String,
    action: String,
    object: String,
    outcome: String,
    detail: String,
    revision: String,
    request_id: String,
    #[serde(skip)]
    time_ms: u64,
}

pub(crate) async fn run(args: &AuditArgs, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect_access(&context.control_plane).await?;
    let mut pages = Pages::begin("entries", args.all, args.limit);
    let mut request = proto::ListAuditRequest {
        identity: args.identity.clone(),
        action: args.action.clone(),
        outcome: match args.outcome {
            None => "",
            Some(OutcomeWord::Done) => "done",
            Some(OutcomeWord::Failed) => "failed",
            Some(OutcomeWord::Refused) => "refused",
        }
        .to_owned(),
        limit: pages.limit(),
        cursor: args.cursor.clone(),
        ..proto::ListAuditRequest::default()
    };
    loop {
        let answer = client.list_audit(request.clone()).await?.into_inner();
        request.cursor = answer.next_cursor;
        if !pages.take(answer.entries, !request.cursor.is_empty()) {
            break;
        }
    }
    let entries = Entries {
        entries: pages.end().into_iter().map(Entry::from).collect(),
        next_cursor: request.cursor,
    };
    context.output.print(&entries, table)?;
    Ok(Outcome::Fine)
}

impl From<proto::AuditEntry> for Entry {
    fn from(it: proto::AuditEntry) -> Self {
        Self {
            id: it.id,
            time: output::rfc3339(it.time_ms),
            identity: it.identity,
            source: it.source,
            address: it.address,
            action: it.action,
            object: it.object,
            outcome: it.outcome,
            detail: it.detail,
            revision: it.revision,
            request_id: it.request_id,
            time_ms: it.time_ms,
        }
    }
}

fn table(entries: &Entries) -> String {
    let rows = entries.entries.iter().map(|entry| {
        // The service's name is the same in nearly every line.
        let action = match entry.action.rsplit_once('/') {
            Some((service, method)) if service.starts_with("/countersign.") => method,
            _ => &entry.action,
        };
        [
            output::time(entry.time_ms),
            entry.identity.clone(),
            entry.address.clone(),
            action.to_owned(),
            entry.outcome.clone(),
            output::short(&entry.object, WIDEST),
            entry.revision.clone(),
            output::short(&entry.detail, WIDEST),
        ]
    });
    let header = [
        "time", "who", "from", "what", "outcome", "on", "revision", "why",
    ];
    let mut text = output::table(header, rows, "nothing was done yet");
    if !entries.next_cursor.is_empty() {
        text.push_str(&format!("\nmore with --cursor {}\n", entries.next_cursor));
    }
    text
}
