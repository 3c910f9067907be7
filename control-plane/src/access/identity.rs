//! Who calls.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::node_binding::NodeBinding;
use super::note::Note;
use super::passkey::PasskeyEntry;
use super::refusal::Refusal;
use super::role::Role;

/// How a caller was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Access is open: anybody is anybody.
    Open,
    /// By a token, named by its id.
    Token(String),
    /// By a passkey, named by its id, with which a browser was signed in.
    Passkey(String),
    /// By a client certificate, through the entry of this id, under the name that was found.
    Certificate(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Passkey(id) => write!(f, "passkey:{id}"),
            Self::Certificate(id) => write!(f, "certificate:{id}"),
        }
    }
}

/// Somebody who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    role: Option<Role>,
    source: Source,
    node: Option<Arc<NodeBinding>>,
}

impl Identity {
    /// Where access is open.
    #[must_use]
    pub fn open() -> Self {
        Self {
            name: String::new(),
            role: None,
            source: Source::Open,
            node: None,
        }
    }

    pub(super) fn new(name: String, role: Role, source: Source) -> Self {
        Self {
            name,
            role: Some(role),
            source,
            node: None,
        }
    }

    /// Whose passkey this is. Whether it is good is another question.
    #[must_use]
    pub fn of_passkey(passkey: &PasskeyEntry) -> Self {
        let source = Source::Passkey(passkey.id.clone());
        Self::new(passkey.identity.clone(), passkey.role, source)
    }

    /// Speaks for these nodes only.
    pub(super) fn bound(self, node: Option<NodeBinding>) -> Self {
        let node = node.map(Arc::new);
        Self { node, ..self }
    }

    /// May it speak for this node?
    ///
    /// # Errors
    /// When it is bound to others.
    pub fn speaks_for(&self, node: &str) -> Result<(), Refusal> {
        match &self.node {
            Some(bound) if !bound.covers(node) => Err(Refusal::OtherNode {
                name: self.name.as_str().into(),
                nodes: Box::new((
                    bound.to_string(),
                    crate::limits::cut(node, crate::limits::MAX_NODE_ID_BYTES)
                        .replace(char::is_control, " "),
                )),
            }),
            _ => Ok(()),
        }
    }

    /// Who it is; two tokens of one name are one person. Empty where access is open.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role; `None` where access is open, and everybody may everything.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// How it was recognised.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Was somebody recognised?
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.role.is_some()
    }
}

/// One call: who, from where, and what the audit log will say of it. Handlers find it among the
/// extensions of their request, gRPC and REST alike.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub identity: Identity,
    /// The peer.
    pub address: Option<IpAddr>,
    /// Names this call in answer, log and audit log.
    pub request_id: Arc<str>,
    /// What the audit log will say of it.
    pub note: Note,
}

impl Caller {
    /// The author of a change: who was recognised. What the client says of itself counts only where
    /// access is open.
    #[must_use]
    pub fn author(&self, said: &str) -> String {
        if self.identity.is_known() {
            self.identity.name.clone()
        } else {
            said.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(identity: Identity) -> Caller {
        Caller {
            identity,
            address: None,
            request_id: Arc::from("r"),
            note: Note::default(),
        }
    }

    #[test]
    fn the_author_is_who_was_recognised_whatever_the_client_says() {
        let ann = Identity::new("ann".into(), Role::Editor, Source::Token("t".into()));
        assert_eq!(caller(ann).author("cli:bob"), "ann");
        assert_eq!(caller(Identity::open()).author("cli:bob"), "cli:bob");
    }
}
