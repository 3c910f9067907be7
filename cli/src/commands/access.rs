//! `countersign access`: tokens, certificates, the very first one.

mod secret;
mod view;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use countersign_proto::access::v1 as proto;
use serde::Serialize;

use super::{CommandError, Context, Outcome};
use crate::contexts::{self, Contexts, Entry};
use crate::private_file::Fresh;
use crate::{api, output};
pub(crate) use secret::TokenError;
use secret::in_file;
pub(super) use secret::{read_stdin, read_token};
pub(super) use view::role_text;
use view::{Certificate, Created, Token, created_text, nodes_text};

/// `countersign access …`
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Exchanges the one-time token of a control plane's first start for an approver's token, and keeps
    /// that in the context file
    #[command(after_help = "Examples:
  countersign access bootstrap --bootstrap-token-file bootstrap.token
  countersign access bootstrap --name ann --save-as prod --control-plane https://cp.example.com:18000 --ca ca.crt")]
    Bootstrap {
        /// Whose the token is [default: who runs this]
        #[arg(long)]
        name: Option<String>,
        /// Where the one-time token is; without it, it is read from standard input
        #[arg(long, value_name = "PATH")]
        bootstrap_token_file: Option<PathBuf>,
        /// The context that keeps the new token
        #[arg(long, value_name = "NAME", default_value = "default")]
        save_as: String,
    },
    /// Makes, lists and revokes tokens
    #[command(
        subcommand,
        after_help = "Examples:
  countersign access tokens create ci --role editor --expires 90d --token-out ci.token
  countersign access tokens list"
    )]
    Tokens(TokensCommand),
    /// Gives client certificates a role by their names
    #[command(
        subcommand,
        after_help = "Examples:
  countersign access certificates add dns:ops.example.com --role viewer
  countersign access certificates list"
    )]
    Certificates(CertificatesCommand),
    /// Shows who the control plane takes you for
    #[command(after_help = "Examples:
  countersign access whoami
  countersign access whoami --context prod")]
    Whoami,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Makes a token and writes it to a file that only its owner may read; it is never shown
    #[command(after_help = "Examples:
  countersign access tokens create ann --role approver
  countersign access tokens create ci --role editor --expires 90d --token-out ci.token
  countersign access tokens create edge --role node --node 'edge-*'")]
    Create {
        /// Whose it is: the author of what is done with it
        name: String,
        /// What it lets do
        #[arg(long, value_enum)]
        role: RoleWord,
        /// The node id that it speaks for, or its beginning with `*` behind it; others are refused [default:
        /// every node]
        #[arg(long, value_name = "ID")]
        node: Option<String>,
        /// When it ends: `90d`, `12h`, `never` [default: 90d, for a node never]
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<Lifetime>,
        /// The file [default: NAME.token here, which must not be there yet]
        #[arg(long, value_name = "PATH")]
        token_out: Option<PathBuf>,
    },
    /// Lists tokens, ended ones too; none of them is shown
    #[command(after_help = "Examples:
  countersign access tokens list
  countersign access tokens list --output json")]
    List,
    /// Takes a token back; what it has open ends
    #[command(after_help = "Examples:
  countersign access tokens revoke 3fa9c1d2e4b5")]
    Revoke {
        /// From the list
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertificatesCommand {
    /// Gives certificates of a name a role
    #[command(after_help = "Examples:
  countersign access certificates add 'uri:spiffe://example.com/edge/*' --role node
  countersign access certificates add dns:ops.example.com --role viewer")]
    Add {
        /// `uri:spiffe://example.com/edge/*`, `dns:ops.example.com`, `subject:CN=ann, O=Example`
        name: String,
        /// What they let do
        #[arg(long, value_enum)]
        role: RoleWord,
        /// The node id that they speak for, or its beginning with `*` behind it; others are refused
        /// [default: every node]
        #[arg(long, value_name = "ID")]
        node: Option<String>,
    },
    /// Lists the names that have a role
    #[command(after_help = "Examples:
  countersign access certificates list")]
    List,
    /// Takes the role back; what such certificates have open ends
    #[command(after_help = "Examples:
  countersign access certificates remove 3fa9c1d2e4b5")]
    Remove {
        /// From the list
        id: String,
    },
}

/// `--role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    Viewer,
    Editor,
    Approver,
    Node,
}

/// `--expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Never,
    Ms(u64),
}

