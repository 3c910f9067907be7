//! What an authenticator may answer, and what becomes of it.

use axum::http::StatusCode;
use countersign_auth_sidecar::assurance::Assurance;
use countersign_auth_sidecar::authority::Authority;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_auth_sidecar::session;
use countersign_proto::node::v1::Step;
use serde_json::json;

use crate::authenticator::Authenticator;
use crate::browser::{Answer, Browser};
use crate::world::{HOST, START_S, World};

/// The answer is refused outside with `face`, counted and spooled with `cause`, and nothing of the
/// cause is shown.
async fn assert_refused(world: &World, answer: &Answer, cause: Cause) {
    assert_eq!(answer.status, cause.face().status(), "{}", answer.text);
    assert_eq!(answer.problem(), cause.face().slug());
    assert_eq!(world.refusals(cause), 1);
    assert!(!answer.text.contains(cause.name()));
    let outcomes = world.outcomes().await;
    let last = outcomes.last().unwrap();
    assert_eq!(
        (last.step(), last.cause.as_str()),
        (Step::Rejected, cause.name())
    );
    assert!(
        !answer.headers.contains_key("set-cookie")
            || matches!(cause, Cause::AssuranceTooLow | Cause::CredentialSynced)
    );
}

/// A browser whose credential is registered and has been used up to `counter`.
async fn registered(world: &World) -> (Browser, Authenticator) {
    let mut browser = Browser::of(world);
    let mut authenticator = Authenticator::new();
    let passed = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    (browser, authenticator)
}

#[tokio::test]
async fn a_registration_earns_a_session_and_a_device() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let passed = browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(passed.json(), json!({ "return": "/checkout?step=2" }));
    let cookies: Vec<_> = passed
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|c| c.to_str().unwrap())
        .collect();
    assert!(cookies[0].starts_with("__Host-countersign=ey"));
    assert!(cookies[0].ends_with("; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"));
    assert!(cookies[1].ends_with("; Path=/; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax"));
    let claims = browser.session();
    assert_eq!(claims["iss"], "countersign");
    assert_eq!(claims["aud"], "localhost");
    assert_eq!(claims["sub"], browser.cookies["__Host-countersign-device"]);
    assert_eq!(claims["exp"], START_S + 3600);
    assert_eq!(claims["auth_time"], START_S);
    assert_eq!(claims["acr"], "uv_bound");
    assert_eq!(claims["amr"], json!(["pop", "user", "mfa"]));
    assert_eq!(world.steps().await, [Step::Started, Step::Passed]);
}

#[tokio::test]
async fn the_same_browser_asserts_with_its_credential_and_keeps_its_device() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    let before = browser.session();
    world.pass_time(3601);
    let ticket = world.ticket();
    let ceremony = browser.begin(&ticket).await.json();
    assert_eq!(ceremony["mode"], "authentication");
    assert_eq!(ceremony["options"]["userVerification"], "required");
    assert_eq!(ceremony["options"]["hints"], json!(["client-device"]));
    let answer = authenticator.answer(&ceremony, &browser.origin());
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    let after = browser.session();
    assert_eq!(after["sub"], before["sub"]);
    assert_ne!(after["jti"], before["jti"]);
    assert_eq!(after["auth_time"], START_S + 3601);
}

#[tokio::test]
async fn a_second_browser_registers_on_its_own() {
    let world = World::ready().await;
    let (first, _) = registered(&world).await;
    let (second, _) = registered(&world).await;
    assert_ne!(first.session()["sub"], second.session()["sub"]);
}

#[tokio::test]
async fn what_is_asked_is_a_verified_user_of_this_device() {
    let world = World::ready().await;
    let options = Browser::of(&world).begin(&world.ticket()).await.json()["options"].clone();
    assert_eq!(options["rp"]["id"], "localhost");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["authenticatorAttachment"], "platform");
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(selection["residentKey"], "discouraged");
    assert_eq!(selection["requireResidentKey"], false);
    assert_eq!(options["hints"], json!(["client-device"]));
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["timeout"], 60_000);
}

#[tokio::test]
async fn a_replayed_answer_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    let replayed = browser.end(&ceremony, &answer).await;
    assert_eq!(replayed.problem(), "ceremony-over");
    assert_eq!(world.refusals(Cause::CeremonyUnknown), 1);
}

