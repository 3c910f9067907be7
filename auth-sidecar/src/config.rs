//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::channels::ChannelOptions;
use crate::limits;

/// Serves Countersign's challenges and makes its sessions.
#[derive(Debug, Clone, Parser)]
#[command(name = "countersign-auth-sidecar", version)]
pub struct Config {
    /// Where to serve HTTP. Keep it on loopback: Envoy is the only one that should reach it.
    #[arg(long, env = "COUNTERSIGN_LISTEN", default_value = "127.0.0.1:18080")]
    pub listen: SocketAddr,
    /// The control plane's gRPC address.
    #[arg(
        long,
        env = "COUNTERSIGN_CONTROL_PLANE",
        default_value = "http://127.0.0.1:18000"
    )]
    pub control_plane: String,
    /// A file that holds the token for the control plane; it is read again at each connection.
    #[arg(long, env = "COUNTERSIGN_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// The authority of the control plane's certificate (PEM); needed where its address begins with
    /// `https://`. This file and the next two are read again at each connection.
    #[arg(long, env = "COUNTERSIGN_CA")]
    pub ca: Option<PathBuf>,
    /// A client certificate for the control plane (PEM).
    #[arg(long, env = "COUNTERSIGN_CERTIFICATE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, env = "COUNTERSIGN_KEY", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// The store: `sqlite://PATH`, made when it is missing; or `postgres://USER:PASSWORD@HOST/DATABASE` for
    /// several sidecars behind one site, each with a copy of the same key file.
    #[arg(long, env = "COUNTERSIGN_DATABASE_URL")]
    pub database_url: String,
    /// The 32 byte key that seals what is in the store; made when it is missing and the store is new.
    #[arg(long, env = "COUNTERSIGN_KEY_FILE")]
    pub key_file: PathBuf,
    /// Bytes of request bodies that are kept while their senders give proof; sidecars that share a store
    /// share them. 0 = none.
    #[arg(long, env = "COUNTERSIGN_HELD_BYTES", default_value_t = limits::HELD_BYTES)]
    pub held_bytes: u64,
    /// This sidecar's name at the control plane: each needs its own.
    #[arg(long, env = "COUNTERSIGN_SIDECAR_ID", default_value = "sidecar-1")]
    pub sidecar_id: String,
    /// Captcha, mail, proxies before Envoy.
    #[command(flatten)]
    pub channels: ChannelOptions,
}
