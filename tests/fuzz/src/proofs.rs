//! Proofs of possession: what the key did not sign is accepted for nobody, what it signed only for what it
//! says, and nothing twice.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_dpop::{
    Expected, MAX_PROOF_BYTES, PROOF_AGE_S, Proof, ProofError, Replays, UnverifiedProof, normal_uri,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::keys::Key;

mod keys;
pub(crate) mod seeds;

const NOW: i64 = 1_800_000_000;
const LEEWAY: i64 = 5;
const TOKEN: &[u8] = b"a.b.c";

/// What one input may have signed and verified: enough for both generations of remembered proofs to
/// change places, and little enough for some hundred inputs a second.
const MOST_SHOWN: usize = 12;

/// The first byte says what the rest is.
pub fn proof(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let key = Key::chosen(*first >> 4);
    match first % 6 {
        0 => as_sent(rest),
        1 => changed(key, rest),
        2 => claimed(key, rest),
        3 => headed(key, rest),
        4 => shown(key, rest),
        _ => address(rest),
    }
}

/// Bytes as a stranger sends them. The private keys are in no input, so what is accepted repeats what they
/// signed; a signature may be written in another way (see [`claimed`]).
fn as_sent(sent: &[u8]) {
    let asked = ask(sent, NOW);
    if sent.len() > MAX_PROOF_BYTES {
        assert_eq!(asked.as_ref().err(), Some(&ProofError::TooLong));
    }
    let Ok(proof) = asked else {
        return;
    };
    let known = Key::BOTH
        .into_iter()
        .find(|key| key.thumbprint() == proof.key);
    let known = known.expect("a key that is not ours");
    assert_eq!(signed_part(sent), signed_part(known.genuine().as_bytes()));
}

/// Triples of place and byte that are put into a proof that is good.
fn changed(key: Key, changes: &[u8]) {
    let genuine = key.genuine().into_bytes();
    let mut sent = genuine.clone();
    for change in changes.as_chunks::<3>().0 {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % sent.len();
        sent[place] = change[2];
    }
    let asked = ask(&sent, NOW);
    assert_eq!(asked.is_ok(), sent == genuine, "{asked:?}");
}

/// Claims that the key has signed: accepted only where a plain reading of them says the same.
fn claimed(key: Key, claims: &[u8]) {
    let sent = key.sign(key.header().to_string().as_bytes(), claims);
    let Ok(proof) = ask(sent.as_bytes(), NOW) else {
        return;
    };
    assert_eq!(proof.key, key.thumbprint());
    says_what_is_asked_for(claims);
    let mut replays = Replays::default();
    assert_eq!(replays.admit(&proof, NOW, LEEWAY), Ok(()));
    // Whoever sees a proof of ES256 can write its signature in a second way without the key; it is the
    // same proof, and was shown before.
    for again in [Some(sent.clone()), key.other_writing(&sent)] {
        let Some(again) = again else {
            continue;
        };
        let again = ask(again.as_bytes(), NOW).expect("as good as the first");
        let admitted = replays.admit(&again, NOW, LEEWAY);
        assert_eq!(admitted, Err(ProofError::Replayed));
    }
}

/// A header and, past a zero byte, claims, both signed: accepted only where the header names the key that
/// has signed, and what it was signed by.
fn headed(key: Key, parts: &[u8]) {
    let end = parts.iter().position(|&byte| byte == 0);
    let (header, claims) = match end {
        Some(end) => (&parts[..end], parts[end + 1..].to_vec()),
        None => (parts, seeds::claims().to_string().into_bytes()),
    };
    let Ok(proof) = ask(key.sign(header, &claims).as_bytes(), NOW) else {
        return;
    };
    assert_eq!(proof.key, key.thumbprint());
    says_what_is_asked_for(&claims);
    let header: Value = serde_json::from_slice(header).expect("JSON");
    let typ = header["typ"].as_str().expect("a type");
    assert!(typ.eq_ignore_ascii_case("dpop+jwt"));
    assert_eq!(header["alg"], key.header()["alg"]);
    assert!(header["crit"].is_null(), "a critical extension");
    for private in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
        assert!(header["jwk"][private].is_null(), "a private key");
    }
}

