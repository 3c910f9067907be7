//! TLS on the control plane's ports, both ends of it.
//!
//! Certificates are replaced by replacing their files: each second the files are looked at, and what
//! they hold is used for connections that begin after that. Those that live go on. Files that cannot be
//! used change nothing.

mod client;
mod connection;
mod files;
mod keeper;
mod listener;
mod look;
mod names;

pub use client::{ClientError, ClientFiles, Connector, Stream};
pub use connection::{Connection, Peer};
pub use files::{TlsError, TlsFiles};
pub use keeper::Keeper;
pub use listener::{Connections, Protocol, accept};
pub use look::Looked;
