//! The same ceremony with a client and an authenticator that others wrote.

use axum::http::StatusCode;
use countersign_stand_ins::passkey_client::PasskeyClient;

use crate::browser::Browser;
use crate::world::World;

#[tokio::test]
async fn a_client_that_others_wrote_registers_and_then_asserts() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser.host = "shop.example.com".to_owned();
    let ticket = || world.ticket_with("aud", "shop.example.com".into());
    let mut client = PasskeyClient::at("https://shop.example.com");

    let ceremony = browser.begin(&ticket()).await.json();
    let created = client.register(&ceremony["options"]).await;
    let passed = browser.end(&ceremony, &created).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);

    let ceremony = browser.begin(&ticket()).await.json();
    assert_eq!(ceremony["mode"], "authentication");
    let used = client.authenticate(&ceremony["options"]).await;
    let passed = browser.end(&ceremony, &used).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
}
