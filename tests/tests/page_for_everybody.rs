//! The challenge page for people who see, move and read in other ways, and with a site's own look.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::sync::OnceLock;

use anyhow::{Result, anyhow, ensure};
use countersign_e2e::axe;
use countersign_e2e::cdp::{Key, Page};
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::visitor::Visitor;
use countersign_e2e::wait;
use serde_json::{Value, json};

const SETTINGS: &str = include_str!("../policies/settings.yaml");
const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", SETTINGS),
    (
        "authenticators.yaml",
        include_str!("../policies/authenticators.yaml"),
    ),
];
/// A site's look: `envoy/examples` of nobody, and a picture of four corners.
const LOOK: &str = "
  page:
    name: Example Shop
    logo: data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA4IDgiPjxwYXRoIGQ9Ik0wIDggNCAwbDQgOHoiLz48L3N2Zz4=
    accent: \"#a01050\"
    background: \"#fff7fb\"
    dark: {accent: \"#ff9ac4\", background: \"#1a0f15\"}
    privacy: /privacy
    help: https://help.example.com/check
";

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(|| Stack::start("everybody", &POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

fn media(page: &mut Page, features: &[(&str, &str)]) -> Result<()> {
    let features: Vec<Value> = features
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    page.call("Emulation.setEmulatedMedia", json!({"features": features}))?;
    Ok(())
}

fn style(page: &mut Page, selector: &str, property: &str) -> Result<String> {
    page.text(&format!(
        "getComputedStyle(document.querySelector('{selector}')).{property}"
    ))
}

fn fits(page: &mut Page, when: &str) -> Result<()> {
    let over = page.evaluate(
        "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth",
    )?;
    ensure!(over == json!(0), "{when}: {over} pixels too wide");
    Ok(())
}

#[test]
fn the_page_keeps_nobody_out_in_light_dark_and_after_a_failure() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let authenticator = person.authenticator.clone();
        person.page.set_user_verified(&authenticator, false)?;
        for scheme in ["light", "dark"] {
            media(&mut person.page, &[("prefers-color-scheme", scheme)])?;
            person.open_challenged("/checkout/bound")?;
            axe::finds_nothing(&mut person.page, scheme)?;
            person.page.click("#verify")?;
            person.wait_for_state("failed")?;
            axe::finds_nothing(&mut person.page, &format!("{scheme}, failed"))?;
        }
        Ok(())
    })
}

#[test]
fn the_page_is_used_by_keyboard_and_says_where_one_is() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.page.add_authenticator_like("usb", false)?;
        person.open_challenged("/checkout/bound")?;
        let focused = "document.activeElement.id || document.activeElement.dataset.kind";
        for wanted in ["verify", "fido:security-key"] {
            person.page.press_key(Key::Tab)?;
            let here = person.page.text(focused)?;
            ensure!(here == wanted, "{here} has the focus, not {wanted}");
            let outline = person
                .page
                .text("getComputedStyle(document.activeElement).outlineStyle")?;
            ensure!(
                outline != "none",
                "{wanted} does not show that it has the focus"
            );
        }
        let live = person
            .page
            .text("document.querySelector('#status').ariaLive")?;
        ensure!(live == "polite", "{live}");
        person.page.press_key(Key::Enter)?;
        person
            .page
            .wait_for("location.pathname === '/checkout/bound'")
    })
}

#[test]
fn nothing_is_lost_at_twice_and_at_four_times_the_size() -> Result<()> {
    with_stack(|stack| {
        for language in ["en-US", "de-DE", "ar-EG"] {
            let browser = stack.browser_in(language)?;
            let mut person = Visitor::arrive(&browser, stack)?;
            // What is left of 1280 by 1024 pixels at 200 and 400 % (WCAG 1.4.4 and 1.4.10).
            for (zoom, width, height) in [(2, 640, 512), (4, 320, 256)] {
                person.page.call(
                    "Emulation.setDeviceMetricsOverride",
                    json!({"width": width, "height": height, "deviceScaleFactor": zoom, "mobile": false}),
                )?;
                person.open_challenged("/checkout/bound")?;
                fits(&mut person.page, &format!("{language} at {zoom}00 %"))?;
                person
                    .page
                    .screenshot(&format!("challenge-{language}-{zoom}00"))?;
            }
        }
        Ok(())
    })
}

#[test]
fn who_wants_no_motion_gets_none_and_forced_colours_keep_every_border() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/bound")?;
        let turning = "(document.querySelector('#status').dataset.state = 'working', \
                       getComputedStyle(document.querySelector('#status'), '::before').animationName)";
        ensure!(
            person.page.text(turning)? == "turn",
            "it does not turn at all"
        );
        media(&mut person.page, &[("prefers-reduced-motion", "reduce")])?;
        ensure!(person.page.text(turning)? == "none", "it turns");
        let plain = style(&mut person.page, "#verify", "borderTopColor")?;
        media(&mut person.page, &[("forced-colors", "active")])?;
        person.page.screenshot("challenge-forced-colors")?;
        let forced = style(&mut person.page, "#verify", "borderTopColor")?;
        ensure!(
            forced != plain && forced != "rgba(0, 0, 0, 0)",
            "{plain} {forced}"
        );
        Ok(())
    })
}

#[test]
fn arabic_is_read_from_right_to_left() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_in("ar-EG")?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/bound")?;
        ensure!(
            style(&mut person.page, "main", "direction")? == "rtl",
            "left to right"
        );
        axe::finds_nothing(&mut person.page, "arabic")?;
        person.verify("/checkout/bound")
    })
}

#[test]
fn a_site_shows_its_own_look_without_a_restart_and_it_is_legible() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/bound")?;
        let logo = "Boolean(document.querySelector('.logo'))";
        ensure!(person.page.evaluate(logo)? == json!(false), "whose logo?");
        let settings = SETTINGS.replace("${HTTPS_PORT}", &stack.https_port().to_string());
        stack.change_policy("settings.yaml", format!("{}{LOOK}", settings.trim_end()))?;
        wait::until("the page has the logo", PUSH_LIMIT, || {
            person.open("/checkout/bound")?;
            Ok((person.page.evaluate(logo)? == json!(true)).then_some(()))
        })?;
        for (scheme, accent) in [
            ("light", "rgb(160, 16, 80)"),
            ("dark", "rgb(255, 154, 196)"),
        ] {
            media(&mut person.page, &[("prefers-color-scheme", scheme)])?;
            person.open_challenged("/checkout/bound")?;
            let shown = person.page.evaluate(
                "(async () => { const it = document.querySelector('.logo'); \
                 await it.decode(); return [it.naturalWidth > 0, it.alt]; })()",
            )?;
            ensure!(shown == json!([true, "Example Shop"]), "{shown}");
            let button = style(&mut person.page, "#verify", "backgroundColor")?;
            ensure!(button == accent, "{scheme}: {button}");
            axe::finds_nothing(&mut person.page, scheme)?;
            person
                .page
                .screenshot(&format!("challenge-look-{scheme}"))?;
        }
        stack.change_policy("settings.yaml", settings)
    })
}
