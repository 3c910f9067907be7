//! Takes connections and finishes their handshakes, many at once: one client that says nothing must not
//! keep the others out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, Io, Peer};
use super::keeper::Keeper;
use super::names;
use crate::metrics::Metrics;

/// Handshakes at once: five thousand nodes that come back together are through within seconds, and so
/// many strangers who say nothing cost some megabytes.
const MAX_HANDSHAKES: usize = 512;
/// A client that has not finished its handshake by then is no client.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// Connections that wait for the server to take them.
const READY: usize = 64;
/// The system has no more file descriptors: trying at once again would only burn time.
const PAUSE: Duration = Duration::from_millis(50);

/// What is spoken on the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2: gRPC.
    Http2,
    /// HTTP/1.1: REST.
    Http1,
}

/// Connections that are ready to be spoken on.
#[derive(Debug)]
pub struct Connections {
    ready: mpsc::Receiver<Connection>,
    address: SocketAddr,
}

/// Takes connections for as long as what it gives lives; with a keeper, over TLS.
#[must_use]
pub fn accept(
    listener: TcpListener,
    address: SocketAddr,
    protocol: Protocol,
    keeper: Option<Arc<Keeper>>,
    metrics: Arc<Metrics>,
) -> Connections {
    let (sender, ready) = mpsc::channel(READY);
    tokio::spawn(run(listener, protocol, keeper, metrics, sender));
    Connections { ready, address }
}

async fn run(
    listener: TcpListener,
    protocol: Protocol,
    keeper: Option<Arc<Keeper>>,
    metrics: Arc<Metrics>,
    ready: mpsc::Sender<Connection>,
) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        let accepted = tokio::select! {
            () = ready.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Messages are small and waited for.
        let _without = stream.set_nodelay(true);
        let Some(keeper) = &keeper else {
            let connection = Connection {
                io: Io::Plain(stream),
                peer: Peer {
                    address,
                    certificate: None,
                    encrypted: false,
                },
            };
            if ready.send(connection).await.is_err() {
                return;
            }
            continue;
        };
        let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else {
            return;
        };
        let material = keeper.material();
        let config = match protocol {
            Protocol::Http2 => material.h2,
            Protocol::Http1 => material.http1,
        };
        let (ready, metrics) = (ready.clone(), Arc::clone(&metrics));
        tokio::spawn(async move {
            let shaken = shake_hands(TlsAcceptor::from(config), stream, address);
            let connection = match tokio::time::timeout(HANDSHAKE_WITHIN, shaken).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(error)) => {
                    metrics.access.tls_handshakes_failed.inc();
                    tracing::debug!(%address, %error, "a TLS handshake failed");
                    return;
                }
                Err(_) => {
                    metrics.access.tls_handshakes_failed.inc();
                    tracing::debug!(%address, "a TLS handshake was not finished");
                    return;
                }
            };
            drop(permit);
            // The server's end is the end of this as well.
            let _ended = ready.send(connection).await;
        });
    }
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    address: SocketAddr,
) -> io::Result<Connection> {
    let stream = acceptor.accept(stream).await?;
    let (_, session) = stream.get_ref();
    // With a verifier there are only certificates that it let through.
    let certificate = session
        .peer_certificates()
        .and_then(<[_]>::first)
        .map(|leaf| Arc::new(names::names(leaf)));
    Ok(Connection {
        io: Io::Tls(Box::new(stream)),
        peer: Peer {
            address,
            certificate,
            encrypted: true,
        },
    })
}

impl tokio_stream::Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.ready.poll_recv(context).map(|ready| ready.map(Ok))
    }
}

impl axum::serve::Listener for Connections {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Connection, Peer) {
        match self.ready.recv().await {
            Some(connection) => {
                let peer = connection.peer.clone();
                (connection, peer)
            }
            // The task that takes them ends only with this value.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer {
            address: self.address,
            certificate: None,
            encrypted: false,
        })
    }
}

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.remote_addr().clone()
    }
}
