//! Looks at what a server shows in its handshake, also where it is not trusted for it: who asks why there
//! is no connection is told of the certificate that ended yesterday.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tonic::codegen::http::Uri;

use super::client::{Connector, Stream, dial};
use super::listener::Protocol;

/// What came of a connection.
pub struct Looked {
    /// The server's certificate, then those that signed it (DER); nothing without TLS.
    pub chain: Vec<Vec<u8>>,
    /// Where it can be spoken to, or why not.
    pub stream: io::Result<Box<dyn Stream>>,
}

impl std::fmt::Debug for Looked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looked")
    }
}

impl Connector {
    /// Connects as always, and keeps what the server showed.
    pub async fn look(&self, address: &Uri, protocol: Protocol) -> Looked {
        let seen = Arc::new(Seen::default());
        let stream = self.watched(address, protocol, &seen).await;
        let mut chain = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        Looked {
            chain: std::mem::take(&mut *chain),
            stream,
        }
    }

    async fn watched(
        &self,
        address: &Uri,
        protocol: Protocol,
        seen: &Arc<Seen>,
    ) -> io::Result<Box<dyn Stream>> {
        let dialled = dial(address).await?;
        let Some(name) = dialled.secure else {
            return Ok(Box::new(dialled.stream));
        };
        let seen = Arc::clone(seen);
        let mut config = self
            .config(|inner| Arc::new(Noting { inner, seen }))
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![match protocol {
            Protocol::Http2 => b"h2".to_vec(),
            Protocol::Http1 => b"http/1.1".to_vec(),
        }];
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Box::new(connector.connect(name, dialled.stream).await?))
    }
}

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<Vec<u8>>>);

/// Notes what is shown; what is trusted is decided by the one inside.
#[derive(Debug)]
struct Noting {
    inner: Arc<WebPkiServerVerifier>,
    seen: Arc<Seen>,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = [leaf].into_iter().chain(others);
        let chain = chain.map(|certificate| certificate.to_vec()).collect();
        *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        self.inner.verify_server_cert(leaf, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
