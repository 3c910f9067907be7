//! Envoy's bootstrap: the template of `envoy/bootstrap.yaml` with the values of this stack.

use std::path::Path;

/// The file that operators deploy is the file that the demo runs.
pub(crate) const TEMPLATE: &str = include_str!("../../../envoy/bootstrap.yaml");

/// What stands in `${…}`.
#[derive(Clone, Debug)]
pub(crate) struct Bootstrap<'a> {
    pub(crate) node_id: &'a str,
    pub(crate) node_cluster: &'a str,
    /// Envoy's `--concurrency`.
    pub(crate) workers: u16,
    pub(crate) http_port: u16,
    pub(crate) https_port: u16,
    pub(crate) admin_port: u16,
    pub(crate) control_plane: ControlPlane<'a>,
    pub(crate) sidecar_port: u16,
    pub(crate) upstream_host: &'a str,
    pub(crate) upstream_port: u16,
    pub(crate) tls_certificate: &'a Path,
    pub(crate) tls_key: &'a Path,
    /// A secret as Envoy reads it from a file.
    pub(crate) control_plane_token: &'a Path,
}

/// Where Envoy finds its control plane.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ControlPlane<'a> {
    /// On this machine.
    Port(u16),
    /// A relay's unix socket.
    Socket(&'a Path),
}

/// Why the template cannot be filled in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BootstrapError {
    /// The template names something that nobody knows.
    #[error("envoy/bootstrap.yaml:{line}: unknown placeholder `${{{name}}}`")]
    UnknownPlaceholder {
        /// Without `${` and `}`.
        name: String,
        /// From 1.
        line: usize,
    },
    /// `${` without `}`.
    #[error("envoy/bootstrap.yaml:{line}: placeholder without an end")]
    OpenPlaceholder {
        /// From 1.
        line: usize,
    },
}

impl Bootstrap<'_> {
    /// The finished file.
    pub(crate) fn render(&self) -> Result<String, BootstrapError> {
        fill(TEMPLATE, |name| self.value(name))
    }

    fn value(&self, name: &str) -> Option<String> {
        Some(match name {
            "NODE_ID" => quoted(self.node_id),
            "NODE_CLUSTER" => quoted(self.node_cluster),
            "WORKERS" => self.workers.to_string(),
            "LISTEN_ADDRESS" => "127.0.0.1".to_owned(),
            "HTTP_PORT" => self.http_port.to_string(),
            "HTTPS_PORT" => self.https_port.to_string(),
            "ADMIN_PORT" => self.admin_port.to_string(),
            "CONTROL_PLANE_ADDRESS" => match self.control_plane {
                ControlPlane::Port(port) => {
                    format!("{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}")
                }
                ControlPlane::Socket(path) => {
                    format!(
                        "{{pipe: {{path: \"{}\"}}}}",
                        quoted(&path.to_string_lossy())
                    )
                }
            },
            "SIDECAR_PORT" => self.sidecar_port.to_string(),
            "UPSTREAM_HOST" => quoted(self.upstream_host),
            "UPSTREAM_PORT" => self.upstream_port.to_string(),
            "TLS_CERTIFICATE" => quoted(&self.tls_certificate.to_string_lossy()),
            "CONTROL_PLANE_TOKEN" => quoted(&self.control_plane_token.to_string_lossy()),
            "TLS_KEY" => quoted(&self.tls_key.to_string_lossy()),
            _ => return None,
        })
    }
}

/// The inside of a double-quoted YAML string: a path with a quote in its name must not end it.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.trim_start_matches('"')
        .strip_suffix('"')
        .unwrap_or_default()
        .to_owned()
}

fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, BootstrapError> {
    let mut out = String::with_capacity(template.len() + 512);
    for (index, line) in template.lines().enumerate() {
        let number = index + 1;
        let mut rest = line;
        // Comments speak of placeholders without being meant.
        while !line.trim_start().starts_with('#')
            && let Some((before, after)) = rest.split_once("${")
        {
            let (name, after) = after
                .split_once('}')
                .ok_or(BootstrapError::OpenPlaceholder { line: number })?;
            out.push_str(before);
            out.push_str(
                &value(name).ok_or_else(|| BootstrapError::UnknownPlaceholder {
                    name: name.to_owned(),
                    line: number,
                })?,
            );
            rest = after;
        }
        out.push_str(rest);
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn bootstrap<'a>(certificate: &'a Path, key: &'a Path, token: &'a Path) -> Bootstrap<'a> {
        Bootstrap {
            node_id: "node-1",
            node_cluster: "edge",
            workers: 2,
            http_port: 10_000,
            https_port: 10_443,
            admin_port: 9_901,
            control_plane: ControlPlane::Port(18_000),
            sidecar_port: 18_080,
            upstream_host: "localhost",
            upstream_port: 18_090,
            tls_certificate: certificate,
            tls_key: key,
            control_plane_token: token,
        }
    }

    #[test]
    fn every_placeholder_of_the_shipped_template_has_a_value() {
        let path = Path::new("/x");
        let rendered = bootstrap(path, path, path).render().unwrap();
        let left = rendered
            .lines()
            .filter(|line| !line.trim_start().starts_with('#') && line.contains("${"))
            .count();
        assert_eq!(left, 0);
        assert!(rendered.contains("port_value: 10443"));
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_its_line() {
        let error = fill("# ${FINE}\na: ${NOPE}\n", |_| None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "envoy/bootstrap.yaml:2: unknown placeholder `${NOPE}`"
        );
        assert_eq!(
            fill("a: ${NOPE\n", |_| None),
            Err(BootstrapError::OpenPlaceholder { line: 1 })
        );
    }

    #[test]
    fn a_quote_in_a_path_does_not_end_the_string() {
        let path = Path::new("/a\"b\\c");
        let rendered = bootstrap(path, path, path).render().unwrap();
        assert!(rendered.contains(r#"filename: "/a\"b\\c""#));
    }

    #[test]
    fn the_real_envoy_accepts_the_rendered_bootstrap() {
        let envoy = crate::up::find::envoy_for_tests();
        let dir = Scratch::new();
        let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let tls = crate::up::certificates::ensure(&dir.path().join("tls"), now).unwrap();
        let access = crate::up::access::ensure(&dir.path().join("access")).unwrap();
        let socket = Path::new("/run/counter\"sign/relay.sock");
        for control_plane in [ControlPlane::Port(18_000), ControlPlane::Socket(socket)] {
            let filled = Bootstrap {
                control_plane,
                ..bootstrap(&tls.certificate, &tls.key, &access.envoy)
            };
            let file = dir.file("envoy.yaml", filled.render().unwrap());
            let output = std::process::Command::new(&envoy)
                .args(["--mode", "validate", "-c"])
                .arg(file)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}
