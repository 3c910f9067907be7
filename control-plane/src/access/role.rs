//! The roles, and what a call asks of them.

use std::fmt;
use std::str::FromStr;

/// What somebody may do. A later one of the first three may do all that an earlier one may; a node
/// stands apart: it is given policies, ticket keys included, and reports, and may ask nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything but the access table's own secrets, which nobody reads.
    Viewer,
    /// Changes resources.
    Editor,
    /// Approves rollouts and gives access.
    Approver,
    /// Envoy, its filter, an auth sidecar.
    Node,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Editor, Self::Approver, Self::Node];

    /// As commands and the store write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Approver => "approver",
            Self::Node => "node",
        }
    }

    /// May who has this role do what needs `needed`?
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        match (self, needed) {
            (Self::Node, needed) => needed == Self::Node,
            (_, Self::Node) => false,
            (has, needed) => has >= needed,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; the roles are viewer, editor, approver and node")]
pub struct NoSuchRole(String);

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| NoSuchRole(text.chars().take(40).collect()))
    }
}

/// What a call asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Open,
    /// Nothing of a peer on this machine, any role of others.
    Local,
    /// Any role.
    Anybody,
    /// This role, or one that covers it.
    Role(Role),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_may_what_a_lower_one_may_and_a_node_stands_apart() {
        use Role::{Approver, Editor, Node, Viewer};
        let may: Vec<_> = Role::ALL
            .into_iter()
            .flat_map(|has| Role::ALL.map(|needs| (has, needs)))
            .filter(|(has, needs)| has.covers(*needs))
            .collect();
        assert_eq!(
            may,
            [
                (Viewer, Viewer),
                (Editor, Viewer),
                (Editor, Editor),
                (Approver, Viewer),
                (Approver, Editor),
                (Approver, Approver),
                (Node, Node),
            ]
        );
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("admin".parse::<Role>().is_err());
        assert!("Viewer".parse::<Role>().is_err());
    }
}