/// What RFC 9449 section 4.3 asks of the claims, as far as it can be said without the code under test.
fn says_what_is_asked_for(claims: &[u8]) {
    let claims: Value = serde_json::from_slice(claims).expect("JSON");
    let id = claims["jti"].as_str().expect("an id");
    assert!((1..=256).contains(&id.len()));
    assert_eq!(claims["htm"], "POST");
    let address = claims["htu"].as_str().expect("an address");
    let address = address.to_ascii_lowercase();
    let rest = address.strip_prefix("https://shop.example");
    let rest = rest.expect("another host").trim_start_matches('.');
    assert!(rest.starts_with('/') || rest.starts_with(':'), "{address}");
    let made = claims["iat"].as_f64().expect("a number").floor();
    let ages = (NOW - PROOF_AGE_S - LEEWAY) as f64..=(NOW + LEEWAY) as f64;
    assert!(ages.contains(&made), "{made}");
    assert_eq!(
        claims["ath"],
        URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)).as_str()
    );
}

/// Proofs that are shown one after another, while the clock goes on and back: triples of how far the
/// clock goes, which id a proof has, and when it was made.
fn shown(key: Key, steps: &[u8]) {
    let mut replays = Replays::default();
    let mut admitted = HashSet::new();
    let mut now = NOW;
    for step in steps.as_chunks::<3>().0.iter().take(MOST_SHOWN) {
        now += i64::from(step[0]) - 32;
        let mut claims = seeds::claims();
        claims["jti"] = Value::from(format!("id-{}", step[1] % 4));
        claims["iat"] = Value::from(NOW + i64::from(step[2]));
        let sent = key.sign(
            key.header().to_string().as_bytes(),
            claims.to_string().as_bytes(),
        );
        let Ok(proof) = ask(sent.as_bytes(), now) else {
            continue;
        };
        if replays.admit(&proof, now, LEEWAY).is_ok() {
            assert!(admitted.insert(sent), "a proof that was admitted before");
        }
    }
}

/// What the normal form promises of every path.
fn address(target: &[u8]) {
    let Some(normal) = normal_uri("HTTPS", "Shop.example.:443", target) else {
        panic!("the host is one");
    };
    let path = normal.strip_prefix(b"https://shop.example");
    let path = path.expect("scheme, host and port are as they were");
    assert_eq!(path.first(), Some(&b'/'));
    assert!(!path.iter().any(|byte| b"?#".contains(byte)));
    let segments: Vec<_> = path[1..].split(|&byte| byte == b'/').collect();
    for (place, segment) in segments.iter().enumerate() {
        assert!(!matches!(*segment, b"." | b".."), "dot segments");
        assert!(!segment.is_empty() || place + 1 == segments.len());
    }
    // A sign of an escape that is none may become one with what was decoded behind it.
    let escapes = target.split(|&byte| byte == b'%').skip(1);
    let mut digits = escapes.map(|rest| rest.first_chunk::<2>());
    if digits.all(|two| two.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))) {
        let again = normal_uri("https", "shop.example", path);
        assert_eq!(again.as_ref(), Some(&normal), "twice is once");
    }
}

/// Whether a proof is good for the one request that all of them are for.
fn ask(sent: &[u8], now_s: i64) -> Result<Proof, ProofError> {
    let uri = normal_uri("https", "shop.example", b"/orders?page=2").expect("an address");
    UnverifiedProof::parse(sent)?.verify(&Expected {
        method: b"POST",
        uri: &uri,
        token: Some(TOKEN),
        key: None,
        now_s,
        leeway_s: LEEWAY,
    })
}

fn signed_part(sent: &[u8]) -> &[u8] {
    let end = sent.iter().rposition(|&byte| byte == b'.');
    &sent[..end.expect("three parts")]
}
