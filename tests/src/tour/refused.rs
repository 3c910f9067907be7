//! Step 4, the refusal: an Envoy that cannot load what it is sent says so once, and is not sent the
//! same bytes again.
//!
//! The filter's loader has accepted every policy before it is sent, so a refusal needs a broken node:
//! the module's file on this node is replaced by a truncated one, as an interrupted deployment does.

use anyhow::{Context as _, Result, ensure};
use countersign_proto::admin::v1::{Node, NodeState};

use crate::stack::{PUSH_LIMIT, Part, Stack};
use crate::{expect, wait};

pub(super) fn push(stack: &mut Stack) -> Result<String> {
    let module = stack.own_module()?;
    let whole = std::fs::read(&module)?;
    replace(&module, whole.get(..whole.len() / 2).unwrap_or_default())?;
    let seen = refusal(stack).and_then(|()| refusal_on_a_new_stream(stack));
    replace(&module, &whole)?;
    seen?;

    stack.write_policy("refused.yaml", blocking("healed"))?;
    wait::until("the next push heals the node", PUSH_LIMIT, || {
        let answer = stack.client()?.get("/products/refused/healed")?;
        Ok((answer.status == 403).then_some(()))
    })?;
    stack.wait_until_live()?;
    Ok("a refused push was shown as NACKED, was not sent again, and traffic went on".into())
}

fn refusal(stack: &Stack) -> Result<()> {
    let before = rejected(stack)?;
    stack.write_policy("refused.yaml", blocking("now"))?;
    let node = wait_until_nacked(stack)?;
    ensure!(!node.reason.is_empty(), "no reason: {node:?}");
    let shown = stack.cli(&["nodes"])?;
    ensure!(
        String::from_utf8_lossy(&shown.stdout).contains("NACKED"),
        "`countersign nodes` shows {shown:?}"
    );
    // The old policy serves: what the refused one blocks still passes.
    expect::served(stack.client()?.get("/products/refused/now")?).context("the old policy")?;

    // Workers report twice a second: four reports later any resend would have come.
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
    Ok(())
}

/// The same bytes again would be ACKed, and the node would look well while it serves the old policy.
fn refusal_on_a_new_stream(stack: &mut Stack) -> Result<()> {
    let (refused, before) = (version_sent(stack)?, rejected(stack)?);
    stack.crash(Part::ControlPlane)?;
    stack.revive(Part::ControlPlane)?;
    wait::until("Envoy has refused the next attempt", PUSH_LIMIT, || {
        Ok((rejected(stack)? > before).then_some(()))
    })?;
    let tried = version_sent(stack)?;
    ensure!(tried != refused, "{refused} was sent again");
    wait_until_nacked(stack).map(drop)
}

fn wait_until_nacked(stack: &Stack) -> Result<Node> {
    wait::until("the node is NACKED", PUSH_LIMIT, || {
        let nodes = stack.admin().nodes()?.nodes;
        Ok(nodes.into_iter().find(|it| it.state() == NodeState::Nacked))
    })
}

/// Revision and attempt of what Envoy was sent last, refused or not.
fn version_sent(stack: &Stack) -> Result<String> {
    let dump = stack.envoy_admin("/config_dump?resource=ecds_filters")?;
    let dump: serde_json::Value = serde_json::from_str(&dump)?;
    let version = dump.pointer("/configs/0/version_info");
    let version = version.and_then(serde_json::Value::as_str);
    Ok(version.context("no version in Envoy's dump")?.to_owned())
}

/// When the worker that was silent for longest was heard, in milliseconds.
fn heard_from(node: &Node) -> u64 {
    let seen = node.workers.iter().map(|worker| worker.seen_ms);
    seen.min().unwrap_or_default()
}

/// How many pushes Envoy has refused.
fn rejected(stack: &Stack) -> Result<u64> {
    let stats = stack.envoy_admin("/stats?filter=extension_config_discovery.*update_rejected")?;
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
