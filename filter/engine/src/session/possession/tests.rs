use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_dpop::{PROOF_AGE_S, Thumbprint};
use countersign_proto::policy::v1::ActionKind;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::session::{BEARER_TYPE, present};
use crate::testing::{self, NOW, claims, compiled, load, policy, token, token_with, with};
use crate::{ActionSpec, SessionCache};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwk(key: &SigningKey) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "x": x})
}

/// RFC 7638, by hand: what is tested must not be what tests it.
fn thumbprint(key: &SigningKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

fn bound_token() -> String {
    let header = json!({"alg": "EdDSA", "typ": BEARER_TYPE, "kid": "k1"});
    let bound = json!({"cnf": {"jkt": thumbprint(&key(3))}});
    token_with(&header, &with(claims(), bound))
}

fn proof_by(key: &SigningKey, token: &str, change: Value) -> String {
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(key)});
    let claims = json!({
        "jti": "proof-1", "htm": "GET", "htu": "https://shop.example.com/orders", "iat": NOW,
        "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(token)),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(&with(claims, change)));
    let signature = key.sign(text.as_bytes()).to_bytes();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn proof(change: Value) -> String {
    proof_by(&key(3), &bound_token(), change)
}

/// The word for `GET /orders?page=2` with these headers, of a worker that remembers.
fn told(cache: &mut SessionCache, authorization: &str, proofs: &[&str]) -> &'static str {
    let revision = load(&compiled());
    let mut more = vec![("authorization", authorization.as_bytes())];
    more.extend(proofs.iter().map(|proof| ("dpop", proof.as_bytes())));
    let headers = testing::headers("/orders?page=2", &more);
    let request = testing::request(&revision, &headers);
    let state = present(&revision, &request, cache);
    if let Some(session) = state.valid() {
        assert!(session.key_proven || proofs.is_empty());
    }
    state.word()
}

fn word(scheme: &str, proofs: &[&str]) -> &'static str {
    let authorization = format!("{scheme} {}", bound_token());
    told(&mut SessionCache::default(), &authorization, proofs)
}

#[test]
fn a_bound_session_is_good_with_a_proof_and_never_without() {
    assert!(Thumbprint::from_text(&thumbprint(&key(3))).is_some());
    let good = proof(json!({}));
    assert_eq!(word("DPoP", &[&good]), "valid");
    assert_eq!(word("dpop", &[&good]), "valid");
    assert_eq!(word("DPoP", &[]), "dpop_missing");
    assert_eq!(word("Bearer", &[&good]), "dpop_missing");
    assert_eq!(word("Bearer", &[]), "dpop_missing");
    assert_eq!(word("DPoP", &[&good, &good]), "dpop_several");
}

#[test]
fn every_bad_proof_is_refused_with_its_own_problem() {
    for (proof, problem) in [
        (String::new(), "dpop_malformed"),
        (
            proof_by(&key(4), &bound_token(), json!({})),
            "dpop_other_key",
        ),
        (proof_by(&key(3), "another", json!({})), "dpop_token"),
        (proof(json!({"htm": "POST"})), "dpop_method"),
        (
            proof(json!({"htu": "https://shop.example.com/other"})),
            "dpop_uri",
        ),
        (
            proof(json!({"htu": "https://other.example.com/orders"})),
            "dpop_uri",
        ),
        (proof(json!({"iat": NOW - PROOF_AGE_S - 31})), "dpop_stale"),
        (proof(json!({"iat": NOW + 31})), "dpop_early"),
    ] {
        assert_eq!(word("DPoP", &[&proof]), problem);
    }
    for change in [
        json!({"iat": NOW - PROOF_AGE_S - 30}),
        json!({"htu": "https://SHOP.example.com:443/orders?page=3#x"}),
    ] {
        assert_eq!(word("DPoP", &[&proof(change)]), "valid");
    }
}

#[test]
fn a_proof_is_good_once() {
    let mut cache = SessionCache::default();
    let authorization = format!("DPoP {}", bound_token());
    let first = proof(json!({}));
    let second = proof(json!({"jti": "proof-2"}));
    assert_eq!(told(&mut cache, &authorization, &[&first]), "valid");
    assert_eq!(told(&mut cache, &authorization, &[&first]), "dpop_replayed");
    assert_eq!(told(&mut cache, &authorization, &[&second]), "valid");
}

#[test]
fn a_free_token_brought_as_bound_is_refused() {
    let header = json!({"alg": "EdDSA", "typ": BEARER_TYPE, "kid": "k1"});
    let free = token_with(&header, &claims());
    let proof = proof_by(&key(3), &free, json!({}));
    let mut cache = SessionCache::default();
    let told = told(&mut cache, &format!("DPoP {free}"), &[&proof]);
    assert_eq!(told, "unbound");
}

#[test]
fn a_policy_that_demands_proof_of_possession_is_satisfied_by_nothing_less() {
    let mut compiled = compiled();
    let mut policy = policy("p", ActionKind::Challenge);
    if let ActionSpec::Challenge(challenge) = &mut policy.action {
        challenge.dpop = true;
    }
    compiled.policies = vec![policy];
    let revision = load(&compiled);
    let header = json!({"alg": "EdDSA", "typ": BEARER_TYPE, "kid": "k1"});
    let free = format!("Bearer {}", token_with(&header, &claims()));
    let bound = format!("DPoP {}", bound_token());
    let cookie = testing::cookie(&token(&claims()));
    let proof = proof(json!({}));
    for (more, verdict) in [
        (vec![("cookie", cookie.as_slice())], "challenge p"),
        (vec![("authorization", free.as_bytes())], "challenge p"),
        (vec![("authorization", bound.as_bytes())], "challenge p"),
        (
            vec![
                ("authorization", bound.as_bytes()),
                ("dpop", proof.as_bytes()),
            ],
            "allow -",
        ),
    ] {
        assert_eq!(testing::verdict(&revision, "/orders", &more), verdict);
    }
}

#[test]
fn a_request_that_is_judged_again_is_the_same_showing_of_its_proof() {
    use crate::session::{Carried, Showing, present_as};
    let revision = load(&compiled());
    let (token, proof) = (format!("DPoP {}", bound_token()), proof(json!({})));
    let more = [
        ("authorization", token.as_bytes()),
        ("dpop", proof.as_bytes()),
    ];
    let headers = testing::headers("/orders", &more);
    let request = testing::request(&revision, &headers);
    let mut cache = SessionCache::default();
    let carried = Carried::token(&revision, &request);
    let mut word = |showing| present_as(&revision, &request, carried, &mut cache, showing).word();
    // Before it is decided about, when it is, and when its upstream has asked for more.
    assert_eq!(word(Showing::Same), "valid");
    assert_eq!(word(Showing::First), "valid");
    assert_eq!(word(Showing::Same), "valid");
    assert_eq!(word(Showing::First), "dpop_replayed");
}
