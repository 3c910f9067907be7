//! Where Envoy finds its control plane and the auth sidecar, and who else could.

use std::net::IpAddr;

use serde_json::Value;

use super::super::address::{Reach, reach};
use super::value::{at, field, items, kind, text};
use super::{Manager, World, failed, ok, warning};
use crate::commands::doctor::finding::{Area, Finding};

const INJECTOR: &str = "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector";

/// Where the challenge pages are, as Envoy reaches them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::doctor) struct Sidecar {
    /// `http://HOST:PORT`.
    pub(in crate::commands::doctor) address: String,
}

pub(super) fn exists(name: &str, config: &Value) -> bool {
    cluster(name, config).is_some()
}

/// `None` where some are fetched.
pub(super) fn names(config: &Value) -> Option<Vec<String>> {
    if at(config, &["dynamic_resources", "cds_config"]).is_some() {
        return None;
    }
    let clusters = items(config, &["static_resources", "clusters"]);
    Some(
        clusters
            .map(|cluster| text(cluster, &["name"]).to_owned())
            .collect(),
    )
}

fn cluster<'a>(name: &str, config: &'a Value) -> Option<&'a Value> {
    let mut all = items(config, &["static_resources", "clusters"]);
    all.find(|cluster| text(cluster, &["name"]) == name)
}

pub(super) fn judge(
    managers: &[Manager<'_>],
    config: &Value,
    world: &World<'_>,
) -> (Vec<Finding>, Option<Sidecar>) {
    let mut findings = Vec::new();
    if let Some(name) = control_plane(managers)
        && let Some(cluster) = cluster(name, config)
    {
        findings.push(upstream(name, cluster, world));
    }
    let mut names = Vec::new();
    for manager in managers {
        match pages(manager) {
            Pages::To(name) if !names.contains(&name) => names.push(name),
            Pages::To(_) | Pages::Elsewhere => {}
            Pages::Nowhere => findings.push(failed(
                "pages",
                format!("listener `{}` has no route to the challenge pages", manager.listener),
                "put the route `/.countersign/` before all others of every virtual host, as in envoy/bootstrap.yaml",
            )),
        }
    }
    let mut sidecar = None;
    for name in names {
        match cluster(name, config) {
            None => findings.push(failed(
                "pages",
                format!("the route `/.countersign/` leads to cluster `{name}`, which there is not"),
                "add the cluster of the auth sidecar, as in envoy/bootstrap.yaml",
            )),
            Some(cluster) => {
                findings.push(ok("pages", format!("`/.countersign/` leads to `{name}`")));
                let (found, address) = addresses(name, cluster, world);
                findings.push(found);
                sidecar = sidecar.or(address);
            }
        }
    }
    (findings, sidecar)
}

fn control_plane<'a>(managers: &[Manager<'a>]) -> Option<&'a str> {
    let filters = managers
        .iter()
        .flat_map(|manager| items(manager.config, &["http_filters"]));
    let mut ours = filters.filter(|filter| field(filter, "config_discovery").is_some());
    let services = &[
        "config_discovery",
        "config_source",
        "api_config_source",
        "grpc_services",
    ];
    ours.find_map(|filter| {
        let service = items(filter, services).next()?;
        Some(text(service, &["envoy_grpc", "cluster_name"]))
    })
}

/// Policies and ticket keys come this way, and events go.
fn upstream(name: &str, cluster: &Value, world: &World<'_>) -> Finding {
    let check = "upstream";
    let secure = field(cluster, "transport_socket").is_some();
    let far = endpoints(cluster).any(|endpoint| match endpoint {
        Endpoint::Socket { host, .. } => {
            farthest(host, world).is_none_or(|reach| reach != Reach::Machine)
        }
        Endpoint::Pipe => false,
    });
    if far && !secure {
        let found = format!(
            "`{name}` is on another machine and not over TLS: tokens and ticket keys travel in clear"
        );
        return failed(
            check,
            found,
            "use the cluster of envoy/control-plane-tls.yaml, or a relay's socket",
        );
    }
    let options = &[
        "typed_extension_protocol_options",
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    ];
    let options = at(cluster, options);
    let http2 = options
        .and_then(|options| at(options, &["explicit_http_config", "http2_protocol_options"]));
    let Some(http2) = http2 else {
        let found = format!("`{name}` does not speak HTTP/2, which gRPC needs");
        return failed(
            check,
            found,
            "set `explicit_http_config.http2_protocol_options`, as in envoy/bootstrap.yaml",
        );
    };
    let shows = options.is_some_and(|options| {
        items(options, &["http_filters"]).any(|filter| kind(filter, &["typed_config"]) == INJECTOR)
    });
    let context = &["transport_socket", "typed_config", "common_tls_context"];
    let identity = at(cluster, context).is_some_and(|tls| {
        ["tls_certificates", "tls_certificate_sds_secret_configs"]
            .iter()
            .any(|name| items(tls, &[name]).next().is_some())
    });
    let piped = endpoints(cluster).all(|endpoint| endpoint == Endpoint::Pipe);
    if !shows && !identity && !piped {
        let found = format!("`{name}` is shown neither a token nor a certificate");
        return warning(
            check,
            found,
            "give it the credential injector of envoy/bootstrap.yaml, unless access is open",
        );
    }
    if field(http2, "connection_keepalive").is_none() {
        let found = format!("a silent end of `{name}` goes unnoticed for minutes");
        return warning(
            check,
            found,
            "set `connection_keepalive`, as in envoy/bootstrap.yaml",
        );
    }
    ok(
        check,
        format!(
            "`{name}` is asked {}",
            match (secure, piped) {
                (true, _) => "over TLS",
                (false, true) => "through a socket on this machine",
                (false, false) => "on this machine",
            }
        ),
    )
}

