//! Tickets that come with a request: every way to be refused, at every door.

use axum::http::{Method, StatusCode};
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_proto::node::v1::Step;
use serde_json::json;

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::world::{START_S, World, sign};

/// The page, the ceremony and the step refuse this ticket alike, and tell no reason.
async fn assert_refused_everywhere(ticket: &str, cause: Cause) {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let page = browser.page(ticket).await;
    assert_eq!(page.status, cause.face().status(), "{ticket}");
    assert!(page.header("content-type").starts_with("text/html"));
    let begun = browser.begin(ticket).await;
    assert_eq!(begun.problem(), cause.face().slug());
    let step = browser
        .post(
            "/.countersign/steps",
            &json!({ "ticket": ticket, "step": "cancelled" }),
        )
        .await;
    assert_eq!(step.problem(), cause.face().slug());
    assert_eq!(world.refusals(cause), 3);
    for answer in [page, begun, step] {
        assert!(!answer.text.contains(cause.name()));
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(!answer.headers.contains_key("location"));
        assert!(!answer.text.contains("evil.example"));
    }
    assert!(
        world.outcomes().await.is_empty(),
        "nothing is told of a ticket that is not valid"
    );
}

async fn world_ticket(name: &str, value: serde_json::Value) -> String {
    let mut claims = World::ready().await.claims();
    claims[name] = value;
    sign(&claims)
}

#[tokio::test]
async fn an_altered_ticket_is_refused() {
    let good = World::ready().await.ticket();
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let (_, payload) = world_ticket("path", json!("/admin"))
        .await
        .split_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let payload = payload.split('.').next().unwrap();
    assert_refused_everywhere(
        &format!("{head}.{payload}.{signature}"),
        Cause::TicketAltered,
    )
    .await;
}

#[tokio::test]
async fn a_ticket_for_another_host_is_refused() {
    assert_refused_everywhere(
        &world_ticket("aud", json!("evil.example")).await,
        Cause::TicketHost,
    )
    .await;
}

#[tokio::test]
async fn a_return_path_to_a_host_without_scheme_is_refused() {
    assert_refused_everywhere(
        &world_ticket("path", json!("//evil.example")).await,
        Cause::TicketReturnPath,
    )
    .await;
}

#[tokio::test]
async fn a_return_path_with_a_scheme_is_refused() {
    assert_refused_everywhere(
        &world_ticket("path", json!("https:evil.example")).await,
        Cause::TicketReturnPath,
    )
    .await;
}

#[tokio::test]
async fn a_return_path_with_a_backslash_is_refused() {
    assert_refused_everywhere(
        &world_ticket("path", json!("/\\evil.example")).await,
        Cause::TicketReturnPath,
    )
    .await;
}

#[tokio::test]
async fn a_return_path_with_cr_lf_is_refused() {
    assert_refused_everywhere(
        &world_ticket("path", json!("/a\r\nset-cookie: b=c")).await,
        Cause::TicketReturnPath,
    )
    .await;
}

#[tokio::test]
async fn a_filter_whose_clock_is_off_within_the_leeway_is_forgiven() {
    let world = World::ready().await;
    let page = async |iat: i64, exp: i64| {
        let mut claims = world.claims();
        let now = i64::try_from(START_S).unwrap();
        claims["iat"] = json!(now + iat);
        claims["exp"] = json!(now + exp);
        Browser::of(&world).page(&sign(&claims)).await.status
    };
    let leeway = i64::try_from(limits::TICKET_LEEWAY_S).unwrap();
    assert_eq!(page(-600, -leeway).await, StatusCode::OK);
    assert_eq!(page(-600, -leeway - 1).await, StatusCode::GONE);
    // Ahead of us: made in what we call the future.
    assert_eq!(page(leeway, 600 + leeway).await, StatusCode::OK);
}

#[tokio::test]
async fn an_expired_ticket_gets_a_page_with_the_way_back() {
    let world = World::ready().await;
    let ticket = world.ticket_with("path", json!("/checkout?a=1&b=\"><script>"));
    world.pass_time(606);
    let mut browser = Browser::of(&world);
    let page = browser.page(&ticket).await;
    assert_eq!((page.status, page.state()), (StatusCode::GONE, "expired"));
    assert!(page.text.contains("href=\"/checkout?a=1"));
    assert!(!page.text.contains("><script>"), "{}", page.text);
    assert_eq!(browser.begin(&ticket).await.problem(), "ticket-expired");
    assert_eq!(world.refusals(Cause::TicketExpired), 2);
}

