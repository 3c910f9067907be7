//! What `countersign access` takes.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use countersign_proto::access::v1 as proto;

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

pub(super) const DAY_MS: u64 = 24 * 3_600 * 1_000;

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
