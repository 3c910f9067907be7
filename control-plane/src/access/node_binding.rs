//! The nodes that a token or a certificate speaks for.

use std::fmt;
use std::str::FromStr;

use crate::limits;

/// One node's id, or the beginning of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeBinding {
    id: String,
    /// Whatever follows.
    and_more: bool,
}

/// Text that binds to no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`node` is a node's id, or its beginning with `*` behind it, of 1 to {} bytes on one line",
    limits::MAX_NODE_ID_BYTES
)]
pub struct NoBinding;

impl NodeBinding {
    /// Does it speak for this node?
    #[must_use]
    pub fn covers(&self, node: &str) -> bool {
        if self.and_more {
            node.starts_with(&self.id)
        } else {
            node == self.id
        }
    }
}

impl FromStr for NodeBinding {
    type Err = NoBinding;

    fn from_str(text: &str) -> Result<Self, NoBinding> {
        let (id, and_more) = match text.strip_suffix('*') {
            Some(id) => (id, true),
            None => (text, false),
        };
        let bounded = (1..=limits::MAX_NODE_ID_BYTES).contains(&id.len());
        // A star elsewhere is meant as a pattern, and would be none.
        if !bounded || id.contains('*') || id.chars().any(char::is_control) {
            return Err(NoBinding);
        }
        let id = id.to_owned();
        Ok(Self { id, and_more })
    }
}

impl fmt::Display for NodeBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.and_more { "*" } else { "" };
        write!(f, "{}{star}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_node_and_a_beginning_all_that_begin_so() {
        for (text, node, covers) in [
            ("edge-1", "edge-1", true),
            ("edge-1", "edge-10", false),
            ("edge-1", "Edge-1", false),
            ("edge-*", "edge-1", true),
            ("edge-*", "edge-", true),
            ("edge-*", "edg", false),
            ("edge-*", "", false),
        ] {
            let binding: NodeBinding = text.parse().unwrap();
            assert_eq!(binding.covers(node), covers, "{text} {node}");
            assert_eq!(binding.to_string(), text);
        }
    }

    #[test]
    fn what_binds_to_nothing_or_to_everything_is_refused() {
        let most = "n".repeat(limits::MAX_NODE_ID_BYTES);
        assert!(most.parse::<NodeBinding>().is_ok());
        for text in ["", "*", "a*b", "**", "a\n", &format!("{most}n")] {
            assert_eq!(text.parse::<NodeBinding>(), Err(NoBinding), "{text}");
        }
    }
}
