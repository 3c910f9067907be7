use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proto::policy::v1::ActionKind;
use serde_json::{Value, json};

use crate::reply::{Reply, reply};
use crate::session::BEARER_TYPE;
use crate::testing::{self, claims, compiled, load, policy, token_with, with};
use crate::{ActionSpec, Assurance, ChallengeSpec, Decision};

/// The answer to a request of `/v1/orders` under a policy whose challenge is changed.
fn answer(change: impl FnOnce(&mut ChallengeSpec), more: &[(&str, &[u8])]) -> Reply {
    let mut compiled = compiled();
    let mut policy = policy("p", ActionKind::Challenge);
    if let ActionSpec::Challenge(challenge) = &mut policy.action {
        change(challenge);
    }
    compiled.policies = vec![policy];
    let revision = load(&compiled);
    let headers = testing::headers("/v1/orders?card=4111", more);
    let request = testing::request(&revision, &headers);
    match testing::decision(&revision, "/v1/orders?card=4111", more) {
        Decision::Denial(denial) => reply(&revision, &request, &denial),
        Decision::Permit(_) => panic!("permitted"),
    }
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut headers = reply.headers.iter();
    let found = headers.find(|(key, _)| *key == name);
    found.map(|(_, value)| value.as_str())
}

fn document(reply: &Reply) -> Value {
    assert_eq!(reply.status, 403);
    serde_json::from_slice(&reply.body).unwrap()
}

fn ticket(document: &Value) -> Value {
    let ticket = document["ticket"].as_str().unwrap();
    let claims = ticket.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[test]
fn a_program_reads_where_its_person_gives_proof() {
    let reply = answer(|_| {}, &[(":method", b"POST")]);
    let document = document(&reply);
    let at = "https://shop.example.com/.countersign";
    assert_eq!(
        document["device_authorization_endpoint"],
        format!("{at}/device_authorization")
    );
    assert_eq!(document["token_endpoint"], format!("{at}/token"));
    assert_eq!(document["verification_uri"], format!("{at}/device"));
    assert_eq!(document["interval"], 5);
    assert_eq!(document["token_types"], json!(["Bearer", "DPoP"]));
    let url = document["challenge_url"].as_str().unwrap();
    let ticket_text = document["ticket"].as_str().unwrap();
    assert_eq!(url, format!("{at}/challenge?ticket={ticket_text}"));
    let ticket = ticket(&document);
    assert_eq!(
        ticket["asks"], "POST /v1/orders",
        "no query: there may be secrets in it"
    );
    assert_eq!(
        (&ticket["dpop"], &ticket["own_device"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(header(&reply, "www-authenticate"), None);
}

#[test]
fn where_a_key_is_demanded_only_a_program_is_shown_a_way() {
    let demand = |challenge: &mut ChallengeSpec| challenge.dpop = true;
    let reply = answer(demand, &[]);
    let document = document(&reply);
    assert_eq!(document["token_types"], json!(["DPoP"]));
    assert_eq!(document["challenge_url"], Value::Null);
    assert_eq!(header(&reply, "countersign-challenge"), None);
    assert_eq!(ticket(&document)["dpop"], true);
    assert_eq!(
        header(&reply, "www-authenticate"),
        Some("DPoP algs=\"ES256 EdDSA\"")
    );

    let page = answer(demand, &[("sec-fetch-mode", b"navigate")]);
    assert_eq!(page.status, 403);
    assert!(
        String::from_utf8(page.body)
            .unwrap()
            .contains("Not for browsers")
    );
}

#[test]
fn what_must_be_proven_on_this_device_is_not_offered_elsewhere() {
    let forbid = |challenge: &mut ChallengeSpec| challenge.other_device = false;
    let bound = |challenge: &mut ChallengeSpec| challenge.min_assurance = Assurance::UvBound;
    for document in [
        document(&answer(forbid, &[])),
        document(&answer(bound, &[])),
    ] {
        for name in ["ticket", "verification_uri", "token_endpoint", "interval"] {
            assert_eq!(document[name], Value::Null, "{name}");
        }
        assert!(document["challenge_url"].is_string());
    }
}

#[test]
fn a_program_is_told_what_is_wrong_with_its_token() {
    let sign = |change: Value| {
        let header = json!({"alg": "EdDSA", "typ": BEARER_TYPE, "kid": "k1"});
        token_with(&header, &with(claims(), change))
    };
    let bound = json!({"cnf": {"jkt": URL_SAFE_NO_PAD.encode([1; 32])}});
    for (scheme, token, said) in [
        (
            "Bearer",
            sign(json!({"exp": 1})),
            "Bearer error=\"invalid_token\"",
        ),
        (
            "Bearer",
            sign(json!({"acr": "effort"})),
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"uv\", max_age=\"3600\"",
        ),
        (
            "DPoP",
            sign(bound),
            "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA\"",
        ),
    ] {
        let value = format!("{scheme} {token}");
        let reply = answer(|_| {}, &[("authorization", value.as_bytes())]);
        assert_eq!(header(&reply, "www-authenticate"), Some(said));
    }
    let reply = answer(|_| {}, &[("authorization", b"Bearer somebody-elses")]);
    assert_eq!(header(&reply, "www-authenticate"), None);
}

#[test]
fn what_is_shown_to_a_person_is_plain_and_short() {
    let revision = load(&compiled());
    let asks = |method: &str, path: &str| {
        let more = [(":method", method.as_bytes())];
        let headers = testing::headers(path, &more);
        super::asks(&testing::request(&revision, &headers)).unwrap()
    };
    assert_eq!(asks("GET", "/a/../b%20c?x"), "GET /b c");
    assert_eq!(asks("HEAD", "/b"), "GET /b");
    assert_eq!(asks("GET", "/%E2%80%AEtxt"), "GET /\u{fffd}txt");
    let long = asks("GET", &format!("/{}", "a".repeat(1000)));
    assert_eq!(long.chars().count(), crate::limits::MAX_ASKED_BYTES + 1);
    let wide = asks("GET", &format!("/{}", "%FF".repeat(1000)));
    assert!(
        wide.len() <= crate::limits::MAX_ASKED_BYTES + 3,
        "{}",
        wide.len()
    );
}
