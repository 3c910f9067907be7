//! The two servers: gRPC for Envoy, sidecars and the command line; HTTP for REST, metrics and health.

use std::net::SocketAddr;
use std::sync::Arc;

use countersign_proto::access::v1::access_service_server::AccessServiceServer;
use countersign_proto::admin::v1::admin_service_server::AdminServiceServer;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogServiceServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::health::{begin_health, watch_health};
use super::server::{App, StartError};
use super::stopping;
use crate::grpc::{AccessEdge, AccessLog, Admin, Ads, Ecds, GuardLayer, NodeServer};
use crate::limits;
use crate::tls::{self, Connections};

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

async fn stopped(mut stop: watch::Receiver<bool>) {
    stopping(&mut stop).await;
}

pub(super) async fn serve_grpc(
    incoming: Connections,
    app: App,
) -> Result<[JoinHandle<()>; 2], StartError> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(countersign_proto::DESCRIPTORS)
        .build_v1()?;
    let (reporter, health) = tonic_health::server::health_reporter();
    begin_health(&reporter).await;
    let watched = watch_health(reporter, app.store.clone(), app.stop.clone());
    let log = AccessLogServiceServer::new(AccessLog::new(app.clone()));
    let router = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(limits::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE_TIMEOUT))
        .layer(GuardLayer::new(Arc::clone(&app.access)))
        .add_service(health)
        .add_service(reflection)
        .add_service(Ads::new(app.clone()))
        .add_service(Ecds::new(app.clone()))
        .add_service(log.max_decoding_message_size(limits::MAX_LOG_MESSAGE_BYTES))
        .add_service(NodeServer::new(app.clone()))
        .add_service(
            AdminServiceServer::new(Admin::new(app.clone()))
                .max_decoding_message_size(limits::MAX_ADMIN_MESSAGE_BYTES),
        )
        .add_service(AccessServiceServer::new(AccessEdge::new(app.clone())));
    let stop = stopped(app.stop.clone());
    let served = tokio::spawn(async move {
        if let Err(error) = router.serve_with_incoming_shutdown(incoming, stop).await {
            tracing::error!(%error, "the gRPC server ended");
        }
    });
    Ok([tokio::spawn(watched), served])
}

pub(super) fn serve_http(listener: Connections, app: App, loopback: bool) -> JoinHandle<()> {
    let stop = stopped(app.stop.clone());
    let router =
        crate::http::router(app, loopback).into_make_service_with_connect_info::<tls::Peer>();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router)
            .with_graceful_shutdown(stop)
            .await
        {
            tracing::error!(%error, "the HTTP server ended");
        }
    })
}