#[tokio::test]
async fn a_ticket_that_cannot_be_trusted_links_to_the_start_page() {
    let world = World::ready().await;
    let page = Browser::of(&world).page("a.b.c").await;
    assert_eq!(
        (page.status, page.state()),
        (StatusCode::FORBIDDEN, "failed")
    );
    assert!(page.text.contains("href=\"/\""));
    assert_eq!(world.refusals(Cause::TicketMalformed), 1);
}

#[tokio::test]
async fn a_missing_double_or_giant_ticket_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    for path in [
        "/.countersign/challenge",
        "/.countersign/challenge?ticket=a&ticket=b",
        "/.countersign/challenge?x=1",
    ] {
        assert_eq!(
            browser.send(Method::GET, path, None).await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(world.refusals(Cause::TicketMissing), 3);
    assert_eq!(
        browser
            .page(&"a".repeat(limits::TICKET_BYTES + 1))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(world.refusals(Cause::TicketTooLarge), 1);
    let not_text = "/.countersign/challenge?ticket=%ff%fe%00";
    assert_eq!(
        browser.send(Method::GET, not_text, None).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(world.refusals(Cause::TicketMalformed), 1);
}

#[tokio::test]
async fn a_passed_ticket_sends_home_who_has_the_session() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ticket = world.ticket();
    browser.pass(&ticket, &mut Authenticator::new()).await;
    let again = browser.page(&ticket).await;
    assert_eq!(
        (again.status, again.header("location")),
        (StatusCode::SEE_OTHER, "/checkout?step=2")
    );
    let begun = browser.begin(&ticket).await;
    assert_eq!(begun.problem(), "ticket-used");
    assert_eq!(begun.json()["return"], "/checkout?step=2");
}

#[tokio::test]
async fn a_passed_ticket_is_no_use_to_another_browser() {
    let world = World::ready().await;
    let ticket = world.ticket();
    Browser::of(&world)
        .pass(&ticket, &mut Authenticator::new())
        .await;
    let mut thief = Browser::of(&world);
    thief
        .cookies
        .insert("__Host-countersign".into(), "a.b.c".into());
    let page = thief.page(&ticket).await;
    assert_eq!((page.status, page.state()), (StatusCode::CONFLICT, "done"));
    assert!(page.text.contains("href=\"/checkout?step=2\""));
    let begun = thief.begin(&ticket).await;
    assert_eq!(begun.problem(), "ticket-used");
    assert!(begun.json().get("return").is_none());
    assert_eq!(world.refusals(Cause::TicketUsed), 2);
    assert_eq!(world.steps().await, [Step::Started, Step::Passed]);
}

#[tokio::test]
async fn one_ticket_is_passed_once_by_two_ceremonies() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let (mut one, mut other) = (Browser::of(&world), Browser::of(&world));
    let (first, second) = (
        one.begin(&ticket).await.json(),
        other.begin(&ticket).await.json(),
    );
    let answer = Authenticator::new().answer(&first, &one.origin());
    assert_eq!(one.end(&first, &answer).await.status, StatusCode::OK);
    let answer = Authenticator::new().answer(&second, &other.origin());
    assert_eq!(other.end(&second, &answer).await.problem(), "ticket-used");
    assert!(!other.cookies.contains_key("__Host-countersign"));
}

#[tokio::test]
async fn a_passed_ticket_is_remembered_as_long_as_a_ceremony_could_end_it_again() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let (mut one, mut other) = (Browser::of(&world), Browser::of(&world));
    let first = one.begin(&ticket).await.json();
    let answer = Authenticator::new().answer(&first, &one.origin());
    assert_eq!(one.end(&first, &answer).await.status, StatusCode::OK);
    drop(one);
    // Passed already, so nobody can begin; one that had begun at the last moment could still end.
    world.pass_time(605 + 599);
    world.app.keep_house().await;
    assert!(world.app.store.ticket_passed("event-0").await.unwrap());
    assert_eq!(other.begin(&ticket).await.problem(), "ticket-expired");
    world.pass_time(2);
    world.app.keep_house().await;
    assert!(!world.app.store.ticket_passed("event-0").await.unwrap());
}

