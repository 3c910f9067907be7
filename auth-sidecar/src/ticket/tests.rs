use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = &[7; 32];
const NOW: u64 = 1_800_000_000;

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "localhost:10443", "scheme": "https", "path": "/checkout?a=1",
        "policy": "checkout-protection", "jti": "0192f0c0-aaaa", "acr": "uv", "max_age": 0,
        "kinds": ["fido"], "fallback": [], "iat": NOW - 10, "exp": NOW + 590,
    })
}

fn header() -> Header {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(TYP.to_owned());
    header.kid = Some("t1".to_owned());
    header
}

fn sign(header: &Header, claims: &Value) -> String {
    encode(header, claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    sign(&header(), &claims)
}

fn verify_at(text: &str, host: &str, now: u64) -> Result<Ticket, TicketError> {
    let keys = [
        TicketKey::new("t0".into(), &[1; 32]),
        TicketKey::new("t1".into(), SECRET),
    ];
    UnverifiedTicket::new(text).verify(&keys, &Authority::parse(host).unwrap(), now)
}

fn cause(text: &str) -> Cause {
    verify_at(text, "localhost:10443", NOW).unwrap_err().cause()
}

#[test]
fn a_good_ticket_is_read_whole() {
    let ticket = verify_at(&sign(&header(), &claims()), "LOCALHOST:10443", NOW).unwrap();
    assert_eq!(ticket.event_id(), "0192f0c0-aaaa");
    assert_eq!(ticket.origin(), "https://localhost:10443");
    assert_eq!(ticket.return_path().as_str(), "/checkout?a=1");
    assert_eq!(ticket.demanded(), Assurance::Uv);
    assert_eq!(ticket.kinds(), [Kind::Fido]);
    let again = Ticket::from_stored(&ticket.to_stored()).unwrap();
    assert_eq!(again.event_id(), ticket.event_id());
}

#[test]
fn an_altered_ticket_is_refused_wherever_it_was_altered() {
    let good = sign(&header(), &claims());
    let dots: Vec<usize> = good.match_indices('.').map(|(at, _)| at).collect();
    let swap = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(cause(&swap(dots[1] + 5)), Cause::TicketAltered);
    for at in (0..good.len()).filter(|at| !dots.contains(at)) {
        // The last digit of the signature holds two bits that are no part of it.
        assert!(
            at == good.len() - 1 || verify_at(&swap(at), "localhost:10443", NOW).is_err(),
            "{at}"
        );
    }
}

#[test]
fn a_ticket_ends_five_seconds_after_its_expiry_and_keeps_its_path() {
    let text = sign(&header(), &claims());
    assert!(verify_at(&text, "localhost:10443", NOW + 595).is_ok());
    match verify_at(&text, "localhost:10443", NOW + 596).unwrap_err() {
        TicketError::Expired(ticket) => assert_eq!(ticket.return_path().as_str(), "/checkout?a=1"),
        other => panic!("{other}"),
    }
}

#[test]
fn a_ticket_for_another_host_or_port_is_refused() {
    let text = sign(&header(), &claims());
    for host in ["evil.example", "localhost", "localhost:10000"] {
        assert_eq!(
            verify_at(&text, host, NOW).unwrap_err().cause(),
            Cause::TicketHost,
            "{host}"
        );
    }
}

#[test]
fn a_return_path_off_the_origin_is_refused_even_with_a_good_signature() {
    for path in [
        "//evil.example",
        "https:evil.example",
        "/\\evil.example",
        "/a\r\nset-cookie: a=b",
        "/\u{1}",
        "evil",
        "",
    ] {
        assert_eq!(
            cause(&with("path", json!(path))),
            Cause::TicketReturnPath,
            "{path:?}"
        );
    }
}

#[test]
fn headers_that_are_not_a_tickets_are_refused() {
    let mut typ = header();
    typ.typ = Some("JWT".to_owned());
    assert_eq!(cause(&sign(&typ, &claims())), Cause::TicketType);
    let mut kid = header();
    kid.kid = Some("t9".to_owned());
    assert_eq!(cause(&sign(&kid, &claims())), Cause::TicketKeyUnknown);
    kid.kid = None;
    assert_eq!(cause(&sign(&kid, &claims())), Cause::TicketKeyUnknown);
    let mut other_key = header();
    other_key.kid = Some("t0".to_owned());
    assert_eq!(cause(&sign(&other_key, &claims())), Cause::TicketAltered);
    let mut crit = header();
    crit.crit = Some(vec!["x".to_owned()]);
    assert_eq!(cause(&sign(&crit, &claims())), Cause::TicketType);
    let mut alg = header();
    alg.alg = Algorithm::HS384;
    assert_eq!(cause(&sign(&alg, &claims())), Cause::TicketType);
}

#[test]
fn alg_none_is_refused() {
    use base64::Engine as _;
    let b64 = |v: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(v.to_string());
    let head = json!({"alg": "none", "typ": TYP, "kid": "t1"});
    assert_eq!(
        cause(&format!("{}.{}.", b64(&head), b64(&claims()))),
        Cause::TicketMalformed
    );
}

#[test]
fn claims_that_are_not_a_tickets_are_refused() {
    assert_eq!(
        cause(&with("iss", json!("countersign"))),
        Cause::TicketIssuer
    );
    assert_eq!(
        cause(&with("acr", json!("perfect"))),
        Cause::TicketMalformed
    );
    assert_eq!(cause(&with("scheme", json!("ftp"))), Cause::TicketMalformed);
    assert_eq!(
        cause(&with("jti", json!("<script>"))),
        Cause::TicketMalformed
    );
    assert_eq!(cause(&with("exp", json!(-1))), Cause::TicketMalformed);
    assert_eq!(cause(&with("aud", json!("a b"))), Cause::TicketHost);
    assert_eq!(cause(""), Cause::TicketMalformed);
    assert_eq!(cause("a.b.c"), Cause::TicketMalformed);
    assert_eq!(
        cause(&"a".repeat(limits::TICKET_BYTES + 1)),
        Cause::TicketTooLarge
    );
    assert_eq!(
        cause(&"a".repeat(limits::TICKET_BYTES)),
        Cause::TicketMalformed
    );
}
