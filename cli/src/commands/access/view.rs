//! Tokens and certificates as they are shown; a secret is shown once.

use std::path::PathBuf;

use countersign_proto::access::v1 as proto;
use serde::Serialize;

use crate::output;

#[derive(Debug, Serialize)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: &'static str,
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
    /// Where it is, unless it is shown here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Certificate {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) created: Option<String>,
    pub(super) created_by: String,
    #[serde(skip)]
    pub(super) created_ms: u64,
}

pub(super) fn role_text(role: proto::Role) -> &'static str {
    match role {
        proto::Role::Unspecified => "",
        proto::Role::Viewer => "viewer",
        proto::Role::Editor => "editor",
        proto::Role::Approver => "approver",
        proto::Role::Node => "node",
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
    match (&created.secret, &created.file) {
        (Some(secret), _) => format!(
            "{secret}\n\ntoken {id} of {name}, {role}; it {end}. It is shown this once and kept nowhere.\n"
        ),
        (None, Some(path)) => format!(
            "token {id} of {name}, {role}, is in {}; it {end}\n",
            path.display()
        ),
        (None, None) => String::new(),
    }
}
