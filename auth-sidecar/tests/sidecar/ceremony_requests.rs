//! What a request to a ceremony must be, before any answer is looked at.

use axum::http::{Method, StatusCode};
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_proto::node::v1::Step;
use serde_json::json;

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::world::World;

const CEREMONIES: &str = "/.countersign/ceremonies";

#[tokio::test]
async fn a_form_of_another_site_cannot_begin_a_ceremony() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let body = json!({ "ticket": ticket }).to_string();
    let mut browser = Browser::of(&world);
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "application/jsonx",
    ] {
        browser.headers = vec![
            ("sec-fetch-site", "same-origin".into()),
            ("content-type", content_type.into()),
        ];
        let refused = browser
            .send(Method::POST, CEREMONIES, Some(body.clone()))
            .await;
        assert_eq!(
            refused.problem(),
            "unsupported-media-type",
            "{content_type}"
        );
    }
    assert_eq!(world.refusals(Cause::NotJson), 5);
    browser.headers = vec![
        ("sec-fetch-site", "same-origin".into()),
        ("content-type", "Application/JSON; charset=utf-8".into()),
    ];
    assert_eq!(
        browser
            .send(Method::POST, CEREMONIES, Some(body))
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_begin_a_ceremony() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut browser = Browser::of(&world);
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![
            ("sec-fetch-site", "same-site"),
            ("origin", "https://localhost:10443"),
        ],
        vec![("sec-fetch-site", "none")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "http://localhost:10443")],
        vec![("origin", "null")],
        vec![],
    ] {
        browser.headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        assert_eq!(
            browser.begin(&ticket).await.problem(),
            "forbidden",
            "{headers:?}"
        );
    }
    assert_eq!(world.refusals(Cause::CrossSite), 7);
    browser.headers = vec![("origin", "https://localhost:10443".into())];
    assert_eq!(browser.begin(&ticket).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cross_site_answer_does_not_spend_the_ceremony() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    browser.headers = vec![("sec-fetch-site", "cross-site".into())];
    assert_eq!(browser.end(&ceremony, &answer).await.problem(), "forbidden");
    browser.headers = vec![("origin", browser.origin())];
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_that_are_not_what_is_asked_for_are_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"ticket\":1}",
        "{\"ticket\":\"a\",\"more\":1}",
        "{\"ticket\":\"a\",\"ticket\":\"b\"}",
    ] {
        let refused = browser
            .send(Method::POST, CEREMONIES, Some(body.to_owned()))
            .await;
        assert_eq!(refused.problem(), "bad-request", "{body}");
    }
    assert_eq!(world.refusals(Cause::BodyMalformed), 7);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let path = format!("{CEREMONIES}/{}", "a".repeat(22));
    let refused = browser
        .send(
            Method::POST,
            &path,
            Some(format!("{{\"credential\":{deep}}}")),
        )
        .await;
    assert_eq!(refused.problem(), "bad-request");
}

#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_past_it_is_not() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let body = |size: usize| format!("{{\"ticket\":\"{}\"}}", "a".repeat(size - 13));
    let at = browser
        .send(
            Method::POST,
            CEREMONIES,
            Some(body(limits::TICKET_BODY_BYTES)),
        )
        .await;
    assert_eq!(at.problem(), "ticket-invalid");
    let past = browser
        .send(
            Method::POST,
            CEREMONIES,
            Some(body(limits::TICKET_BODY_BYTES + 1)),
        )
        .await;
    assert_eq!(past.problem(), "too-large");
    assert_eq!(world.refusals(Cause::BodyTooLarge), 1);
}

#[tokio::test]
async fn a_ceremony_that_never_was_is_unknown() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    for id in [
        "x",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "%27%20OR%201=1--",
        "..%2f..%2fmetrics",
        "%ff%fe",
    ] {
        let refused = browser
            .post(&format!("{CEREMONIES}/{id}"), &json!({ "credential": {} }))
            .await;
        assert_eq!(refused.problem(), "ceremony-over", "{id}");
    }
    assert_eq!(world.refusals(Cause::CeremonyUnknown), 5);
}

#[tokio::test]
async fn an_answer_after_five_minutes_is_too_late() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let (one, other) = (
        browser.begin(&world.ticket()).await.json(),
        browser.begin(&world.ticket()).await.json(),
    );
    let answer = Authenticator::new().answer(&one, &browser.origin());
    world.pass_time(limits::CEREMONY_LIFETIME_S);
    assert_eq!(browser.end(&one, &answer).await.status, StatusCode::OK);
    world.pass_time(1);
    let answer = Authenticator::new().answer(&other, &browser.origin());
    assert_eq!(
        browser.end(&other, &answer).await.problem(),
        "ceremony-over"
    );
    assert_eq!(world.refusals(Cause::CeremonyExpired), 1);
    assert_eq!(
        world.outcomes().await.last().unwrap().cause,
        "CEREMONY_EXPIRED"
    );
}

