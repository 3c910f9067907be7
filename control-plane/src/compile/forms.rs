//! The forms that a set compiles to: one of everything, and one for each gateway.

use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// The compiled forms of a set, as bodies ([`countersign_engine::form`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    /// What a node runs that is no gateway.
    pub everything: Vec<u8>,
    /// By name.
    pub gateways: Vec<GatewayForm>,
}

/// The form of a gateway.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GatewayForm {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Which nodes are it, see [`crate::nodes::Selector`]; empty = who asks for it by name.
    #[prost(string, tag = "2")]
    pub nodes: String,
    /// The body.
    #[prost(bytes = "vec", tag = "3")]
    pub body: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(bytes = "vec", tag = "1")]
    everything: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    gateways: Vec<GatewayForm>,
}

/// What several forms begin with in the store. A body begins with its number of sections, which is not
/// so large.
const MAGIC: &[u8; 4] = b"CSGF";

/// Stored bytes that are no forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored forms cannot be read")]
pub struct NoForms;

impl Forms {
    /// As they are stored: the body alone where there is one.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.gateways.is_empty() {
            return self.everything.clone();
        }
        let stored = Stored {
            everything: self.everything.clone(),
            gateways: self.gateways.clone(),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(stored.encode_to_vec());
        bytes
    }

    /// As they were stored.
    ///
    /// # Errors
    /// When the bytes are none of ours. The bodies are not looked at.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoForms> {
        let Some(stored) = bytes.strip_prefix(MAGIC) else {
            return Ok(Self {
                everything: bytes.to_vec(),
                gateways: Vec::new(),
            });
        };
        let stored = Stored::decode(stored).map_err(|_| NoForms)?;
        Ok(Self {
            everything: stored.everything,
            gateways: stored.gateways,
        })
    }

    /// Bytes of all bodies.
    #[must_use]
    pub fn size(&self) -> usize {
        let gateways = self.gateways.iter().map(|gateway| gateway.body.len());
        gateways.fold(self.everything.len(), usize::saturating_add)
    }

    /// The first 12 hexadecimal digits of the SHA-256 of everything that nodes can tell apart.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(&self.everything);
        for gateway in &self.gateways {
            for part in [
                gateway.name.as_bytes(),
                gateway.nodes.as_bytes(),
                &gateway.body,
            ] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        let digest = digest.finalize();
        let digits = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
        digits.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(gateways: &[(&str, &str, &[u8])]) -> Forms {
        let gateway = |&(name, nodes, body): &(&str, &str, &[u8])| GatewayForm {
            name: name.to_owned(),
            nodes: nodes.to_owned(),
            body: body.to_vec(),
        };
        Forms {
            everything: vec![18, 0, 0, 0, 7],
            gateways: gateways.iter().map(gateway).collect(),
        }
    }

    #[test]
    fn forms_come_back_from_the_store() {
        for forms in [forms(&[]), forms(&[("a", "", &[1, 2]), ("b", "true", &[])])] {
            assert_eq!(Forms::from_bytes(&forms.to_bytes()), Ok(forms));
        }
        assert_eq!(Forms::from_bytes(b"CSGF\xff\xff"), Err(NoForms));
    }

    #[test]
    fn a_set_without_gateways_is_stored_and_named_as_ever() {
        let forms = forms(&[]);
        assert_eq!(forms.to_bytes(), forms.everything);
        let digest = Sha256::digest(&forms.everything);
        assert!(
            forms
                .hash()
                .starts_with(&format!("{:02x}{:02x}", digest[0], digest[1]))
        );
    }

    #[test]
    fn whatever_nodes_can_tell_apart_has_another_hash() {
        let all = [
            forms(&[]),
            forms(&[("a", "", &[])]),
            forms(&[("a", "b", &[])]),
            forms(&[("ab", "", &[])]),
            forms(&[("a", "", b"b")]),
            forms(&[("a", "", &[]), ("b", "", &[])]),
        ];
        let mut hashes: Vec<String> = all.iter().map(Forms::hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all.len());
    }
}
