//! Whose makers are believed: the roots that an attestation has to lead to.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AttestationCaList, AttestationCaListBuilder, AttestationMetadata, AttestedPasskey, Credential,
    Passkey,
};

/// Root certificates of makers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots(AttestationCaList);

/// One of the certificates cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("certificate {number} is no certificate that can be read")]
pub struct UnfitRoot {
    /// Which, beginning at 1.
    pub number: usize,
}

impl Roots {
    /// Certificates in DER. `permitted`: the models (AAGUIDs) that may be vouched for; none named: all.
    ///
    /// # Errors
    /// When one is no certificate.
    pub fn new<'a>(
        certificates: impl IntoIterator<Item = &'a [u8]>,
        permitted: &BTreeSet<Uuid>,
    ) -> Result<Self, UnfitRoot> {
        let mut named = AttestationCaListBuilder::new();
        let mut every = AttestationCaList::default();
        for (index, der) in certificates.into_iter().enumerate() {
            let unfit = |_| UnfitRoot {
                number: index.saturating_add(1),
            };
            if permitted.is_empty() {
                let one = AttestationCaList::try_from(pem(der).as_bytes()).map_err(unfit)?;
                every.union(&one);
            }
            for aaguid in permitted {
                let nobody_reads_it = (String::new(), Default::default());
                let (name, names) = nobody_reads_it;
                named
                    .insert_device_der(der, *aaguid, name, names)
                    .map_err(unfit)?;
            }
        }
        Ok(Self(if permitted.is_empty() {
            every
        } else {
            named.build()
        }))
    }

    pub(crate) fn list(&self) -> &AttestationCaList {
        &self.0
    }

    /// The model that a maker vouches for, by a chain that leads to one of these roots today. The
    /// statement's signature was verified when the credential was registered.
    #[must_use]
    pub fn model_of(&self, passkey: &Passkey) -> Option<Uuid> {
        let credential = Credential::from(passkey.clone());
        let (AttestationMetadata::Packed { aaguid } | AttestationMetadata::Tpm { aaguid, .. }) =
            credential.attestation.metadata
        else {
            return None;
        };
        let attested = AttestedPasskey::from(credential);
        let root = attested.verify_attestation(&self.0).ok()?;
        (root.blanket_allow() || root.aaguids().contains_key(&aaguid)).then_some(aaguid)
    }
}

/// RFC 7468: the library takes certificates without a list of models in this form only.
fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let base64 = STANDARD.encode(der);
    let mut rest = base64.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Maker;

    #[test]
    fn a_root_that_is_none_is_named_by_its_number() {
        let root = Maker::new("A").root_der();
        let none = BTreeSet::new();
        assert!(Roots::new([root.as_slice()], &none).is_ok());
        let unfit = Roots::new([root.as_slice(), b"no certificate"], &none);
        assert_eq!(unfit, Err(UnfitRoot { number: 2 }));
        let named = BTreeSet::from([Uuid::from_bytes([1; 16])]);
        let unfit = Roots::new([b"no certificate".as_slice()], &named);
        assert_eq!(unfit, Err(UnfitRoot { number: 1 }));
    }
}
