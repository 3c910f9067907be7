//! Envoy's bootstrap: does it ask the filter on every request, is the guard behind it, do events and
//! reports arrive, and who else could reach what is only meant for this Envoy? What it must hold and why
//! stands in envoy/bootstrap.yaml.

mod clusters;
mod connection;
mod filters;
mod value;

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::address::{Reach, reach};
use super::certificate::Certificate;
use super::finding::{Area, Finding};
use value::{at, field, items, kind, number, text};

pub(super) use clusters::Sidecar;

/// The field that the filter marks requests in, and the events with it.
const STATE: &str = "wasm.countersign";

/// How many bytes a bootstrap may have: ours has 20 KiB.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

const HCM: &str =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// What is looked at besides the text.
pub(super) struct World<'a> {
    /// Seconds since 1970.
    pub(super) now: i64,
    /// The addresses of a name.
    pub(super) resolve: &'a dyn Fn(&str) -> Vec<IpAddr>,
    pub(super) read: &'a dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
}

/// Everything that a bootstrap tells.
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    /// Where it sends people who are challenged.
    pub(super) sidecar: Option<Sidecar>,
    /// The names of all clusters; `None` where Envoy fetches some as it runs.
    pub(super) clusters: Option<Vec<String>>,
}

/// One listener's handling of HTTP.
struct Manager<'a> {
    listener: &'a str,
    /// Over TLS.
    secure: bool,
    config: &'a Value,
}

/// Reads and judges one.
pub(super) fn judge(source: &str, world: &World<'_>) -> Judged {
    let config = match read(source) {
        Ok(config) => config,
        Err(finding) => {
            return Judged {
                findings: vec![finding],
                sidecar: None,
                clusters: None,
            };
        }
    };
    let managers = managers(&config);
    let mut findings = vec![node(&config), admin(&config)];
    findings.extend(filters::judge(&managers, &config));
    findings.extend(connection::judge(&managers, &config));
    findings.extend(certificates(&config, world));
    let (found, sidecar) = clusters::judge(&managers, &config, world);
    findings.extend(found);
    Judged {
        findings,
        sidecar,
        clusters: clusters::names(&config),
    }
}

fn read(source: &str) -> Result<Value, Finding> {
    let filled = |line: &&str| !line.trim_start().starts_with('#') && line.contains("${");
    if let Some(line) = source.lines().find(filled) {
        let found = format!("nobody has filled in `{}`", line.trim());
        let remedy = "fill it in, for example with `envsubst < bootstrap.yaml > envoy.yaml`, and give the result";
        return Err(failed("bootstrap", found, remedy));
    }
    match serde_saphyr::from_str::<Value>(source) {
        Ok(config) if config.is_object() => Ok(config),
        Ok(_) => Err(failed(
            "bootstrap",
            "it is not a bootstrap",
            "give the file that Envoy's `--config-path` names",
        )),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default();
            let found = format!("it cannot be read: {why}");
            Err(failed(
                "bootstrap",
                found,
                "`envoy --mode validate -c FILE` says where",
            ))
        }
    }
}

fn node(config: &Value) -> Finding {
    let check = "node";
    let id = text(config, &["node", "id"]);
    if id.is_empty() {
        let remedy = "give every Envoy a name of its own in `node.id` (or `--service-node`)";
        return warning(check, "`node.id` is not said", remedy);
    }
    let workers = number(config, &["node", "metadata", "countersign_workers"]);
    match workers {
        Some(workers) if workers > 0 => ok(check, format!("{id}, {workers} workers")),
        _ => warning(
            check,
            "nobody is told how many workers must report",
            "set `node.metadata.countersign_workers` to Envoy's --concurrency",
        ),
    }
}

/// `/config_dump` shows ticket keys.
fn admin(config: &Value) -> Finding {
    let check = "admin";
    let Some(address) = at(config, &["admin", "address"]) else {
        return ok(check, "it has none");
    };
    let named = text(address, &["socket_address", "address"]);
    let remedy = "put `admin.address` on 127.0.0.1 or on a pipe";
    match named.parse::<IpAddr>() {
        Ok(ip) if reach(ip) == Reach::Machine => ok(check, format!("on {ip}")),
        Ok(ip) => {
            let found = format!("it listens on {ip}, and shows ticket keys to whoever asks");
            failed(check, found, remedy)
        }
        Err(_) if field(address, "pipe").is_some() => ok(check, "on a pipe"),
        Err(_) => {
            let found = format!("nobody knows where `{named}` is");
            warning(check, found, remedy)
        }
    }
}

fn managers(config: &Value) -> Vec<Manager<'_>> {
    let mut managers = Vec::new();
    for listener in items(config, &["static_resources", "listeners"]) {
        let chains = items(listener, &["filter_chains"]);
        for chain in chains.chain(field(listener, "default_filter_chain")) {
            for filter in items(chain, &["filters"]) {
                if kind(filter, &["typed_config"]) == HCM
                    && let Some(config) = field(filter, "typed_config")
                {
                    managers.push(Manager {
                        listener: text(listener, &["name"]),
                        secure: field(chain, "transport_socket").is_some(),
                        config,
                    });
                }
            }
        }
    }
    managers
}

fn certificates(config: &Value, world: &World<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for listener in items(config, &["static_resources", "listeners"]) {
        for chain in items(listener, &["filter_chains"]) {
            let common = &["transport_socket", "typed_config", "common_tls_context"];
            let Some(tls) = at(chain, common) else {
                continue;
            };
            for certificate in items(tls, &["tls_certificates"]) {
                findings.push(certificate_of(listener, certificate, world));
            }
        }
    }
    findings
}

fn certificate_of(listener: &Value, certificate: &Value, world: &World<'_>) -> Finding {
    let check = "certificate";
    let name = text(listener, &["name"]);
    let path = text(certificate, &["certificate_chain", "filename"]);
    let inline = text(certificate, &["certificate_chain", "inline_string"]);
    let replace = "replace the file and start Envoy again, or serve it by SDS, which Envoy reads again by itself";
    let what = match path {
        "" => format!("the certificate of listener `{name}`"),
        path => format!("`{path}` of listener `{name}`"),
    };
    let looked = Certificate {
        area: Area::Envoy,
        check,
        what: &what,
        replace,
    };
    if !inline.is_empty() {
        return looked.judge_pem(inline.as_bytes(), world.now);
    }
    match (world.read)(Path::new(path)) {
        Ok(pem) => looked.judge_pem(&pem, world.now),
        Err(error) => {
            let found = format!("cannot read {what}: {error}");
            Finding::skipped(
                Area::Envoy,
                check,
                found,
                "ask where Envoy runs, as its user",
            )
        }
    }
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    Finding::ok(Area::Envoy, check, found)
}

fn warning(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding::warning(Area::Envoy, check, found, remedy)
}

fn failed(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding::failed(Area::Envoy, check, found, remedy)
}

#[cfg(test)]
mod tests;
