use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    Expected, MAX_PROOF_BYTES, PROOF_AGE_S, Proof, ProofError, Thumbprint, UnverifiedProof,
    normal_uri,
};

/// RFC 9449 section 4.1, figure 2.
const TOKEN_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// RFC 9449 section 7.1, figure 12.
const RESOURCE_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const RFC_TOKEN: &[u8] = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// RFC 9449 section 6.1.
const RFC_KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

const NOW: i64 = 1_800_000_000;
const TOKEN: &[u8] = b"a.b.c";

fn p256_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap()
}

fn ed25519_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[6; 32])
}

fn jwk() -> Value {
    let point = p256_key().verifying_key().to_sec1_point(false);
    let part = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    json!({"kty": "EC", "crv": "P-256", "x": part(point.x().unwrap()), "y": part(point.y().unwrap())})
}

fn header() -> Value {
    json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk()})
}

fn claims() -> Value {
    json!({
        "jti": "id-1", "htm": "POST", "htu": "https://shop.example/orders", "iat": NOW,
        "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)),
    })
}

fn with(mut value: Value, change: Value) -> Value {
    for (name, changed) in change.as_object().unwrap() {
        match changed {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            changed => value[name] = changed.clone(),
        }
    }
    value
}

fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature: Vec<u8> = if header["alg"] == "EdDSA" {
        ed25519_key().sign(text.as_bytes()).to_bytes().to_vec()
    } else {
        let signature: p256::ecdsa::Signature = p256_key().sign(text.as_bytes());
        signature.to_bytes().to_vec()
    };
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn uri() -> Vec<u8> {
    normal_uri("https", "shop.example", b"/orders?page=2").unwrap()
}

fn expected(uri: &[u8]) -> Expected<'_> {
    Expected {
        method: b"POST",
        uri,
        token: Some(TOKEN),
        key: None,
        now_s: NOW,
        leeway_s: 5,
    }
}

fn verified(proof: &str) -> Result<Proof, ProofError> {
    UnverifiedProof::parse(proof.as_bytes())?.verify(&expected(&uri()))
}

