use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::scratch::Scratch;

fn day(number: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap() + Duration::days(number)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_first_start_makes_an_authority_and_a_leaf_for_every_name() {
    let dir = Scratch::new();
    let made = ensure(dir.path(), day(0)).unwrap();
    let leaf = Pair::read(&made.certificate, &made.key).unwrap();
    assert_eq!(leaf.names(), wanted_names());
    let ca = Pair::read(&made.ca, &dir.path().join("ca.key")).unwrap();
    let is_ca = with_certificate(&ca.pem, |certificate| certificate.is_ca()).unwrap();
    assert!(is_ca);
    let issuer = with_certificate(&leaf.pem, |leaf| leaf.issuer().to_string()).unwrap();
    assert_eq!(issuer, "CN=Countersign local authority");
}

#[test]
fn the_leaf_carries_the_authoritys_signature() {
    let dir = Scratch::new();
    let made = ensure(dir.path(), day(0)).unwrap();
    let verdict = std::process::Command::new("openssl")
        .args(["verify", "-no_check_time", "-CAfile"])
        .args([&made.ca, &made.certificate])
        .output();
    // Without openssl the end-to-end tests, which connect over TLS, say the same.
    if let Ok(verdict) = verdict {
        assert!(verdict.status.success(), "{verdict:?}");
    }
}

#[test]
fn a_later_start_uses_the_same_certificates() {
    let dir = Scratch::new();
    let first = ensure(dir.path(), day(0)).unwrap();
    let before = (read(&first.ca), read(&first.certificate), read(&first.key));
    let second = ensure(dir.path(), day(59)).unwrap();
    assert_eq!(first, second);
    assert_eq!(
        before,
        (
            read(&second.ca),
            read(&second.certificate),
            read(&second.key)
        )
    );
}

#[test]
fn a_leaf_near_its_end_is_renewed_under_the_same_authority() {
    let dir = Scratch::new();
    let first = ensure(dir.path(), day(0)).unwrap();
    let (ca, leaf) = (read(&first.ca), read(&first.certificate));
    let second = ensure(dir.path(), day(61)).unwrap();
    assert_eq!(ca, read(&second.ca));
    assert_ne!(leaf, read(&second.certificate));
    assert_ne!(first.spki_sha256, second.spki_sha256);
}

#[test]
fn an_authority_near_its_end_is_renewed_with_its_leaf() {
    let dir = Scratch::new();
    let first = ensure(dir.path(), day(0)).unwrap();
    let (ca, leaf) = (read(&first.ca), read(&first.certificate));
    let second = ensure(dir.path(), day(611)).unwrap();
    assert_ne!(ca, read(&second.ca));
    assert_ne!(leaf, read(&second.certificate));
}

#[test]
fn a_leaf_with_another_key_is_made_anew() {
    let dir = Scratch::new();
    let made = ensure(dir.path(), day(0)).unwrap();
    std::fs::write(&made.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let before = read(&made.certificate);
    ensure(dir.path(), day(1)).unwrap();
    assert_ne!(before, read(&made.certificate));
    assert!(Pair::read(&made.certificate, &made.key).is_some());
}

#[test]
fn keys_are_for_their_owner_only() {
    let dir = Scratch::new();
    let made = ensure(dir.path(), day(0)).unwrap();
    for path in [made.key, dir.path().join("ca.key")] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named_with_the_option() {
    let dir = Scratch::new();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = ensure(&file.join("tls"), day(0)).unwrap_err().to_string();
    assert!(error.contains("--state-dir"), "{error}");
}
