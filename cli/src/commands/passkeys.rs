//! `countersign passkeys`: what operators sign in to the dashboard with.

use clap::Subcommand;
use countersign_proto::access::v1 as proto;
use serde::Serialize;

use super::access::role_text;
use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// `countersign passkeys …`
#[derive(Debug, Subcommand)]
pub(crate) enum PasskeysCommand {
    /// Lists passkeys, those that have ended or were removed too
    #[command(after_help = "Examples:
  countersign passkeys list
  countersign passkeys list --output json")]
    List,
    /// Removes a passkey: your own, or as an approver anybody's; who is signed in by it no longer is
    #[command(after_help = "Examples:
  countersign passkeys remove 3fa9c1d2e4b5")]
    Remove {
        /// From the list
        id: String,
    },
}

#[derive(Debug, Serialize)]
struct Passkey {
    id: String,
    name: String,
    identity: String,
    role: &'static str,
    state: &'static str,
    created: Option<String>,
    created_by: String,
    used: Option<String>,
    /// When the token that it comes from ends.
    ends: Option<String>,
    #[serde(skip)]
    used_ms: u64,
    #[serde(skip)]
    ends_ms: u64,
}

impl From<proto::Passkey> for Passkey {
    fn from(it: proto::Passkey) -> Self {
        Self {
            role: role_text(it.role()),
            state: match (it.removed_ms, it.good) {
                (0, true) => "good",
                (0, false) => "ended",
                _ => "removed",
            },
            id: it.id,
            name: it.name,
            identity: it.identity,
            created: output::rfc3339(it.created_ms),
            created_by: it.created_by,
            used: output::rfc3339(it.used_ms),
            ends: output::rfc3339(it.ends_ms),
            used_ms: it.used_ms,
            ends_ms: it.ends_ms,
        }
    }
}

pub(crate) async fn run(
    command: &PasskeysCommand,
    context: &Context,
) -> Result<Outcome, CommandError> {
    let mut client = api::connect_access(&context.control_plane).await?;
    match command {
        PasskeysCommand::List => {
            let answer = client.list_passkeys(proto::ListPasskeysRequest {}).await?;
            let all = answer.into_inner().passkeys.into_iter().map(Passkey::from);
            let all: Vec<_> = all.collect();
            context.output.print(&all, |all| {
                let rows = all.iter().map(|it| {
                    [
                        it.id.clone(),
                        it.identity.clone(),
                        it.name.clone(),
                        it.role.to_owned(),
                        it.state.to_owned(),
                        it.created_by.clone(),
                        output::time(it.ends_ms),
                        output::time(it.used_ms),
                    ]
                });
                let header = ["id", "of", "name", "role", "state", "by", "ends", "used"];
                output::table(
                    header,
                    rows,
                    "nobody has a passkey; one is made in the dashboard, under Passkeys",
                )
            })?;
        }
        PasskeysCommand::Remove { id } => {
            let request = proto::RemovePasskeyRequest { id: id.clone() };
            let answer = client.remove_passkey(request).await?.into_inner();
            let gone = Passkey::from(answer.passkey.unwrap_or_default());
            context.output.print(&gone, |gone| {
                format!(
                    "removed {} ({}) of {}; nobody is signed in by it any more\n",
                    gone.id, gone.name, gone.identity
                )
            })?;
        }
    }
    Ok(Outcome::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_which_passkeys_can_be_signed_in_with() {
        let state = |removed_ms, good| {
            Passkey::from(proto::Passkey {
                removed_ms,
                good,
                ..proto::Passkey::default()
            })
            .state
        };
        assert_eq!(state(0, true), "good");
        assert_eq!(state(0, false), "ended");
        assert_eq!(state(5, false), "removed");
    }
}
