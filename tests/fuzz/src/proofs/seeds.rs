//! Proofs to start from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_dpop::MAX_PROOF_BYTES;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::keys::Key;
use super::{NOW, TOKEN};

/// RFC 9449 section 7.1, figure 12.
const RFC_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

/// What a good proof says.
pub(crate) fn claims() -> Value {
    json!({
        "jti": "id-1", "htm": "POST", "htu": "https://shop.example/orders", "iat": NOW,
        "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)),
    })
}

/// All seeds, always the same.
pub(crate) fn all() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (high, key) in [0, 1].into_iter().zip(Key::BOTH) {
        // The kind of input that a remainder names, for this key: see the target.
        let mut add = |kind: u8, rest: &[u8]| {
            let first = (0..=0xff_u8).find(|byte| byte >> 4 == high && byte % 6 == kind);
            let mut seed = Vec::from_iter(first);
            seed.extend(rest);
            seeds.push(seed);
        };
        let genuine = key.genuine();
        add(0, genuine.as_bytes());
        add(0, RFC_PROOF.as_bytes());
        // Odd base64: padded, of the other alphabet, with bits that belong to nothing.
        add(0, format!("{genuine}==").as_bytes());
        add(0, genuine.replace(['-', '_'], "+").as_bytes());
        add(0, format!("{}_", &genuine[..genuine.len() - 1]).as_bytes());
        add(0, &[b'.'; MAX_PROOF_BYTES + 1]);
        // One bit of the header, of the claims, of the signature.
        add(1, &[0, 4, b'A']);
        add(1, &[1, 0, b'A']);
        add(1, &[1, 0x80, b'A']);
        for change in [
            json!({}),
            json!({"htu": "HTTPS://SHOP.example:443/a/../%6frders?x#y"}),
            json!({"htu": "https://shop.example.evil.example/orders"}),
            json!({"htu": "https://shop.example@evil.example/orders"}),
            json!({"htm": "GET"}),
            json!({"ath": "x"}),
            json!({"iat": NOW - 66}),
            json!({"iat": 1e300}),
            json!({"iat": NOW as f64 + 5.5}),
            json!({"jti": "a".repeat(257)}),
        ] {
            add(2, with(claims(), &change).to_string().as_bytes());
        }
        let name = key.header()["jwk"].clone();
        for change in [
            json!({}),
            json!({"typ": "DPoP+JWT"}),
            json!({"alg": "none"}),
            json!({"crit": ["b64"], "b64": false}),
            json!({"jwk": with(name.clone(), &json!({"d": "c2VjcmV0"}))}),
            json!({"jwk": with(name.clone(), &json!({"y": "AAAA"}))}),
            json!({"pad": "a".repeat(1100)}),
        ] {
            add(3, with(key.header(), &change).to_string().as_bytes());
        }
        let both = format!("{}\0{}", key.header(), claims());
        add(3, both.as_bytes());
        // The same one again; within the window; past it; with the clock gone back.
        add(4, &[32, 1, 0, 32, 1, 0, 92, 1, 0]);
        add(4, &[32, 1, 0, 110, 2, 78, 110, 3, 156, 0, 1, 0, 0, 1, 0]);
    }
    for path in [
        "/a/../%6frders?x#y",
        "//a///%2e%2E/b%zz%4/.",
        "/%2F/%25%34%31",
    ] {
        let mut seed = vec![5];
        seed.extend(path.as_bytes());
        seeds.push(seed);
    }
    seeds
}

fn with(mut value: Value, change: &Value) -> Value {
    for (name, changed) in change.as_object().expect("an object") {
        value[name] = changed.clone();
    }
    value
}
