use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proto::policy::v1::ActionKind;
use serde_json::{Value, json};

use super::*;
use crate::testing::{self, NOW, claims, compiled, cookie, headers, load, policy, request};
use crate::{Decision, EventId, WorkerMemory, decide};

const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn revision() -> Revision {
    let mut compiled = compiled();
    compiled
        .policies
        .push(policy("orders", ActionKind::Challenge));
    load(&compiled)
}

const FORM: [(&str, &[u8]); 5] = [
    (":method", b"POST"),
    ("sec-fetch-mode", b"navigate"),
    ("content-type", b"application/x-www-form-urlencoded"),
    ("content-length", b"10"),
    ("sec-fetch-site", b"same-origin"),
];

fn form(more: &[(&'static str, &'static [u8])]) -> Vec<(&'static str, &'static [u8])> {
    let mut form = FORM.to_vec();
    for (name, value) in more {
        form.retain(|(other, _)| other != name);
        form.push((name, value));
    }
    form.retain(|(_, value)| !value.is_empty());
    form
}

fn body_of(path: &str, more: &[(&str, &[u8])], follows: bool) -> Body {
    let revision = revision();
    let headers = headers(path, more);
    let request = request(&revision, &headers);
    let decision = decide(
        &revision,
        &request,
        &mut WorkerMemory::default(),
        EventId::new(1, [0; 10]),
    );
    let Decision::Denial(denial) = decision else {
        panic!("it is permitted");
    };
    Hold::of(&revision, &request, &denial, follows)
}

fn hold_of(more: &[(&'static str, &'static [u8])]) -> Hold {
    match body_of("/orders?a=b", &form(more), true) {
        Body::Hold(hold) => *hold,
        other => panic!("{other:?}"),
    }
}

fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let mut headers = reply.headers.iter();
    headers
        .find(|(other, _)| *other == name)
        .map_or("", |(_, value)| value)
}

#[test]
fn a_challenged_form_is_held_and_leads_back_to_its_own_path() {
    let hold = hold_of(&[]);
    assert_eq!(hold.limit(), 1000);
    let (reply, word) = hold.answer(Stored::Kept);
    assert_eq!((reply.status, word), (303, "kept"));
    let (path, ticket) = header(&reply, "location").split_once("?ticket=").unwrap();
    assert_eq!(path, "/.countersign/challenge");
    let ticket = payload(ticket);
    assert_eq!(
        (&ticket["held"], &ticket["path"]),
        (&json!(true), &json!("/orders?a=b"))
    );
    assert_eq!(header(&reply, "cache-control"), "no-store");
    assert!(!header(&reply, "countersign-event-id").is_empty());
}

#[test]
fn the_browser_that_sent_it_gets_a_cookie_that_names_the_request() {
    let hold = hold_of(&[]);
    let (reply, _) = hold.answer(Stored::Kept);
    let event = header(&reply, "countersign-event-id");
    let (pair, attributes) = header(&reply, "set-cookie").split_once("; ").unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!(name, format!("__Host-countersign-held-{event}"));
    assert_eq!(
        attributes,
        "Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
    );
    let header_of_it = URL_SAFE_NO_PAD.decode(value.split('.').next().unwrap());
    let header_of_it: Value = serde_json::from_slice(&header_of_it.unwrap()).unwrap();
    assert_eq!(header_of_it["typ"], SENDER_TYPE);
    let says = json!({"iss": "countersign-filter", "aud": "shop.example.com", "jti": event});
    assert_eq!(payload(value), says);
    for stored in [Stored::Full, Stored::Away] {
        assert_eq!(header(&hold.answer(stored).0, "set-cookie"), "");
    }
}

