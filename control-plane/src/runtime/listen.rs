//! Addresses to be served at.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::server::StartError;

pub(super) async fn listen(
    address: SocketAddr,
    what: &'static str,
    option: &'static str,
) -> Result<TcpListener, StartError> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|source| StartError::Listen {
        address,
        what,
        option,
        source,
    })
}

pub(super) fn local(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}
