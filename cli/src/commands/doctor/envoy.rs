//! Envoy's program and its bootstrap.

use std::io::Read as _;
use std::path::Path;

use countersign_control_plane::clock::Clock;
use tokio::process::Command;

use super::DoctorArgs;
use super::bootstrap::{self, Judged, MAX_BYTES, World};
use super::finding::{Area, Finding};
use crate::up::LocalStack;
use crate::up::find;

/// So much of what Envoy says against a bootstrap is shown.
const SAID: usize = 300;

/// What was found, and what the bootstrap tells besides.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    /// Where the sidecar is.
    pub(super) sidecar: Option<String>,
    /// The names of all clusters, where they are known.
    pub(super) clusters: Option<Vec<String>>,
}

/// Everything about Envoy.
pub(super) async fn look(args: &DoctorArgs, stack: Option<&LocalStack>, clock: &Clock) -> Looked {
    let program = args.envoy.as_deref();
    let program = program.or_else(|| stack.map(|stack| stack.envoy.as_path()));
    let config = args.envoy_config.as_deref();
    let config = config.or_else(|| stack.map(|stack| stack.envoy_config.as_path()));
    let mut findings = vec![version(program)];
    let only = |findings| Looked {
        findings,
        ..Looked::default()
    };
    let Some(config) = config else {
        findings.push(Finding::skipped(
            Area::Envoy,
            "bootstrap",
            "nobody gave Envoy's bootstrap",
            "give it with `--envoy-config FILE`, everything filled in",
        ));
        return only(findings);
    };
    let source = match read(config) {
        Ok(source) => source,
        Err(error) => {
            let found = format!("cannot read `{}`: {error}", config.display());
            let remedy = "name Envoy's bootstrap with `--envoy-config`";
            findings.push(Finding::failed(Area::Envoy, "bootstrap", found, remedy));
            return only(findings);
        }
    };
    if let Some(program) = program {
        findings.push(validate(program, config).await);
    }
    let now = i64::try_from(clock.now() / 1_000).unwrap_or(i64::MAX);
    let judged = tokio::task::spawn_blocking(move || {
        bootstrap::judge(
            &source,
            &World {
                now,
                resolve: &resolve,
                read: &|path| std::fs::read(path),
            },
        )
    });
    let Ok(Judged {
        findings: found,
        sidecar,
        clusters,
    }) = judged.await
    else {
        return only(findings);
    };
    findings.extend(found);
    Looked {
        findings,
        sidecar: sidecar.map(|sidecar| sidecar.address),
        clusters,
    }
}

fn resolve(host: &str) -> Vec<std::net::IpAddr> {
    use std::net::ToSocketAddrs as _;
    let found = (host, 0).to_socket_addrs();
    found.map_or_else(|_| Vec::new(), |found| found.map(|it| it.ip()).collect())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is too large for a bootstrap"));
    }
    Ok(text)
}

fn version(program: Option<&Path>) -> Finding {
    let check = "version";
    let Some(program) = program else {
        return Finding::skipped(
            Area::Envoy,
            check,
            "nobody gave the program",
            "name it with `--envoy PATH`; of nodes that are connected the version is known",
        );
    };
    match find::envoy(Some(program)) {
        Ok(envoy) => Finding::ok(
            Area::Envoy,
            check,
            format!("{} ({})", envoy.version, program.display()),
        ),
        Err(error) => {
            let (major, minor) = find::OLDEST_ENVOY;
            let remedy =
                format!("install Envoy {major}.{minor} or later, and name it with `--envoy`");
            Finding::failed(Area::Envoy, check, error.to_string(), remedy)
        }
    }
}

/// Envoy itself reads it.
async fn validate(program: &Path, config: &Path) -> Finding {
    let check = "validate";
    let mut command = Command::new(program);
    command
        .args(["--mode", "validate", "--log-level", "error", "-c"])
        .arg(config)
        .kill_on_drop(true);
    match command.output().await {
        Ok(output) if output.status.success() => {
            Finding::ok(Area::Envoy, check, "Envoy takes the bootstrap")
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().rev().find(|line| !line.trim().is_empty());
            let line: String = line.unwrap_or_default().chars().take(SAID).collect();
            let found = format!("Envoy does not take the bootstrap: {line}");
            let remedy = format!(
                "mend it; `{} --mode validate -c {}` says more",
                program.display(),
                config.display()
            );
            Finding::failed(Area::Envoy, check, found, remedy)
        }
        Err(error) => {
            let found = format!("`{}` does not run: {error}", program.display());
            Finding::failed(
                Area::Envoy,
                check,
                found,
                "name another Envoy with `--envoy`",
            )
        }
    }
}