#[test]
fn a_ticket_says_where_a_held_request_brought_no_session() {
    let says = |more: &[(&'static str, &'static [u8])]| {
        let (reply, _) = hold_of(more).answer(Stored::Kept);
        let location = header(&reply, "location");
        payload(location.split_once("?ticket=").unwrap().1)["without_session"].clone()
    };
    assert_eq!(says(&[]), json!(true));
    assert_eq!(says(&[("cookie", b"__Host-countersign-device=x")]), true);
    // One that is not good was judged all the same.
    assert_eq!(
        says(&[("cookie", b"a=b; __Host-countersign=x")]),
        json!(null)
    );
}

#[test]
fn what_has_no_body_or_shows_no_page_is_not_held() {
    let leaves = |more: &[(&'static str, &'static [u8])], follows| {
        matches!(body_of("/orders", &form(more), follows), Body::Leave)
    };
    assert!(!leaves(&[], true));
    assert!(leaves(&[], false));
    for more in [
        (":method", b"GET".as_slice()),
        (":method", b"HEAD"),
        ("sec-fetch-mode", b"cors"),
        ("upgrade", b"websocket"),
        (":scheme", b"http"),
    ] {
        assert!(leaves(&[more], true), "{more:?}");
    }
    // It would come back to another host.
    assert!(matches!(body_of("//orders", &form(&[]), true), Body::Leave));
}

#[test]
fn a_body_that_says_it_is_too_long_is_refused_before_it_is_read() {
    let Body::Refuse(lost) = body_of("/orders", &form(&[("content-length", b"1001")]), true) else {
        panic!("it is held");
    };
    assert_eq!((lost.reply.status, lost.word), (413, "too_large"));
    let page = String::from_utf8(lost.reply.body).unwrap();
    assert!(page.contains("/.countersign/challenge?ticket="), "{page}");
    let at = form(&[("content-length", b"1000")]);
    assert!(matches!(body_of("/orders", &at, true), Body::Hold(_)));
}

#[test]
fn a_content_type_that_cannot_be_kept_is_refused() {
    let long = "a".repeat(MAX_HELD_VALUE_BYTES + 1).into_bytes();
    let bad: [&[u8]; 2] = [b"text/\xff", &long];
    for kind in bad {
        let mut form = form(&[]);
        form.retain(|(name, _)| *name != "content-type");
        form.push(("content-type", kind));
        let Body::Refuse(lost) = body_of("/orders", &form, true) else {
            panic!("it is held");
        };
        assert_eq!((lost.reply.status, lost.word), (415, "unreadable"));
    }
}

#[test]
fn a_store_carries_a_proof_with_all_that_the_repetition_needs() {
    let hold = hold_of(&[
        ("content-encoding", b"gzip"),
        ("origin", b"https://shop.example.com"),
    ]);
    let revision = revision();
    let call = hold
        .store(&revision, 10, Timestamp::from_seconds(NOW))
        .unwrap();
    let value = |name: &str| {
        let mut headers = call.headers.iter();
        headers.find(|(other, _)| *other == name).unwrap().1.clone()
    };
    assert_eq!(value(":path"), HELD_PATH);
    assert_eq!(value(":authority"), SIDECAR_AUTHORITY);
    let proof = value(PROOF_HEADER);
    let head: Value = serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(proof.split('.').next().unwrap())
            .unwrap(),
    )
    .unwrap();
    assert_eq!(head["typ"], PROOF_TYPE);
    let claims = payload(&proof);
    assert_eq!(claims["act"], "store");
    assert_eq!(claims["aud"], "shop.example.com");
    assert_eq!(claims["path"], "/orders?a=b");
    assert_eq!(claims["len"], 10);
    assert_eq!(claims["exp"], NOW + 30);
    assert_eq!(claims["client"], "127.0.0.0/24");
    assert_eq!(
        claims["kept"],
        json!({
            "method": "POST", "content_type": "application/x-www-form-urlencoded",
            "content_encoding": "gzip", "origin": "https://shop.example.com", "site": "same-origin",
        })
    );
}

