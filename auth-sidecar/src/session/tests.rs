use super::*;
use crate::keys::SessionKey;

const NOW: u64 = 1_800_000_000;

fn key(seed: u8) -> SessionKey {
    SessionKey::from_seed(&[seed; 32]).unwrap()
}

fn grant(host: &Authority, lifetime_s: u64) -> Grant<'_> {
    Grant {
        host,
        device: "device-1",
        assurance: Assurance::Uv,
        amr: &["pop"],
        stronger: None,
        id: "session-1".to_owned(),
        now_s: NOW,
        proven_s: NOW,
        lifetime_s,
        carried: Carried::Cookie,
    }
}

fn token(seed: u8, host: &Authority) -> String {
    grant(host, 60).claims().sign(&key(seed).signer()).unwrap()
}

fn host() -> Authority {
    Authority::parse("shop.example:8443").unwrap()
}

#[test]
fn a_session_is_good_until_it_ends_and_only_at_its_host() {
    let keys = [key(1).verifier()];
    let token = token(1, &host());
    assert_eq!(
        verify(&token, &keys, &[], &host(), NOW + 59)
            .unwrap()
            .proven
            .assurance,
        Assurance::Uv
    );
    assert!(verify(&token, &keys, &[], &host(), NOW + 60).is_none());
    let other = Authority::parse("evil.example").unwrap();
    assert!(verify(&token, &keys, &[], &other, NOW).is_none());
}

#[test]
fn a_revoked_session_or_device_is_not_good() {
    let keys = [key(1).verifier()];
    let token = token(1, &host());
    for revocation in [
        Revocation::session("session-1", NOW + 1),
        Revocation::device("device-1", NOW + 1),
    ] {
        assert!(verify(&token, &keys, &[revocation], &host(), NOW).is_none());
    }
    let older = [
        Revocation::device("device-1", NOW - 1),
        Revocation::session("session-2", NOW + 1),
    ];
    assert!(verify(&token, &keys, &older, &host(), NOW).is_some());
}

#[test]
fn a_session_of_another_key_is_not_good_under_our_kid() {
    let mut impostor = key(2).signer();
    impostor.kid = key(1).kid().to_owned();
    let forged = grant(&host(), 60).claims().sign(&impostor).unwrap();
    assert!(verify(&forged, &[key(1).verifier()], &[], &host(), NOW).is_none());
    for text in ["", "a.b.c", &"a".repeat(limits::SESSION_BYTES + 1)] {
        assert!(verify(text, &[key(1).verifier()], &[], &host(), NOW).is_none());
    }
}

#[test]
fn a_renewed_copy_says_the_same_and_never_outlasts_the_session() {
    let host = host();
    let grant = grant(&host, 3600);
    let first = grant.claims().renewed(300, NOW + 10).unwrap();
    assert_eq!(
        (first.exp, first.bound_until),
        (NOW + 310, Some(NOW + 3600))
    );
    let last = first.renewed(300, NOW + 3500).unwrap();
    assert_eq!((last.exp, last.bound_until), (NOW + 3600, Some(NOW + 3600)));
    assert_eq!(
        Claims {
            exp: NOW + 3600,
            bound_until: None,
            ..last.clone()
        },
        grant.claims()
    );
    assert_eq!(last.renewed(300, NOW + 3600), None);
}

#[test]
fn a_bound_session_lasts_to_its_end_and_a_copy_to_its_own() {
    let keys = [key(1).verifier()];
    let host = host();
    let grant = grant(&host, 3600);
    let copy = grant.claims().renewed(300, NOW).unwrap();
    let token = copy.sign(&key(1).signer()).unwrap();
    let session = verify(&token, &keys, &[], &host, NOW + 299).unwrap();
    assert_eq!(session.expires_s, NOW + 3600);
    assert!(verify(&token, &keys, &[], &host, NOW + 300).is_none());
}

#[test]
fn a_renewal_does_not_lead_past_a_revocation() {
    let host = host();
    let grant = grant(&host, 3600);
    let copy = grant.claims().renewed(300, NOW + 100).unwrap();
    assert!(copy.is_revoked(&[Revocation::device("device-1", NOW + 50)]));
    assert!(copy.is_revoked(&[Revocation::session("session-1", NOW + 50)]));
    assert!(!copy.is_revoked(&[Revocation::device("device-1", NOW)]));
}

#[test]
fn a_session_of_another_sidecar_whose_clock_is_ahead_is_good() {
    let keys = [key(1).verifier()];
    let token = token(1, &host());
    assert!(verify(&token, &keys, &[], &host(), NOW - 20).is_some());
}
