//! TLS on the control plane's ports: rotation, and every way to be refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use countersign_control_plane::access::Role;
use countersign_control_plane::clock::Clock;
use countersign_control_plane::runtime::{
    AccessConfig, AccessMode, Config, Granted, Running, StartError, start,
};
use countersign_control_plane::tls::{ClientFiles, Connector, TlsError, TlsFiles};
use countersign_proto::access::v1 as access;
use countersign_proto::access::v1::access_service_client::AccessServiceClient;
use countersign_proto::node::v1::WorkerReport;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_client::AccessLogServiceClient;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use support::PATIENCE;
use support::envoy::{log_message, plain_node};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

/// An authority and what it signs, in files.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    fn signed(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        (pem, key.serialize_pem())
    }

    fn client(&self, uri: &str) -> (String, String) {
        self.signed(|params| {
            let uri = uri.try_into().unwrap();
            params.subject_alt_names.push(SanType::URI(uri));
        })
    }
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let fresh = self.at(&format!("{name}.new"));
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, self.at(name)).unwrap();
        self.at(name)
    }

    fn server(&self, (certificate, key): &(String, String)) -> TlsFiles {
        TlsFiles {
            certificate: self.put("server.crt", certificate),
            key: self.put("server.key", key),
            client_ca: None,
            require_client: false,
        }
    }

    fn client(&self, ca: &str, identity: Option<&(String, String)>) -> ClientFiles {
        ClientFiles {
            ca: Some(self.put("trusted.crt", ca)),
            identity: identity.map(|(certificate, key)| {
                (
                    self.put("client.crt", certificate),
                    self.put("client.key", key),
                )
            }),
        }
    }
}

async fn plane(directory: &Path, tls: TlsFiles) -> Result<Running, StartError> {
    let config = Config {
        grpc_listen: ([127, 0, 0, 1], 0).into(),
        http_listen: ([127, 0, 0, 1], 0).into(),
        database_url: format!("sqlite://{}", directory.join("state.db").display()),
        policies: None,
        filter_module: "/f.wasm".into(),
        module_cluster: None,
        access: AccessConfig {
            mode: AccessMode::Required,
            ..AccessConfig::default()
        },
        tls: Some(tls),
    };
    start(config, Clock::system()).await
}

async fn connect(running: &Running, files: &ClientFiles) -> Option<Channel> {
    let address = format!("https://{}", running.grpc_address());
    let endpoint = Endpoint::from_shared(address).unwrap();
    let connector = Connector::new(files.clone()).unwrap();
    endpoint.connect_with_connector(connector).await.ok()
}

/// The certificate's name for this channel; `None` where TLS or the connection failed.
async fn who(channel: Channel) -> Result<String, tonic::Status> {
    let mut client = AccessServiceClient::new(channel);
    let answer = client.who_am_i(access::WhoAmIRequest {}).await?;
    Ok(answer.into_inner().name)
}

async fn give(running: &Running, name: &str, role: Role) {
    give_for(running, name, Granted { role, node: "" }).await;
}

async fn give_for(running: &Running, name: &str, granted: Granted<'_>) {
    let caller = countersign_control_plane::access::Caller {
        identity: countersign_control_plane::access::Identity::open(),
        address: None,
        request_id: "test".into(),
        note: countersign_control_plane::access::Note::default(),
    };
    let access = &running.app().access;
    access
        .add_certificate(&caller, name, granted, "test")
        .await
        .unwrap();
}

fn counter(running: &Running, name: &str) -> u64 {
    let text = running.app().metrics.text().unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    line.and_then(|line| line.rsplit_once(' '))
        .and_then(|(_, value)| value.parse().ok())
        .unwrap()
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"));
}