#[test]
fn every_end_of_a_store_has_its_answer() {
    let hold = hold_of(&[]);
    for (status, answer, word) in [
        (Some(201), 303, "kept"),
        (Some(507), 503, "full"),
        (Some(503), 503, "away"),
        (Some(504), 503, "away"),
        (Some(200), 503, "away"),
        (Some(404), 503, "away"),
        (None, 503, "away"),
    ] {
        let (reply, told) = hold.answer(Stored::read(status));
        assert_eq!((reply.status, told), (answer, word), "{status:?}");
    }
}

#[test]
fn only_a_small_plain_form_of_this_site_can_bring_a_token() {
    let revision = revision();
    let may = |more: &[(&'static str, &'static [u8])], follows| {
        let headers = headers("/orders", &form(more));
        may_bring_token(&request(&revision, &headers), follows)
    };
    let plain = ("content-type", b"text/plain".as_slice());
    assert!(may(&[plain], true));
    assert!(may(&[("content-type", b"Text/Plain; charset=utf-8")], true));
    assert!(may(&[plain, ("sec-fetch-site", b"")], true));
    assert!(may(&[plain, ("content-length", b"1024")], true));
    assert!(!may(&[plain], false));
    assert!(!may(&[], true));
    for other in [
        (":method", b"PUT".as_slice()),
        ("content-length", b"1025"),
        ("content-length", b"0"),
        ("content-length", b""),
        ("content-length", b"-1"),
        ("content-encoding", b"gzip"),
        ("sec-fetch-mode", b"cors"),
        ("sec-fetch-site", b"cross-site"),
        ("sec-fetch-site", b"same-site"),
    ] {
        assert!(!may(&[plain, other], true), "{other:?}");
    }
}

#[test]
fn a_token_is_read_from_a_form_that_holds_nothing_else() {
    for end in ["", "\r\n", "\n"] {
        let body = format!("countersign-replay={TOKEN}{end}");
        assert_eq!(token(body.as_bytes()), Some(TOKEN));
    }
    for body in [
        String::new(),
        "countersign-replay=".to_owned(),
        format!("countersign-replay={TOKEN}A"),
        format!("countersign-replay={}", &TOKEN[1..]),
        format!("a=b\r\ncountersign-replay={TOKEN}\r\n"),
        format!("countersign-replay={TOKEN}\r\na=b\r\n"),
        format!("countersign-replay={}+", &TOKEN[1..]),
    ] {
        assert_eq!(token(body.as_bytes()), None, "{body}");
    }
    assert_eq!(token(b"\xff"), None);
}

#[test]
fn a_take_asks_in_the_name_of_the_verified_session_and_nobody_else_asks() {
    let revision = revision();
    let asked = |more: &[(&str, &[u8])]| {
        let headers = headers("/orders?a=b", more);
        let request = request(&revision, &headers);
        take(&revision, &request, &mut WorkerMemory::default(), TOKEN)
    };
    let good = cookie(&testing::token(&claims()));
    let call = asked(&[("cookie", &good)]).unwrap();
    let proof = &call
        .headers
        .iter()
        .find(|it| it.0 == PROOF_HEADER)
        .unwrap()
        .1;
    let claims = payload(proof);
    assert_eq!(claims["act"], "take");
    assert_eq!(claims["sub"], "device-1");
    assert_eq!(
        (&claims["aud"], &claims["path"]),
        (&json!("shop.example.com"), &json!("/orders?a=b"))
    );
    for cookie in [b"".as_slice(), b"__Host-countersign=a.b.c"] {
        let lost = asked(&[("cookie", cookie)]).unwrap_err();
        assert_eq!((lost.reply.status, lost.word), (403, "no_session"));
    }
}

fn kept(kept: &Value) -> String {
    URL_SAFE_NO_PAD.encode(kept.to_string())
}

