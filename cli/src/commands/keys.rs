//! `countersign keys`: the public keys that sessions are verified with.

use clap::Subcommand;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// `countersign keys …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Lists the keys that sessions are verified with
    #[command(after_help = "Examples:
  countersign keys list")]
    List,
    /// Tells every sidecar to make a new key; sessions signed by the former one stay good
    #[command(after_help = "Examples:
  countersign keys rotate")]
    Rotate,
}

#[derive(Debug, Serialize)]
struct Key {
    kid: String,
    sidecar: String,
    registered: Option<String>,
    /// Every connected node holds it: it may sign.
    live: bool,
    #[serde(skip)]
    registered_ms: u64,
}

#[derive(Debug, Serialize)]
struct Rotation {
    request_id: String,
    sidecars: Vec<String>,
}

pub(crate) async fn run(command: &KeysCommand, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    match command {
        KeysCommand::List => {
            let answer = client.list_keys(admin::ListKeysRequest {}).await?;
            let keys = answer.into_inner().keys;
            let keys: Vec<_> = keys.into_iter().map(Key::from).collect();
            context.output.print(&keys, |keys| table(keys))?;
        }
        KeysCommand::Rotate => {
            let answer = client.rotate_keys(admin::RotateKeysRequest {}).await?;
            let admin::RotateKeysResponse {
                request_id,
                sidecars,
            } = answer.into_inner();
            let rotation = Rotation {
                request_id,
                sidecars,
            };
            context.output.print(&rotation, rotation_text)?;
        }
    }
    Ok(Outcome::Fine)
}

impl From<admin::Key> for Key {
    fn from(key: admin::Key) -> Self {
        Self {
            kid: key.kid,
            sidecar: key.sidecar,
            registered: output::rfc3339(key.registered_ms),
            live: key.live,
            registered_ms: key.registered_ms,
        }
    }
}

fn table(keys: &[Key]) -> String {
    let rows = keys.iter().map(|key| {
        [
            key.kid.clone(),
            key.sidecar.clone(),
            output::time(key.registered_ms),
            if key.live { "live" } else { "on its way" }.to_owned(),
        ]
    });
    output::table(
        ["kid", "sidecar", "registered", "state"],
        rows,
        "no sidecar has registered a key yet",
    )
}

fn rotation_text(rotation: &Rotation) -> String {
    match rotation.sidecars.as_slice() {
        [] => "no sidecar is connected: nobody was told to rotate\n".to_owned(),
        sidecars => format!(
            "told to rotate: {}; `countersign keys list` shows the new keys once the nodes hold them\n",
            sidecars.join(", ")
        ),
    }
}