#[derive(Debug, Serialize)]
struct WhoAmI {
    name: String,
    role: &'static str,
    source: String,
}

pub(crate) async fn run(
    command: &AccessCommand,
    context: &Context,
    now: u64,
) -> Result<Outcome, CommandError> {
    match command {
        AccessCommand::Bootstrap {
            name,
            bootstrap_token_file,
            save_as,
        } => {
            let name = name.clone().unwrap_or_else(user);
            bootstrap(&name, bootstrap_token_file.as_deref(), save_as, context).await?;
        }
        AccessCommand::Tokens(command) => tokens(command, context, now).await?,
        AccessCommand::Certificates(command) => certificates(command, context).await?,
        AccessCommand::Whoami => {
            let mut client = api::connect_access(&context.control_plane).await?;
            let answer = client.who_am_i(proto::WhoAmIRequest {}).await?.into_inner();
            let role = role_text(answer.role());
            let who = WhoAmI {
                name: answer.name,
                role,
                source: answer.source,
            };
            context
                .output
                .print(&who, |who| match who.source.as_str() {
                    "open" => "access is open here: everybody may everything\n".to_owned(),
                    source => format!("{}, {} ({source})\n", who.name, who.role),
                })?;
        }
    }
    Ok(Outcome::Fine)
}

async fn bootstrap(
    name: &str,
    file: Option<&Path>,
    save_as: &str,
    context: &Context,
) -> Result<(), CommandError> {
    let once = match file {
        Some(path) => read_token(path)?,
        None => read_stdin("the one-time token, as the control plane printed it: ")?,
    };
    // Where the token will be kept has to be known before it is made: it is told once.
    let path = contexts::path()?;
    let resolved = context
        .control_plane
        .resolve()
        .map_err(api::ApiError::from)?;
    let mut client = api::connect_access(&context.control_plane).await?;
    let request = proto::BootstrapRequest {
        token: once,
        name: name.to_owned(),
    };
    let made = client.bootstrap(request).await?.into_inner();
    let (certificate, key) = resolved.tls.identity.unzip();
    let entry = Entry {
        name: save_as.to_owned(),
        control_plane: resolved.address,
        token: Some(made.secret),
        token_file: None,
        ca: resolved.tls.ca,
        certificate,
        key,
    };
    Contexts::change(&path, |contexts| {
        contexts.set(entry)?;
        contexts.current.get_or_insert_with(|| save_as.to_owned());
        Ok(())
    })?;
    let token = Token::new(made.token.unwrap_or_default(), 0);
    context.output.print(&token, |token| {
        format!(
            "{} is an approver now; the token is in context `{save_as}` ({})\n",
            token.name,
            path.display()
        )
    })?;
    Ok(())
}

async fn tokens(command: &TokensCommand, context: &Context, now: u64) -> Result<(), CommandError> {
    let mut client = api::connect_access(&context.control_plane).await?;
    match command {
        TokensCommand::Create {
            name,
            role,
            expires,
            token_out,
            node,
        } => {
            let lifetime = expires.unwrap_or(match role {
                // Its end would be an outage of everything that is sent to the node.
                RoleWord::Node => Lifetime::Never,
                _ => Lifetime::Ms(90 * DAY_MS),
            });
            let request = proto::CreateTokenRequest {
                node: node.clone().unwrap_or_default(),
                name: name.clone(),
                role: proto::Role::from(*role).into(),
                expires_ms: match lifetime {
                    Lifetime::Never => 0,
                    Lifetime::Ms(ms) => now.saturating_add(ms),
                },
            };
            let path = match token_out {
                Some(path) => path.clone(),
                None => secret::own_file(name)?,
            };
            // It is told once: where it will be has to be sure before it is made.
            let file = Fresh::begin(&path).map_err(in_file(&path))?;
            let made = client.create_token(request).await?.into_inner();
            let text = format!("{}\n", made.secret);
            file.finish(text.as_bytes()).map_err(in_file(&path))?;
            let created = Created {
                token: Token::new(made.token.unwrap_or_default(), now),
                file: path,
            };
            context.output.print(&created, created_text)?;
        }
        TokensCommand::List => {
            let answer = client.list_tokens(proto::ListTokensRequest {}).await?;
            let tokens = answer.into_inner().tokens.into_iter();
            let tokens: Vec<_> = tokens.map(|token| Token::new(token, now)).collect();
            context.output.print(&tokens, |tokens| {
                let rows = tokens.iter().map(|token| {
                    [
                        token.id.clone(),
                        token.name.clone(),
                        token.role.to_owned(),
                        nodes_text(token.role, token.nodes.as_deref()),
                        token.state.to_owned(),
                        token.created_by.clone(),
                        output::time(token.expires_ms),
                        output::time(token.used_ms),
                    ]
                });
                let header = [
                    "id", "name", "role", "nodes", "state", "by", "expires", "used",
                ];
                output::table(header, rows, "nobody has a token")
            })?;
        }
        TokensCommand::Revoke { id } => {
            let request = proto::RevokeTokenRequest { id: id.clone() };
            let answer = client.revoke_token(request).await?.into_inner();
            let token = Token::new(answer.token.unwrap_or_default(), now);
            context.output.print(&token, |token| {
                format!("revoked {} of {} ({})\n", token.id, token.name, token.role)
            })?;
        }
    }
    Ok(())
}

