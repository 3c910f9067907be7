//! The load: some connections that each have one request under way, so that Envoy always has work.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::{JoinSet, LocalSet};

use crate::http::Connection;
use crate::requests::Request;

/// Requests under way.
pub(crate) const LANES: usize = 8;

/// Says what a request must be answered with.
pub(crate) type Expectation = Box<dyn Fn(&Request) -> u16>;

/// One listener with the requests for it; goes on in their order where it stopped.
pub(crate) struct Target {
    name: String,
    address: SocketAddr,
    requests: Rc<[Request]>,
    expected: Expectation,
    next: Cell<usize>,
    idle: RefCell<HashMap<Ipv4Addr, Vec<Connection>>>,
}

impl Target {
    pub(crate) fn new(
        name: String,
        address: SocketAddr,
        requests: Rc<[Request]>,
        expected: Expectation,
    ) -> Self {
        Self {
            name,
            address,
            requests,
            expected,
            next: Cell::new(0),
            idle: RefCell::default(),
        }
    }

    /// Requests sent so far.
    pub(crate) fn sent(&self) -> usize {
        self.next.get()
    }

    async fn exchange(&self) -> Result<()> {
        let turn = self.next.get();
        self.next.set(turn + 1);
        let request = turn
            .checked_rem(self.requests.len())
            .and_then(|index| self.requests.get(index))
            .context("no requests")?;
        let idle = self
            .idle
            .borrow_mut()
            .get_mut(&request.source)
            .and_then(Vec::pop);
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(request.source, self.address).await?,
        };
        let status = connection.exchange(&request.bytes).await?;
        let expected = (self.expected)(request);
        ensure!(
            status == expected,
            "answered {status} instead of {expected}:\n{}",
            String::from_utf8_lossy(&request.bytes)
        );
        self.idle
            .borrow_mut()
            .entry(request.source)
            .or_default()
            .push(connection);
        Ok(())
    }
}

/// Sends requests for so long, then waits for the answers under way: how many were answered. Every
/// answer must be the expected one.
pub(crate) async fn slice(target: &Rc<Target>, length: Duration) -> Result<usize> {
    let before = target.sent();
    let end = Instant::now() + length;
    let lanes = LocalSet::new();
    lanes
        .run_until(async {
            let mut running = JoinSet::new();
            for _ in 0..LANES {
                let target = Rc::clone(target);
                running.spawn_local(async move {
                    while Instant::now() < end {
                        target.exchange().await?;
                    }
                    Ok::<(), anyhow::Error>(())
                });
            }
            while let Some(lane) = running.join_next().await {
                lane.context("a lane of the load broke")??;
            }
            Ok::<(), anyhow::Error>(())
        })
        .await
        .with_context(|| format!("in the load of {}", target.name))?;
    Ok(target.sent().saturating_sub(before))
}
