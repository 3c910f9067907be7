//! How the control plane is reached: its address, the token shown to it, TLS.
//!
//! The files are read at each connection, so that a token or a certificate is replaced by replacing its
//! file.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tonic::codegen::http::Uri;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::config::Config;

/// The way to the control plane.
#[derive(Clone, Debug)]
pub struct Link {
    endpoint: Endpoint,
    token_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
}

/// Why there can be no connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A file.
    #[error("cannot read `{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it holds.
    #[error("`{}` holds no {what}", path.display())]
    Nothing {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The files do not fit.
    #[error("the certificate or key cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
    /// Nobody says whom to trust.
    #[error("the control plane's address begins with `https://`: give its authority with --ca")]
    NoAuthority,
    /// Nobody answers.
    #[error("cannot reach the control plane: {0}")]
    Connect(#[from] tonic::transport::Error),
}

/// Shows the token on each call.
#[derive(Clone, Default)]
pub struct Token(Option<MetadataValue<Ascii>>);

impl tonic::service::Interceptor for Token {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        if let Some(token) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl Link {
    /// Reads the address.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(config: &Config) -> Result<Self, tonic::transport::Error> {
        Ok(Self {
            token_file: config.token_file.clone(),
            ca: config.ca.clone(),
            identity: config.certificate.clone().zip(config.key.clone()),
            ..Self::plain(&config.control_plane)?
        })
    }

    /// To an address, showing nothing.
    ///
    /// # Errors
    /// When it is none.
    pub fn plain(address: &str) -> Result<Self, tonic::transport::Error> {
        Ok(Self {
            endpoint: Endpoint::from_shared(address.to_owned())?
                .connect_timeout(Duration::from_secs(2))
                .http2_keep_alive_interval(Duration::from_secs(5))
                .keep_alive_timeout(Duration::from_secs(5))
                .keep_alive_while_idle(true),
            token_file: None,
            ca: None,
            identity: None,
        })
    }

    /// Connects.
    ///
    /// # Errors
    /// When a file cannot be used, or nobody answers.
    pub async fn connect(&self) -> Result<InterceptedService<Channel, Token>, LinkError> {
        let token = self.token()?;
        let secure = self.endpoint.uri().scheme_str() == Some("https");
        let channel = if secure {
            let connector = Connector(Arc::new(self.tls()?));
            self.endpoint.connect_with_connector(connector).await?
        } else {
            self.endpoint.connect().await?
        };
        Ok(InterceptedService::new(channel, token))
    }

    fn token(&self) -> Result<Token, LinkError> {
        let Some(path) = &self.token_file else {
            return Ok(Token::default());
        };
        let text = read(path)?;
        let text = String::from_utf8_lossy(&text);
        let value = format!("Bearer {}", text.trim()).parse();
        let mut value: MetadataValue<Ascii> = value.map_err(|_| nothing(path, "token"))?;
        value.set_sensitive(true);
        Ok(Token(Some(value)))
    }

    fn tls(&self) -> Result<ClientConfig, LinkError> {
        let ca = self.ca.as_deref().ok_or(LinkError::NoAuthority)?;
        let mut roots = RootCertStore::empty();
        for authority in certificates(ca)? {
            roots.add(authority)?;
        }
        // Named: which provider a dependency makes the default is not ours to know.
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let parsed = PrivateKeyDer::from_pem_slice(&read(key)?);
                let parsed = parsed.map_err(|_| nothing(key, "private key"))?;
                builder.with_client_auth_cert(certificates(certificate)?, parsed)?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LinkError> {
    std::fs::read(path).map_err(|source| LinkError::File {
        path: path.to_owned(),
        source,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    found
        .ok()
        .filter(|found| !found.is_empty())
        .ok_or_else(|| nothing(path, "certificate"))
}

fn nothing(path: &Path, what: &'static str) -> LinkError {
    LinkError::Nothing {
        path: path.to_owned(),
        what,
    }
}

#[derive(Clone)]
struct Connector(Arc<ClientConfig>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connector {
    async fn connect(self, uri: Uri) -> io::Result<TokioIo<Box<dyn Stream>>> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        let host = uri
            .host()
            .ok_or_else(|| invalid("the address names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| invalid("the host is no name that a certificate can have"))?;
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
        let _without = stream.set_nodelay(true);
        let stream = TlsConnector::from(self.0).connect(name, stream).await?;
        Ok(TokioIo::new(Box::new(stream)))
    }
}

impl tonic::codegen::Service<Uri> for Connector {
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