#[tokio::test]
async fn a_ceremony_is_ended_only_at_the_host_that_began_it() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    browser.host = "localhost:10444".to_owned();
    assert_eq!(browser.end(&ceremony, &answer).await.problem(), "rejected");
    assert_eq!(world.refusals(Cause::CeremonyHost), 1);
}

#[tokio::test]
async fn a_ceremony_is_ended_only_by_the_device_that_began_it() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    browser.pass(&world.ticket(), &mut authenticator).await;
    for cookie in [None, Some("BBBBBBBBBBBBBBBBBBBBBB")] {
        let ceremony = browser.begin(&world.ticket()).await.json();
        let answer = authenticator.answer(&ceremony, &browser.origin());
        let mut other = Browser::of(&world);
        if let Some(cookie) = cookie {
            other
                .cookies
                .insert("__Host-countersign-device".into(), cookie.into());
        }
        assert_eq!(other.end(&ceremony, &answer).await.problem(), "rejected");
    }
    assert_eq!(world.refusals(Cause::CeremonyDevice), 2);
}

#[tokio::test]
async fn a_device_that_says_its_credential_is_gone_registers_as_a_new_one() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    let before = browser.cookies["__Host-countersign-device"].clone();
    let body = json!({ "ticket": world.ticket(), "renew": true });
    let ceremony = browser.post(CEREMONIES, &body).await.json();
    assert_eq!(ceremony["mode"], "registration");
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    assert_ne!(browser.cookies["__Host-countersign-device"], before);
}

#[tokio::test]
async fn a_device_name_that_somebody_made_up_is_not_taken_over() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser.cookies.insert(
        "__Host-countersign-device".into(),
        "CCCCCCCCCCCCCCCCCCCCCC".into(),
    );
    assert_eq!(
        browser
            .pass(&world.ticket(), &mut Authenticator::new())
            .await
            .status,
        StatusCode::OK
    );
    assert_ne!(
        browser.cookies["__Host-countersign-device"],
        "CCCCCCCCCCCCCCCCCCCCCC"
    );
}

#[tokio::test]
async fn one_ticket_starts_so_many_ceremonies_and_no_more() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut browser = Browser::of(&world);
    for _ in 0..limits::ATTEMPTS_PER_TICKET {
        assert_eq!(browser.begin(&ticket).await.status, StatusCode::OK);
    }
    assert_eq!(browser.begin(&ticket).await.problem(), "too-many-attempts");
    assert_eq!(
        world.outcomes().await.last().unwrap().cause,
        "TOO_MANY_ATTEMPTS"
    );
    assert_eq!(browser.begin(&world.ticket()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_page_says_is_told_as_claimed_and_not_without_end() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut browser = Browser::of(&world);
    for step in ["unsupported", "cancelled"] {
        let told = browser
            .post(
                "/.countersign/steps",
                &json!({ "ticket": ticket, "step": step }),
            )
            .await;
        assert_eq!(told.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(world.steps().await, [Step::Unsupported, Step::Cancelled]);
    assert!(
        world
            .outcomes()
            .await
            .iter()
            .all(|outcome| outcome.claimed && outcome.event_id == "event-0")
    );
    for _ in 0..limits::CLAIMS_PER_TICKET {
        browser
            .post(
                "/.countersign/steps",
                &json!({ "ticket": ticket, "step": "cancelled" }),
            )
            .await;
    }
    assert_eq!(
        world.outcomes().await.len() as u64,
        limits::CLAIMS_PER_TICKET
    );
    let passed = json!({ "ticket": ticket, "step": "passed" });
    assert_eq!(
        browser.post("/.countersign/steps", &passed).await.problem(),
        "bad-request"
    );
}

#[tokio::test]
async fn a_host_that_is_none_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    for host in ["", "a b", "user@localhost", "a/b"] {
        browser.host = host.to_owned();
        assert_eq!(
            browser.begin(&world.ticket()).await.problem(),
            "bad-request",
            "{host}"
        );
    }
    assert_eq!(world.refusals(Cause::HostInvalid), 4);
}

#[tokio::test]
async fn other_paths_and_methods_get_a_problem_of_their_own() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    assert_eq!(
        browser
            .send(Method::GET, "/.countersign/nothing", None)
            .await
            .problem(),
        "not-found"
    );
    let refused = browser.send(Method::GET, CEREMONIES, None).await;
    assert_eq!(
        (refused.problem(), refused.header("allow")),
        ("method-not-allowed".into(), "POST")
    );
}

#[tokio::test]
async fn one_request_more_than_there_are_places_is_told_to_come_back() {
    let world = World::ready().await;
    let places = world
        .app
        .places
        .acquire_many(u32::try_from(limits::REQUESTS_IN_FLIGHT).unwrap())
        .await
        .unwrap();
    let mut browser = Browser::of(&world);
    let busy = browser.begin(&world.ticket()).await;
    assert_eq!(
        (busy.problem(), busy.header("retry-after")),
        ("busy".into(), "2")
    );
    drop(places);
    assert_eq!(browser.begin(&world.ticket()).await.status, StatusCode::OK);
}