#[tokio::test]
async fn a_tab_that_waited_goes_home_when_another_has_passed() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let (here, there) = (world.ticket(), world.ticket());
    world.pass_time(1);
    browser.pass(&here, &mut Authenticator::new()).await;
    assert_eq!(browser.page(&there).await.status, StatusCode::SEE_OTHER);
    // Both challenges were answered, and count as that; looking again adds nothing.
    assert_eq!(browser.page(&there).await.status, StatusCode::SEE_OTHER);
    let passes = |steps: Vec<Step>| {
        steps
            .into_iter()
            .filter(|step| *step == Step::Passed)
            .count()
    };
    assert_eq!(passes(world.steps().await), 2);
    // A ticket made after the session says that the filter wants more than it: no way round that.
    world.pass_time(1);
    assert_eq!(browser.page(&world.ticket()).await.status, StatusCode::OK);
    // Nor is a session enough that proves less than is demanded, or is too old.
    let mut claims = world.claims();
    claims["iat"] = json!(1);
    claims["acr"] = json!("uv_bound");
    claims["max_age"] = json!(1);
    assert_eq!(browser.page(&sign(&claims)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_kind_that_does_not_exist_here_cannot_be_answered() {
    let world = World::ready().await;
    let ticket = world.ticket_with("kinds", json!(["captcha"]));
    let mut browser = Browser::of(&world);
    let page = browser.page(&ticket).await;
    assert_eq!(
        (page.status, page.state()),
        (StatusCode::FORBIDDEN, "unsupported")
    );
    assert!(page.text.contains("event-0") && !page.text.contains("id=\"verify\""));
    assert_eq!(browser.begin(&ticket).await.problem(), "unanswerable");
    let outcomes = world.outcomes().await;
    assert!(
        outcomes
            .iter()
            .all(|o| o.step() == Step::Rejected && o.cause == "KIND_UNSUPPORTED")
    );
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test]
async fn a_fallback_kind_that_exists_here_is_answered() {
    let world = World::ready().await;
    let mut claims = world.claims();
    claims["kinds"] = json!(["captcha"]);
    claims["fallback"] = json!(["fido"]);
    assert_eq!(
        Browser::of(&world).page(&sign(&claims)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_attested_demand_is_told_at_once_to_be_out_of_reach_without_roots() {
    let world = World::ready().await;
    let ticket = world.ticket_with("acr", json!("uv_attested"));
    let mut browser = Browser::of(&world);
    let page = browser.page(&ticket).await;
    assert_eq!(
        (page.status, page.state()),
        (StatusCode::FORBIDDEN, "unsupported")
    );
    assert_eq!(browser.begin(&ticket).await.problem(), "unanswerable");
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[0].cause, "ATTESTATION_ROOTS_MISSING");
}

#[tokio::test]
async fn an_address_or_plaintext_is_no_place_for_a_proof() {
    for (host, scheme) in [
        ("127.0.0.1:10443", "https"),
        ("[::1]:10443", "https"),
        ("shop.example", "http"),
    ] {
        let world = World::ready().await;
        let mut claims = world.claims();
        claims["aud"] = json!(host);
        claims["scheme"] = json!(scheme);
        let mut browser = Browser::of(&world);
        browser.host = host.to_owned();
        let page = browser.page(&sign(&claims)).await;
        assert_eq!(
            (page.status, page.state()),
            (StatusCode::FORBIDDEN, "unsupported"),
            "{host}"
        );
        assert_eq!(world.refusals(Cause::HostUnfit), 1);
    }
}

#[tokio::test]
async fn plaintext_is_enough_on_localhost() {
    let world = World::ready().await;
    let mut claims = world.claims();
    claims["aud"] = json!("localhost:10000");
    claims["scheme"] = json!("http");
    let mut browser = Browser::of(&world);
    browser.host = "LOCALHOST:10000".to_owned();
    let ceremony = browser.begin(&sign(&claims)).await.json();
    let answer = Authenticator::new().answer(&ceremony, "http://localhost:10000");
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
}
