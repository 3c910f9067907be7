//! The wiring: which program runs with which arguments.

use std::path::{Path, PathBuf};

use super::access::AccessFiles;
use super::bootstrap::{Bootstrap, BootstrapError, ControlPlane};
use super::certificates::Certificates;
use super::find::{self, FindError};
use super::part::{Part, PartName};
use super::settings::Resolved;

/// The name of Envoy's cluster of nodes.
const NODE_CLUSTER: &str = "local";

/// Where the relay listens, in the state directory.
const RELAY_SOCKET: &str = "relay.sock";

/// Everything about one part.
pub(crate) fn part(
    resolved: &Resolved,
    access: &AccessFiles,
    name: PartName,
) -> Result<Part, FindError> {
    let ports = &resolved.ports;
    let settings = &resolved.settings;
    let state = |file: &str| text(&resolved.state_dir.join(file));
    let database = |file: &str| format!("sqlite://{}", state(file));
    let local = |port: u16| format!("127.0.0.1:{port}");
    let (program, args, address, ready_url) = match name {
        PartName::ControlPlane => (
            find::sibling("countersign-control-plane")?,
            vec![
                flag("--grpc-listen", local(ports.grpc)),
                flag("--http-listen", local(ports.api)),
                flag("--database-url", database("control-plane.db")),
                flag("--policies", text(&settings.policies)),
                flag("--filter-module", text(&settings.filter_module)),
                flag("--access-token", access_token("approver", &access.operator)),
                flag("--access-token", access_token("node", &access.node)),
                flag("--access-token", access_token("node", &access.sidecar)),
                // Numbers of a demo on this machine.
                vec!["--open-metrics".to_owned()],
            ],
            format!("http://{}", local(ports.api)),
            format!("http://{}/readyz", local(ports.api)),
        ),
        PartName::Sidecar => (
            find::sibling("countersign-auth-sidecar")?,
            vec![
                flag("--listen", local(ports.sidecar)),
                flag("--control-plane", format!("http://{}", local(ports.grpc))),
                flag("--database-url", database("auth-sidecar.db")),
                flag("--key-file", state("auth-sidecar.key")),
                flag("--token-file", text(&access.sidecar)),
                flag("--sidecar-id", format!("sidecar-{}", ports.base)),
            ],
            format!("http://{}", local(ports.sidecar)),
            format!("http://{}/readyz", local(ports.sidecar)),
        ),
        PartName::Shop => (
            find::own_program()?,
            vec![vec![
                "shop".to_owned(),
                format!("--listen={}", local(ports.shop)),
            ]],
            format!("http://{}", local(ports.shop)),
            format!("http://{}/healthz", local(ports.shop)),
        ),
        PartName::Relay => (
            find::sibling("countersign-control-plane")?,
            vec![
                vec!["relay".to_owned()],
                flag("--listen", format!("unix://{}", state(RELAY_SOCKET))),
                flag("--upstream", format!("http://{}", local(ports.grpc))),
                flag("--state", state("relay")),
                flag("--upstream-token-file", text(&access.node)),
                flag("--http-listen", local(ports.relay)),
            ],
            format!("http://{}", local(ports.relay)),
            format!("http://{}/readyz", local(ports.relay)),
        ),
        PartName::Envoy => (
            settings.envoy.clone(),
            vec![
                flag("--config-path", state(super::ENVOY_CONFIG)),
                flag("--concurrency", settings.concurrency.to_string()),
                // To stderr, which goes to the log: with --log-path Envoy keeps up to 10 s of lines to
                // itself, the last ones of a crash among them.
                flag("--log-level", "info".to_owned()),
                // No second Envoy takes over from this one, and no shared memory is in the way of
                // another stack.
                flag("--drain-time-s", "1".to_owned()),
                vec!["--disable-hot-restart".to_owned()],
            ],
            format!("https://localhost:{}", ports.https),
            format!("http://{}/ready", local(ports.admin)),
        ),
    };
    let args = args.into_iter().flatten().collect();
    let log = log_path(&resolved.state_dir, name);
    Ok(Part {
        name,
        program,
        args,
        address,
        log,
        ready_url,
    })
}

/// Envoy's finished bootstrap.
pub(crate) fn bootstrap(
    resolved: &Resolved,
    certificates: &Certificates,
    access: &AccessFiles,
) -> Result<String, BootstrapError> {
    let Resolved {
        settings, ports, ..
    } = resolved;
    let relay = resolved.state_dir.join(RELAY_SOCKET);
    Bootstrap {
        node_id: &resolved.node_id(),
        node_cluster: NODE_CLUSTER,
        workers: settings.concurrency,
        http_port: ports.base,
        https_port: ports.https,
        admin_port: ports.admin,
        control_plane: if settings.relay {
            ControlPlane::Socket(&relay)
        } else {
            ControlPlane::Port(ports.grpc)
        },
        sidecar_port: ports.sidecar,
        upstream_host: &settings.upstream.host,
        upstream_port: settings.upstream.port,
        tls_certificate: &certificates.certificate,
        tls_key: &certificates.key,
        control_plane_token: &access.envoy,
    }
    .render()
}

/// Where the logs of the parts are.
pub(crate) fn log_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("logs")
}

fn log_path(state_dir: &Path, name: PartName) -> PathBuf {
    log_dir(state_dir).join(format!("{}.log", name.id()))
}

fn flag(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

/// Paths stand in the process list, tokens do not.
fn access_token(role: &str, path: &Path) -> String {
    format!("{role}={}", text(path))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
