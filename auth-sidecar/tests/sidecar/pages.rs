//! The page: what it says, what it may do, how big it is.

use axum::http::{Method, StatusCode};
use countersign_proto::node::v1::Step;
use serde_json::json;

use crate::browser::Browser;
use crate::look;
use crate::mail_server::MailServer;
use crate::world::{World, sign};

#[tokio::test]
async fn the_page_is_served_once_for_the_funnel_however_often_it_is_loaded() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut browser = Browser::of(&world);
    assert_eq!(browser.page(&ticket).await.status, StatusCode::OK);
    assert_eq!(browser.page(&ticket).await.status, StatusCode::OK);
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].step(), Step::PageServed);
    assert_eq!(
        (outcomes[0].event_id.as_str(), outcomes[0].policy.as_str()),
        ("event-0", "checkout-protection")
    );
    assert_eq!(
        (outcomes[0].host.as_str(), outcomes[0].sequence),
        ("localhost:10443", 1)
    );
}

#[tokio::test]
async fn a_look_ahead_is_not_a_page_served() {
    let world = World::ready().await;
    let path = format!("/.countersign/challenge?ticket={}", world.ticket());
    let mut browser = Browser::of(&world);
    assert_eq!(
        browser.send(Method::HEAD, &path, None).await.status,
        StatusCode::OK
    );
    browser
        .headers
        .push(("sec-purpose", "prefetch;prerender".into()));
    assert_eq!(
        browser.send(Method::GET, &path, None).await.status,
        StatusCode::OK
    );
    assert!(world.outcomes().await.is_empty());
}

#[tokio::test]
async fn the_page_allows_itself_nothing_but_its_own_script_and_style() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let page = browser.page(&world.ticket()).await;
    let csp = page.header("content-security-policy").to_owned();
    for part in [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(csp.contains(part), "{csp}");
    }
    assert!(!csp.contains("unsafe"));
    let nonce = csp
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert_eq!(page.text.matches(&format!("nonce=\"{nonce}\"")).count(), 3);
    assert!(
        !browser.page(&world.ticket()).await.text.contains(nonce),
        "a nonce is used once"
    );
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("x-frame-options", "SAMEORIGIN"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn nothing_of_a_ticket_becomes_markup() {
    let world = World::ready().await;
    let ticket = world.ticket_with(
        "path",
        json!("/\"'><img src=x onerror=alert(1)></script><script>"),
    );
    let page = Browser::of(&world).page(&ticket).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("<img") && !page.text.contains("</script><script>"));
    assert_eq!(page.text.matches("<script").count(), 2);
}

#[tokio::test]
async fn the_page_speaks_the_browsers_language() {
    let world = World::ready().await;
    for (accept, tag, word) in [
        ("de-AT,de;q=0.9", "de", "Ich bin es"),
        ("es", "es", "Confirmar que soy yo"),
        ("fr-CA;q=0.9,en;q=0.8", "fr", "C’est bien moi"),
        ("ja", "ja", "本人であることを確認する"),
        ("it-IT", "it", "Conferma che sono io"),
        ("pt-BR", "pt", "Confirmar que sou eu"),
        ("nl-BE", "nl", "Ik ben het"),
        ("pl", "pl", "Potwierdzam, że to ja"),
        ("tr", "tr", "Ben olduğumu doğrula"),
        ("zh-CN,zh;q=0.9", "zh", "确认是我本人"),
        ("tlh", "en", "Verify it’s me"),
    ] {
        let mut browser = Browser::of(&world);
        browser.headers.push(("accept-language", accept.into()));
        let page = browser.page(&world.ticket()).await;
        assert!(
            page.text.contains(&format!("<html lang=\"{tag}\">")) && page.text.contains(word),
            "{accept}"
        );
        let expired = browser.page("x").await;
        assert!(expired.text.contains(&format!("<html lang=\"{tag}\">")));
    }
}

