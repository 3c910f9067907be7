//! The auth sidecar: does it answer, and would it issue a session?

use std::net::{IpAddr, SocketAddr};

use countersign_control_plane::tls::{ClientFiles, Connector};
use tonic::transport::Uri;

use super::address::{Reach, reach};
use super::finding::{Area, Finding};
use super::probe;

/// `given` by whoever asks, and not by the bootstrap, whose addresses are judged there.
pub(super) async fn look(address: Option<&str>, given: bool) -> Vec<Finding> {
    let check = "reachable";
    let Some(address) = address else {
        return vec![Finding::skipped(
            Area::Sidecar,
            check,
            "nobody said where the auth sidecar is",
            "name its address with `--sidecar URL`, or give `--envoy-config FILE`",
        )];
    };
    let uri: Option<Uri> = address.trim_end_matches('/').parse().ok();
    let uri = uri.filter(|uri| uri.host().is_some() && uri.scheme().is_some());
    let (Some(uri), Ok(connector)) = (uri, Connector::new(ClientFiles::default())) else {
        let found = format!("`{address}` is no address");
        let remedy = "give one like `http://127.0.0.1:18080` with `--sidecar`";
        return vec![Finding::failed(Area::Sidecar, check, found, remedy)];
    };
    let mut findings = Vec::new();
    if given {
        findings.extend(public(&uri).await);
    }
    let probe = probe::get(&connector, &uri, "/readyz").await;
    findings.push(match probe.answer {
        Some(answer) if answer.status == 200 => {
            Finding::ok(Area::Sidecar, check, format!("{address} would issue a session"))
        }
        Some(answer) => Finding::failed(
            Area::Sidecar,
            check,
            format!("{address} answers {}: {}", answer.status, answer.says),
            "it waits until every node holds its key: see `countersign keys list` and `countersign nodes`",
        ),
        None => Finding::failed(
            Area::Sidecar,
            check,
            format!("{address} cannot be asked from here: {}", probe.failed),
            "start the auth sidecar; if only Envoy's machine reaches it, ask there",
        ),
    });
    findings
}

async fn public(uri: &Uri) -> Option<Finding> {
    let host = uri.host()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let remedy =
        "let it listen on 127.0.0.1 or a network of your own (`--listen`), behind Envoy alone";
    let known = known(host, uri.port_u16().unwrap_or(80)).await;
    Some(match known.iter().copied().map(reach).max() {
        Some(Reach::Public) => {
            let found = format!("it is at {host}, which everybody may reach past Envoy");
            Finding::failed(Area::Sidecar, "address", found, remedy)
        }
        Some(_) => Finding::ok(Area::Sidecar, "address", "not public"),
        None => {
            let found = format!("nobody knows where `{host}` is");
            Finding::warning(Area::Sidecar, "address", found, remedy)
        }
    })
}

/// The addresses of a name, or the address that it is.
pub(super) async fn known(host: &str, port: u16) -> Vec<IpAddr> {
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => found.map(|address: SocketAddr| address.ip()).collect(),
        Err(_) => Vec::new(),
    }
}
