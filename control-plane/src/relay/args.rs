//! The options of `countersign-control-plane relay`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::limits;

/// Runs beside an Envoy, between it and the control plane
///
/// Policies pass through it, and the last one that Envoy accepted is kept on disk: an Envoy that
/// restarts while no control plane can be reached gets that one within a second instead of answering
/// 503 to everybody. Decisions are spooled to disk and delivered when the control plane is back; what
/// has to be dropped is counted, and told.
///
/// Have Envoy's cluster `countersign_control_plane` point at the socket:
///
///   endpoint: {address: {pipe: {path: /run/countersign/relay.sock}}}
///
/// One relay for one Envoy, as the same user, started before it. See envoy/README.md.
#[derive(Debug, Args)]
pub struct RelayArgs {
    /// Where Envoy connects: a unix socket
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_LISTEN",
        default_value = "unix:///run/countersign/relay.sock",
        value_name = "unix://PATH"
    )]
    pub listen: SocketPath,
    /// Who may connect: the socket's permissions, octal. 660 lets its group in too
    #[arg(long, env = "COUNTERSIGN_RELAY_SOCKET_MODE", default_value = "600", value_name = "MODE", value_parser = socket_mode)]
    pub socket_mode: u32,
    /// The control plane's gRPC address
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_UPSTREAM",
        default_value = "http://127.0.0.1:18000",
        value_name = "URL"
    )]
    pub upstream: String,
    /// A file with the bearer token of a node; it is read again for each stream, so that it can be
    /// replaced while the relay runs
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_UPSTREAM_TOKEN_FILE",
        value_name = "PATH"
    )]
    pub upstream_token_file: Option<PathBuf>,
    /// The authority of the control plane's certificate (PEM), where its address begins with https://.
    /// This file and the next two are read again at each connection [default: those of the system]
    #[arg(long, env = "COUNTERSIGN_RELAY_UPSTREAM_CA", value_name = "PATH")]
    pub upstream_ca: Option<PathBuf>,
    /// A client certificate for the control plane (PEM)
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_UPSTREAM_CERTIFICATE",
        value_name = "PATH",
        requires = "upstream_key"
    )]
    pub upstream_certificate: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_UPSTREAM_KEY",
        value_name = "PATH",
        requires = "upstream_certificate"
    )]
    pub upstream_key: Option<PathBuf>,
    /// The last known good policies and the spool. They hold ticket keys: nobody else may read it
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_STATE",
        default_value = "/var/lib/countersign/relay",
        value_name = "DIR"
    )]
    pub state: PathBuf,
    /// Decisions that wait take at most so much disk; the oldest are dropped for new ones, and counted.
    /// A decision takes about 300 bytes
    #[arg(
        long,
        env = "COUNTERSIGN_RELAY_SPOOL_LIMIT",
        default_value = "64MiB",
        value_name = "SIZE"
    )]
    pub spool_limit: Size,
    /// Where /metrics, /healthz and /readyz are served, on loopback [default: nowhere]
    #[arg(long, env = "COUNTERSIGN_RELAY_HTTP_LISTEN", value_name = "ADDRESS")]
    pub http_listen: Option<SocketAddr>,
}

/// `unix:///path/of/socket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPath(pub PathBuf);

/// Bytes, as `512KiB`, `64MiB`, `2GiB`, or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for SocketPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix("unix://").map(PathBuf::from);
        path.filter(|path| path.is_absolute())
            .map(Self)
            .ok_or("unix:// and an absolute path, for example unix:///run/countersign/relay.sock")
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|sign: char| !sign.is_ascii_digit());
        let unit = match text.get(digits.len()..).unwrap_or_default() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err("a size such as 64MiB (KiB, MiB, GiB)".to_owned()),
        };
        let bytes = digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .ok_or("a size such as 64MiB (KiB, MiB, GiB)")?;
        if bytes < limits::MIN_SPOOL_BYTES {
            return Err(format!("at least {}KiB", limits::MIN_SPOOL_BYTES >> 10));
        }
        Ok(Self(bytes))
    }
}

fn socket_mode(text: &str) -> Result<u32, &'static str> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777)
        .ok_or("permissions in octal, for example 600 or 660")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("512KiB", 512 << 10),
            ("1GiB", 1 << 30),
            ("524288", 512 << 10),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)));
        }
        for text in [
            "",
            "MiB",
            "64MB",
            "64 MiB",
            "-1MiB",
            "511KiB",
            "99999999999GiB",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_socket_is_an_absolute_path() {
        let path = "unix:///run/x.sock".parse::<SocketPath>().unwrap();
        assert_eq!(path.0, PathBuf::from("/run/x.sock"));
        for text in ["/run/x.sock", "unix://x.sock", "http://x", ""] {
            assert!(text.parse::<SocketPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!(socket_mode("660"), Ok(0o660));
        assert!(socket_mode("800").is_err() && socket_mode("1777").is_err());
    }
}
