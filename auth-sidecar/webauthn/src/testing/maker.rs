//! A maker of authenticators, and the statements that its authenticators make.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use uuid::Uuid;

/// A maker's root certificate and its key.
pub struct Maker {
    root: Vec<u8>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Maker {
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{name} attestation root"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).unwrap();
        Self {
            root: root.der().to_vec(),
            pem: root.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.clone()
    }

    #[must_use]
    pub fn root_pem(&self) -> String {
        self.pem.clone()
    }

    /// What an authenticator of that model says (WebAuthn, §8.2.1).
    #[must_use]
    pub fn statement(&self, model: Uuid) -> Statement {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, "SE");
        name.push(DnType::OrganizationName, "Maker");
        name.push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        name.push(DnType::CommonName, "A batch of authenticators");
        params.distinguished_name = name;
        params.is_ca = IsCa::ExplicitNoCa;
        let mut octets = vec![0x04, 0x10];
        octets.extend_from_slice(model.as_bytes());
        // id-fido-gen-ce-aaguid
        let oid = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
        params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, octets)];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der());
        Statement::Batch {
            certificate: certificate.der().to_vec(),
            key: Box::new(key.unwrap()),
        }
    }
}

/// Who signs what an authenticator says of itself.
pub enum Statement {
    /// Nobody.
    None,
    /// The new credential.
    Own,
    /// A key of the maker.
    Batch {
        certificate: Vec<u8>,
        key: Box<EcdsaKeyPair>,
    },
}

impl Statement {
    /// The `attStmt` of the format `packed`, in CBOR.
    pub(super) fn packed(&self, own: &EcdsaKeyPair, signed: &[u8]) -> Vec<u8> {
        let (key, certificate) = match self {
            Self::None => panic!("there is no statement"),
            Self::Own => (own, None),
            Self::Batch { certificate, key } => (key.as_ref(), Some(certificate)),
        };
        let signature = key.sign(&SystemRandom::new(), signed).unwrap();
        let mut map = vec![if certificate.is_some() { 0xa3 } else { 0xa2 }];
        map.extend_from_slice(b"\x63alg\x26\x63sig\x58");
        map.push(u8::try_from(signature.as_ref().len()).unwrap());
        map.extend_from_slice(signature.as_ref());
        if let Some(certificate) = certificate {
            map.extend_from_slice(b"\x63x5c\x81\x59");
            let length = u16::try_from(certificate.len()).unwrap();
            map.extend_from_slice(&length.to_be_bytes());
            map.extend_from_slice(certificate);
        }
        map
    }
}
