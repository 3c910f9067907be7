//! The other end: connections to a control plane over TLS, for our own programs.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tonic::codegen::http::Uri;

use super::files::{self, TlsError};

/// What a client trusts and shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// The authority of the control plane's certificate (PEM); none = those of the system.
    pub ca: Option<PathBuf>,
    /// Certificate and key that are shown (PEM).
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Why there can be no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A file.
    #[error(transparent)]
    Files(#[from] TlsError),
    /// A certificate or key.
    #[error("the certificate or key cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
    /// Nobody is trusted.
    #[error("no authority can be used: {0}; name the one of the server with `--ca`")]
    Authorities(#[from] VerifierBuilderError),
}

/// Connects by TCP, and where the address says `https`, by TLS over it. The files are read again at each
/// connection, so that a certificate is replaced by replacing its file.
#[derive(Clone, Debug)]
pub struct Connector {
    files: ClientFiles,
}

/// A stream of either kind.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connector {
    /// Looks at the files a first time.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn new(files: ClientFiles) -> Result<Self, ClientError> {
        config(&files)?;
        Ok(Self { files })
    }

    async fn connect(self, uri: Uri) -> io::Result<TokioIo<Box<dyn Stream>>> {
        let dialled = dial(&uri).await?;
        let Some(name) = dialled.secure else {
            return Ok(TokioIo::new(Box::new(dialled.stream)));
        };
        let config = config(&self.files).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, dialled.stream).await?;
        Ok(TokioIo::new(Box::new(stream)))
    }

    /// What a connection is made with, where somebody watches what is trusted.
    pub(super) fn config<V: ServerCertVerifier + 'static>(
        &self,
        watch: impl FnOnce(Arc<WebPkiServerVerifier>) -> Arc<V>,
    ) -> Result<ClientConfig, ClientError> {
        let roots = Arc::new(roots(&self.files)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, files::provider());
        let verifier = watch(verifier.build()?);
        let mut config = config(&self.files)?;
        config.dangerous().set_certificate_verifier(verifier);
        Ok(config)
    }
}

/// A connection, and the name by which the other end has to show a certificate; none = not over TLS.
pub(super) struct Dialled {
    pub(super) stream: TcpStream,
    pub(super) secure: Option<ServerName<'static>>,
}

pub(super) async fn dial(uri: &Uri) -> io::Result<Dialled> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let host = uri
        .host()
        .ok_or_else(|| invalid("the address names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    // Messages are small and waited for.
    let _without = stream.set_nodelay(true);
    let name = secure.then(|| ServerName::try_from(host.to_owned()));
    let name = name.transpose();
    let secure = name.map_err(|_| invalid("the host is no name that a certificate can have"))?;
    Ok(Dialled { stream, secure })
}

fn roots(files: &ClientFiles) -> Result<RootCertStore, ClientError> {
    Ok(match &files.ca {
        Some(path) => files::roots(path, &files::read(path)?)?,
        None => {
            let mut roots = RootCertStore::empty();
            // What of the system's store cannot be read is only not trusted.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    })
}

fn config(files: &ClientFiles) -> Result<ClientConfig, ClientError> {
    let builder = ClientConfig::builder_with_provider(files::provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(roots(files)?);
    let mut config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = files::certificates(certificate, &files::read(certificate)?)?;
            let parsed = PrivateKeyDer::from_pem_slice(&files::read(key)?);
            let parsed = parsed.map_err(|_| TlsError::Nothing {
                path: key.clone(),
                what: "private key",
            })?;
            builder.with_client_auth_cert(chain, parsed)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
