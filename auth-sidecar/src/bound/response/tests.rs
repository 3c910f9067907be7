use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::*;

struct Key {
    jwk: Value,
    signing: EncodingKey,
}

fn key() -> Key {
    let document = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public = document.public_key().as_ref().to_vec();
    let pkcs8 = document.to_pkcs8v1().unwrap();
    let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&public[range]);
    Key {
        jwk: json!({"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65)}),
        signing: EncodingKey::from_ec_der(pkcs8.as_ref()),
    }
}

/// A JWS of any header, signed with ES256 whatever the header says.
fn signed(key: &Key, header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let signature =
        jsonwebtoken::crypto::sign(input.as_bytes(), &key.signing, Algorithm::ES256).unwrap();
    format!("{input}.{signature}")
}

fn with(mut json: Value, name: &str, value: Value) -> Value {
    json[name] = value;
    json
}

fn register(token: &str) -> Result<(PublicKey, Signed), Cause> {
    UnverifiedResponse::parse(token).and_then(UnverifiedResponse::register)
}

fn header(key: &Key) -> Value {
    json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk})
}

fn claims() -> Value {
    json!({"jti": "challenge", "authorization": "offer"})
}

#[test]
fn a_registration_brings_its_key_and_every_renewal_verifies_with_it() {
    let key = key();
    let token = signed(&key, &header(&key), &claims());
    let (public, first) = register(&token).unwrap();
    assert_eq!(first.jti, "challenge");
    assert_eq!(first.authorization.as_deref(), Some("offer"));
    // Browsers may quote what stands in headers.
    assert!(register(&format!("\"{token}\"")).is_ok());

    let stored = PublicKey::from_stored(&public.to_stored()).unwrap();
    assert_eq!(stored, public);
    let plain = json!({"alg": "ES256", "typ": "dbsc+jwt"});
    let token = signed(&key, &plain, &json!({"jti": "next"}));
    let next = UnverifiedResponse::parse(&token).unwrap().renew(&stored);
    assert_eq!(next.unwrap().jti, "next");
}

#[test]
fn every_bad_registration_is_refused_with_its_own_cause() {
    let (key, other) = (key(), key());
    let good = header(&key);
    let change =
        |name: &str, value: Value| signed(&key, &with(good.clone(), name, value), &claims());
    let jwk = |name: &str, value: &str| change("jwk", with(key.jwk.clone(), name, json!(value)));
    let whole = signed(&key, &good, &claims());
    let unsigned = whole.rsplit_once('.').unwrap().0.to_owned();
    for (token, cause) in [
        (String::new(), Cause::BoundMalformed),
        ("a.b.c".to_owned(), Cause::BoundMalformed),
        (format!("{whole}.more"), Cause::BoundMalformed),
        (
            "a".repeat(limits::BOUND_RESPONSE_BYTES + 1),
            Cause::BoundTooLarge,
        ),
        (change("alg", json!("none")), Cause::BoundAlgorithm),
        (change("alg", json!("HS256")), Cause::BoundAlgorithm),
        (change("alg", json!("RS256")), Cause::BoundAlgorithm),
        (change("typ", json!("JWT")), Cause::BoundType),
        (change("typ", Value::Null), Cause::BoundType),
        (change("crit", json!(["b64"])), Cause::BoundType),
        (change("jwk", Value::Null), Cause::BoundKey),
        (jwk("kty", "RSA"), Cause::BoundKey),
        (jwk("crv", "P-384"), Cause::BoundKey),
        (jwk("x", "AAAA"), Cause::BoundKey),
        (format!("{unsigned}."), Cause::BoundSignature),
        (signed(&other, &good, &claims()), Cause::BoundSignature),
        (
            signed(&key, &good, &json!({"authorization": "offer"})),
            Cause::BoundMalformed,
        ),
    ] {
        assert_eq!(register(&token).unwrap_err(), cause, "{token:.60}");
    }
}

#[test]
fn a_point_that_is_not_on_the_curve_verifies_nothing() {
    let key = key();
    let nowhere = with(key.jwk.clone(), "y", key.jwk["x"].clone());
    let token = signed(&key, &with(header(&key), "jwk", nowhere), &claims());
    assert_eq!(register(&token).unwrap_err(), Cause::BoundSignature);
}

#[test]
fn a_renewal_that_brings_a_key_is_none() {
    let key = key();
    let (public, _) = register(&signed(&key, &header(&key), &claims())).unwrap();
    let again = signed(&key, &header(&key), &claims());
    let renewed = UnverifiedResponse::parse(&again).unwrap().renew(&public);
    assert_eq!(renewed.unwrap_err(), Cause::BoundKey);
}

#[test]
fn what_was_signed_for_another_address_is_not_for_this_one() {
    let origin = "https://shop.example:8443";
    let path = "/.countersign/bound/renew";
    let here = format!("{origin}{path}");
    let for_here = |more: Value| {
        let mut claims = json!({"jti": "c"});
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let signed: Signed = serde_json::from_value(claims).unwrap();
        signed.is_for(origin, path)
    };
    for good in [
        json!({}),
        json!({"aud": here}),
        json!({"aud": origin}),
        json!({"aud": ["https://elsewhere.example", here]}),
        json!({"url": here}),
    ] {
        assert!(for_here(good.clone()), "{good}");
    }
    for bad in [
        json!({"aud": "https://shop.example:8443.evil.example/"}),
        json!({"aud": "https://evil.example"}),
        json!({"aud": []}),
        json!({"aud": here, "url": "https://evil.example"}),
        json!({"aud": format!("{origin}/.countersign/bound")}),
    ] {
        assert!(!for_here(bad.clone()), "{bad}");
    }
}