#[test]
fn the_proofs_of_rfc_9449_are_accepted_for_what_they_were_made_for() {
    let key = Thumbprint::from_text(RFC_KEY).unwrap();
    let uri = normal_uri("https", "server.example.com", b"/token").unwrap();
    let at = |now_s| Expected {
        method: b"POST",
        uri: &uri,
        token: None,
        key: None,
        now_s,
        leeway_s: 5,
    };
    let parsed = || UnverifiedProof::parse(TOKEN_PROOF.as_bytes()).unwrap();
    assert_eq!(parsed().verify(&at(1_562_262_616)).unwrap().key, key);
    assert_eq!(parsed().verify(&at(NOW)).unwrap_err(), ProofError::Stale);

    let uri = normal_uri("https", "resource.example.org", b"/protectedresource").unwrap();
    let resource = Expected {
        method: b"GET",
        uri: &uri,
        token: Some(RFC_TOKEN),
        key: Some(&key),
        now_s: 1_562_262_618,
        leeway_s: 5,
    };
    let parsed = || UnverifiedProof::parse(RESOURCE_PROOF.as_bytes()).unwrap();
    assert_eq!(parsed().verify(&resource).unwrap().key, key);
    let other = Expected {
        token: Some(b"another"),
        ..resource
    };
    assert_eq!(parsed().verify(&other).unwrap_err(), ProofError::Token);
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    // RFC 7638 section 3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    assert_eq!(
        Thumbprint::of(&[("e", "AQAB"), ("kty", "RSA"), ("n", n)]).to_text(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    // RFC 8037 appendix A.3.
    let jwk: crate::key::Jwk = serde_json::from_value(json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }))
    .unwrap();
    let (_, print) = jwk.key("EdDSA").unwrap();
    assert_eq!(
        print.to_text(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn both_algorithms_are_accepted() {
    assert!(verified(&signed(&header(), &claims())).is_ok());
    let x = URL_SAFE_NO_PAD.encode(ed25519_key().verifying_key().as_bytes());
    let header =
        json!({"typ": "DPoP+JWT", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}});
    assert!(verified(&signed(&header, &claims())).is_ok());
}

#[test]
fn every_bad_proof_is_refused_with_its_own_error() {
    use ProofError as E;
    let good = signed(&header(), &claims());
    let (without_signature, _) = good.rsplit_once('.').unwrap();
    let headed = |change: Value| signed(&with(header(), change), &claims());
    let claimed = |change: Value| signed(&header(), &with(claims(), change));
    let keyed = |change: Value| headed(json!({"jwk": with(jwk(), change)}));
    for (proof, error) in [
        (String::new(), E::Malformed),
        ("a.b.c".to_owned(), E::Malformed),
        (format!("{good}.x"), E::Malformed),
        (format!("{good}="), E::Malformed),
        ("a".repeat(MAX_PROOF_BYTES + 1), E::TooLong),
        (headed(json!({"typ": "JWT"})), E::Type),
        (headed(json!({"typ": null})), E::Malformed),
        (headed(json!({"crit": ["x"]})), E::Type),
        (headed(json!({"alg": "none"})), E::Algorithm),
        (headed(json!({"alg": "HS256"})), E::Algorithm),
        (headed(json!({"alg": "EdDSA"})), E::Key),
        (headed(json!({"jwk": null})), E::Key),
        (keyed(json!({"crv": "P-384"})), E::Key),
        (keyed(json!({"kty": "RSA"})), E::Key),
        (keyed(json!({"x": "AAAA"})), E::Key),
        (keyed(json!({"y": null})), E::Key),
        (keyed(json!({"y": jwk()["x"]})), E::Key),
        (keyed(json!({"d": "c2VjcmV0"})), E::PrivateKey),
        (keyed(json!({"k": "c2VjcmV0"})), E::PrivateKey),
        (format!("{without_signature}.AAAA"), E::Signature),
        (
            format!("{without_signature}.{}", URL_SAFE_NO_PAD.encode([1; 64])),
            E::Signature,
        ),
        (claimed(json!({"jti": null})), E::Claims),
        (claimed(json!({"jti": ""})), E::Claims),
        (claimed(json!({"jti": "a".repeat(257)})), E::Claims),
        (claimed(json!({"iat": "now"})), E::Claims),
        (claimed(json!({"iat": -1})), E::Claims),
        (claimed(json!({"htm": "GET"})), E::Method),
        (claimed(json!({"htm": "post"})), E::Method),
        (
            claimed(json!({"htu": "https://shop.example/orders/1"})),
            E::Uri,
        ),
        (
            claimed(json!({"htu": "http://shop.example/orders"})),
            E::Uri,
        ),
        (
            claimed(json!({"htu": "https://evil.example/orders"})),
            E::Uri,
        ),
        (claimed(json!({"htu": "/orders"})), E::Uri),
        (claimed(json!({"iat": NOW - PROOF_AGE_S - 6})), E::Stale),
        (claimed(json!({"iat": NOW + 6})), E::Early),
        (claimed(json!({"ath": null})), E::Token),
        (claimed(json!({"ath": "x"})), E::Token),
    ] {
        assert_eq!(verified(&proof).unwrap_err(), error, "{proof}");
    }
    for change in [
        json!({"iat": NOW - PROOF_AGE_S - 5}),
        json!({"iat": NOW + 5}),
        json!({"iat": NOW as f64 + 0.9}),
        json!({"htu": "HTTPS://SHOP.example:443/a/../%6frders?x#y"}),
        json!({"jti": "a".repeat(256)}),
        json!({"nonce": "ignored"}),
    ] {
        assert!(verified(&claimed(change.clone())).is_ok(), "{change}");
    }
}

#[test]
fn a_proof_of_another_key_is_refused_before_its_signature_is_looked_at() {
    let other = Thumbprint::from_text(RFC_KEY).unwrap();
    let proof = signed(&header(), &claims());
    let (text, _) = proof.rsplit_once('.').unwrap();
    let proof = format!("{text}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
    let uri = uri();
    let expected = Expected {
        key: Some(&other),
        ..expected(&uri)
    };
    let refused = UnverifiedProof::parse(proof.as_bytes())
        .unwrap()
        .verify(&expected);
    assert_eq!(refused.unwrap_err(), ProofError::OtherKey);
}

#[test]
fn no_bytes_make_it_panic() {
    let good = signed(&header(), &claims());
    for length in 0..good.len() {
        assert!(verified(&good[..length]).is_err(), "{length}");
    }
    for place in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[place] ^= 0x55;
        let _no_panic = UnverifiedProof::parse(&bytes).map(|proof| proof.verify(&expected(&uri())));
    }
}

#[test]
fn every_error_has_a_word_of_its_own() {
    let words: std::collections::HashSet<_> = ProofError::ALL.map(ProofError::word).into();
    assert_eq!(words.len(), ProofError::ALL.len());
    assert!(words.iter().all(|word| word.starts_with("dpop_")));
}
