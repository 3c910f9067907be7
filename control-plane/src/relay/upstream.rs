//! The way to the control plane: one connection for every stream, made in one place.

use std::path::PathBuf;
use std::sync::Arc;

use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::limits;
use crate::tls::{ClientError, ClientFiles, Connector};

/// What every client of the control plane is made on.
pub(super) type Upstream = InterceptedService<Channel, Credentials>;

/// Why there is no way to it.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Not an address.
    #[error("`{address}` is not an address of a control plane: {source} (--upstream)")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
    /// Not a way that there is.
    #[error("`{address}` does not begin with http:// or https:// (--upstream)")]
    Scheme {
        /// As given.
        address: String,
    },
    /// What it is to trust, or to show.
    #[error("TLS to the control plane cannot begin: {0}")]
    Tls(#[from] ClientError),
}

/// Says with each call who calls.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    token_file: Option<Arc<PathBuf>>,
}

/// A connection that is made at the first call, and again when it was lost.
pub(super) fn connect(
    address: &str,
    token_file: Option<PathBuf>,
    tls: ClientFiles,
) -> Result<Upstream, UpstreamError> {
    let secure = address.starts_with("https://");
    if !secure && !address.starts_with("http://") {
        let address = address.to_owned();
        return Err(UpstreamError::Scheme { address });
    }
    let endpoint =
        Endpoint::from_shared(address.to_owned()).map_err(|source| UpstreamError::Address {
            address: address.to_owned(),
            source,
        })?;
    let endpoint = endpoint
        .connect_timeout(limits::CONNECT_WITHIN)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(crate::limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(crate::limits::KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    let channel = if secure {
        endpoint.connect_with_connector_lazy(Connector::new(tls)?)
    } else {
        endpoint.connect_lazy()
    };
    let token_file = token_file.map(Arc::new);
    Ok(InterceptedService::new(channel, Credentials { token_file }))
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let Some(path) = self.token_file.as_deref() else {
            return Ok(request);
        };
        let token = std::fs::read_to_string(path).map_err(|error| {
            Status::unauthenticated(format!("cannot read {}: {error}", path.display()))
        })?;
        let value = MetadataValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| {
            Status::unauthenticated(format!("{} does not hold a token", path.display()))
        })?;
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_again_for_each_call() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut credentials = Credentials {
            token_file: Some(Arc::new(file.path().to_owned())),
        };
        for token in ["first", "second"] {
            std::fs::write(file.path(), format!("{token}\n")).unwrap();
            let request = credentials.call(Request::new(())).unwrap();
            let value = request.metadata().get("authorization").unwrap();
            assert_eq!(value.to_str().unwrap(), format!("Bearer {token}"));
        }
        std::fs::write(file.path(), "a\nb").unwrap();
        assert!(credentials.call(Request::new(())).is_err());
        drop(file);
        assert!(credentials.call(Request::new(())).is_err());
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_named() {
        for address in ["127.0.0.1:18000", "ftp://cp", "http://", "https://"] {
            let error = connect(address, None, ClientFiles::default())
                .unwrap_err()
                .to_string();
            assert!(error.contains("--upstream"), "{error}");
        }
    }
}
