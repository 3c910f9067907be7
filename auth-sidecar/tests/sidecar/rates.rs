//! How often strangers may ask, and who makes room for whom.

use axum::http::StatusCode;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use serde_json::json;

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::world::World;

fn from(world: &World, address: &str) -> Browser {
    let mut browser = Browser::of(world);
    browser
        .headers
        .push(("x-forwarded-for", address.to_owned()));
    browser
}

#[tokio::test]
async fn one_prefix_begins_so_many_ceremonies_and_then_slowly() {
    let world = World::ready().await;
    let mut flood = from(&world, "203.0.113.7");
    let mut ticket = world.ticket();
    for number in 0..limits::BEGIN_RATE.burst {
        if u64::from(number) % limits::ATTEMPTS_PER_TICKET == 0 {
            ticket = world.ticket();
        }
        assert_eq!(
            flood.begin(&ticket).await.status,
            StatusCode::OK,
            "{number}"
        );
    }
    let slow = flood.begin(&world.ticket()).await;
    assert_eq!(
        (slow.problem().as_str(), slow.status),
        ("slow-down", StatusCode::TOO_MANY_REQUESTS)
    );
    // What a client writes into the header is not looked at; what Envoy appends is.
    let mut liar = from(&world, "198.51.100.1, 203.0.113.200");
    assert_eq!(liar.begin(&world.ticket()).await.problem(), "slow-down");
    let mut person = from(&world, "198.51.100.1");
    let passed = person
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    world.pass_time(1);
    assert_eq!(flood.begin(&world.ticket()).await.status, StatusCode::OK);
    assert_eq!(world.refusals(Cause::RateBegin), 2);
}

#[tokio::test]
async fn one_prefix_answers_so_often_and_no_ceremony_is_spent_on_what_is_too_much() {
    let world = World::ready().await;
    let mut browser = from(&world, "203.0.113.7");
    let ceremony = browser.begin(&world.ticket()).await.json();
    for _ in 0..limits::ANSWER_RATE.burst {
        let unknown = json!({ "ceremony": "unknown" });
        let refused = browser.end(&unknown, &json!({})).await;
        assert_eq!(refused.problem(), "ceremony-over");
    }
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    assert_eq!(browser.end(&ceremony, &answer).await.problem(), "slow-down");
    world.pass_time(1);
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    assert_eq!(world.refusals(Cause::RateAnswer), 1);
}

#[tokio::test]
async fn a_device_that_fails_and_fails_waits_longer_each_time() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut key = Authenticator::new();
    browser.pass(&world.ticket(), &mut key).await;
    for _ in 0..limits::DEVICE_PATIENCE.free {
        let ceremony = browser.begin(&world.ticket()).await.json();
        let refused = browser.end(&ceremony, &json!({})).await;
        assert_eq!(refused.problem(), "rejected");
    }
    assert_eq!(browser.begin(&world.ticket()).await.problem(), "locked");
    // Nobody else is concerned.
    let mut other = Browser::of(&world);
    assert_eq!(other.begin(&world.ticket()).await.status, StatusCode::OK);
    world.pass_time(limits::DEVICE_PATIENCE.first_s);
    let passed = browser.pass(&world.ticket(), &mut key).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(world.refusals(Cause::DeviceLocked), 1);
}
