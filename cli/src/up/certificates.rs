//! A local certificate authority and the certificate of Envoy's https listener: made once, used again
//! at each start, renewed before they end.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _,
};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::private_file;

/// The names that the demo answers to; `shop.test` for those who map it to 127.0.0.1.
const NAMES: [&str; 5] = ["localhost", "*.localhost", "shop.test", "127.0.0.1", "::1"];

/// Long enough that an imported authority is not a monthly chore.
const CA_LIFETIME: Duration = Duration::days(730);

/// Browsers refuse leaf certificates of more than 398 days; a short life costs nothing here.
const LEAF_LIFETIME: Duration = Duration::days(90);

/// A certificate with less than this left is replaced at the next start.
const LEAF_RENEWAL: Duration = Duration::days(30);

/// An authority must outlive the leaves it signs.
const CA_RENEWAL: Duration = Duration::days(120);

/// Clocks differ: a certificate is good from an hour before it was made.
const BACKDATING: Duration = Duration::hours(1);

/// Where the certificates are, and what a browser needs to be told about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificates {
    /// The authority's certificate, for `curl --cacert` and a browser's store.
    pub(crate) ca: PathBuf,
    /// The https listener's certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// Base64 of SHA-256 over the listener's public key, as Chromium's
    /// `--ignore-certificate-errors-spki-list` takes it.
    pub(crate) spki_sha256: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// Reading or writing a file.
    #[error("cannot use `{}`: {source}; give a directory that can be written with `--state-dir`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Making a key or a certificate.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// Makes what is missing or about to end in `dir`, keeps the rest.
pub(crate) fn ensure(dir: &Path, now: OffsetDateTime) -> Result<Certificates, CertificateError> {
    let ca_path = dir.join("ca.crt");
    let ca_key_path = dir.join("ca.key");
    let leaf_path = dir.join("server.crt");
    let leaf_key_path = dir.join("server.key");
    private_file::directory(dir).map_err(|source| CertificateError::File {
        path: dir.to_owned(),
        source,
    })?;

    let found = Pair::read(&ca_path, &ca_key_path).filter(|ca| ca.lasts(now, CA_RENEWAL));
    let (ca, ca_is_new) = match found {
        Some(ca) => (ca, false),
        None => (make_authority(now)?, true),
    };
    let leaf = Pair::read(&leaf_path, &leaf_key_path).filter(|leaf| {
        !ca_is_new && leaf.lasts(now, LEAF_RENEWAL) && leaf.names() == wanted_names()
    });
    let (leaf, leaf_is_new) = match leaf {
        Some(leaf) => (leaf, false),
        None => (make_leaf(&ca, now)?, true),
    };

    if ca_is_new {
        ca.write(&ca_path, &ca_key_path)?;
    }
    if leaf_is_new {
        leaf.write(&leaf_path, &leaf_key_path)?;
    }
    Ok(Certificates {
        ca: ca_path,
        certificate: leaf_path,
        key: leaf_key_path,
        spki_sha256: base64::engine::general_purpose::STANDARD
            .encode(Sha256::digest(leaf.key.subject_public_key_info())),
    })
}

/// A certificate and the key that belongs to it.
struct Pair {
    pem: String,
    key: KeyPair,
}

impl Pair {
    /// `None` for what is missing, damaged or does not belong together: it is made anew.
    fn read(certificate: &Path, key: &Path) -> Option<Self> {
        let pem = std::fs::read_to_string(certificate).ok()?;
        let key = KeyPair::from_pem(&std::fs::read_to_string(key).ok()?).ok()?;
        let belongs = with_certificate(&pem, |certificate| {
            certificate.public_key().raw == key.subject_public_key_info().as_slice()
        });
        (belongs == Some(true)).then_some(Self { pem, key })
    }

    fn lasts(&self, now: OffsetDateTime, at_least: Duration) -> bool {
        with_certificate(&self.pem, |certificate| {
            let validity = certificate.validity();
            validity.not_before.timestamp() <= now.unix_timestamp()
                && validity.not_after.timestamp() >= (now + at_least).unix_timestamp()
        })
        .unwrap_or(false)
    }

    fn names(&self) -> Vec<String> {
        let mut names = with_certificate(&self.pem, |certificate| {
            let names = certificate.subject_alternative_name().ok().flatten();
            names.map_or_else(Vec::new, |names| {
                names.value.general_names.iter().map(name_text).collect()
            })
        })
        .unwrap_or_default();
        names.sort();
        names
    }

    fn write(&self, certificate: &Path, key: &Path) -> Result<(), CertificateError> {
        // The key first: a certificate without its key is replaced at the next start, a key without
        // its certificate as well, and neither is ever served with a stranger.
        for (path, text) in [
            (key, self.key.serialize_pem()),
            (certificate, self.pem.clone()),
        ] {
            private_file::write(path, text.as_bytes()).map_err(|source| {
                CertificateError::File {
                    path: path.to_owned(),
                    source,
                }
            })?;
        }
        Ok(())
    }
}

fn make_authority(now: OffsetDateTime) -> Result<Pair, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    let name = "Countersign local authority";
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - BACKDATING;
    params.not_after = now + CA_LIFETIME;
    let pem = params.self_signed(&key)?.pem();
    Ok(Pair { pem, key })
}

fn make_leaf(ca: &Pair, now: OffsetDateTime) -> Result<Pair, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - BACKDATING;
    params.not_after = now + LEAF_LIFETIME;
    let issuer = Issuer::from_ca_cert_pem(&ca.pem, &ca.key)?;
    let pem = params.signed_by(&key, &issuer)?.pem();
    Ok(Pair { pem, key })
}

fn wanted_names() -> Vec<String> {
    let mut names = NAMES.map(str::to_owned).to_vec();
    names.sort();
    names
}

fn name_text(name: &x509_parser::extensions::GeneralName<'_>) -> String {
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => {
            match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
                (Ok(v4), _) => std::net::Ipv4Addr::from(v4).to_string(),
                (_, Ok(v6)) => std::net::Ipv6Addr::from(v6).to_string(),
                _ => String::new(),
            }
        }
        _ => String::new(),
    }
}

fn with_certificate<T>(
    pem: &str,
    read: impl FnOnce(&x509_parser::certificate::X509Certificate<'_>) -> T,
) -> Option<T> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    Some(read(&certificate))
}

#[cfg(test)]
mod tests;
