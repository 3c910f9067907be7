use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_proto::policy::v1::ActionKind;
use hmac::{Hmac, KeyInit as _, Mac as _};

use super::{Reply, reply};
use crate::testing::{self, NOW, compiled, load, policy};
use crate::{Decision, EventId, Plaintext, WorkerMemory, decide};

const NAVIGATION: (&str, &[u8]) = ("sec-fetch-mode", b"navigate");

fn answer_with(compiled: &testing::Compiled, path: &str, more: &[(&str, &[u8])]) -> Reply {
    let revision = load(compiled);
    let headers = testing::headers(path, more);
    let request = testing::request(&revision, &headers);
    match decide(
        &revision,
        &request,
        &mut WorkerMemory::default(),
        EventId::new(1, [0; 10]),
    ) {
        Decision::Denial(denial) => reply(&revision, &request, &denial),
        Decision::Permit(_) => panic!("permitted"),
    }
}

fn answer(action: ActionKind, path: &str, more: &[(&str, &[u8])]) -> Reply {
    let mut compiled = compiled();
    compiled.policies = vec![policy("p", action)];
    answer_with(&compiled, path, more)
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply
        .headers
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.as_str())
}

/// The claims of the ticket in a challenge's address, its signature checked.
fn ticket(address: &str) -> serde_json::Value {
    let (_, ticket) = address.split_once("?ticket=").unwrap();
    let (signed, tag) = ticket.rsplit_once('.').unwrap();
    let mut mac: Hmac<sha2::Sha256> = Hmac::new_from_slice(&[9; 32]).unwrap();
    mac.update(signed.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(tag).unwrap())
        .unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[test]
fn a_navigation_is_sent_to_the_challenge_with_everything_in_the_ticket() {
    let reply = answer(ActionKind::Challenge, "/checkout/?a=b", &[NAVIGATION]);
    assert_eq!(reply.status, 303);
    assert!(
        header(&reply, "countersign-event-id")
            .unwrap()
            .starts_with("00000000-0001-7")
    );
    assert_eq!(header(&reply, "cache-control"), Some("no-store"));
    let location = header(&reply, "location").unwrap();
    assert!(location.starts_with("/.countersign/challenge?ticket="));
    let claims = ticket(location);
    for (claim, value) in [
        ("iss", serde_json::json!("countersign-filter")),
        ("aud", "shop.example.com".into()),
        ("scheme", "https".into()),
        ("path", "/checkout/?a=b".into()),
        ("policy", "p".into()),
        ("acr", "uv".into()),
        ("max_age", 3600.into()),
        ("kinds", serde_json::json!(["fido"])),
        ("fallback", serde_json::json!(["pow"])),
        ("authenticators", serde_json::json!(["security-key"])),
        (
            "jti",
            header(&reply, "countersign-event-id").unwrap().into(),
        ),
        ("iat", NOW.into()),
        ("exp", (NOW + 600).into()),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
}

#[test]
fn everything_else_gets_a_problem_document() {
    let reply = answer(
        ActionKind::Challenge,
        "/api",
        &[("sec-fetch-mode", b"cors"), ("accept", b"text/html")],
    );
    assert_eq!(
        (reply.status, header(&reply, "content-type")),
        (403, Some("application/problem+json"))
    );
    let document: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        document["event_id"],
        header(&reply, "countersign-event-id").unwrap()
    );
    assert_eq!(document["min_assurance"], "uv");
    assert_eq!(
        document["kinds"],
        serde_json::json!(["fido", "pow"]),
        "first choices, then fallbacks"
    );
    let url = document["challenge_url"].as_str().unwrap();
    assert_eq!(header(&reply, "countersign-challenge"), Some(url));
    assert!(url.starts_with("https://shop.example.com/.countersign/challenge?ticket="));
    assert_eq!(ticket(url)["path"], "/api");
}

#[test]
fn a_browser_without_fetch_metadata_is_known_by_what_it_accepts() {
    for (accept, status) in [
        ("text/html,application/xhtml+xml", 303),
        ("Text/HTML", 303),
        ("*/*", 403),
        ("application/json", 403),
    ] {
        let reply = answer(ActionKind::Challenge, "/", &[("accept", accept.as_bytes())]);
        assert_eq!(reply.status, status, "{accept}");
    }
}

#[test]
fn a_return_path_never_leaves_the_origin() {
    for (target, path) in [
        ("//evil.example/x", "/evil.example/x"),
        ("/\\evil.example", "/evil.example"),
        ("https://evil.example/a", "/a"),
        ("/a\\b", "/a/b"),
        ("/ok?next=//evil.example", "/ok?next=//evil.example"),
        ("/caf\u{e9}", "/caf\u{e9}"),
        ("/a b", "/"),
        ("/a\r\nset-cookie: x", "/"),
    ] {
        let reply = answer(ActionKind::Challenge, target, &[NAVIGATION]);
        assert_eq!(
            ticket(header(&reply, "location").unwrap())["path"],
            path,
            "{target}"
        );
    }
}

#[test]
fn a_form_goes_back_to_the_page_it_was_on() {
    for (referer, path) in [
        ("https://shop.example.com/cart?x=1", "/cart?x=1"),
        ("https://evil.example/cart", "/"),
        ("https://shop.example.com//evil.example", "/"),
        ("https://shop.example.com", "/"),
        ("", "/"),
    ] {
        let headers: [(&str, &[u8]); 3] = [
            (":method", b"POST"),
            NAVIGATION,
            ("referer", referer.as_bytes()),
        ];
        let reply = answer(ActionKind::Challenge, "/submit", &headers);
        assert_eq!(
            ticket(header(&reply, "location").unwrap())["path"],
            path,
            "{referer}"
        );
    }
}

#[test]
fn plaintext_goes_to_https_first_and_localhost_is_secure_enough() {
    let plain: (&str, &[u8]) = (":scheme", b"http");
    let reply = answer(ActionKind::Challenge, "/a?b", &[plain, NAVIGATION]);
    assert_eq!(
        (reply.status, header(&reply, "location")),
        (307, Some("https://shop.example.com/a?b"))
    );
    let reply = answer(
        ActionKind::Challenge,
        "/a",
        &[plain, NAVIGATION, (":authority", b"localhost:10000")],
    );
    assert_eq!(reply.status, 303);
    assert_eq!(
        ticket(header(&reply, "location").unwrap())["scheme"],
        "http"
    );
    let reply = answer(ActionKind::Challenge, "/a", &[plain]);
    let address = header(&reply, "countersign-challenge").unwrap();
    assert!(address.starts_with("https://shop.example.com/"));
    assert_eq!(ticket(address)["scheme"], "https");
}

#[test]
fn the_https_port_is_named_and_plaintext_may_be_refused() {
    let plain: [(&str, &[u8]); 3] = [
        (":scheme", b"http"),
        NAVIGATION,
        (":authority", b"shop.example.com:10000"),
    ];
    let mut compiled = compiled();
    compiled.policies = vec![policy("p", ActionKind::Challenge)];
    compiled.settings.https_port = 10443;
    let reply = answer_with(&compiled, "/a", &plain);
    assert_eq!(
        header(&reply, "location"),
        Some("https://shop.example.com:10443/a")
    );
    compiled.settings.plaintext = Plaintext::Block;
    let reply = answer_with(&compiled, "/a", &plain);
    assert_eq!((reply.status, header(&reply, "location")), (403, None));
}

#[test]
fn block_and_redirect_answer_as_the_policy_says() {
    let reply = answer(ActionKind::Redirect, "/", &[]);
    assert_eq!(
        (reply.status, header(&reply, "location")),
        (302, Some("https://example.com/sale"))
    );
    let reply = answer(ActionKind::Block, "/", &[]);
    assert_eq!(
        (reply.status, header(&reply, "content-type")),
        (403, Some("application/problem+json"))
    );
    let page = answer(ActionKind::Block, "/", &[NAVIGATION]);
    assert_eq!(
        header(&page, "content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        String::from_utf8(page.body)
            .unwrap()
            .contains(header(&reply, "countersign-event-id").unwrap())
    );
}

#[test]
fn without_a_host_or_a_ticket_key_a_challenge_is_a_refusal() {
    let reply = answer(
        ActionKind::Challenge,
        "/",
        &[NAVIGATION, (":authority", b"a b")],
    );
    assert_eq!(reply.status, 403);
    let mut compiled = compiled();
    compiled.ticket_keys.clear();
    compiled.policies = vec![policy("p", ActionKind::Challenge)];
    assert_eq!(answer_with(&compiled, "/", &[NAVIGATION]).status, 403);
}

#[test]
fn a_ticket_names_the_other_origin_whose_script_asked() {
    for (origin, mode, named) in [
        ("https://app.example.com", "cors", true),
        ("http://app.example.com:8080", "cors", true),
        ("https://[::1]:8443", "cors", true),
        // The same origin, no origin, none of a page, none as a browser writes it.
        ("https://shop.example.com", "cors", false),
        ("null", "cors", false),
        ("chrome-extension://abc", "cors", false),
        ("https://app.example.com/", "cors", false),
        ("https://App.example.com", "cors", false),
        ("https://user@app.example.com", "cors", false),
        ("https://app.example.com", "no-cors", false),
        ("https://app.example.com", "same-origin", false),
        ("\u{e9}", "cors", false),
        ("", "cors", false),
    ] {
        let headers: [(&str, &[u8]); 2] = [
            ("origin", origin.as_bytes()),
            ("sec-fetch-mode", mode.as_bytes()),
        ];
        let reply = answer(ActionKind::Challenge, "/api", &headers);
        let claims = ticket(header(&reply, "countersign-challenge").unwrap());
        let expected = named.then_some(origin);
        assert_eq!(claims.get("origin").and_then(|it| it.as_str()), expected);
        assert_eq!(claims.get("origin").is_some(), named, "{origin} {mode}");
    }
    // Safari before 16.4 sends no fetch metadata.
    let old = answer(
        ActionKind::Challenge,
        "/api",
        &[("origin", b"https://app.example.com")],
    );
    let claims = ticket(header(&old, "countersign-challenge").unwrap());
    assert_eq!(claims["origin"], "https://app.example.com");
    // A form of another site is a navigation: nobody waits for a message.
    let form: [(&str, &[u8]); 2] = [NAVIGATION, ("origin", b"https://app.example.com")];
    let reply = answer(ActionKind::Challenge, "/a", &form);
    assert!(
        ticket(header(&reply, "location").unwrap())
            .get("origin")
            .is_none()
    );
}

/// `grpc-status` and `grpc-message`, wherever the dialect has them.
fn grpc_status(reply: &Reply) -> (String, String) {
    if let Some(status) = header(reply, "grpc-status") {
        assert!(reply.body.is_empty());
        let message = header(reply, "grpc-message").unwrap();
        return (status.to_owned(), message.to_owned());
    }
    let text = header(reply, "content-type").unwrap().contains("-text");
    let body = if text {
        STANDARD.decode(&reply.body).unwrap()
    } else {
        reply.body.clone()
    };
    let (head, lines) = body.split_at(5);
    assert_eq!(head[0], 0x80);
    assert_eq!(
        usize::try_from(u32::from_be_bytes(head[1..].try_into().unwrap())).unwrap(),
        lines.len()
    );
    let lines = std::str::from_utf8(lines).unwrap();
    let line = |name: &str| {
        let line = lines.split("\r\n").find_map(|line| line.strip_prefix(name));
        line.unwrap().strip_prefix(": ").unwrap().to_owned()
    };
    (line("grpc-status"), line("grpc-message"))
}

#[test]
fn a_grpc_client_is_answered_in_grpc() {
    for (sent, answered) in [
        ("application/grpc", "application/grpc"),
        ("application/grpc+proto", "application/grpc"),
        ("Application/GRPC;x=y", "application/grpc"),
        ("application/grpc-web", "application/grpc-web+proto"),
        ("application/grpc-web+json", "application/grpc-web+proto"),
        (
            "application/grpc-web-text",
            "application/grpc-web-text+proto",
        ),
    ] {
        let sent: [(&str, &[u8]); 1] = [("content-type", sent.as_bytes())];
        let challenge = answer(ActionKind::Challenge, "/pkg.Service/Call", &sent);
        let block = answer(ActionKind::Block, "/pkg.Service/Call", &sent);
        for (reply, expected) in [(&challenge, "16"), (&block, "7")] {
            assert_eq!(reply.status, 200);
            assert_eq!(header(reply, "content-type"), Some(answered));
            let (status, message) = grpc_status(reply);
            assert_eq!(status, expected);
            assert!(
                message
                    .bytes()
                    .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'%')
            );
            assert_eq!(header(reply, "cache-control"), Some("no-store"));
            assert!(header(reply, "countersign-event-id").is_some());
            let types = reply
                .headers
                .iter()
                .filter(|(name, _)| *name == "content-type");
            assert_eq!(types.count(), 1);
        }
        let address = header(&challenge, "countersign-challenge").unwrap();
        assert_eq!(ticket(address)["policy"], "p");
        assert!(header(&block, "countersign-challenge").is_none());
    }
    for other in [
        "application/grpcx",
        "application/grpc-webx",
        "application/json",
        "",
        "text/grpc",
    ] {
        let reply = answer(
            ActionKind::Challenge,
            "/",
            &[("content-type", other.as_bytes())],
        );
        assert_eq!(reply.status, 403, "{other}");
    }
}
