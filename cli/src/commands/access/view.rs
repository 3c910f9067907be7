//! Tokens and certificates as they are shown; a secret never is.

use std::path::PathBuf;

use countersign_proto::access::v1 as proto;
use serde::Serialize;

use crate::output;

#[derive(Debug, Serialize)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: &'static str,
    /// The node id or its beginning; none = every node.
    pub(super) nodes: Option<String>,
    pub(super) state: &'static str,
    pub(super) created: Option<String>,
    pub(super) created_by: String,
    pub(super) expires: Option<String>,
    pub(super) used: Option<String>,
    #[serde(skip)]
    pub(super) expires_ms: u64,
    #[serde(skip)]
    pub(super) used_ms: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Created {
    #[serde(flatten)]
    pub(super) token: Token,
    /// Where it is.
    pub(super) file: PathBuf,
}

#[derive(Debug, Serialize)]
pub(super) struct Certificate {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: &'static str,
    /// The node id or its beginning; none = every node.
    pub(super) nodes: Option<String>,
    pub(super) created: Option<String>,
    pub(super) created_by: String,
    #[serde(skip)]
    pub(super) created_ms: u64,
}

pub(in crate::commands) fn role_text(role: proto::Role) -> &'static str {
    match role {
        proto::Role::Unspecified => "",
        proto::Role::Viewer => "viewer",
        proto::Role::Editor => "editor",
        proto::Role::Approver => "approver",
        proto::Role::Node => "node",
    }
}

fn bound(node: String) -> Option<String> {
    (!node.is_empty()).then_some(node)
}

/// What stands in a table: only what speaks for nodes speaks for some, or for all.
pub(super) fn nodes_text(role: &str, nodes: Option<&str>) -> String {
    match nodes {
        Some(nodes) => nodes.to_owned(),
        None if role == role_text(proto::Role::Node) => "all".to_owned(),
        None => String::new(),
    }
}

impl Token {
    pub(super) fn new(token: proto::Token, now: u64) -> Self {
        Self {
            role: role_text(token.role()),
            state: if token.revoked_ms > 0 {
                "revoked"
            } else if token.expires_ms > 0 && token.expires_ms <= now {
                "expired"
            } else {
                "good"
            },
            nodes: bound(token.node),
            id: token.id,
            name: token.name,
            created: output::rfc3339(token.created_ms),
            created_by: token.created_by,
            expires: output::rfc3339(token.expires_ms),
            used: output::rfc3339(token.used_ms),
            expires_ms: token.expires_ms,
            used_ms: token.used_ms,
        }
    }
}

impl From<proto::Certificate> for Certificate {
    fn from(it: proto::Certificate) -> Self {
        Self {
            role: role_text(it.role()),
            nodes: bound(it.node),
            id: it.id,
            name: it.name,
            created: output::rfc3339(it.created_ms),
            created_by: it.created_by,
            created_ms: it.created_ms,
        }
    }
}

pub(super) fn created_text(created: &Created) -> String {
    let Token { id, name, role, .. } = &created.token;
    let end = match created.token.expires_ms {
        0 => "does not end by itself".to_owned(),
        ms => format!("ends at {}", output::time(ms)),
    };
    let file = created.file.display();
    format!("token {id} of {name}, {role}, is in {file} and nowhere else; it {end}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_for_which_nodes_something_speaks() {
        let token = |role: proto::Role, node: &str| {
            let token = proto::Token {
                role: role.into(),
                node: node.into(),
                ..proto::Token::default()
            };
            let token = Token::new(token, 0);
            nodes_text(token.role, token.nodes.as_deref())
        };
        assert_eq!(token(proto::Role::Node, "edge-*"), "edge-*");
        assert_eq!(token(proto::Role::Node, ""), "all");
        assert_eq!(token(proto::Role::Viewer, ""), "");
        let certificate = Certificate::from(proto::Certificate {
            node: "edge-1".into(),
            ..proto::Certificate::default()
        });
        assert_eq!(certificate.nodes.as_deref(), Some("edge-1"));
    }
}
