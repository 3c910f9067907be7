//! The options of access and TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use countersign_control_plane::runtime::{AccessConfig, AccessMode, DeclaredToken, PasskeyOrigin};
use countersign_control_plane::tls::TlsFiles;

/// Is anybody asked who they are?
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessWord {
    /// Every call needs a token or a client certificate.
    Required,
    /// Whoever reaches the ports may everything. On loopback only, for development.
    Open,
}

/// `ROLE=PATH`.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile(DeclaredToken);

impl FromStr for TokenFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or("write ROLE=PATH, for example node=/run/secrets/node.token")?;
        Ok(Self(DeclaredToken {
            role: role.parse().map_err(|error| format!("{error}"))?,
            path: PathBuf::from(path),
        }))
    }
}

/// Who is let in.
#[derive(Debug, Args)]
pub(crate) struct AccessOptions {
    /// Is anybody asked who they are?
    #[arg(
        long,
        env = "COUNTERSIGN_ACCESS",
        value_enum,
        default_value = "required"
    )]
    access: AccessWord,
    /// A file that holds a token (`csn_…`) of this role, for what is set up by configuration: it is good
    /// from the start. A changed file takes the former token back at the next start.
    #[arg(
        long,
        env = "COUNTERSIGN_ACCESS_TOKENS",
        value_name = "ROLE=PATH",
        value_delimiter = ','
    )]
    access_token: Vec<TokenFile>,
    /// Where the one-time token of a first start goes as well; only its owner may read that file.
    #[arg(long, env = "COUNTERSIGN_BOOTSTRAP_TOKEN_FILE", value_name = "PATH")]
    bootstrap_token_file: Option<PathBuf>,
    /// Where browsers find the dashboard: passkeys are made and taken there and nowhere else. Without it
    /// that is `localhost`, and where more than this machine is listened to there are no passkeys. Browsers
    /// have none for addresses, such as 127.0.0.1.
    #[arg(long, env = "COUNTERSIGN_PASSKEY_ORIGIN", value_name = "URL")]
    passkey_origin: Option<String>,
    /// What passkeys are made for: the host of the origin, or a domain above it whose other hosts may use
    /// them too. Passkeys that were made for another one are no longer taken [default: the origin's host]
    #[arg(
        long,
        env = "COUNTERSIGN_PASSKEY_RP_ID",
        value_name = "NAME",
        requires = "passkey_origin"
    )]
    passkey_rp_id: Option<String>,
    /// Serve /metrics to whoever asks.
    #[arg(long, env = "COUNTERSIGN_OPEN_METRICS")]
    open_metrics: bool,
    /// Development only: listen beyond loopback in clear. Whoever can listen on the network reads every
    /// token and every ticket key.
    #[arg(long, env = "COUNTERSIGN_INSECURE_PUBLIC_LISTEN")]
    insecure_public_listen: bool,
}

/// What the ports are served with.
#[derive(Debug, Args)]
pub(crate) struct TlsOptions {
    /// The certificate of both ports with those that signed it (PEM). It is looked at each second; a new
    /// one holds for new connections.
    #[arg(
        long,
        env = "COUNTERSIGN_TLS_CERTIFICATE",
        value_name = "PATH",
        requires = "tls_key"
    )]
    tls_certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(
        long,
        env = "COUNTERSIGN_TLS_KEY",
        value_name = "PATH",
        requires = "tls_certificate"
    )]
    tls_key: Option<PathBuf>,
    /// The authorities of client certificates (PEM). Roles are given to their names by `countersign
    /// access certificates add`.
    #[arg(
        long,
        env = "COUNTERSIGN_TLS_CLIENT_CA",
        value_name = "PATH",
        requires = "tls_certificate"
    )]
    tls_client_ca: Option<PathBuf>,
    /// End the handshake of whoever shows no certificate, token or not.
    #[arg(
        long,
        env = "COUNTERSIGN_TLS_REQUIRE_CLIENT_CERTIFICATE",
        requires = "tls_client_ca"
    )]
    tls_require_client_certificate: bool,
}

/// Tokens and ticket keys do not travel in clear.
pub(crate) fn refuse_public_plaintext(
    listens: [(&str, SocketAddr); 2],
    tls: &TlsOptions,
    access: &AccessOptions,
) -> anyhow::Result<()> {
    for (option, address) in listens {
        if address.ip().is_loopback() {
            continue;
        }
        if access.insecure_public_listen {
            tracing::warn!(
                %address,
                "--insecure-public-listen: whoever can listen on this network reads every token and \
                 every ticket key; never do this where it matters"
            );
            continue;
        }
        if access.access == AccessWord::Open {
            anyhow::bail!(
                "{option} {address} is not a loopback address, and with `--access open` whoever \
                 reaches it may everything; leave `--access open` out"
            );
        }
        if tls.tls_certificate.is_none() {
            anyhow::bail!(
                "{option} {address} is not a loopback address, and tokens and ticket keys would \
                 travel to it in clear; give `--tls-certificate` and `--tls-key`, or choose an \
                 address in 127.0.0.0/8"
            );
        }
    }
    Ok(())
}

impl From<AccessOptions> for AccessConfig {
    fn from(options: AccessOptions) -> Self {
        Self {
            mode: match options.access {
                AccessWord::Required => AccessMode::Required,
                AccessWord::Open => AccessMode::Open,
            },
            tokens: options
                .access_token
                .into_iter()
                .map(|file| file.0)
                .collect(),
            bootstrap_token_file: options.bootstrap_token_file,
            open_metrics: options.open_metrics,
            passkeys: PasskeyOrigin {
                origin: options.passkey_origin,
                rp_id: options.passkey_rp_id,
            },
        }
    }
}

impl From<TlsOptions> for Option<TlsFiles> {
    fn from(options: TlsOptions) -> Self {
        Some(TlsFiles {
            certificate: options.tls_certificate?,
            key: options.tls_key?,
            client_ca: options.tls_client_ca,
            require_client: options.tls_require_client_certificate,
        })
    }
}
