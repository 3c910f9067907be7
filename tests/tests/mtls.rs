//! A real Envoy and the control plane over mTLS: delivered, rotated on both sides, delivered again.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::http::Client;
use countersign_e2e::paths::{self, Scratch};
use countersign_e2e::ports::Ports;
use countersign_e2e::process::Group;
use countersign_e2e::stack::countersign;
use countersign_e2e::wait;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);
const NODE: &str = "spiffe://example.com/edge/mtls-1";

/// Which revision is in force is seen by the status.
fn policy(status: u16) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: everybody}}\n\
         spec:\n  action: redirect\n  redirect: {{location: \"https://example.com/\", status: {status}}}\n"
    )
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    fn signed(&self, name: SanType, usage: ExtendedKeyUsagePurpose) -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(name);
        params.extended_key_usages.push(usage);
        let pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok((pem, key.serialize_pem()))
    }
}

/// Everything in one folder; both programs end with it.
struct World {
    envoy: Option<Group>,
    plane: Option<Group>,
    ports: Ports,
    folder: Scratch,
}

impl World {
    fn at(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Written beside and renamed, as whoever rotates certificates does.
    fn put(&self, file: &str, text: &str) -> Result<PathBuf> {
        let fresh = self.at(&format!("{file}.new"));
        std::fs::write(&fresh, text)?;
        std::fs::rename(fresh, self.at(file))?;
        Ok(self.at(file))
    }

    /// What both sides show and trust.
    fn certificates(&self, authority: &Authority) -> Result<()> {
        let server = authority.signed(
            SanType::DnsName("localhost".try_into()?),
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        let node = authority.signed(
            SanType::URI(NODE.try_into()?),
            ExtendedKeyUsagePurpose::ClientAuth,
        )?;
        self.put("authority.pem", &authority.pem)?;
        self.put("server.key", &server.1)?;
        self.put("server.crt", &server.0)?;
        let inline = |pem: &str| Value::from(pem).to_string();
        let secret = |name: &str, what: String| {
            format!(
                "resources:\n- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n  \
                 name: {name}\n  {what}\n"
            )
        };
        self.put(
            "node.yaml",
            &secret(
                "node",
                format!(
                    "tls_certificate: {{certificate_chain: {{inline_string: {}}}, private_key: {{inline_string: {}}}}}",
                    inline(&node.0),
                    inline(&node.1)
                ),
            ),
        )?;
        self.put(
            "trusted.yaml",
            &secret(
                "control_plane_authority",
                format!(
                    "validation_context: {{trusted_ca: {{inline_string: {}}}, match_typed_subject_alt_names: \
                     [{{san_type: DNS, matcher: {{exact: localhost}}}}]}}",
                    inline(&authority.pem)
                ),
            ),
        )?;
        Ok(())
    }

    fn start_plane(&mut self) -> Result<()> {
        let binary = paths::binaries()?.join("countersign-control-plane");
        let module = paths::target("filter")?.join("countersign_filter.wasm");
        let mut command = Command::new(binary);
        command
            .arg(format!("--grpc-listen=127.0.0.1:{}", self.ports.at(18_000)))
            .arg(format!("--http-listen=127.0.0.1:{}", self.ports.at(8_080)))
            .arg(format!(
                "--database-url=sqlite://{}",
                self.at("plane.db").display()
            ))
            .arg(format!("--filter-module={}", module.display()))
            .arg(format!(
                "--tls-certificate={}",
                self.at("server.crt").display()
            ))
            .arg(format!("--tls-key={}", self.at("server.key").display()))
            .arg(format!(
                "--tls-client-ca={}",
                self.at("authority.pem").display()
            ))
            .arg(format!(
                "--bootstrap-token-file={}",
                self.at("bootstrap-token").display()
            ));
        self.plane = Some(Group::spawn(&mut command, &self.at("plane.log"))?);
        Ok(())
    }

    fn start_envoy(&mut self) -> Result<()> {
        let read = |file: &str| std::fs::read_to_string(paths::repository().join(file));
        let text = read("envoy/bootstrap.yaml")?;
        let (before, rest) = text
            .split_once("  - name: countersign_control_plane\n    type:")
            .context("the cluster of the control plane")?;
        let (_, after) = rest
            .split_once("  - name: countersign_auth_sidecar\n")
            .context("the cluster after it")?;
        let cluster = read("envoy/control-plane-tls.yaml")?;
        let mut text = format!("{before}{cluster}\n  - name: countersign_auth_sidecar\n{after}");
        let (certificate, key) = Authority::new("edge")?.signed(
            SanType::DnsName("localhost".try_into()?),
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        let port = |default| self.ports.at(default).to_string();
        let path = |file: &str| self.at(file).display().to_string();
        self.put("edge.crt", &certificate)?;
        self.put("edge.key", &key)?;
        for (name, value) in [
            ("NODE_ID", "mtls-1".to_owned()),
            ("NODE_CLUSTER", "edge".to_owned()),
            ("WORKERS", "1".to_owned()),
            ("LISTEN_ADDRESS", "127.0.0.1".to_owned()),
            ("HTTP_PORT", port(10_000)),
            ("HTTPS_PORT", port(10_443)),
            ("ADMIN_PORT", port(9_901)),
            ("SIDECAR_PORT", port(18_080)),
            ("UPSTREAM_HOST", "127.0.0.1".to_owned()),
            ("UPSTREAM_PORT", port(18_090)),
            ("TLS_CERTIFICATE", path("edge.crt")),
            ("TLS_KEY", path("edge.key")),
            ("CONTROL_PLANE_HOST", "localhost".to_owned()),
            ("CONTROL_PLANE_PORT", port(18_000)),
            ("NODE_SECRET", path("node.yaml")),
            ("CONTROL_PLANE_AUTHORITY", path("trusted.yaml")),
        ] {
            text = text.replace(&format!("${{{name}}}"), &value);
        }
        let config = self.put("envoy.yaml", &text)?;
        let fetched = paths::repository().join(".cache/envoy/1.40.0/envoy");
        let envoy = std::env::var_os("ENVOY_BIN").map_or(fetched, PathBuf::from);
        let mut command = Command::new(envoy);
        command.arg("--config-path").arg(config).args([
            "--concurrency",
            "1",
            "--disable-hot-restart",
        ]);
        self.envoy = Some(Group::spawn(&mut command, &self.at("envoy.log"))?);
        Ok(())
    }

    fn cli(&self, args: &[&str]) -> Result<Output> {
        Command::new(countersign()?)
            .args(args)
            .env("COUNTERSIGN_CONTEXTS", self.at("contexts.json"))
            .env(
                "COUNTERSIGN_CONTROL_PLANE",
                format!("https://localhost:{}", self.ports.at(18_000)),
            )
            .env("COUNTERSIGN_CA", self.at("authority.pem"))
            .env("NO_COLOR", "1")
            .current_dir(self.folder.path())
            .output()
            .context("running countersign")
    }

    fn done(&self, args: &[&str]) -> Result<String> {
        let output = self.cli(args)?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{args:?}: {told}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn nodes(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.done(&["nodes", "-o", "json"])?)?)
    }

    fn apply(&self, status: u16) -> Result<()> {
        let file = self.put("policy.yaml", &policy(status))?;
        self.done(&["apply", "-f", &file.display().to_string()])
            .map(drop)
    }

    fn answers(&self, status: u16) -> Result<()> {
        let client = Client::new(
            &format!("http://localhost:{}", self.ports.at(10_000)),
            None,
            None,
        )?;
        let what = format!("Envoy answers {status}");
        wait::until(&what, LIMIT, || {
            let answer = client.get("/").ok().map(|reply| reply.status);
            Ok((answer == Some(status)).then_some(()))
        })
    }

    fn live(&self) -> Result<()> {
        wait::until("the node is LIVE", LIMIT, || {
            let nodes = self.nodes()?.to_string();
            Ok(nodes.contains("\"LIVE\"").then_some(()))
        })
    }

    fn logs(&self) -> String {
        let tails = [&self.plane, &self.envoy].into_iter().flatten();
        tails.map(Group::tail).collect::<Vec<_>>().join("\n---\n")
    }
}

fn rotated_and_delivered(world: &mut World) -> Result<()> {
    world.certificates(&Authority::new("first")?)?;
    world.start_plane()?;
    let file = world.at("bootstrap-token");
    wait::until("the one-time token", LIMIT, || {
        Ok(file.exists().then_some(()))
    })?;
    // The port may not be open yet when the token is there.
    wait::until("the exchange", LIMIT, || {
        let file = file.display().to_string();
        let arguments = [
            "access",
            "bootstrap",
            "--name",
            "ann",
            "--bootstrap-token-file",
            &file,
        ];
        Ok(world.cli(&arguments)?.status.success().then_some(()))
    })?;
    world.done(&[
        "access",
        "certificates",
        "add",
        "uri:spiffe://example.com/edge/*",
        "--role",
        "node",
    ])?;
    world.apply(302)?;
    world.start_envoy()?;
    world.answers(302)?;
    world.live()?;

    // Nobody without a certificate or a token.
    let stranger = world.at("nothing.json").display().to_string();
    let refused = Command::new(countersign()?)
        .arg("nodes")
        .env("COUNTERSIGN_CONTEXTS", stranger)
        .env(
            "COUNTERSIGN_CONTROL_PLANE",
            format!("https://localhost:{}", world.ports.at(18_000)),
        )
        .env("COUNTERSIGN_CA", world.at("authority.pem"))
        .output()?;
    ensure!(refused.status.code() == Some(1), "{refused:?}");
    let told = String::from_utf8_lossy(&refused.stderr);
    ensure!(told.contains("this needs a token"), "{told}");

    // Another authority on both sides; the stream that lives goes on.
    world.certificates(&Authority::new("second")?)?;
    wait::until("the new certificate is served", LIMIT, || {
        Ok(world.cli(&["nodes"])?.status.success().then_some(()))
    })?;
    world.apply(307)?;
    world.answers(307)?;
    // Both come back with what the files hold now, and only with that.
    if let Some(mut plane) = world.plane.take() {
        plane.stop(LIMIT)?;
    }
    world.start_plane()?;
    wait::until("the control plane answers", LIMIT, || {
        Ok(world.cli(&["nodes"])?.status.success().then_some(()))
    })?;
    world.live()?;
    world.apply(308)?;
    world.answers(308)?;
    let audit = world.done(&["audit", "-o", "json"])?;
    ensure!(
        audit.contains("\"ann\"") && !audit.contains("csn_"),
        "{audit}"
    );
    Ok(())
}

#[test]
fn certificates_are_rotated_on_both_sides_and_revisions_still_arrive() -> Result<()> {
    let mut world = World {
        envoy: None,
        plane: None,
        ports: Ports::reserve()?,
        folder: Scratch::new("mtls")?,
    };
    rotated_and_delivered(&mut world).map_err(|error| error.context(world.logs()))
}
