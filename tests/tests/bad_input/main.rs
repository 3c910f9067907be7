//! What strangers send. None of it panics, none of the answers tells an internal reason, each is the
//! answer that the design gives and rises a counter, and afterwards the workers still serve.
//!
//! One stack and one browser for all of it; every test looks at counters of its own.
#![allow(
    clippy::indexing_slicing,
    reason = "all of it is tests, and JSON that is indexed by a name gives null, not a panic"
)]

mod ceremonies;
mod cookies;
mod headers;
mod paths;
mod policy_files;
mod tickets;

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::forge::Forge;
use countersign_e2e::http::Reply;
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::{expect, raw, tour, wait};

/// A stack and keys that its filters know.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) forge: Forge,
}

/// Runs a test on the stack that all of them share.
pub(crate) fn world<T>(test: impl FnOnce(&World) -> Result<T>) -> Result<T> {
    static WORLD: OnceLock<Result<World>> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let stack = Stack::start("bad-input", &tour::POLICIES)?;
        let forge = Forge::join(&stack.node_access()?, "e2e-forge")?;
        stack.wait_until_live()?;
        Ok(World { stack, forge })
    });
    match world {
        Ok(world) => world.stack.watched(|_| test(world)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

impl World {
    /// A request byte by byte to the plaintext listener, whose host is a secure context.
    pub(crate) fn get(&self, target: impl AsRef<[u8]>) -> raw::Request {
        raw::Request::get(target, &format!("localhost:{}", self.stack.http_port()))
    }

    pub(crate) fn send(&self, request: raw::Request) -> Result<Reply> {
        request.send(self.stack.http_port())
    }

    /// The filter's counter by its full name.
    pub(crate) fn counted(&self, name: &str) -> Result<u64> {
        let text = self
            .stack
            .envoy_admin(&format!("/stats?filter=wasmcustom.{name}$"))?;
        Ok(text
            .lines()
            .filter_map(|line| line.rsplit_once(": ")?.1.parse::<u64>().ok())
            .sum())
    }

    /// Does `act`; the filter's counter rises and no worker's VM had to be made anew.
    pub(crate) fn counts<T>(&self, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let (before, vms) = (self.counted(name)?, self.machines()?);
        let done = act()?;
        wait::until("the filter's counter rises", PUSH_LIMIT, || {
            Ok((self.counted(name)? > before).then_some(()))
        })
        .with_context(|| format!("{name} stays at {before}"))?;
        self.still_serves()?;
        ensure!(
            vms == self.machines()?,
            "a worker's VM ended and was made anew"
        );
        Ok(done)
    }

    /// Does `act`; the sidecar's counter of this cause rises.
    pub(crate) fn refuses<T>(&self, cause: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let count = || {
            let metrics = self.stack.sidecar_metrics()?;
            anyhow::Ok(metrics.sum("countersign_sidecar_refusals_total", &[("cause", cause)]))
        };
        let before = count()?;
        let done = act()?;
        let after = count()?;
        ensure!(after > before, "the sidecar did not count {cause}");
        self.still_serves()?;
        Ok(done)
    }

    /// Whichever worker takes a new connection, it answers.
    pub(crate) fn still_serves(&self) -> Result<()> {
        for _ in 0..4 {
            expect::served(self.send(self.get("/"))?).context("afterwards")?;
        }
        Ok(())
    }

    /// How often Envoy made a VM, because it had none yet or because one had trapped.
    fn machines(&self) -> Result<String> {
        self.stack
            .envoy_admin("/stats?filter=wasm.*(created|reload)")
    }
}

/// Nothing that a client reads in an answer says why.
pub(crate) fn tells_no_reason(reply: &Reply, reasons: &[&str]) -> Result<()> {
    let told = format!(
        "{} {}",
        reply.header("location").unwrap_or_default(),
        reply.body
    );
    // A ticket is base64, in which any short word may stand by chance.
    let mut words = told.split("ticket=");
    let mut told = words.next().unwrap_or_default().to_ascii_lowercase();
    for rest in words {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
        told.push_str(&rest[end.unwrap_or(rest.len())..].to_ascii_lowercase());
    }
    for reason in reasons {
        ensure!(
            !told.contains(&reason.to_ascii_lowercase()),
            "`{reason}` is told to the client: {told}"
        );
    }
    Ok(())
}
