//! `make bench-dashboard`: what the dashboard's first load weighs, and how long it takes to the first chart
//! and to everything below it, in a real Chromium, with a million events in the store. The control plane is
//! the release build; it and the browser share the machine, so that times are upper bounds.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::cdp::{Browser, Options};
use countersign_e2e::forge::NodeAccess;
use countersign_e2e::http::Client;
use countersign_e2e::paths::{self, Scratch};
use countersign_e2e::process::Group;
use countersign_e2e::showcase::Day;
use countersign_e2e::{past, wait};
use serde_json::{Value, json};

/// Loads, of which the median counts.
const ROUNDS: usize = 5;
/// A million events are told within this, and the store is ready within it too.
const LIMIT: Duration = Duration::from_secs(600);
/// What is to be reached.
const FIRST_LOAD_BYTES: f64 = 200.0 * 1024.0;
const FIRST_CHART_MS: f64 = 1_000.0;

/// Notes when the first chart is on the screen: it is made once its numbers are there, and seen at the next
/// frame.
const WATCH: &str = "new MutationObserver((_, watch) => {
    if (document.querySelector('.chart canvas')) {
        watch.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => { window.firstChart = performance.now(); }));
    }
}).observe(document, {childList: true, subtree: true})";

/// What was fetched until then, by who answers: files of the page, or the API.
const WEIGHT: &str = "(() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const files = all.filter(one => !one.name.includes('/api/'));
    return {files: files.length, bytes: files.reduce((sum, one) => sum + one.encodedBodySize, 0)};
})()";

const ASKED: [(&str, &str); 6] = [
    ("traffic of a day", "/api/v1/challenges?range&step=900"),
    ("top policies", "/api/v1/top?by=policy"),
    ("top paths", "/api/v1/top?by=path"),
    ("top reasons", "/api/v1/top?by=reason"),
    (
        "top paths of a policy",
        "/api/v1/top?by=path&policy=bot-score-challenge",
    ),
    ("first page of events", "/api/v1/events?limit=50"),
];

fn main() -> ExitCode {
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-dashboard: {error:?}");
            ExitCode::from(2)
        }
    }
}

fn measure() -> Result<bool> {
    let program = std::env::var_os("COUNTERSIGN_BENCH_PROGRAM").map(PathBuf::from);
    let program =
        program.unwrap_or(paths::repository().join("target/release/countersign-control-plane"));
    ensure!(program.is_file(), "{} is not built", program.display());
    let events = std::env::var("COUNTERSIGN_BENCH_EVENTS").unwrap_or_else(|_| "1000000".to_owned());
    let events = events
        .parse()
        .context("COUNTERSIGN_BENCH_EVENTS is no number")?;
    let mut stores = Vec::new();
    let folder = Scratch::new("bench-dashboard")?;
    let file = format!("sqlite://{}/state.db", folder.path().display());
    stores.push(measure_on(
        "sqlite",
        &program,
        &file,
        folder.path(),
        events,
    )?);
    match std::env::var("DATABASE_URL") {
        Ok(url) => stores.push(measure_on(
            "postgres",
            &program,
            &url,
            folder.path(),
            events,
        )?),
        Err(_) => println!("PostgreSQL: skipped, no DATABASE_URL"),
    }
    let held = stores.iter().all(|store| store["held"] == true);
    let report = paths::target("bench")?.join("dashboard.json");
    let text = serde_json::to_string_pretty(&json!({"events": events, "stores": stores}))?;
    std::fs::write(&report, text + "\n")?;
    println!("written to {}", report.display());
    Ok(held)
}