#[tokio::test]
async fn an_answer_to_another_challenge_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let one = browser.begin(&world.ticket()).await.json();
    let other = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&one, &browser.origin());
    let refused = browser.end(&other, &answer).await;
    assert_refused(&world, &refused, Cause::ChallengeMismatch).await;
    // The ceremony it was made for is still good: tabs do not disturb each other.
    assert_eq!(browser.end(&one, &answer).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_challenges_assertion_is_refused() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    let one = browser.begin(&world.ticket()).await.json();
    let other = browser.begin(&world.ticket()).await.json();
    let answer = authenticator.answer(&one, &browser.origin());
    let refused = browser.end(&other, &answer).await;
    assert_refused(&world, &refused, Cause::ChallengeMismatch).await;
}

#[tokio::test]
async fn a_user_who_was_not_verified_is_refused_when_registering() {
    let world = World::ready().await;
    let mut authenticator = Authenticator::new();
    authenticator.verifies = false;
    let refused = Browser::of(&world)
        .pass(&world.ticket(), &mut authenticator)
        .await;
    assert_refused(&world, &refused, Cause::UserNotVerified).await;
}

#[tokio::test]
async fn a_user_who_was_not_verified_is_refused_when_asserting() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    authenticator.verifies = false;
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_refused(&world, &refused, Cause::UserNotVerified).await;
}

#[tokio::test]
async fn a_user_who_was_not_there_is_refused() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    authenticator.present = false;
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_refused(&world, &refused, Cause::UserNotPresent).await;
}

#[tokio::test]
async fn an_answer_made_at_another_origin_is_refused() {
    for origin in [
        "https://evil.example",
        "https://localhost:10444",
        "http://localhost:10443",
        "https://a.localhost:10443",
    ] {
        let world = World::ready().await;
        let (mut browser, mut authenticator) = registered(&world).await;
        let ceremony = browser.begin(&world.ticket()).await.json();
        let answer = authenticator.answer(&ceremony, origin);
        let refused = browser.end(&ceremony, &answer).await;
        assert_refused(&world, &refused, Cause::OriginMismatch).await;
    }
}

#[tokio::test]
async fn a_registration_made_at_another_origin_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, "https://evil.example");
    let refused = browser.end(&ceremony, &answer).await;
    assert_refused(&world, &refused, Cause::OriginMismatch).await;
}

#[tokio::test]
async fn an_answer_for_another_relying_party_is_refused() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    authenticator.rp_id = Some("evil.example".to_owned());
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_refused(&world, &refused, Cause::RpIdMismatch).await;
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    authenticator.forged = true;
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_refused(&world, &refused, Cause::SignatureInvalid).await;
}

#[tokio::test]
async fn a_cloned_credential_whose_counter_went_back_is_refused() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    authenticator.counter = 41;
    assert_eq!(
        browser
            .pass(&world.ticket(), &mut authenticator)
            .await
            .status,
        StatusCode::OK
    );
    authenticator.counter = 20;
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_refused(&world, &refused, Cause::CredentialCloned).await;
    // Which of the two copies is the person's, nobody can tell: neither is good any more.
    authenticator.counter = 42;
    let begun = browser.begin(&world.ticket()).await.json();
    assert_eq!(begun["mode"], "registration", "{begun}");
}

#[tokio::test]
async fn a_copied_credential_ends_what_its_device_has_and_asks_for_its_revocation() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    let device = browser.cookies["__Host-countersign-device"].clone();
    authenticator.counter = 41;
    let passed = browser.pass(&world.ticket(), &mut authenticator).await;
    let offer = passed.header("secure-session-registration");
    let (_, id) = offer.split_once("authorization=\"").unwrap();
    let id = id.trim_end_matches('"').to_owned();
    assert!(world.app.store.bound(&id).await.unwrap().is_some());

    authenticator.counter = 20;
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_refused(&world, &refused, Cause::CredentialCloned).await;
    let outcomes = world.outcomes().await;
    let told: Vec<_> = outcomes.iter().filter(|one| one.compromised).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].device, device);
    let rejected = outcomes.iter().filter(|one| one.step() == Step::Rejected);
    assert_eq!(rejected.count(), 1, "told once, not twice");
    assert!(world.app.store.bound(&id).await.unwrap().is_none());
    assert!(!world.app.store.has_credentials(&device).await.unwrap());
}

#[tokio::test]
async fn one_prefix_has_few_devices_ended_and_their_credentials_are_gone_all_the_same() {
    let world = World::ready().await;
    for number in 0..=limits::COMPROMISE_RATE.burst {
        let (mut browser, mut authenticator) = registered(&world).await;
        authenticator.counter = 41;
        browser.pass(&world.ticket(), &mut authenticator).await;
        authenticator.counter = 20;
        let refused = browser.pass(&world.ticket(), &mut authenticator).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{number}");
        let device = &browser.cookies["__Host-countersign-device"];
        assert!(!world.app.store.has_credentials(device).await.unwrap());
    }
    let outcomes = world.outcomes().await;
    let told = outcomes.iter().filter(|one| one.compromised).count();
    assert_eq!(told, limits::COMPROMISE_RATE.burst as usize);
    assert_eq!(
        world.refusals(Cause::CredentialCloned),
        u64::from(limits::COMPROMISE_RATE.burst) + 1
    );
}

