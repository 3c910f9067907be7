//! Starts children from a thread that lives as long as this process does.
//!
//! A child asks the kernel to end with its parent, and to the kernel the parent is the thread that made
//! it. The thread of a test ends with the test; a stack that several tests share must not.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use anyhow::{Context as _, Result};

use crate::process::Group;

struct Order {
    command: Command,
    log: PathBuf,
    answer: Sender<Result<Group>>,
}

/// Starts a child that outlives the calling thread and not this process.
pub(super) fn spawn(command: Command, log: PathBuf) -> Result<Group> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (orders, taken) = channel::<Order>();
        std::thread::spawn(move || {
            for mut order in taken {
                let started = Group::spawn(&mut order.command, &order.log);
                // Whoever asked is gone: dropping the group ends it.
                let _ = order.answer.send(started);
            }
        });
        orders
    });
    let (answer, answered) = channel();
    orders
        .send(Order {
            command,
            log,
            answer,
        })
        .ok()
        .context("the keeper is gone")?;
    answered.recv().context("the keeper is gone")?
}
