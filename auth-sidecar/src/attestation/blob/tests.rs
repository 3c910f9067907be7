use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header, encode};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm, date_time_ymd,
};
use serde_json::{Value, json};

use super::*;

const NOW_S: u64 = 1_800_000_000;

struct Service {
    root: CertificateDer<'static>,
    signer: CertificateDer<'static>,
    key: KeyPair,
    algorithm: Algorithm,
}

fn service(name: &str, algorithm: Algorithm) -> Service {
    let root_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&root_key).unwrap().der().clone();
    let issuer = Issuer::new(params, root_key);
    let kind: &'static SignatureAlgorithm = match algorithm {
        Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
        _ => &PKCS_RSA_SHA256,
    };
    let key = KeyPair::generate_for(kind).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2028, 1, 1);
    let signer = params.signed_by(&key, &issuer).unwrap().der().clone();
    Service {
        root,
        signer,
        key,
        algorithm,
    }
}

impl Service {
    fn blob(&self, payload: &Value) -> Vec<u8> {
        let mut header = Header::new(self.algorithm);
        header.x5c = Some(vec![STANDARD.encode(&self.signer)]);
        let key = match self.algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(&self.key.serialize_der()),
            // PKCS #1 begins where the 26 bytes end that PKCS #8 puts before a key of this length.
            _ => EncodingKey::from_rsa_der(&self.key.serialize_der()[26..]),
        };
        encode(&header, payload, &key).unwrap().into_bytes()
    }

    fn verify(&self, blob: &[u8], now_s: u64) -> Result<Vec<u8>, InvalidBlob> {
        verified(blob, std::slice::from_ref(&self.root), now_s)
    }
}

#[test]
fn a_blob_of_the_service_is_believed_and_gives_its_payload() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let service = service(SIGNER, algorithm);
        let payload = json!({ "no": 3, "entries": [] });
        let mut blob = service.blob(&payload);
        blob.push(b'\n');
        assert!(is_blob(&blob));
        let read = service.verify(&blob, NOW_S).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&read).unwrap(), payload);
    }
    assert!(!is_blob(b" {\"entries\": []}"));
}

#[test]
fn a_blob_of_anybody_else_is_not_believed() {
    let ours = service(SIGNER, Algorithm::ES256);
    let payload = json!({ "entries": [] });
    // Who has a certificate of the same root for a site of their own.
    let neighbour = service("mds.example.com", Algorithm::ES256);
    let blob = neighbour.blob(&payload);
    assert_eq!(neighbour.verify(&blob, NOW_S), Err(InvalidBlob::Signer));
    // Who has none.
    assert_eq!(ours.verify(&blob, NOW_S), Err(InvalidBlob::Chain));
    let other = service(SIGNER, Algorithm::ES256);
    assert_eq!(
        ours.verify(&other.blob(&payload), NOW_S),
        Err(InvalidBlob::Chain)
    );
    // The right chain under something else.
    let forged = Service {
        key: KeyPair::generate().unwrap(),
        root: ours.root.clone(),
        signer: ours.signer.clone(),
        algorithm: Algorithm::ES256,
    };
    assert_eq!(
        ours.verify(&forged.blob(&payload), NOW_S),
        Err(InvalidBlob::Signature)
    );
}

#[test]
fn a_blob_is_not_believed_without_a_root_nor_after_its_signers_time() {
    let service = service(SIGNER, Algorithm::ES256);
    let blob = service.blob(&json!({ "entries": [] }));
    assert_eq!(verified(&blob, &[], NOW_S), Err(InvalidBlob::RootMissing));
    let later_s = NOW_S + 2 * 365 * 24 * 3600;
    assert_eq!(service.verify(&blob, later_s), Err(InvalidBlob::Chain));
    assert_eq!(
        service.verify(b"no.blob.at-all", NOW_S),
        Err(InvalidBlob::Malformed)
    );
    let plain = encode(
        &Header::new(Algorithm::HS256),
        &json!({}),
        &EncodingKey::from_secret(b"anybody knows it, anybody at all"),
    );
    assert_eq!(
        service.verify(plain.unwrap().as_bytes(), NOW_S),
        Err(InvalidBlob::Algorithm)
    );
}
