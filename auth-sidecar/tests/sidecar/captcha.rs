//! Captchas, judged by a stand-in of their provider: no real one can be reached from a test.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use countersign_auth_sidecar::captcha::provider::{Api, CaptchaOptions, Known, WhenAway};
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::channels::ChannelOptions;
use serde_json::json;

use crate::browser::{Answer, Browser};
use crate::world::{START_S, World, folder, sign};

struct Provider {
    world: World,
    folder: PathBuf,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Answers what the token says, or as a good provider.
async fn siteverify(body: String) -> (StatusCode, String) {
    let mut form = url::form_urlencoded::parse(body.as_bytes());
    let token = form.find(|(name, _)| name == "response").unwrap().1;
    match token.as_ref() {
        "down" => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        "other-host" => (StatusCode::OK, answer("evil.example")),
        _ => (StatusCode::OK, answer("localhost")),
    }
}

fn answer(host: &str) -> String {
    // The second in which every test's clock begins.
    let time = "2027-01-15T08:00:00Z";
    assert_eq!(START_S, 1_800_000_000);
    json!({ "success": true, "hostname": host, "challenge_ts": time }).to_string()
}

async fn provider(when_away: WhenAway) -> Provider {
    let router = Router::new().route("/siteverify", post(siteverify));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    let folder = folder();
    std::fs::write(folder.join("secret"), "s3cret").unwrap();
    let captcha = CaptchaOptions {
        captcha_provider: Some(Known::Custom),
        captcha_site_key: Some("site-key".into()),
        captcha_secret_file: Some(folder.join("secret")),
        captcha_when_away: when_away,
        captcha_verify_url: format!("http://{address}/siteverify").parse().ok(),
        captcha_script_url: "https://captcha.example/api.js".parse().ok(),
        captcha_api: Api::Turnstile,
        ..CaptchaOptions::default()
    };
    let world = World::with(ChannelOptions {
        captcha,
        ..ChannelOptions::default()
    })
    .await;
    Provider { world, folder }
}

fn ticket(world: &World, least: &str) -> String {
    let mut claims = world.claims();
    claims["kinds"] = json!(["captcha"]);
    claims["acr"] = json!(least);
    sign(&claims)
}

async fn solve(browser: &mut Browser, ticket: &str, token: &str) -> Answer {
    let body = json!({ "ticket": ticket, "kind": "captcha" });
    let begun = browser.post("/.countersign/ceremonies", &body).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    let path = format!(
        "/.countersign/ceremonies/{}",
        begun.json()["ceremony"].as_str().unwrap()
    );
    browser
        .post(&path, &json!({ "answer": { "token": token } }))
        .await
}

#[tokio::test]
async fn a_solved_captcha_passes_as_human_and_its_token_once() {
    let provider = provider(WhenAway::Deny).await;
    let world = &provider.world;
    let mut browser = Browser::of(world);
    let passed = solve(&mut browser, &ticket(world, "human"), "token").await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(
        (&browser.session()["acr"], &browser.session()["amr"]),
        (&json!("human"), &json!(["captcha"]))
    );
    let mut other = Browser::of(world);
    let reused = solve(&mut other, &ticket(world, "human"), "token").await;
    assert_eq!(reused.problem(), "rejected");
    assert_eq!(world.refusals(Cause::CaptchaSpent), 1);
}

#[tokio::test]
async fn a_token_of_another_host_is_refused() {
    let provider = provider(WhenAway::Allow).await;
    let mut browser = Browser::of(&provider.world);
    let refused = solve(
        &mut browser,
        &ticket(&provider.world, "effort"),
        "other-host",
    )
    .await;
    assert_eq!(refused.problem(), "rejected");
    assert_eq!(provider.world.refusals(Cause::CaptchaHost), 1);
}

#[tokio::test]
async fn while_the_provider_is_away_the_operators_choice_holds() {
    let deny = provider(WhenAway::Deny).await;
    let mut browser = Browser::of(&deny.world);
    let refused = solve(&mut browser, &ticket(&deny.world, "effort"), "down").await;
    assert_eq!(
        (refused.problem().as_str(), refused.header("retry-after")),
        ("busy", "2")
    );

    let allow = provider(WhenAway::Allow).await;
    let mut browser = Browser::of(&allow.world);
    let passed = solve(&mut browser, &ticket(&allow.world, "effort"), "down").await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(browser.session()["acr"], "effort");
    assert_eq!(browser.session()["amr"], json!(["captcha_unchecked"]));
    assert_eq!(allow.world.app.metrics.captchas_unchecked.get(), 1);
    // It never reaches what a captcha is for, and a token stays one that is used once.
    let mut more = Browser::of(&allow.world);
    let low = solve(&mut more, &ticket(&allow.world, "human"), "down").await;
    assert_ne!(low.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_opens_itself_to_the_provider_only_where_it_offers_a_captcha() {
    let provider = provider(WhenAway::Deny).await;
    let world = &provider.world;
    let mut browser = Browser::of(world);
    let page = browser.page(&ticket(world, "human")).await;
    let csp = page.header("content-security-policy").to_owned();
    assert!(csp.contains("frame-src https://captcha.example;"), "{csp}");
    for directive in ["script-src", "style-src", "connect-src"] {
        let rest = csp.split(directive).nth(1).unwrap();
        let sources = rest.split(';').next().unwrap();
        assert!(sources.contains("https://captcha.example"), "{csp}");
    }
    assert!(!csp.contains("unsafe"), "{csp}");
    // Nothing of the provider's is fetched before somebody chooses its kind.
    assert!(!page.text.contains("src=\"https://") && !page.text.contains("site-key"));
    let page = browser.page(&world.ticket()).await;
    assert!(
        !page
            .header("content-security-policy")
            .contains("captcha.example")
    );
    assert!(!page.text.contains("way_captcha"));
}
