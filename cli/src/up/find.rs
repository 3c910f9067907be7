//! Finds what a stack is made of: Envoy, the sibling programs, the filter's module, the examples.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `scripts/fetch-envoy.sh` fetches.
const FETCHED_ENVOY: &str = ".cache/envoy/1.40.0/envoy";

/// Older ones lack what the bootstrap asks for (JA4, filter state in RBAC and access logs).
pub(crate) const OLDEST_ENVOY: (u32, u32) = (1, 36);

/// Where `scripts/build-filter.sh` puts the filter's module.
const MODULE: &str = "filter/countersign_filter.wasm";

/// The policies that a stack without `--policies` starts with.
const EXAMPLES: &str = "envoy/examples";

/// Why something was not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    /// No Envoy anywhere.
    #[error(
        "no Envoy found: run `scripts/fetch-envoy.sh`, or give one with `--envoy` or ENVOY_BIN (1.36 or later)"
    )]
    NoEnvoy,
    /// It would not run.
    #[error("`{}` does not run: {source}; give another Envoy with `--envoy` or ENVOY_BIN", path.display())]
    EnvoyDoesNotRun {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ran and said something else.
    #[error("`{}` does not tell an Envoy version; give another with `--envoy` or ENVOY_BIN", path.display())]
    NotEnvoy {
        /// Which.
        path: PathBuf,
    },
    /// Too old.
    #[error(
        "`{}` is Envoy {major}.{minor}, and 1.36 is the oldest that works; run `scripts/fetch-envoy.sh`, or give another with `--envoy`",
        path.display()
    )]
    EnvoyTooOld {
        /// Which.
        path: PathBuf,
        /// Its version.
        major: u32,
        /// Its version.
        minor: u32,
    },
    /// A program of ours.
    #[error("`{name}` is not in `{}`; build it with `cargo build`", directory.display())]
    NoSibling {
        /// Which.
        name: &'static str,
        /// Where this program is.
        directory: PathBuf,
    },
    /// The filter.
    #[error(
        "the filter's module is not built: run `make build`, or give it with `--filter-module`"
    )]
    NoModule,
    /// What was given is not there.
    #[error("`{}` is not there ({option})", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
        /// The option that named it.
        option: &'static str,
    },
    /// No directory of policies.
    #[error("no policies found: give a directory of YAML files with `--policies`")]
    NoPolicies,
    /// The operating system does not say where this program is.
    #[error("cannot find this program's own place: {0}")]
    NoSelf(io::Error),
}

/// An Envoy that can run the bootstrap.
#[derive(Clone, Debug)]
pub(crate) struct Envoy {
    pub(crate) path: PathBuf,
    /// `1.40.0`.
    pub(crate) version: String,
}

/// This program's own file.
pub(crate) fn own_program() -> Result<PathBuf, FindError> {
    std::env::current_exe().map_err(FindError::NoSelf)
}