fn measure_on(store: &str, program: &Path, url: &str, folder: &Path, events: u64) -> Result<Value> {
    let (grpc, http) = (free_port()?, free_port()?);
    let module = folder.join("module.wasm");
    let built = paths::target("filter")?.join("countersign_filter.wasm");
    std::fs::copy(&built, &module)
        .with_context(|| format!("{} is not built: run `make build`", built.display()))?;
    let mut command = Command::new(program);
    command
        .args(["--grpc-listen", &format!("127.0.0.1:{grpc}")])
        .args(["--http-listen", &format!("127.0.0.1:{http}")])
        .args(["--database-url", url, "--access", "open"])
        .arg("--filter-module")
        .arg(&module)
        .env("RUST_LOG", "error");
    let mut plane = Group::spawn(&mut command, &folder.join(format!("{store}.log")))?;
    let origin = format!("http://127.0.0.1:{http}");
    let api = Client::new(&origin, None, None)?;
    wait::until("the control plane is ready", LIMIT, || {
        let ready = api.get("/readyz").is_ok_and(|reply| reply.status == 200);
        Ok(match plane.ended()? {
            Some(_) => Some(Err(anyhow!("the control plane ended: {}", plane.tail()))),
            None => ready.then_some(Ok(())),
        })
    })??;

    let until = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let day = Day {
        decisions: events,
        until_ms: u64::try_from(until.as_millis())?,
    };
    let began = Instant::now();
    let to = NodeAccess {
        port: grpc,
        token: String::new(),
    };
    past::tell(&to, "edge", day.decisions())?;
    let told = day.decisions().count() as u64;
    wait::until("every event is counted", LIMIT, || {
        let traffic = api
            .get(&day_of(until, "/api/v1/challenges?range&step=86400"))?
            .json()?;
        let of = |action: &str| traffic["total"][action].as_u64().unwrap_or_default();
        let counted = of("allow") + of("block") + of("redirect") + of("challenge");
        Ok((counted >= told).then_some(()))
    })?;
    println!(
        "{store}: {told} events told and stored in {:.0} s",
        began.elapsed().as_secs_f64()
    );

    let mut asked = serde_json::Map::new();
    for (what, path) in ASKED {
        let path = day_of(until, path);
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            api.get(&path)?.expect(200)?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        let time = median(times);
        println!("{store}: {what}: {time:.0} ms");
        asked.insert(what.to_owned(), json!(time));
    }

    let browser = Browser::launch(&Options::default())?;
    let (mut charts, mut bytes, mut files) = (Vec::new(), 0.0, 0);
    for _ in 0..ROUNDS {
        // Nothing is cached: a profile of its own.
        let mut page = browser.profile()?.page()?;
        page.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({"source": WATCH}),
        )?;
        // A tab in the background draws no frames.
        page.call("Page.bringToFront", json!({}))?;
        page.navigate(&format!("{origin}/dashboards/mitigation?range=24h"))?;
        page.wait_for("window.firstChart > 0")?;
        charts.push(
            page.evaluate("window.firstChart")?
                .as_f64()
                .context("no time")?,
        );
        let weight = page.evaluate(WEIGHT)?;
        bytes = weight["bytes"].as_f64().context("no weight")?;
        files = weight["files"].as_u64().context("no files")?;
        // It would go on asking while the next one is measured.
        page.call("Page.close", json!({}))?;
    }
    let chart = median(charts);
    let held = bytes > 0.0 && bytes <= FIRST_LOAD_BYTES && chart <= FIRST_CHART_MS;
    println!(
        "{store}: first load: {files} files, {:.1} KB compressed (to reach: under 200 KB)",
        bytes / 1024.0
    );
    println!("{store}: first chart after {chart:.0} ms (to reach: under 1000 ms)");
    Ok(json!({
        "store": store, "first_load_bytes": bytes, "first_load_files": files,
        "first_chart_ms": chart, "api_ms": asked, "held": held,
    }))
}

/// The last day in the place of `range`, as the page asks for it.
fn day_of(until: Duration, path: &str) -> String {
    let to = until.as_millis();
    let range = format!("from={}&to={to}", to.saturating_sub(86_400_000));
    if path.contains("range") {
        path.replace("range", &range)
    } else if path.contains('?') {
        format!("{path}&{range}")
    } else {
        format!("{path}?{range}")
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
