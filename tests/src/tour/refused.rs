//! Step 4, the refusal: an Envoy that cannot load what it is sent says so once, and is not sent the
//! same bytes again.
//!
//! The filter's loader has accepted every policy before it is sent, so a refusal needs a broken node:
//! the module's file on this node is replaced by a truncated one, as an interrupted deployment does.

use anyhow::{Context as _, Result, ensure};
use countersign_proto::admin::v1::{Node, NodeState};

use crate::stack::{PUSH_LIMIT, Stack};
use crate::{expect, wait};

pub(super) fn push(stack: &Stack) -> Result<String> {
    let module = stack.own_module()?;
    let whole = std::fs::read(&module)?;
    replace(&module, whole.get(..whole.len() / 2).unwrap_or_default())?;
    let seen = refusal(stack);
    replace(&module, &whole)?;
    let refusals = seen?;

    stack.write_policy("refused.yaml", blocking("healed"))?;
    wait::until("the next push heals the node", PUSH_LIMIT, || {
        let answer = stack.client()?.get("/products/refused/healed")?;
        Ok((answer.status == 403).then_some(()))
    })?;
    stack.wait_until_live()?;
    Ok(format!(
        "a refused push was shown as NACKED after {refusals} attempt and traffic went on"
    ))
}

fn refusal(stack: &Stack) -> Result<u64> {
    let before = rejected(stack)?;
    stack.write_policy("refused.yaml", blocking("now"))?;
    let node = wait::until("the node is NACKED", PUSH_LIMIT, || {
        let nodes = stack.admin().nodes()?.nodes;
        Ok(nodes.into_iter().find(|it| it.state() == NodeState::Nacked))
    })?;
    ensure!(!node.reason.is_empty(), "no reason: {node:?}");
    let shown = stack.cli(&["nodes"])?;
    ensure!(
        String::from_utf8_lossy(&shown.stdout).contains("NACKED"),
        "`countersign nodes` shows {shown:?}"
    );
    // The old policy serves: what the refused one blocks still passes.
    expect::served(stack.client()?.get("/products/refused/now")?).context("the old policy")?;

    // A worker's next reports come after any immediate resend would have.
    let heard = heard_from(&node);
    let node = wait::until("every worker has reported again", PUSH_LIMIT, || {
        let nodes = stack.admin().nodes()?.nodes;
        let node = nodes.into_iter().find(|it| it.id == node.id);
        Ok(node.filter(|node| heard_from(node) > heard + 2_000))
    })?;
    ensure!(node.state() == NodeState::Nacked, "{node:?}");
    let refusals = rejected(stack)? - before;
    ensure!(
        refusals == 1,
        "Envoy refused {refusals} pushes: the same was sent again"
    );
    Ok(refusals)
}

/// When the worker that was silent for longest was heard, in milliseconds.
fn heard_from(node: &Node) -> u64 {
    let seen = node.workers.iter().map(|worker| worker.seen_ms);
    seen.min().unwrap_or_default()
}

/// How many pushes Envoy has refused.
fn rejected(stack: &Stack) -> Result<u64> {
    let stats = stack
        .envoy_admin("/stats?filter=extension_config_discovery.*(config_fail|update_rejected)")?;
    Ok(stats
        .lines()
        .filter_map(|line| line.rsplit_once(": ")?.1.parse::<u64>().ok())
        .sum())
}

fn blocking(what: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: refused}}\n\
         spec: {{endpoints: [\"/products/refused/{what}\"], action: block, priority: 510}}\n"
    )
}

fn replace(file: &std::path::Path, bytes: &[u8]) -> Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, bytes)?;
    Ok(std::fs::rename(&fresh, file)?)
}
