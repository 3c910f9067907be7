//! Requests: some of which a policy is for.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};

use super::super::dice::Dice;
use super::NOW;
use super::condition::{HEADERS, VALUES};

/// The id of the key that signs sessions.
pub(crate) const KID: &str = "k1";

/// Addresses of clients, and of hops.
pub(crate) const CLIENTS: [&str; 5] = [
    "203.0.113.9",
    "2001:db8::7",
    "198.51.100.7",
    "127.0.0.1",
    "10.1.2.3",
];

const PATHS: [&str; 16] = [
    "/",
    "/checkout/pay",
    "/CHECKOUT/pay",
    "/checkout/",
    "/checkout/pay?a=1",
    "/checkout/%70ay",
    "/x/../checkout/pay",
    "/api/v1/items",
    "/api/v12/items",
    "/index.php",
    "/axbxc",
    "/payment/a/b",
    "/é/x",
    "/static/app.js",
    "/healthz",
    "/a/..;/b",
];

const AUTHORITIES: [&str; 6] = [
    "shop.example.com",
    "SHOP.example.com:8443",
    "api.example.com.",
    "a.shop.example.com",
    "[::1]:80",
    "no host",
];

/// A request: headers as the host gives them, and the peer.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) peer: String,
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// Sessions are few, so that they are signed once.
static COOKIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut cookies = Vec::new();
    for acr in ["effort", "uv"] {
        for age in [60, 1_800, 7_200] {
            cookies.push(cookie("shop.example.com", acr, age));
        }
    }
    cookies.push(cookie("other.example.com", "uv", 60));
    cookies.push("__Host-countersign=a.b.c".to_owned());
    cookies
});

fn cookie(host: &str, acr: &str, age: i64) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{KID}"}}"#);
    let issued = NOW - age;
    let claims = format!(
        r#"{{"iss":"countersign","aud":"{host}","sub":"device-1","jti":"session-1","iat":{issued},"auth_time":{issued},"exp":{},"acr":"{acr}"}}"#,
        issued + 3_600
    );
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = signing_key().sign(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    format!("__Host-countersign={signed}.{signature}")
}

pub(crate) fn traffic(dice: &mut Dice<'_>) -> Traffic {
    let mut headers = Vec::new();
    let mut put = |name: &str, value: &str| {
        headers.push((name.to_owned(), value.as_bytes().to_vec()));
    };
    put(
        ":method",
        dice.pick(&["GET", "GET", "POST", "HEAD", "get", "OPTIONS", "DELETE"]),
    );
    put(":path", dice.pick(&PATHS));
    put(":scheme", "https");
    if !dice.one_in(20) {
        put(":authority", dice.pick(&AUTHORITIES));
    }
    for name in HEADERS {
        for _ in 0..dice.below(3) {
            put(name, dice.pick(&VALUES));
        }
    }
    for (name, values) in [
        ("x-forwarded-for", &CLIENTS[..]),
        ("x-bot-score", &["0", "40", "70", "100.5", "high"]),
        ("x-geo-country", &["DE", "no", ""]),
        ("x-geo-asn", &["AS64500", "1", "x"]),
        ("x-visitor-id", &["visitor-1", "visitor-2"]),
        ("content-length", &["0", "1", "5000", "-1"]),
        ("origin", &["https://shop.example.com"]),
        ("access-control-request-method", &["POST"]),
    ] {
        if dice.one_in(2) {
            put(name, dice.pick(values));
        }
    }
    if dice.one_in(2) {
        put("cookie", &dice.one_of(&COOKIES));
    }
    let peer = match dice.pick(&CLIENTS) {
        client if client.contains(':') => format!("[{client}]:5000"),
        client => format!("{client}:5000"),
    };
    Traffic { headers, peer }
}
