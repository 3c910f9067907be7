//! A run: one Envoy with every listener for the time, then one Envoy a listener for the memory.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::authz::Authorizer;
use crate::configs::{Config, EMPTY, FLOOR, Plan};
use crate::cores::Cores;
use crate::cpu;
use crate::envoy::Envoy;
use crate::envoy_config::Listener;
use crate::load::{self, Target};
use crate::numbers::summary;
use crate::progress::Progress;
use crate::report::Row;
use crate::requests::{Request, Session, requests};
use crate::seed::Seed;
use crate::session;
use crate::slices::{self, Accounts, Subject};

/// How long an Envoy whose memory is read has had load before.
const LOAD_BEFORE_MEMORY: Duration = Duration::from_millis(400);
/// Workers more than one, to see what each takes.
const MORE_WORKERS: usize = 4;
/// What the floor counts; see its source.
const FLOOR_COUNTER: &str = "bench_floor_requests";
const ORDER_SEED: u64 = 0x0a11;

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) envoy: PathBuf,
    pub(crate) authorizer: PathBuf,
    pub(crate) cores: Cores,
    /// For configurations and logs.
    pub(crate) work: PathBuf,
}

/// The requests of one run: with and without sessions.
struct Sent {
    absent: Rc<[Request]>,
    valid: Rc<[Request]>,
}

impl Sent {
    fn new() -> Result<Self> {
        let now = session::now()?;
        Ok(Self {
            absent: requests(Session::Absent, now).into(),
            valid: requests(Session::Valid, now).into(),
        })
    }

    fn target(&self, config: &Config, listener: &Listener, envoy: &Envoy) -> Result<Rc<Target>> {
        let requests = match config.session {
            Session::Absent => &self.absent,
            Session::Valid => &self.valid,
        };
        Ok(Rc::new(Target::new(
            listener.name.clone(),
            envoy.address(&listener.name)?,
            Rc::clone(requests),
            Box::new(Config::expected(config.answers, config.session)),
        )))
    }
}

/// Steps of the progress bar that [`time`] and [`memory`] take.
pub(crate) fn steps(plan: &Plan, rounds: usize) -> usize {
    plan.configs.len() * (rounds + 1) + plan.listeners.len()
}

/// Measures the CPU time of every configuration.
pub(crate) async fn time(
    plan: &Plan,
    rounds: usize,
    places: &Places,
    progress: &Progress,
) -> Result<Vec<Row>> {
    progress.say("starting Envoy");
    let authorizer = Authorizer::start(places)?;
    let all: Vec<&Listener> = plan.listeners.iter().collect();
    let envoy = Envoy::start(&all, &authorizer, 1, places, "all").await?;
    let sent = Sent::new()?;
    let mut subjects = Vec::new();
    for config in &plan.configs {
        let listener = plan.listeners.get(config.listener);
        let listener = listener.context("a configuration without a listener")?;
        subjects.push(Subject {
            config,
            target: sent.target(config, listener, &envoy)?,
            samples: Vec::new(),
        });
    }
    progress.say("warming up");
    slices::warm_up(&subjects, progress).await?;
    let accounts = Accounts {
        envoy: envoy.id(),
        authorizer: authorizer.id(),
    };
    let mut seed = Seed::new(ORDER_SEED);
    for round in 1..=rounds {
        progress.say(&format!("round {round} of {rounds}"));
        slices::round(&mut subjects, accounts, &mut seed, progress).await?;
    }
    floor_was_run(&subjects, &envoy).await?;
    subjects
        .iter()
        .map(|subject| Row::of(subject, empty_us(&subjects, subject.config.session)?))
        .collect()
}

/// What a request costs on the empty chain, in the median.
fn empty_us(subjects: &[Subject<'_>], session: Session) -> Result<f64> {
    let samples: Vec<f64> = subjects
        .iter()
        .filter(|subject| subject.config.name == EMPTY && subject.config.session == session)
        .flat_map(|subject| subject.samples.iter().map(|sample| sample.whole))
        .collect();
    let summary = summary(&samples).context("the empty chain was not measured")?;
    Ok(summary.median)
}

/// Envoy skips a filter that a worker could not set up, and skipped it would be cheap. Where a filter
/// judges, the answers tell; the floor has only its counter.
async fn floor_was_run(subjects: &[Subject<'_>], envoy: &Envoy) -> Result<()> {
    let sent: usize = subjects
        .iter()
        .filter(|subject| subject.config.name == FLOOR)
        .map(|subject| subject.target.sent())
        .sum();
    let counted = envoy.counter(FLOOR_COUNTER).await?;
    ensure!(
        counted >= u64::try_from(sent).unwrap_or(u64::MAX),
        "the floor counted {counted} of {sent} requests: Envoy did not run it"
    );
    Ok(())
}

/// Measures the resident memory of an Envoy with nothing but this listener, for every listener.
pub(crate) async fn memory(
    plan: &Plan,
    rows: &mut [Row],
    places: &Places,
    progress: &Progress,
) -> Result<()> {
    let sent = Sent::new()?;
    let authorizer = Authorizer::start(places)?;
    for (index, listener) in plan.listeners.iter().enumerate() {
        progress.say(&format!("memory of {}", listener.name));
        let configs: Vec<&Config> = plan.configs_of(index).collect();
        let resident = async |workers: usize| {
            let envoy = Envoy::start(&[listener], &authorizer, workers, places, "memory").await?;
            for config in &configs {
                let target = sent.target(config, listener, &envoy)?;
                load::slice(&target, LOAD_BEFORE_MEMORY).await?;
            }
            cpu::settled_mb(envoy.id())
        };
        let one = resident(1).await?;
        let further = if configs.iter().any(|config| config.counts_workers()) {
            Some((resident(1 + MORE_WORKERS).await? - one) / MORE_WORKERS as f64)
        } else {
            None
        };
        for (row, config) in rows.iter_mut().zip(&plan.configs) {
            if config.listener == index {
                row.rss_mb = one;
                row.further_worker_mb = further;
            }
        }
        progress.step();
    }
    Ok(())
}
