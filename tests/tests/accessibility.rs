//! Every page of the dashboard and each of its states, looked at by axe-core: light and dark, on a wide screen
//! and on a phone, with real data behind.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::gallery::Gallery;
use countersign_e2e::paths;

/// Where `scripts/build-dashboard.sh` puts it.
const AXE: &str = "control-plane/dashboard/node_modules/axe-core/axe.min.js";

/// What was found, in words: the rule, and which element does not hold to it.
const RUN: &str = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) =>
  violations.flatMap(({id, nodes}) =>
    nodes.map(node => `${id}: ${node.html.slice(0, 160)} | ${node.failureSummary.replaceAll('\\n', ' ')}`)))";

/// What moves for who has asked for no motion, which the gallery's visitors do. A transition of no length worth
/// speaking of counts: on every element, it lets a colour that is inherited go down the page a frame an element.
const MOVES: &str = "[...document.querySelectorAll('*')]
  .filter(element => {
    const {transitionDuration, animationName} = getComputedStyle(element);
    return parseFloat(transitionDuration) > 0 || animationName !== 'none';
  })
  .map(element => element.outerHTML.slice(0, 160))";

#[test]
fn no_page_keeps_anybody_out() -> Result<()> {
    let axe = std::fs::read_to_string(paths::repository().join(AXE))
        .context("axe-core is not installed: run `make build`")?;
    let gallery = Gallery::open("accessibility")?;
    let mut found = String::new();
    let mut looked = 0;
    let walked = gallery.stack().watched(|_| {
        gallery.walk(|screen, view, mode| {
            let page = screen.page();
            if page.evaluate("typeof axe")? == "undefined" {
                page.evaluate(&axe)?;
            }
            looked += 1;
            for violation in page.evaluate(RUN)?.as_array().into_iter().flatten() {
                let said = violation.as_str().unwrap_or_default();
                writeln!(found, "{} {}: {said}", view.name, mode.name)?;
            }
            for moving in page.evaluate(MOVES)?.as_array().into_iter().flatten() {
                let which = moving.as_str().unwrap_or_default();
                writeln!(found, "{} {}: moves: {which}", view.name, mode.name)?;
            }
            // It is axe that ran, and with its rules.
            let rules = page.evaluate("axe.getRules().length")?;
            ensure!(rules.as_u64() > Some(50), "axe has {rules} rules");
            Ok(())
        })
    });
    ensure!(found.is_empty(), "{found}");
    walked?;
    println!("{looked} views, no violation");
    Ok(())
}
