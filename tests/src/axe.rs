//! axe-core on a page: what keeps somebody out.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::cdp::Page;
use crate::paths;

/// Where `scripts/build-dashboard.sh` puts it.
const AXE: &str = "control-plane/dashboard/node_modules/axe-core/axe.min.js";
/// What was found, in words. What stands in somebody else's frame is theirs.
const RUN: &str = "axe.run(document, {resultTypes: ['violations'], iframes: false}).then(({violations}) =>
  violations.flatMap(({id, nodes}) =>
    nodes.map(node => `${id}: ${node.html.slice(0, 160)} | ${node.failureSummary.replaceAll('\\n', ' ')}`)))";

/// Looks at the page as it is now.
///
/// # Errors
/// What was found; `when` says at what.
pub fn finds_nothing(page: &mut Page, when: &str) -> Result<()> {
    if page.evaluate("typeof axe")? == "undefined" {
        let axe = std::fs::read_to_string(paths::repository().join(AXE))
            .context("axe-core is not installed: run `make build`")?;
        page.evaluate(&axe)?;
    }
    let found = page.evaluate(RUN)?;
    ensure!(found == json!([]), "{when}: {found:#}");
    // It is axe that ran, and with its rules.
    let rules = page.evaluate("axe.getRules().length")?;
    ensure!(rules.as_u64() > Some(50), "axe has {rules} rules");
    Ok(())
}