#[tokio::test]
async fn a_certificate_is_rotated_while_connections_live_on() {
    let files = Files::new();
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let mut tls = files.server(&old.signed(|_| {}));
    tls.client_ca = Some(files.put("clients.crt", &old.pem));
    let running = plane(files.0.path(), tls.clone()).await.unwrap();
    give(&running, "uri:spiffe://example.com/edge/*", Role::Node).await;

    let identity = old.client("spiffe://example.com/edge/1");
    let trusts_old = files.client(&old.pem, Some(&identity));
    let living = connect(&running, &trusts_old).await.unwrap();
    assert_eq!(
        who(living.clone()).await.unwrap(),
        "spiffe://example.com/edge/1"
    );

    // The key of another certificate: what is in use goes on, and it is counted once.
    files.put("server.key", &new.signed(|_| {}).1);
    until("the error", async || {
        counter(&running, "countersign_tls_reload_errors_total") == 1
    })
    .await;
    assert_eq!(
        who(connect(&running, &trusts_old).await.unwrap())
            .await
            .unwrap(),
        "spiffe://example.com/edge/1"
    );

    // Another authority on both sides.
    files.put("clients.crt", &new.pem);
    files.server(&new.signed(|_| {}));
    until("the new certificate", async || {
        counter(&running, "countersign_tls_reloads_total") == 1
    })
    .await;
    assert_eq!(counter(&running, "countersign_tls_reload_errors_total"), 1);
    assert_eq!(who(living).await.unwrap(), "spiffe://example.com/edge/1");
    assert!(connect(&running, &trusts_old).await.is_none());
    let fresh = new.client("spiffe://example.com/edge/2");
    let trusts_new = files.client(&new.pem, Some(&fresh));
    assert_eq!(
        who(connect(&running, &trusts_new).await.unwrap())
            .await
            .unwrap(),
        "spiffe://example.com/edge/2"
    );
    running.shutdown().await;
}