#[tokio::test]
async fn a_clone_that_began_before_the_counter_rose_is_refused_too() {
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    let one = browser.begin(&world.ticket()).await.json();
    let other = browser.begin(&world.ticket()).await.json();
    authenticator.counter = 50;
    let answer = authenticator.answer(&one, &browser.origin());
    assert_eq!(browser.end(&one, &answer).await.status, StatusCode::OK);
    // Above the counter of the moment `other` began, below the one that `one` has left.
    authenticator.counter = 30;
    let answer = authenticator.answer(&other, &browser.origin());
    let refused = browser.end(&other, &answer).await;
    assert_refused(&world, &refused, Cause::CredentialCloned).await;
}

#[tokio::test]
async fn an_authenticator_that_never_counts_is_accepted() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    authenticator.counts = false;
    for _ in 0..3 {
        let passed = browser.pass(&world.ticket(), &mut authenticator).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    }
}

#[tokio::test]
async fn another_credential_than_the_one_asked_for_is_refused() {
    let world = World::ready().await;
    let (mut browser, _) = registered(&world).await;
    let refused = browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_refused(&world, &refused, Cause::CredentialUnknown).await;
}

#[tokio::test]
async fn a_credential_is_registered_once() {
    let world = World::ready().await;
    let (_, mut authenticator) = registered(&world).await;
    let refused = Browser::of(&world)
        .pass(&world.ticket(), &mut authenticator)
        .await;
    assert_refused(&world, &refused, Cause::CredentialTaken).await;
}

#[tokio::test]
async fn an_answer_of_the_other_kind_or_of_no_kind_is_refused() {
    for answer in [
        json!({}),
        json!(null),
        json!([1]),
        json!("x"),
        json!({"id": "a", "rawId": "!", "type": "public-key"}),
    ] {
        let world = World::ready().await;
        let mut browser = Browser::of(&world);
        let ceremony = browser.begin(&world.ticket()).await.json();
        let refused = browser.end(&ceremony, &answer).await;
        assert_refused(&world, &refused, Cause::AnswerMalformed).await;
    }
    let world = World::ready().await;
    let (mut browser, mut authenticator) = registered(&world).await;
    let ceremony = browser.begin(&world.ticket()).await.json();
    let mut options = ceremony["options"].clone();
    options["rp"] = json!({"id": "localhost"});
    let refused = browser
        .end(
            &ceremony,
            &authenticator.create(&options, "https://localhost:10443"),
        )
        .await;
    assert_refused(&world, &refused, Cause::AnswerMalformed).await;
}

#[tokio::test]
async fn a_synced_credential_earns_uv_and_not_more() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    authenticator.synced = true;
    let refused = browser
        .pass(
            &world.ticket_with("acr", json!("uv_bound")),
            &mut authenticator,
        )
        .await;
    assert_refused(&world, &refused, Cause::CredentialSynced).await;
    assert!(!browser.cookies.contains_key("__Host-countersign"));
    // Its credential is kept: a page that asks for less asks for this one, not for another.
    let ticket = world.ticket();
    let ceremony = browser.begin(&ticket).await.json();
    assert_eq!(ceremony["mode"], "authentication");
    let answer = authenticator.answer(&ceremony, &browser.origin());
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    assert_eq!(browser.session()["acr"], "uv");
}

#[tokio::test]
async fn a_bound_credential_satisfies_a_bound_demand() {
    let world = World::ready().await;
    let passed = Browser::of(&world)
        .pass(
            &world.ticket_with("acr", json!("uv_bound")),
            &mut Authenticator::new(),
        )
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    assert_eq!(
        world.outcomes().await[1].assurance,
        Assurance::UvBound.to_proto() as i32
    );
}

#[tokio::test]
async fn the_session_is_one_that_the_public_keys_verify() {
    let world = World::ready().await;
    let (browser, _) = registered(&world).await;
    let ring = world.app.keys.borrow().clone();
    let host = Authority::parse(HOST).unwrap();
    let token = &browser.cookies["__Host-countersign"];
    assert!(session::verify(token, &ring.verifiers, &[], &host, START_S + 3599).is_some());
    assert!(session::verify(token, &ring.verifiers, &[], &host, START_S + 3600).is_none());
}
