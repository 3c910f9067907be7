//! The measuring itself: short slices of load, every one between two of the empty chain, in random
//! order. A machine's speed drifts within seconds, and neighbours drift together.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::configs::{Config, EMPTY};
use crate::cpu;
use crate::load::{self, Target};
use crate::progress::Progress;
use crate::requests::Session;
use crate::seed::Seed;

/// How long a slice is.
pub(crate) const SLICE: Duration = Duration::from_millis(60);
/// How long every configuration runs before it is measured: V8 compiles what is called often.
const WARM_UP: Duration = Duration::from_millis(400);

/// CPU of one request, in microseconds, Envoy and the authorizer together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// All of it.
    pub(crate) whole: f64,
    /// Of the empty chain beside it.
    pub(crate) empty: f64,
    /// What of it another process than Envoy used.
    pub(crate) elsewhere: f64,
}

impl Sample {
    /// What the chain added, as a share of the empty chain beside it: the machine's speed is in both.
    pub(crate) fn added(self) -> f64 {
        self.whole / self.empty - 1.0
    }
}

/// The processes whose time counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accounts {
    pub(crate) envoy: u32,
    pub(crate) authorizer: u32,
}

#[derive(Clone, Copy, Debug)]
struct Spent {
    envoy: u64,
    authorizer: u64,
}

impl Accounts {
    fn read(self) -> Result<Spent> {
        Ok(Spent {
            envoy: cpu::settled_ns(self.envoy)?,
            authorizer: cpu::settled_ns(self.authorizer)?,
        })
    }
}

/// CPU of one request of one slice, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Slice {
    whole: f64,
    elsewhere: f64,
}

/// A configuration that is being measured.
pub(crate) struct Subject<'a> {
    pub(crate) config: &'a Config,
    pub(crate) target: Rc<Target>,
    pub(crate) samples: Vec<Sample>,
}

/// Sends each configuration its requests until Envoy has settled. A configuration that does not answer
/// as it should ends the bench here.
pub(crate) async fn warm_up(subjects: &[Subject<'_>], progress: &Progress) -> Result<()> {
    for subject in subjects {
        load::slice(&subject.target, WARM_UP).await?;
        progress.step();
    }
    Ok(())
}

/// One round: every configuration once.
pub(crate) async fn round(
    subjects: &mut [Subject<'_>],
    accounts: Accounts,
    seed: &mut Seed,
    progress: &Progress,
) -> Result<()> {
    let mut sessions = [Session::Absent, Session::Valid];
    seed.shuffle(&mut sessions);
    for session in sessions {
        // The empty chain is given the same requests: a longer cookie costs it something too.
        let of_session = |name_is_empty: bool| {
            subjects
                .iter()
                .enumerate()
                .filter(|(_, subject)| {
                    subject.config.session == session
                        && (subject.config.name == EMPTY) == name_is_empty
                })
                .map(|(index, _)| index)
                .collect::<Vec<_>>()
        };
        let empty = of_session(true).first().copied();
        let empty = empty.context("the empty chain is not there")?;
        let mut order = of_session(false);
        seed.shuffle(&mut order);
        let mut clock = Clock {
            accounts,
            last: accounts.read()?,
        };
        let mut before = clock.slice(subjects, empty).await?;
        keep(subjects, empty, before, before.whole);
        for index in order {
            let slice = clock.slice(subjects, index).await?;
            let after = clock.slice(subjects, empty).await?;
            keep(
                subjects,
                index,
                slice,
                f64::midpoint(before.whole, after.whole),
            );
            keep(subjects, empty, after, after.whole);
            before = after;
            progress.step();
        }
    }
    Ok(())
}

fn keep(subjects: &mut [Subject<'_>], index: usize, slice: Slice, empty: f64) {
    if let Some(subject) = subjects.get_mut(index) {
        subject.samples.push(Sample {
            whole: slice.whole,
            empty,
            elsewhere: slice.elsewhere,
        });
    }
}

struct Clock {
    accounts: Accounts,
    last: Spent,
}

impl Clock {
    async fn slice(&mut self, subjects: &[Subject<'_>], index: usize) -> Result<Slice> {
        let subject = subjects.get(index).context("no such configuration")?;
        let requests = load::slice(&subject.target, SLICE).await?;
        let now = self.accounts.read()?;
        let micros = |now: u64, before: u64| {
            now.saturating_sub(before) as f64 / 1_000.0 / requests.max(1) as f64
        };
        let elsewhere = micros(now.authorizer, self.last.authorizer);
        let whole = micros(now.envoy, self.last.envoy) + elsewhere;
        self.last = now;
        Ok(Slice { whole, elsewhere })
    }
}