async fn certificates(
    command: &CertificatesCommand,
    context: &Context,
) -> Result<(), CommandError> {
    let mut client = api::connect_access(&context.control_plane).await?;
    match command {
        CertificatesCommand::Add { name, role, node } => {
            let request = proto::AddCertificateRequest {
                node: node.clone().unwrap_or_default(),
                name: name.clone(),
                role: proto::Role::from(*role).into(),
            };
            let answer = client.add_certificate(request).await?.into_inner();
            let added = Certificate::from(answer.certificate.unwrap_or_default());
            context.output.print(&added, |added| {
                format!(
                    "{} has the role {} ({})\n",
                    added.name, added.role, added.id
                )
            })?;
        }
        CertificatesCommand::List => {
            let request = proto::ListCertificatesRequest {};
            let answer = client.list_certificates(request).await?.into_inner();
            let all = answer.certificates.into_iter().map(Certificate::from);
            let all: Vec<_> = all.collect();
            context.output.print(&all, |all| {
                let rows = all.iter().map(|it| {
                    [
                        it.id.clone(),
                        it.name.clone(),
                        it.role.to_owned(),
                        nodes_text(it.role, it.nodes.as_deref()),
                        it.created_by.clone(),
                        output::time(it.created_ms),
                    ]
                });
                let header = ["id", "name", "role", "nodes", "by", "created"];
                output::table(header, rows, "no certificate has a role")
            })?;
        }
        CertificatesCommand::Remove { id } => {
            let request = proto::RemoveCertificateRequest { id: id.clone() };
            let answer = client.remove_certificate(request).await?.into_inner();
            let gone = Certificate::from(answer.certificate.unwrap_or_default());
            context.output.print(&gone, |gone| {
                format!("{} has no role any more\n", gone.name)
            })?;
        }
    }
    Ok(())
}

const DAY_MS: u64 = 24 * 3_600 * 1_000;

fn lifetime(text: &str) -> Result<Lifetime, &'static str> {
    const WANTED: &str = "a time like `90d`, `12h` or `30m`, or `never`";
    if text == "never" {
        return Ok(Lifetime::Never);
    }
    let mut chars = text.chars();
    let unit = match chars.next_back() {
        Some('d') => DAY_MS,
        Some('h') => 3_600_000,
        Some('m') => 60_000,
        _ => return Err(WANTED),
    };
    let number: u64 = chars.as_str().parse().map_err(|_| WANTED)?;
    match number.checked_mul(unit) {
        Some(ms) if ms > 0 => Ok(Lifetime::Ms(ms)),
        _ => Err(WANTED),
    }
}

fn user() -> String {
    std::env::var("USER")
        .ok()
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "admin".to_owned())
}

impl From<RoleWord> for proto::Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Editor => Self::Editor,
            RoleWord::Approver => Self::Approver,
            RoleWord::Node => Self::Node,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_with_a_unit_or_never() {
        for (text, read) in [
            ("90d", Lifetime::Ms(90 * DAY_MS)),
            ("12h", Lifetime::Ms(12 * 3_600_000)),
            ("1m", Lifetime::Ms(60_000)),
            ("never", Lifetime::Never),
        ] {
            assert_eq!(lifetime(text), Ok(read), "{text}");
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "1.5h",
            "90",
            "1y",
            "99999999999999999999d",
            "é",
        ] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}
