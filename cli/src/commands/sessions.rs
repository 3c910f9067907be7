//! `countersign sessions`: ending them before their time.

use clap::{Args, Subcommand};
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::apply::author;
use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// `countersign sessions …`
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// Ends a session, or all that a device has earned so far, on every node
    #[command(after_help = "Examples:
  countersign sessions revoke --device DEVICE --message stolen
  countersign sessions revoke --session SESSION

The ids stand in the event of a decision: `countersign events get EVENT-ID`.")]
    Revoke(RevokeArgs),
    /// Lists what was revoked and would not have ended by itself
    #[command(after_help = "Examples:
  countersign sessions revoked
  countersign sessions revoked --output json")]
    Revoked,
    /// Takes a revocation back
    #[command(after_help = "Examples:
  countersign sessions unrevoke 0193a5e2-7d1c-7b3a-9c44-0a1b2c3d4e5f")]
    Unrevoke {
        /// From `countersign sessions revoked`
        id: String,
    },
}

/// The options of `countersign sessions revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The session's id
    #[arg(long, required_unless_present = "device", conflicts_with = "device")]
    session: Option<String>,
    /// The device whose sessions end; it may earn new ones
    #[arg(long)]
    device: Option<String>,
    /// Why
    #[arg(long, short, default_value = "")]
    message: String,
}

#[derive(Debug, Serialize)]
struct Revocation {
    id: String,
    kind: &'static str,
    value: String,
    created: Option<String>,
    expires: Option<String>,
    author: String,
    message: String,
    #[serde(skip)]
    created_ms: u64,
}

#[derive(Debug, Serialize)]
struct Done {
    id: String,
}

pub(crate) async fn run(
    command: &SessionsCommand,
    context: &Context,
) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    match command {
        SessionsCommand::Revoke(args) => {
            let request = admin::RevokeRequest {
                session: args.session.clone().unwrap_or_default(),
                device: args.device.clone().unwrap_or_default(),
                author: author(),
                message: args.message.clone(),
            };
            let answer = client.revoke(request).await?;
            let revocation = Revocation::from(answer.into_inner());
            context.output.print(&revocation, |revocation| {
                format!(
                    "{} `{}` is revoked on every connected node; revocation {}\n",
                    revocation.kind, revocation.value, revocation.id
                )
            })?;
        }
        SessionsCommand::Revoked => {
            let answer = client
                .list_revocations(admin::ListRevocationsRequest {})
                .await?;
            let rows = answer.into_inner().revocations.into_iter();
            let rows: Vec<_> = rows.map(Revocation::from).collect();
            context.output.print(&rows, |rows| table(rows))?;
        }
        SessionsCommand::Unrevoke { id } => {
            let request = admin::UnrevokeRequest {
                id: id.clone(),
                author: author(),
            };
            client.unrevoke(request).await?;
            let done = Done { id: id.clone() };
            context.output.print(&done, |done| {
                format!("revocation {} is taken back\n", done.id)
            })?;
        }
    }
    Ok(Outcome::Fine)
}

impl From<admin::Revocation> for Revocation {
    fn from(it: admin::Revocation) -> Self {
        let (kind, value) = if it.session.is_empty() {
            ("device", it.device)
        } else {
            ("session", it.session)
        };
        Self {
            id: it.id,
            kind,
            value,
            created: output::rfc3339(it.created_ms),
            expires: output::rfc3339(it.expires_ms),
            author: it.author,
            message: it.message,
            created_ms: it.created_ms,
        }
    }
}

fn table(rows: &[Revocation]) -> String {
    let rows = rows.iter().map(|row| {
        [
            row.id.clone(),
            row.kind.to_owned(),
            row.value.clone(),
            output::time(row.created_ms),
            row.author.clone(),
            output::short(&row.message, 60),
        ]
    });
    let header = ["id", "what", "of", "when", "by", "why"];
    output::table(header, rows, "nothing is revoked")
}