#[test]
fn every_end_of_a_take_has_its_answer() {
    for (status, answer, word) in [
        (Some(403), 403, "elsewhere"),
        (Some(409), 410, "used"),
        (Some(410), 410, "expired"),
        (Some(503), 503, "away"),
        (None, 503, "away"),
    ] {
        let lost = Taken::read(status, None).unwrap_err();
        assert_eq!((lost.reply.status, lost.word), (answer, word), "{status:?}");
    }
    for bad in [
        json!({}),
        json!({"method": ""}),
        json!({"method": "GET"}),
        json!({"method": "PO ST"}),
        json!({"method": "POST", "content_type": "a\r\nb: c"}),
        json!({"method": "POST", "origin": "\u{0}"}),
    ] {
        let lost = Taken::read(Some(200), Some(kept(&bad).as_bytes())).unwrap_err();
        assert_eq!(lost.word, "away", "{bad}");
    }
    for bad in [b"".as_slice(), b"=", b"\xff"] {
        assert!(Taken::read(Some(200), Some(bad)).is_err());
    }
}

#[test]
fn the_rules_see_the_request_as_it_was() {
    let revision = revision();
    let taken = kept(&json!({
        "method": "PUT", "content_type": "application/json", "origin": "https://evil.example",
        "site": "cross-site", "cookies": ["theme"],
    }));
    let taken = Taken::read(Some(200), Some(taken.as_bytes())).unwrap();
    let sent = headers(
        "/orders",
        &[
            (":method", b"POST"),
            ("content-type", b"text/plain"),
            ("content-length", b"64"),
            ("content-encoding", b"x"),
            ("origin", b"null"),
            ("referer", b"https://shop.example.com/.countersign/held"),
            ("sec-fetch-site", b"same-origin"),
            ("sec-fetch-mode", b"navigate"),
            (
                "cookie",
                b"theme=dark; basket=secret; __Host-countersign=a.b.c",
            ),
        ],
    );
    let restored = taken.restored(&request(&revision, &sent), 7);
    let first = |name: &str| {
        let mut headers = restored.headers.iter();
        let value = headers.find(|(other, _)| other == name)?.1.clone();
        assert!(headers.all(|(other, _)| other != name), "{name} twice");
        Some(String::from_utf8(value).unwrap())
    };
    for (name, value) in [
        (":method", Some("PUT")),
        (":path", Some("/orders")),
        ("content-type", Some("application/json")),
        ("content-length", Some("7")),
        ("content-encoding", None),
        ("origin", Some("https://evil.example")),
        ("referer", None),
        ("sec-fetch-site", Some("cross-site")),
        ("sec-fetch-mode", Some("navigate")),
        ("cookie", Some("theme=dark; __Host-countersign=a.b.c")),
    ] {
        assert_eq!(first(name).as_deref(), value, "{name}");
    }
    assert!(restored.changes.contains(&Change::Remove("referer")));
    assert!(
        restored
            .changes
            .contains(&Change::Set(":method", "PUT".to_owned()))
    );
}

#[test]
fn a_form_of_another_site_remembers_which_cookies_came_with_it() {
    let own = hold_of(&[("cookie", b"a=1; b=2")]);
    assert_eq!(own.kept.cookies, None);
    let other = hold_of(&[("cookie", b"a=1; b=2"), ("sec-fetch-site", b"cross-site")]);
    assert_eq!(
        other.kept.cookies,
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    let unsaid = hold_of(&[("sec-fetch-site", b"")]);
    assert_eq!(unsaid.kept.cookies, Some(vec![]));
    let mut many = String::new();
    for number in 0..=MAX_HELD_COOKIES {
        many.push_str(&format!("c{number}=1; "));
    }
    let many: &'static [u8] = many.leak().as_bytes();
    let bounded = hold_of(&[("cookie", many), ("sec-fetch-site", b"cross-site")]);
    assert_eq!(bounded.kept.cookies.unwrap().len(), MAX_HELD_COOKIES);
}