enum Pages<'a> {
    /// This cluster.
    To(&'a str),
    Nowhere,
    /// The routes are fetched, or something else answers.
    Elsewhere,
}

/// The first route that takes `/.countersign/`.
fn pages<'a>(manager: &Manager<'a>) -> Pages<'a> {
    let ours = items(manager.config, &["http_filters"])
        .any(|filter| text(filter, &["name"]).starts_with("countersign"));
    let Some(routes) = field(manager.config, "route_config") else {
        return Pages::Elsewhere;
    };
    if !ours {
        return Pages::Elsewhere;
    }
    let mut to = None;
    for host in items(routes, &["virtual_hosts"]) {
        let mut routes = items(host, &["routes"]);
        let first = routes.find(|route| {
            let prefix = text(route, &["match", "prefix"]);
            let separated = text(route, &["match", "path_separated_prefix"]);
            separated == "/.countersign"
                || (!prefix.is_empty() && "/.countersign/".starts_with(prefix))
        });
        let own = first.filter(|route| {
            text(route, &["match", "prefix"]).starts_with("/.countersign")
                || text(route, &["match", "path_separated_prefix"]) == "/.countersign"
        });
        match own {
            Some(route) => to = Some(text(route, &["route", "cluster"])),
            None => return Pages::Nowhere,
        }
    }
    to.map_or(Pages::Nowhere, Pages::To)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint<'a> {
    Socket { host: &'a str, port: u64 },
    Pipe,
}

fn endpoints(cluster: &Value) -> impl Iterator<Item = Endpoint<'_>> {
    let groups = items(cluster, &["load_assignment", "endpoints"]);
    let all = groups.flat_map(|group| items(group, &["lb_endpoints"]));
    all.filter_map(|endpoint| {
        let address = at(endpoint, &["endpoint", "address"])?;
        if field(address, "pipe").is_some() {
            return Some(Endpoint::Pipe);
        }
        let socket = field(address, "socket_address")?;
        Some(Endpoint::Socket {
            host: text(socket, &["address"]),
            port: super::value::number(socket, &["port_value"]).unwrap_or_default(),
        })
    })
}

/// How far the farthest address of a host is; `None` where nobody knows an address of it.
fn farthest(host: &str, world: &World<'_>) -> Option<Reach> {
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => (world.resolve)(host),
    };
    addresses.into_iter().map(reach).max()
}

/// Whoever reaches the sidecar past Envoy says of himself what Envoy would have said of him.
fn addresses(name: &str, cluster: &Value, world: &World<'_>) -> (Finding, Option<Sidecar>) {
    let check = "address";
    let say = |status: fn(Area, &'static str, String, String) -> Finding, found: String| {
        let remedy = "let the sidecar listen on 127.0.0.1 or a network of your own (`--listen`), behind Envoy alone";
        status(Area::Sidecar, check, found, remedy.to_owned())
    };
    let mut sidecar = None;
    let mut worst = None;
    for endpoint in endpoints(cluster) {
        let Endpoint::Socket { host, port } = endpoint else {
            continue;
        };
        let shown = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        sidecar.get_or_insert_with(|| Sidecar {
            address: format!("http://{shown}:{port}"),
        });
        match farthest(host, world) {
            Some(Reach::Public) => {
                let found =
                    format!("the sidecar is at {host}, which everybody may reach past Envoy");
                return (say(Finding::failed, found), sidecar);
            }
            None => {
                worst = Some((
                    Finding::warning as fn(_, _, String, String) -> _,
                    format!("nobody knows where `{host}` of cluster `{name}` is"),
                ))
            }
            Some(_) => {}
        }
    }
    let finding = match worst {
        Some((status, found)) => say(status, found),
        None => Finding::ok(Area::Sidecar, check, "not public"),
    };
    (finding, sidecar)
}
