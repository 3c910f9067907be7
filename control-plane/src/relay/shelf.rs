//! What one node accepted last, and what it refused. Pure: the disk is elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use envoy_types::pb::google::protobuf::Any;
use sha2::{Digest as _, Sha256};

use super::limits;

/// SHA-256 of a resource's type and bytes.
pub(crate) type Digest = [u8; 32];

/// A resource as it travels.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) version: String,
    body: Arc<Any>,
    digest: Digest,
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.version == other.version && self.digest == other.digest
    }
}

impl Eq for Resource {}

impl Resource {
    pub(crate) fn new(name: String, version: String, body: Any) -> Self {
        let mut hash = Sha256::new();
        // The type ends where the first zero byte is: a URL has none.
        hash.update(body.type_url.as_bytes());
        hash.update([0]);
        hash.update(&body.value);
        Self {
            name,
            version,
            body: Arc::new(body),
            digest: hash.finalize().into(),
        }
    }

    pub(crate) fn body(&self) -> &Any {
        &self.body
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }
}

/// The last known good resources of one node by name, and the bytes that it refused.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    copies: BTreeMap<String, Resource>,
    refused: VecDeque<(String, Digest, String)>,
}

impl Shelf {
    /// With what was kept before.
    pub(crate) fn new(copies: impl IntoIterator<Item = Resource>) -> Self {
        let named = copies.into_iter().map(|copy| (copy.name.clone(), copy));
        Self {
            copies: named.collect(),
            refused: VecDeque::new(),
        }
    }

    /// What the node accepted last under this name.
    pub(crate) fn copy(&self, name: &str) -> Option<&Resource> {
        self.copies.get(name)
    }

    /// Keeps what the node accepted; false where it was kept already, or there is no room.
    pub(crate) fn keep(&mut self, resource: &Resource) -> bool {
        let full = self.copies.len() >= limits::MAX_RESOURCES;
        match self.copies.get(&resource.name) {
            Some(copy) if copy == resource => return false,
            None if full => return false,
            _ => {}
        }
        self.copies.insert(resource.name.clone(), resource.clone());
        true
    }

    /// Remembers what the node refused. True where it was the copy, which goes.
    pub(crate) fn refuse(&mut self, resource: &Resource, reason: &str) -> bool {
        while self.refused.len() >= limits::MAX_REFUSALS {
            self.refused.pop_front();
        }
        let reason = crate::limits::cut(reason, crate::limits::MAX_REASON_BYTES).to_owned();
        self.refused
            .push_back((resource.name.clone(), resource.digest, reason));
        let copy = self.copies.get(&resource.name);
        let same = copy.is_some_and(|copy| copy.digest == resource.digest);
        if same {
            self.copies.remove(&resource.name);
        }
        same
    }

    /// Why the node refused these very bytes, if it did.
    pub(crate) fn refusal(&self, resource: &Resource) -> Option<&str> {
        self.refused
            .iter()
            .find(|(name, digest, _)| *name == resource.name && *digest == resource.digest)
            .map(|(_, _, reason)| reason.as_str())
    }
}
