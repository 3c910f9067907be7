//! `countersign access`: tokens, certificates, the very first one.

mod args;
mod secret;
mod view;

use std::path::Path;

use countersign_proto::access::v1 as proto;
use serde::Serialize;

use super::{CommandError, Context, Outcome};
use crate::contexts::{self, Contexts, Entry};
use crate::private_file::Fresh;
use crate::{api, output};
pub(crate) use args::AccessCommand;
use args::{CertificatesCommand, DAY_MS, Lifetime, RoleWord, TokensCommand};
pub(crate) use secret::TokenError;
use secret::in_file;
pub(super) use secret::{read_stdin, read_token};
pub(super) use view::role_text;
use view::{Certificate, Created, Token, created_text, nodes_text};

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

fn user() -> String {
    std::env::var("USER")
        .ok()
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "admin".to_owned())
}
