//! Whose page it is: what `Settings` say of its look is what every page shows, at once.

use axum::http::{Method, StatusCode};
use countersign_proto::node::v1::{Colours, Logo, Page, SidecarSettings};

use crate::browser::Browser;
use crate::world::{World, settings};

const SVG: &[u8] =
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>";

pub fn look() -> Page {
    Page {
        name: "Shop & <Sons>".to_owned(),
        logo: None,
        light: Some(Colours {
            accent: Some(0x00a0_1050),
            background: Some(0x00ff_f7fb),
        }),
        dark: None,
        privacy: "/privacy?of=us&them".to_owned(),
        help: "https://help.example.com/".to_owned(),
    }
}

pub async fn tell(world: &World, page: Page) {
    let settings = SidecarSettings {
        page: Some(page),
        ..settings()
    };
    world.app.take_settings(&settings).await.unwrap();
}

#[tokio::test]
async fn every_page_follows_the_settings_without_a_restart() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let plain = browser.page(&world.ticket()).await.text;
    assert!(!plain.contains("class=\"site\"") && !plain.contains("id=\"privacy\""));

    tell(&world, look()).await;
    let asks = browser.page(&world.ticket()).await;
    let refuses = browser.page("no-ticket").await;
    assert_eq!(refuses.status, StatusCode::FORBIDDEN);
    let enrols = browser.send(Method::GET, "/.countersign/totp", None).await;
    for page in [asks, refuses, enrols] {
        assert!(page.text.contains("--accent:#a01050;"), "{}", page.text);
        assert!(page.text.contains("Shop &#38; &#60;Sons&#62;"));
        assert!(page.text.contains("href=\"/privacy?of=us&#38;them\""));
        assert!(page.text.contains("href=\"https://help.example.com/\""));
    }
}

#[tokio::test]
async fn a_logo_is_a_picture_and_nothing_in_it_can_run() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let none = browser.send(Method::GET, "/.countersign/logo", None).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);

    let logo = Logo {
        media_type: "image/svg+xml".to_owned(),
        data: SVG.to_vec(),
    };
    tell(
        &world,
        Page {
            logo: Some(logo),
            ..look()
        },
    )
    .await;
    let page = browser.page(&world.ticket()).await;
    let (_, rest) = page.text.split_once("<img class=\"logo\" src=\"").unwrap();
    let address = rest.split('"').next().unwrap().to_owned();
    assert!(
        page.header("content-security-policy")
            .contains("img-src 'self'")
    );
    let logo = browser.send(Method::GET, &address, None).await;
    assert_eq!(logo.text.as_bytes(), SVG);
    assert_eq!(logo.header("content-type"), "image/svg+xml");
    assert_eq!(logo.header("x-content-type-options"), "nosniff");
    let policy = logo.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"));
}

#[tokio::test]
async fn a_look_that_cannot_be_shown_changes_nothing() {
    let world = World::ready().await;
    tell(&world, look()).await;
    let wrong = SidecarSettings {
        page: Some(Page {
            help: "javascript:alert(1)".to_owned(),
            ..look()
        }),
        ..settings()
    };
    assert!(world.app.take_settings(&wrong).await.is_err());
    let page = Browser::of(&world).page(&world.ticket()).await;
    assert!(page.text.contains("https://help.example.com/"));
    assert!(!page.text.contains("javascript:"));
}
