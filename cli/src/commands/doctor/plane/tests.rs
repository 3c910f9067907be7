use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::super::finding::Status;
use super::*;
use crate::scratch::Scratch;

/// Inside the life of what rcgen makes by default.
const NOW_S: i64 = 1_800_000_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn clock() -> Clock {
    Clock::system()
}

/// Seconds since 1970, by the machine: what verifies a certificate asks no other clock.
fn real() -> i64 {
    i64::try_from(clock().now() / 1_000).unwrap()
}

struct Server {
    address: String,
    ca: PathBuf,
    _dir: Scratch,
}

/// A server over TLS whose certificate is good from and until then; it answers `ready` to everything.
async fn server(from: i64, until: i64) -> Server {
    let dir = Scratch::new();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = dir.file(
        "ca.pem",
        authority.self_signed(&authority_key).unwrap().pem(),
    );
    let issuer = Issuer::new(authority, authority_key);
    let mut params = CertificateParams::default();
    params.not_before = OffsetDateTime::from_unix_timestamp(from).unwrap();
    params.not_after = OffsetDateTime::from_unix_timestamp(until).unwrap();
    params
        .subject_alt_names
        .push(SanType::DnsName("localhost".try_into().unwrap()));
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut head = [0; 1024];
                let _asked = stream.read(&mut head).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n";
                let _told = stream.write_all(answer).await;
                let _ended = stream.shutdown().await;
            }
        }
    });
    Server {
        address: format!("https://localhost:{port}"),
        ca,
        _dir: dir,
    }
}

impl Server {
    fn target(&self) -> Target {
        Target {
            ca: Some(self.ca.clone()),
            ..Target::at(&self.address)
        }
    }
}

fn find<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    let found = findings.iter().find(|finding| finding.check == check);
    found.unwrap_or_else(|| panic!("{check}: {findings:?}"))
}

#[test]
fn a_certificate_that_ended_is_the_finding_and_not_only_that_nobody_answers() {
    runtime().block_on(async {
        let server = server(real() - 100 * 86_400, real() - 86_400).await;
        let findings = rest(Some(&server.address), &server.target(), &clock()).await;
        let certificate = find(&findings, "rest-certificate");
        assert_eq!(certificate.status, Status::Failed);
        assert!(certificate.found.contains("ended at"), "{certificate:?}");
        assert!(
            certificate
                .remedy
                .as_ref()
                .unwrap()
                .contains("--tls-certificate")
        );
        assert_eq!(find(&findings, "rest").status, Status::Failed);

        let findings = grpc(&server.target(), &clock()).await;
        assert_eq!(find(&findings, "certificate").status, Status::Failed);
        let reached = find(&findings, "grpc");
        assert_eq!(reached.status, Status::Failed);
        assert!(
            reached.remedy.as_ref().unwrap().contains("certificate"),
            "{reached:?}"
        );
        assert_eq!(find(&findings, "asked").status, Status::Skipped);
    });
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning_and_the_rest_is_well() {
    runtime().block_on(async {
        let server = server(real() - 86_400, real() + 3 * 86_400).await;
        let findings = rest(Some(&server.address), &server.target(), &clock()).await;
        assert_eq!(find(&findings, "rest-certificate").status, Status::Warning);
        assert_eq!(find(&findings, "rest").status, Status::Ok);
    });
}

#[test]
fn an_authority_that_is_not_trusted_leads_to_the_option_that_names_it() {
    runtime().block_on(async {
        let server = server(real() - 86_400, real() + 90 * 86_400).await;
        let other = self::server(real() - 86_400, real() + 90 * 86_400).await;
        let target = Target {
            ca: Some(other.ca.clone()),
            ..Target::at(&server.address)
        };
        let findings = grpc(&target, &clock()).await;
        assert_eq!(find(&findings, "certificate").status, Status::Ok);
        let reached = find(&findings, "grpc");
        assert!(
            reached.remedy.as_ref().unwrap().contains("--ca"),
            "{reached:?}"
        );
    });
}

#[test]
fn a_control_plane_that_is_not_there_skips_what_needs_it() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    runtime().block_on(async {
        let findings = grpc(&Target::at(&address), &clock()).await;
        assert_eq!(find(&findings, "grpc").status, Status::Failed);
        assert_eq!(find(&findings, "asked").status, Status::Skipped);
        let findings = rest(Some(&address), &Target::at(&address), &clock()).await;
        assert_eq!(find(&findings, "rest").status, Status::Failed);
        let findings = rest(None, &Target::at(&address), &clock()).await;
        assert_eq!(find(&findings, "rest").status, Status::Skipped);
        let findings = rest(Some("nonsense/"), &Target::at(&address), &clock()).await;
        assert!(find(&findings, "rest").found.contains("is no address"));
    });
}

#[test]
fn a_clock_that_is_off_is_told_by_how_much_and_which_way() {
    let here = |off: i64| u64::try_from((NOW_S + off) * 1_000 + 999).unwrap();
    for (off, status, part) in [
        (0, Status::Ok, "within"),
        (5, Status::Ok, "within"),
        (-5, Status::Ok, "within"),
        (6, Status::Warning, "6 s ahead of"),
        (-6, Status::Warning, "6 s behind"),
        (30, Status::Warning, "30 s ahead of"),
        (31, Status::Failed, "31 s ahead of"),
        (-3_600, Status::Failed, "3600 s behind"),
    ] {
        let finding = skew(NOW_S, here(off));
        assert_eq!(finding.status, status, "{off}: {finding:?}");
        assert!(finding.found.contains(part), "{off}: {finding:?}");
    }
}

#[test]
fn a_token_is_good_of_a_node_missing_or_not_asked_for() {
    let who = |role: access::Role, source: &str| access::WhoAmIResponse {
        name: "ann".to_owned(),
        role: role.into(),
        source: source.to_owned(),
    };
    let cases = [
        (
            Ok(who(access::Role::Viewer, "token:1")),
            Status::Ok,
            "ann is a viewer",
        ),
        (
            Ok(who(access::Role::Node, "token:1")),
            Status::Failed,
            "may not ask",
        ),
        (
            Ok(who(access::Role::Unspecified, "open")),
            Status::Warning,
            "open",
        ),
        (
            Err(ApiError::Access("this needs a token".to_owned())),
            Status::Failed,
            "this needs a token",
        ),
    ];
    for (told, status, part) in cases {
        let finding = token(told);
        assert_eq!(finding.status, status, "{finding:?}");
        assert!(finding.found.contains(part), "{finding:?}");
        assert_eq!(finding.remedy.is_some(), status != Status::Ok);
    }
}