/// The Envoy to run: the one given, or the fetched one, or the first on the PATH that is recent.
pub(crate) fn envoy(given: Option<&Path>) -> Result<Envoy, FindError> {
    if let Some(path) = given {
        return envoy_at(&existing(path, "--envoy")?);
    }
    if let Some(path) = in_checkout(FETCHED_ENVOY) {
        return envoy_at(&path);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut refused = None;
    for candidate in std::env::split_paths(&path).map(|dir| dir.join("envoy")) {
        if candidate.is_file() {
            match envoy_at(&candidate) {
                Ok(envoy) => return Ok(envoy),
                Err(error) => refused = Some(error),
            }
        }
    }
    Err(refused.unwrap_or(FindError::NoEnvoy))
}

/// A program that is built with this one.
pub(crate) fn sibling(name: &'static str) -> Result<PathBuf, FindError> {
    let own = own_program()?;
    let directory = own.parent().unwrap_or(Path::new("."));
    let path = directory.join(name);
    if path.is_file() {
        Ok(path)
    } else {
        let directory = directory.to_owned();
        Err(FindError::NoSibling { name, directory })
    }
}

/// The filter's module, absolute, as Envoy and the control plane read it.
pub(crate) fn filter_module(given: Option<&Path>) -> Result<PathBuf, FindError> {
    if let Some(path) = given {
        return existing(path, "--filter-module");
    }
    let own = own_program()?;
    let beside = own.with_file_name("countersign_filter.wasm");
    // `target/debug/countersign` → `target/`.
    let in_target = own
        .parent()
        .and_then(Path::parent)
        .map(|dir| dir.join(MODULE));
    [Some(beside), in_target]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .or_else(|| in_checkout(&format!("target/{MODULE}")))
        .ok_or(FindError::NoModule)
}

/// The directory of policies, absolute.
pub(crate) fn policies(given: Option<&Path>) -> Result<PathBuf, FindError> {
    match given {
        Some(path) => existing(path, "--policies"),
        None => in_checkout(EXAMPLES).ok_or(FindError::NoPolicies),
    }
}

fn existing(path: &Path, option: &'static str) -> Result<PathBuf, FindError> {
    std::fs::canonicalize(path).map_err(|_| FindError::Missing {
        path: path.to_owned(),
        option,
    })
}

/// A file of the checkout: below the working directory, or below a directory that this program's
/// file lies in and that holds our bootstrap.
fn in_checkout(relative: &str) -> Option<PathBuf> {
    let own = own_program().ok();
    let above = own.iter().flat_map(|own| own.ancestors().skip(1));
    let checkouts = above.filter(|dir| dir.join("envoy/bootstrap.yaml").is_file());
    let here = std::env::current_dir().ok();
    here.as_deref()
        .into_iter()
        .chain(checkouts)
        .map(|dir| dir.join(relative))
        .find_map(|path| std::fs::canonicalize(path).ok())
}

fn envoy_at(path: &Path) -> Result<Envoy, FindError> {
    let output = Command::new(path).arg("--version").output();
    let output = output.map_err(|source| FindError::EnvoyDoesNotRun {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = parse_version(&text).ok_or_else(|| FindError::NotEnvoy {
        path: path.to_owned(),
    })?;
    let (major, minor, text) = version;
    if (major, minor) < OLDEST_ENVOY {
        let path = path.to_owned();
        return Err(FindError::EnvoyTooOld { path, major, minor });
    }
    Ok(Envoy {
        path: path.to_owned(),
        version: text,
    })
}

/// `… version: 9e55…/1.40.0/Clean/RELEASE/BoringSSL`
fn parse_version(text: &str) -> Option<(u32, u32, String)> {
    let (_, after) = text.split_once("version:")?;
    let version = after.trim().split('/').nth(1)?;
    let mut numbers = version.split(['.', '-']);
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor, version.to_owned()))
}

/// What the sidecar alone is told of mail, captchas and proxies; `up` has no options of its own for them.
const OF_THE_SIDECAR: [&str; 7] = [
    "COUNTERSIGN_ATTESTATION_",
    "COUNTERSIGN_AUTHENTICATOR",
    "COUNTERSIGN_CAPTCHA_",
    "COUNTERSIGN_MAIL_",
    "COUNTERSIGN_OTP_",
    "COUNTERSIGN_SMTP_",
    "COUNTERSIGN_TRUSTED_HOPS",
];

/// Variables that a part must not inherit speak to `up` itself.
pub(crate) fn inherited(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let of_the_sidecar = |prefix: &&str| name.starts_with(*prefix);
    !name.starts_with("COUNTERSIGN_") || OF_THE_SIDECAR.iter().any(of_the_sidecar)
}

/// The Envoy that tests run: fetched where it is missing.
#[cfg(test)]
pub(crate) fn envoy_for_tests() -> PathBuf {
    let given = std::env::var_os("ENVOY_BIN").map(PathBuf::from);
    if let Ok(found) = envoy(given.as_deref()) {
        return found.path;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/fetch-envoy.sh");
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use std::os::unix::fs::PermissionsExt as _;

    fn program(dir: &Scratch, says: &str) -> PathBuf {
        let path = dir.file("envoy", format!("#!/bin/sh\necho '{says}'\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn parts_inherit_what_the_sidecar_is_told_of_mail_and_captchas_and_nothing_of_ours_besides() {
        for name in [
            "PATH",
            "COUNTERSIGN_ATTESTATION_ROOTS",
            "COUNTERSIGN_AUTHENTICATORS",
            "COUNTERSIGN_SMTP_URL",
            "COUNTERSIGN_TRUSTED_HOPS",
        ] {
            assert!(inherited(&name.into()), "{name}");
        }
        for name in [
            "COUNTERSIGN_BASE_PORT",
            "COUNTERSIGN_TOKEN_FILE",
            "COUNTERSIGN_KEY",
        ] {
            assert!(!inherited(&name.into()), "{name}");
        }
    }

    #[test]
    fn the_version_is_read_from_what_envoy_says() {
        let says = "envoy  version: 9e55809/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(says), Some((1, 40, "1.40.0".to_owned())));
        let dev = "envoy  version: 9e55809/1.41.0-dev/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(dev), Some((1, 41, "1.41.0-dev".to_owned())));
        assert_eq!(parse_version("nginx version: nginx"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn an_old_envoy_is_refused_with_what_to_do() {
        let dir = Scratch::new();
        let path = program(&dir, "envoy  version: abc/1.35.9/Clean/RELEASE/BoringSSL");
        let error = envoy(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("is Envoy 1.35"), "{error}");
        assert!(error.contains("scripts/fetch-envoy.sh"), "{error}");
    }

    #[test]
    fn something_else_than_envoy_is_refused() {
        let dir = Scratch::new();
        let path = program(&dir, "hello");
        assert!(matches!(
            envoy(Some(&path)),
            Err(FindError::NotEnvoy { .. })
        ));
    }

    #[test]
    fn a_missing_file_is_named_with_its_option() {
        let error = envoy(Some(Path::new("/nowhere/envoy"))).unwrap_err();
        assert_eq!(error.to_string(), "`/nowhere/envoy` is not there (--envoy)");
        let error = filter_module(Some(Path::new("/nowhere.wasm"))).unwrap_err();
        assert!(error.to_string().contains("--filter-module"));
    }

    #[test]
    fn the_shipped_examples_are_found_from_the_checkout() {
        let found = policies(None).unwrap();
        assert!(found.join("settings.yaml").is_file());
    }
}