#[tokio::test]
async fn arabic_is_written_from_right_to_left() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser.headers.push(("accept-language", "ar-EG".into()));
    for page in [browser.page(&world.ticket()).await, browser.page("x").await] {
        assert!(page.text.contains("<html lang=\"ar\" dir=\"rtl\">"));
    }
    // Nothing in the style says left or right.
    let css = include_str!("../../assets/page.css");
    for word in ["left", "right"] {
        assert!(!css.contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_page_can_be_used_without_seeing_it() {
    let world = World::ready().await;
    let page = Browser::of(&world).page(&world.ticket()).await.text;
    assert_eq!(page.matches("<h1").count(), 1);
    for part in [
        "role=\"status\"",
        "aria-live=\"polite\"",
        "<button type=\"button\" id=\"verify\"",
        "<noscript>",
        "<title>",
        "<main>",
        "viewport",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("<code id=\"event\">event-0</code>"));
    assert!(!page.contains("maximum-scale") && !page.contains("user-scalable"));
}

/// What gzip makes of it.
fn compressed(text: &str) -> usize {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};
    let mut gzip = Command::new("gzip")
        .args(["-6", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let mut output = Vec::new();
    gzip.stdout
        .take()
        .unwrap()
        .read_to_end(&mut output)
        .unwrap();
    writer.join().unwrap().unwrap();
    assert!(gzip.wait().unwrap().success());
    output.len()
}

#[tokio::test]
async fn the_page_and_what_it_loads_are_under_20_kilobytes_in_every_language() {
    let world = World::ready().await;
    let mut claims = world.claims();
    claims["acr"] = json!("effort");
    claims["fallback"] = json!(["pow", "nojs"]);
    let ticket = sign(&claims);
    for language in [
        "ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "tr", "zh",
    ] {
        let mut browser = Browser::of(&world);
        browser.headers.push(("accept-language", language.into()));
        let page = browser.page(&ticket).await.text;
        assert!(page.contains(&format!("<html lang=\"{language}\"")));
        let worker = browser
            .send(Method::GET, "/.countersign/pow.js", None)
            .await;
        let size = compressed(&page) + compressed(&worker.text);
        assert!(size < 20_000, "{language}: {size}");
    }
}

#[tokio::test]
async fn the_page_with_every_way_it_knows_is_under_20_kilobytes_as_well() {
    let server = MailServer::start();
    let world = server.world().await;
    look::tell(&world, look::look()).await;
    let mut claims = world.claims();
    claims["acr"] = json!("effort");
    claims["authenticators"] = json!(["client-device", "security-key", "hybrid"]);
    claims["fallback"] = json!(["otp_email", "pow", "nojs"]);
    let ticket = sign(&claims);
    let mut largest = 0;
    for language in ["ar", "de", "en", "fr", "ja", "pl", "zh"] {
        let mut browser = Browser::of(&world);
        browser.headers.push(("accept-language", language.into()));
        let page = browser.page(&ticket).await.text;
        for part in [
            "fido:hybrid",
            "class=\"site\"",
            "id=\"nojs\"",
            "one-time-code",
        ] {
            assert!(page.contains(part), "{part}");
        }
        largest = largest.max(compressed(&page));
    }
    println!("the largest page has {largest} bytes");
    assert!(largest < 20_000, "{largest}");
}

#[tokio::test]
async fn a_sidecar_that_was_told_nothing_yet_says_so() {
    let world = World::fresh().await;
    let mut browser = Browser::of(&world);
    let page = browser.page(&world.ticket()).await;
    assert_eq!(
        (page.status, page.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "2")
    );
    assert_eq!(browser.begin(&world.ticket()).await.problem(), "not-ready");
    assert_eq!(
        browser.send(Method::GET, "/readyz", None).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        browser.send(Method::GET, "/healthz", None).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser.page(&world.ticket()).await;
    browser.page("x").await;
    let text = browser.send(Method::GET, "/metrics", None).await.text;
    assert!(text.contains("countersign_sidecar_steps_total{step=\"page_served\"} 1"));
    assert!(text.contains("countersign_sidecar_refusals_total{cause=\"TICKET_MALFORMED\"} 1"));
    assert!(text.contains("countersign_sidecar_refusals_total{cause=\"CREDENTIAL_CLONED\"} 0"));
    assert!(text.contains("countersign_sidecar_ready 1"));
}
