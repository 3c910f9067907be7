//! The virtual machines that the filter runs in, as Envoy counts them. A filter that panics takes its machine
//! down, and Envoy makes another one when the next request comes to that worker (`FAIL_RELOAD`).

use anyhow::{Context as _, Result, ensure};

use crate::stack::Stack;

/// More connections than there are workers: Envoy spreads them.
const CONNECTIONS: usize = 16;

/// What Envoy says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machines {
    created: u64,
    active: u64,
    /// Attempts to put another in the place of one that failed, whatever came of them.
    reloads: u64,
}

impl Machines {
    /// As they are now.
    ///
    /// # Errors
    /// When Envoy counts nothing of the kind.
    pub fn of(stack: &Stack) -> Result<Self> {
        let stats = stack.envoy_admin("/stats?filter=^wasm\\.")?;
        let count = |name: &str| {
            let mut lines = stats.lines().filter_map(|line| line.split_once(": "));
            let found = lines.find(|(other, _)| *other == name);
            let (_, value) = found.with_context(|| format!("no `{name}` in {stats}"))?;
            value.parse::<u64>().with_context(|| value.to_owned())
        };
        let reload = |what: &str| count(&format!("wasm.countersign.vm_reload{what}"));
        Ok(Self {
            created: count("wasm.envoy.wasm.runtime.v8.created")?,
            active: count("wasm.envoy.wasm.runtime.v8.active")?,
            reloads: reload("")? + reload("_backoff")? + reload("_failure")? + reload("_success")?,
        })
    }

    /// They are the same as `self`: none has failed and none was replaced. Only while no configuration
    /// changes, which makes new ones.
    ///
    /// # Errors
    /// What became of them.
    pub fn are_unharmed(&self, stack: &Stack) -> Result<()> {
        // What has failed is noticed by the next request to its worker.
        for _ in 0..CONNECTIONS {
            stack.client()?.get("/")?;
        }
        let now = Self::of(stack)?;
        ensure!(now == *self && now.reloads == 0, "{self:?} became {now:?}");
        let logs = stack.logs();
        ensure!(!logs.contains("panicked"), "the filter panicked: {logs}");
        Ok(())
    }
}