/// TLS 1.3 lets a client believe that it is connected before its certificate was looked at: a call tells.
async fn is_refused(running: &Running, files: &ClientFiles) -> bool {
    match connect(running, files).await {
        None => true,
        Some(channel) => match who(channel).await {
            Ok(_) => false,
            // An answer of the server would mean that the handshake went through.
            Err(status) => !matches!(
                status.code(),
                Code::Unauthenticated | Code::PermissionDenied
            ),
        },
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_verified_ends_at_the_handshake() {
    let files = Files::new();
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let mut tls = files.server(&ours.signed(|_| {}));
    tls.client_ca = Some(files.put("clients.crt", &ours.pem));
    let running = plane(files.0.path(), tls).await.unwrap();
    give(&running, "uri:spiffe://example.com/edge/*", Role::Node).await;
    let name = "spiffe://example.com/edge/1";

    let unknown = files.client(&ours.pem, Some(&other.client(name)));
    assert!(is_refused(&running, &unknown).await);
    let ended = ours.signed(|params| {
        params
            .subject_alt_names
            .push(SanType::URI(name.try_into().unwrap()));
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let ended = files.client(&ours.pem, Some(&ended));
    assert!(is_refused(&running, &ended).await);
    assert!(counter(&running, "countersign_tls_handshakes_failed_total") >= 2);
    // A client that does not trust the control plane.
    let distrusts = files.client(&other.pem, Some(&ours.client(name)));
    assert!(connect(&running, &distrusts).await.is_none());

    // Verified, and nobody gave it a role; and without any certificate.
    let nobody = files.client(
        &ours.pem,
        Some(&ours.client("spiffe://example.com/people/ann")),
    );
    let refused = who(connect(&running, &nobody).await.unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(
        refused
            .message()
            .contains("uri:spiffe://example.com/people/ann"),
        "{refused}"
    );
    let without = files.client(&ours.pem, None);
    let refused = who(connect(&running, &without).await.unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let known = files.client(&ours.pem, Some(&ours.client(name)));
    assert_eq!(
        who(connect(&running, &known).await.unwrap()).await.unwrap(),
        name
    );
    running.shutdown().await;
}

#[tokio::test]
async fn a_bound_certificate_speaks_for_its_nodes_only() {
    let files = Files::new();
    let ours = Authority::new("ours");
    let mut tls = files.server(&ours.signed(|_| {}));
    tls.client_ca = Some(files.put("clients.crt", &ours.pem));
    let running = plane(files.0.path(), tls).await.unwrap();
    let granted = Granted {
        role: Role::Node,
        node: "edge-*",
    };
    give_for(&running, "uri:spiffe://example.com/edge/*", granted).await;
    let identity = ours.client("spiffe://example.com/edge/1");
    let trusting = files.client(&ours.pem, Some(&identity));
    let channel = connect(&running, &trusting).await.unwrap();

    let report = async |node: &str| {
        let report = WorkerReport {
            node_id: node.into(),
            vm: "vm".into(),
            ..WorkerReport::default()
        };
        let mut client = NodeServiceClient::new(channel.clone());
        let acks = client.report_worker(tokio_stream::iter([report])).await?;
        acks.into_inner().message().await.map(|ack| ack.unwrap())
    };
    let log = async |node: &str| {
        let message = log_message(Some(plain_node(node)), vec![]);
        let mut client = AccessLogServiceClient::new(channel.clone());
        client
            .stream_access_logs(tokio_stream::iter([message]))
            .await
    };
    report("edge-7").await.unwrap();
    log("edge-7").await.unwrap();
    let refused = [
        report("core-1").await.unwrap_err(),
        log("core-1").await.unwrap_err(),
    ];
    for refused in refused {
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(
            refused.message(),
            "`spiffe://example.com/edge/1` speaks for the node `edge-*` only, and this is `core-1`"
        );
    }
    running.shutdown().await;
}

#[tokio::test]
async fn where_certificates_are_required_nobody_is_heard_without() {
    let files = Files::new();
    let ours = Authority::new("ours");
    let mut tls = files.server(&ours.signed(|_| {}));
    tls.client_ca = Some(files.put("clients.crt", &ours.pem));
    tls.require_client = true;
    let running = plane(files.0.path(), tls).await.unwrap();
    let without = files.client(&ours.pem, None);
    assert!(is_refused(&running, &without).await);
    running.shutdown().await;
}

#[tokio::test]
async fn files_that_nobody_could_use_are_refused_at_the_start() {
    let ours = Authority::new("ours");
    let files = Files::new();
    let good = ours.signed(|_| {});
    let other = ours.signed(|_| {});
    let ended = ours.signed(|params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let text = async |pair: (String, String)| {
        let started = plane(files.0.path(), files.server(&pair)).await;
        match started {
            Err(StartError::Tls(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let fault = text((good.0.clone(), other.1)).await;
    assert!(matches!(fault, TlsError::OtherKey { .. }), "{fault}");
    let fault = text(ended).await;
    assert!(fault.to_string().contains("ended at 2021-01-01"), "{fault}");
    let fault = text(("nothing".into(), good.1)).await;
    assert!(matches!(fault, TlsError::Nothing { .. }), "{fault}");
}

/// The first line of the answer.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> String {
    let request = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    // Who is not heard may be cut off.
    let _ = stream.write_all(request).await;
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn rest_is_served_over_tls_of_at_least_1_2_and_plaintext_is_not_heard() {
    let files = Files::new();
    let ours = Authority::new("ours");
    let tls = files.server(&ours.signed(|_| {}));
    let running = plane(files.0.path(), tls).await.unwrap();
    let address = running.http_address();
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ours.pem.as_bytes()).unwrap())
        .unwrap();
    let roots = Arc::new(roots);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(ask(stream).await, "HTTP/1.1 200 OK");
    }
    let plain = TcpStream::connect(address).await.unwrap();
    assert!(!ask(plain).await.starts_with("HTTP"));
    // A client hello of TLS 1.1, which offers nothing newer.
    let mut old = TcpStream::connect(address).await.unwrap();
    let mut hello = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    old.write_all(&hello).await.unwrap();
    let mut alert = Vec::new();
    let _ = old.read_to_end(&mut alert).await;
    // An alert and no server hello.
    assert_eq!(alert.first(), Some(&0x15), "{alert:?}");
    running.shutdown().await;
}
