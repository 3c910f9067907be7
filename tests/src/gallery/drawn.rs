//! A page as it is to be looked at.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Answers, Mode};
use crate::cdp::Page;

/// Sets the screen's size and colours.
pub(super) fn enter(page: &mut Page, mode: Mode) -> Result<()> {
    let Mode { width, height, .. } = mode;
    page.call(
        "Emulation.setDeviceMetricsOverride",
        json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
    )?;
    // Pictures are of the whole page, which has none.
    page.call("Emulation.setScrollbarsHidden", json!({"hidden": true}))?;
    let scheme = if mode.dark { "dark" } else { "light" };
    let colours = json!({"name": "prefers-color-scheme", "value": scheme});
    // What moves would be caught on its way.
    let still = json!({"name": "prefers-reduced-motion", "value": "reduce"});
    page.call(
        "Emulation.setEmulatedMedia",
        json!({"features": [colours, still]}),
    )?;
    Ok(())
}

/// Waits until everything that can come has come and is drawn.
pub(super) fn settle(page: &mut Page) -> Result<()> {
    page.evaluate("document.fonts.ready.then(() => true)")?;
    page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 50))))",
    )?;
    Ok(())
}

/// Lets the API fail from now on as the view needs it.
pub(super) fn answer(page: &mut Page, answers: Answers) -> Result<()> {
    let broken = match answers {
        Answers::Broken(part) => vec![format!("*{part}*")],
        Answers::Well | Answers::Never(_) => Vec::new(),
    };
    page.call("Network.setBlockedURLs", json!({"urls": broken}))?;
    match answers {
        Answers::Never(part) => {
            let pattern = json!({"urlPattern": format!("*{part}*"), "requestStage": "Request"});
            page.call("Fetch.enable", json!({"patterns": [pattern]}))?;
        }
        Answers::Well | Answers::Broken(_) => {
            page.call("Fetch.disable", Value::Object(serde_json::Map::new()))?;
        }
    }
    Ok(())
}
