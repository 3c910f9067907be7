//! Certificate, key and authorities of clients: read from files and made into what rustls serves with.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::names;

/// One file: a chain of certificates is some kilobytes, a company's bundle of authorities some hundred.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where the material is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that signed it (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// The authorities of clients' certificates (PEM); none = clients are not asked for one.
    pub client_ca: Option<PathBuf>,
    /// A client without a certificate is not even heard.
    pub require_client: bool,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One is too large to be what it should be.
    #[error("`{}` has more than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// One does not hold what it should.
    #[error("`{}` holds no {what} in PEM", path.display())]
    Nothing {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Nobody would accept it.
    #[error("the certificate in `{}` {}", path.display(), fault)]
    NotNow {
        /// Which.
        path: PathBuf,
        /// `ended at …`, `begins at …`.
        fault: String,
    },
    /// A key of another certificate.
    #[error("the key in `{}` is not that of the certificate in `{}`", key.display(), certificate.display())]
    OtherKey {
        /// Where the key is.
        key: PathBuf,
        /// Where the certificate is.
        certificate: PathBuf,
    },
    /// An authority cannot be one.
    #[error("`{}` cannot be used to verify clients: {fault}", path.display())]
    Authority {
        /// Which.
        path: PathBuf,
        /// Why.
        fault: String,
    },
    /// Anything else that rustls has against it.
    #[error("the certificate or key cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}

/// What the files held.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pems {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// Ready to serve with.
#[derive(Clone, Debug)]
pub(super) struct Material {
    pub(super) h2: Arc<ServerConfig>,
    pub(super) http1: Arc<ServerConfig>,
    /// Seconds since the Unix epoch.
    pub(super) ends: i64,
}

/// One provider, named: which one a dependency makes the default is not ours to know.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl TlsFiles {
    pub(super) fn read(&self) -> Result<Pems, TlsError> {
        Ok(Pems {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// `now` is milliseconds since the Unix epoch.
    pub(super) fn material(&self, pems: &Pems, now: u64) -> Result<Material, TlsError> {
        let chain = certificates(&self.certificate, &pems.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&pems.key).map_err(|_| TlsError::Nothing {
            path: self.key.clone(),
            what: "private key",
        })?;
        let ends = self.lasts(&chain, now)?;
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])?;
        let builder = match (&self.client_ca, &pems.client_ca) {
            (Some(path), Some(pem)) => {
                let roots = Arc::new(roots(path, pem)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = if self.require_client {
                    verifier
                } else {
                    verifier.allow_unauthenticated()
                };
                let verifier = verifier.build().map_err(|fault: VerifierBuilderError| {
                    TlsError::Authority {
                        path: path.clone(),
                        fault: fault.to_string(),
                    }
                })?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::OtherKey {
                    key: self.key.clone(),
                    certificate: self.certificate.clone(),
                },
                other => other.into(),
            })?;
        // A session that is resumed shows no certificate again: one that has ended meanwhile, or whose
        // authority is trusted no more, would be let in by its memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let with = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            Arc::new(config)
        };
        Ok(Material {
            h2: with(b"h2"),
            http1: with(b"http/1.1"),
            ends,
        })
    }

    /// rustls serves with a certificate that has ended; every client would refuse it.
    fn lasts(&self, chain: &[CertificateDer<'_>], now: u64) -> Result<i64, TlsError> {
        let nothing = || TlsError::Nothing {
            path: self.certificate.clone(),
            what: "certificate",
        };
        let validity = chain.first().and_then(|leaf| names::validity(leaf));
        let (begins, ends) = validity.ok_or_else(nothing)?;
        let now = i64::try_from(now / 1_000).unwrap_or(i64::MAX);
        let not_now = |word: &str, at: i64| TlsError::NotNow {
            path: self.certificate.clone(),
            fault: match jiff::Timestamp::from_second(at) {
                Ok(time) => format!("{word} at {time}"),
                Err(_) => format!("{word} at another time"),
            },
        };
        if now < begins {
            return Err(not_now("begins", begins));
        }
        if now > ends {
            return Err(not_now("ended", ends));
        }
        Ok(ends)
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let unreadable = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(TlsError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(content)
}

pub(super) fn certificates(
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| TlsError::Nothing {
            path: path.to_owned(),
            what: "certificate",
        })
}

pub(super) fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path, pem)? {
        roots.add(authority).map_err(|error| TlsError::Authority {
            path: path.to_owned(),
            fault: error.to_string(),
        })?;
    }
    Ok(roots)
}
