//! The filter's module: how nodes come to it.

/// Where a node's Envoy gets the module from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// A file on the node.
    File(String),
    /// From the control plane, by the digest of its bytes.
    Remote {
        /// The address.
        uri: String,
        /// The cluster of the node's Envoy that leads there.
        cluster: String,
        /// SHA-256 of the module, in hexadecimal digits.
        sha256: String,
    },
}

impl Code {
    /// Does the module travel with the policy, so that both fit?
    #[must_use]
    pub const fn travels(&self) -> bool {
        matches!(self, Self::Remote { .. })
    }
}
