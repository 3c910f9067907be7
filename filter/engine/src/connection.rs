//! What is known of the connection that a request came over.

use std::fmt::Debug;

/// What the host knows, told whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection<'a> {
    /// Envoy's `source.address`: the peer, `address:port`.
    pub peer: Option<&'a [u8]>,
    /// Envoy's `connection.requested_server_name`: the SNI.
    pub server_name: Option<&'a [u8]>,
    /// Envoy's `connection.tls_version`; absent on plaintext.
    pub tls_version: Option<&'a [u8]>,
    /// Envoy's `connection.mtls`.
    pub mtls: bool,
    /// The JA4 fingerprint of the TLS client hello; absent on plaintext.
    pub ja4: Option<&'a [u8]>,
}

/// A host that is asked for each attribute when a rule needs it: most requests need none, and each
/// costs the filter a host call.
pub trait ConnectionSource: Debug {
    /// See [`Connection::peer`]. The trusted-hop rule asks for it for every request.
    fn peer(&self) -> Option<&[u8]>;
    /// See [`Connection::server_name`].
    fn server_name(&self) -> Option<&[u8]>;
    /// See [`Connection::tls_version`].
    fn tls_version(&self) -> Option<&[u8]>;
    /// See [`Connection::mtls`].
    fn mtls(&self) -> bool;
    /// See [`Connection::ja4`].
    fn ja4(&self) -> Option<&[u8]>;
}

/// Either of the two.
#[derive(Clone, Copy, Debug)]
pub enum Connected<'a> {
    /// Everything is there.
    Known(Connection<'a>),
    /// The host is asked.
    Asked(&'a dyn ConnectionSource),
}

impl<'a> From<Connection<'a>> for Connected<'a> {
    fn from(connection: Connection<'a>) -> Self {
        Self::Known(connection)
    }
}

impl<'a> From<&'a dyn ConnectionSource> for Connected<'a> {
    fn from(source: &'a dyn ConnectionSource) -> Self {
        Self::Asked(source)
    }
}

impl<'a> Connected<'a> {
    pub(crate) fn peer(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Known(connection) => connection.peer,
            Self::Asked(source) => source.peer(),
        }
    }

    pub(crate) fn server_name(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Known(connection) => connection.server_name,
            Self::Asked(source) => source.server_name(),
        }
    }

    pub(crate) fn tls_version(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Known(connection) => connection.tls_version,
            Self::Asked(source) => source.tls_version(),
        }
    }

    pub(crate) fn mtls(&self) -> bool {
        match *self {
            Self::Known(connection) => connection.mtls,
            Self::Asked(source) => source.mtls(),
        }
    }

    pub(crate) fn ja4(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Known(connection) => connection.ja4,
            Self::Asked(source) => source.ja4(),
        }
    }
}
