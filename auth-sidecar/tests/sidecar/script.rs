//! `countersign.js` and the page that it opens: in frames of its own origin, in windows of the origin that
//! the ticket names, and in nobody else's.

use crate::authenticator::Authenticator;
use axum::http::{Method, StatusCode};
use countersign_auth_sidecar::cause::Cause;
use serde_json::json;

use crate::browser::{Answer, Browser};
use crate::world::World;

const APP: &str = "https://app.example.com";

async fn opened(world: &World, ticket: &str, site: &str) -> Answer {
    let mut browser = Browser::of(world);
    browser.headers = vec![("sec-fetch-site", site.to_owned())];
    let path = format!("/.countersign/challenge?ticket={ticket}&tell=1");
    browser.send(Method::GET, &path, None).await
}

#[tokio::test]
async fn the_script_is_served_in_both_forms_with_its_types() {
    let world = World::fresh().await;
    let mut browser = Browser::of(&world);
    for (name, kind, has, has_not) in [
        (
            "countersign.js",
            "text/javascript",
            "install();",
            "export {",
        ),
        (
            "countersign.mjs",
            "text/javascript",
            "export { install };",
            "\ninstall();",
        ),
        (
            "countersign.d.ts",
            "application/typescript",
            "export function install",
            "\ninstall();",
        ),
        (
            "countersign.d.mts",
            "application/typescript",
            "export function install",
            "\ninstall();",
        ),
    ] {
        let path = format!("/.countersign/{name}");
        let answer = browser.send(Method::GET, &path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert!(answer.header("content-type").starts_with(kind), "{name}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert!(
            answer.text.contains(has) && !answer.text.contains(has_not),
            "{name}"
        );

        let etag = answer.header("etag").to_owned();
        browser.headers.push(("if-none-match", etag));
        let again = browser.send(Method::GET, &path, None).await;
        browser.headers.pop();
        assert_eq!(
            (again.status, again.text.len()),
            (StatusCode::NOT_MODIFIED, 0)
        );
        let head = browser.send(Method::HEAD, &path, None).await;
        assert_eq!(head.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_page_that_no_script_opened_tells_nobody_and_keeps_no_opener() {
    let world = World::ready().await;
    let ticket = world.ticket_with("origin", json!(APP));
    let page = Browser::of(&world).page(&ticket).await;
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert!(!page.text.contains("data-origin"));
}

#[tokio::test]
async fn a_page_tells_the_origin_that_the_ticket_names_or_its_own() {
    let world = World::ready().await;
    for (origin, site, told, opener) in [
        (Some(APP), "same-site", APP, "unsafe-none"),
        (
            None,
            "same-origin",
            "https://localhost:10443",
            "unsafe-none",
        ),
        // Somebody else put `tell` into the address: their window is parted from this one.
        (None, "cross-site", "https://localhost:10443", "same-origin"),
        (None, "none", "https://localhost:10443", "same-origin"),
    ] {
        let ticket = origin.map_or_else(
            || world.ticket(),
            |origin| world.ticket_with("origin", json!(origin)),
        );
        let page = opened(&world, &ticket, site).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.text
                .contains(&format!("data-origin=\"{told}\" data-word=\"\""))
        );
        assert_eq!(page.header("cross-origin-opener-policy"), opener, "{site}");
        assert_eq!(page.header("x-frame-options"), "SAMEORIGIN");
        assert!(
            !page
                .text
                .contains("postMessage({ countersign: word }, \"*\")")
        );
    }
}

#[tokio::test]
async fn a_ticket_that_would_tell_everybody_is_no_ticket() {
    let world = World::ready().await;
    for origin in [
        "*",
        "",
        "null",
        "https://",
        "https://a.example/\"><script>",
        "javascript:x",
    ] {
        let ticket = world.ticket_with("origin", json!(origin));
        assert_eq!(
            opened(&world, &ticket, "same-site").await.state(),
            "failed",
            "{origin}"
        );
    }
    assert_eq!(world.refusals(Cause::TicketMalformed), 6);
}

#[tokio::test]
async fn who_has_passed_in_another_tab_is_told_so_and_not_sent_to_the_request() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    assert_eq!(
        browser.pass(&ticket, &mut authenticator).await.status,
        StatusCode::OK
    );
    let path = format!("/.countersign/challenge?ticket={ticket}");
    let went = browser.send(Method::GET, &path, None).await;
    assert_eq!(went.status, StatusCode::SEE_OTHER);
    let told = browser
        .send(Method::GET, &format!("{path}&tell=1"), None)
        .await;
    assert_eq!((told.status, told.state()), (StatusCode::OK, "done"));
    assert!(told.text.contains("data-word=\"passed\""));
}

#[tokio::test]
async fn an_expired_page_leads_back_to_the_script_that_opened_it() {
    let world = World::ready().await;
    let ticket = world.ticket();
    world.pass_time(700);
    let page = opened(&world, &ticket, "same-origin").await;
    assert_eq!(page.state(), "expired");
    assert!(page.text.contains("data-word=\"\"") && page.text.contains("id=\"back\""));
}
