//! What a held body of 64 KiB costs: the time that keeping it and putting it in place add to a request,
//! beside the same request of a session that is not challenged. Prints one line of JSON.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use countersign_e2e::held::{Prover, brought, posted};
use countersign_e2e::http::send;
use countersign_e2e::stack::Stack;
use countersign_e2e::upstream::Upstream;
use reqwest::Method;

const KIB: usize = 64;
/// Bodies that are held; each takes a ceremony, which is not measured.
const ROUNDS: usize = 40;

fn main() -> Result<()> {
    let upstream = Upstream::start("<!doctype html><title>bench</title>")?;
    let option = format!("--upstream={}", upstream.address());
    let policies = ("held.yaml", include_str!("../../policies/held.yaml"));
    let stack = Stack::start_with("bench-held", &[policies], &["--no-shop", &option])?;
    let browser = stack.browser()?;
    let mut prover = Prover::new(&browser, &stack)?;
    let client = stack.client()?;
    let body = vec![0x5a; KIB * 1024];
    let (mut store, mut take, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let from = Instant::now();
        let reply = posted(&client, Method::POST, "/raw/bench", body.clone())?;
        store.push(from.elapsed());
        let ticket = prover.held(reply)?;
        let (path, token) = prover.token(&ticket)?;
        let session = prover.program.session().context("no session")?.to_owned();
        let session = client.with_session(&session)?;
        let from = Instant::now();
        send(brought(&session, &path, &token)?)?.expect(200)?;
        take.push(from.elapsed());
        let from = Instant::now();
        posted(&session, Method::POST, "/raw/bench", body.clone())?.expect(200)?;
        plain.push(from.elapsed());
    }
    let [store, take, plain] = [store, take, plain].map(median);
    let added = store + take - plain;
    let line = serde_json::json!({
        "kib": KIB, "added_ms_p50": added, "store_ms_p50": store, "take_ms_p50": take,
        "plain_ms_p50": plain,
    });
    println!("{line}");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1_000.0
}
