//! The BLOB of the FIDO metadata service: a JWS whose header brings the chain of its signer (FIDO
//! Metadata Service 3.0, §3.1.7 and §3.2).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::IgnoredAny;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Who signs it. The roots that its certificate leads to vouch for a great many other sites as well.
const SIGNER: &str = "mds.fidoalliance.org";

/// Why a BLOB is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlob {
    /// Nobody said whom to believe.
    #[error(
        "this is a signed BLOB: name the root of its signer with --authenticator-metadata-root"
    )]
    RootMissing,
    /// Not a JWS, or without a chain.
    #[error("this is no BLOB of the metadata service: a JWS with the chain of its signer (`x5c`)")]
    Malformed,
    /// Signed by something else than RS256 or ES256.
    #[error("its algorithm is neither RS256 nor ES256")]
    Algorithm,
    /// The chain.
    #[error("the chain of its signer does not lead to the root, or is not good at this time")]
    Chain,
    /// Somebody else's certificate.
    #[error("it is signed by another than {SIGNER}")]
    Signer,
    /// The signature.
    #[error("its signature does not hold")]
    Signature,
}

/// Three parts of base64url with dots between them; JSON begins otherwise.
pub(super) fn is_blob(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    !matches!(first, Some(b'{' | b'[') | None)
}

/// The payload, if one that leads to a root signed it.
pub(super) fn verified(
    bytes: &[u8],
    roots: &[CertificateDer<'_>],
    now_s: u64,
) -> Result<Vec<u8>, InvalidBlob> {
    if roots.is_empty() {
        return Err(InvalidBlob::RootMissing);
    }
    let token = bytes.trim_ascii();
    let header = decode_header(token).map_err(|_| InvalidBlob::Malformed)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(InvalidBlob::Algorithm);
    }
    let chain = match header.x5c_der() {
        Ok(Some(chain)) => chain,
        _ => return Err(InvalidBlob::Malformed),
    };
    let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
    let (signer, between) = chain.split_first().ok_or(InvalidBlob::Malformed)?;
    check_chain(signer, between, roots, now_s)?;
    let key = key(signer, header.alg)?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<IgnoredAny>(token, &key, &validation).map_err(|_| InvalidBlob::Signature)?;
    let payload = token.split(|byte| *byte == b'.').nth(1);
    let payload = payload.ok_or(InvalidBlob::Malformed)?;
    URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| InvalidBlob::Malformed)
}

fn check_chain(
    signer: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    now_s: u64,
) -> Result<(), InvalidBlob> {
    let anchors = roots
        .iter()
        .map(|root| anchor_from_trusted_cert(root))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| InvalidBlob::Chain)?;
    let signer = EndEntityCert::try_from(signer).map_err(|_| InvalidBlob::Malformed)?;
    // What browsers ask of a site's certificate: the service signs with one.
    let checked = signer.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        between,
        UnixTime::since_unix_epoch(Duration::from_secs(now_s)),
        KeyUsage::server_auth(),
        None,
        None,
    );
    checked.map_err(|_| InvalidBlob::Chain)?;
    let name = ServerName::try_from(SIGNER).map_err(|_| InvalidBlob::Signer)?;
    signer
        .verify_is_valid_for_subject_name(&name)
        .map_err(|_| InvalidBlob::Signer)
}

fn key(signer: &CertificateDer<'_>, algorithm: Algorithm) -> Result<DecodingKey, InvalidBlob> {
    let (_, certificate) = X509Certificate::from_der(signer).map_err(|_| InvalidBlob::Malformed)?;
    let bytes = certificate.public_key().subject_public_key.data.as_ref();
    Ok(match algorithm {
        Algorithm::ES256 => DecodingKey::from_ec_der(bytes),
        _ => DecodingKey::from_rsa_der(bytes),
    })
}

#[cfg(test)]
mod tests;
