//! Whatever clients say, whatever is published meanwhile and however often streams end: see
//! [`Trial::check`] and [`Trial::settle`].

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;

const NAMES: [&str; 3] = [RESOURCE_NAME, "countersign/shop", "countersign/forum"];

/// SplitMix64: the same trials every time.
struct Lottery(u64);

impl Lottery {
    fn draw(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn name(&mut self) -> &'static str {
        NAMES[usize::try_from(self.draw(3)).unwrap()]
    }
}

/// An Envoy and what is published.
struct Trial {
    lottery: Lottery,
    session: Session,
    delta: bool,
    wanted: BTreeSet<&'static str>,
    /// What this Envoy process runs, by resource.
    runs: BTreeMap<String, Version>,
    waiting: Option<Push>,
    /// What it refused in its life: bytes are told apart by resource and version.
    refused: BTreeSet<String>,
    refused_attempts: BTreeSet<u64>,
    revision: u64,
    deleted: bool,
    nonce: u64,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut lottery = Lottery(seed);
        let delta = lottery.draw(4) > 0;
        Self {
            lottery,
            session: Session::new([], delta),
            delta,
            wanted: BTreeSet::new(),
            runs: BTreeMap::new(),
            waiting: None,
            refused: BTreeSet::new(),
            refused_attempts: BTreeSet::new(),
            revision: 0,
            deleted: false,
            nonce: 1 << 32,
        }
    }

    fn desired<'d>(text: &'d str, revision: u64, deleted: bool, name: &str) -> Desired<'d> {
        match revision {
            0 => Desired::Nothing,
            _ if deleted && name == NAMES[1] => Desired::Absent,
            attempt => target(text, attempt),
        }
    }

    /// What the control plane does after everything that happens.
    fn serve(&mut self) {
        let text = format!("{}-a", self.revision);
        let (revision, deleted) = (self.revision, self.deleted);
        let nonce = &mut self.nonce;
        let fresh = || {
            *nonce += 1;
            Ok::<_, Infallible>(*nonce)
        };
        let step = self
            .session
            .next_step(|name| Self::desired(&text, revision, deleted, name), fresh)
            .unwrap();
        if let Some(Step::Push(push)) = step {
            self.check(&push, &text);
            self.waiting = Some(push);
        }
    }

    /// What holds of everything that is sent.
    fn check(&self, push: &Push, newest: &str) {
        assert!(self.waiting.is_none(), "two are under way");
        assert!(self.wanted.contains(push.resource.as_str()), "{push:?}");
        match &push.version {
            Some(version) => {
                assert_eq!(version.revision, newest);
                assert!(!self.refused.contains(&text(push)), "refused: {push:?}");
            }
            None => {
                assert!(self.delta && !self.runs.contains_key(&push.resource));
                assert!(self.deleted && push.resource == NAMES[1]);
            }
        }
    }

    fn answer(&mut self, refuse: bool) {
        let Some(push) = self.waiting.take() else {
            return;
        };
        if refuse && let Some(version) = &push.version {
            self.refused.insert(text(&push));
            self.refused_attempts.insert(version.attempt);
            self.session.on_request(nack(&push));
            return;
        }
        // It listens to what it wants still.
        if self.wanted.contains(push.resource.as_str())
            && let Some(version) = &push.version
        {
            self.runs.insert(push.resource.clone(), version.clone());
        }
        self.session.on_request(ack(&push));
    }

    fn reconnect(&mut self, restarted: bool) {
        if restarted {
            self.runs.clear();
        }
        self.waiting = None;
        self.session = Session::new(self.refused_attempts.iter().copied(), self.delta);
        let holds = self.runs.iter().filter(|_| self.delta);
        self.session.on_request(ClientRequest {
            subscribes: self.wanted.iter().map(|&name| name.to_owned()).collect(),
            holds: holds
                .map(|(name, version)| (name.clone(), version.to_string()))
                .collect(),
            ..ClientRequest::default()
        });
    }

    fn happens(&mut self) {
        match self.lottery.draw(12) {
            0 | 1 => self.revision += 1,
            2 => {
                self.revision += 1;
                self.deleted = !self.deleted;
            }
            3..=5 => {
                let name = self.lottery.name();
                self.wanted.insert(name);
                self.session.on_request(subscribe(&[name]));
            }
            6 => {
                let name = self.lottery.name();
                self.wanted.remove(name);
                self.runs.remove(name);
                self.session.on_request(unsubscribe(&[name]));
            }
            7 => self.answer(true),
            8 => {
                let restarted = self.lottery.draw(2) == 0;
                self.reconnect(restarted);
            }
            9 => {
                let name = self.lottery.name();
                self.session.renew(name);
            }
            10 => {
                self.session.on_request(ClientRequest {
                    nonce: "garbage".to_owned(),
                    ..ClientRequest::default()
                });
            }
            _ => self.answer(false),
        }
    }

    /// A client that accepts comes to run the newest of everything that there is.
    fn settle(&mut self) {
        self.revision += 1;
        self.serve();
        let mut sends = 0;
        while self.waiting.is_some() {
            sends += 1;
            assert!(sends <= 2 * NAMES.len(), "it never ends");
            self.answer(false);
            self.serve();
        }
        let newest = format!("{}-a", self.revision);
        for name in &self.wanted {
            let runs = self.runs.get(*name).map(|it| it.revision.as_str());
            if self.deleted && *name == NAMES[1] {
                assert_ne!(runs, Some(newest.as_str()));
            } else {
                assert_eq!(runs, Some(newest.as_str()), "{name}");
            }
        }
    }
}

#[test]
fn whatever_happens_one_is_under_way_nothing_refused_returns_and_the_end_is_the_newest() {
    for seed in 0..3_000 {
        let mut trial = Trial::new(seed);
        for _ in 0..60 {
            trial.happens();
            trial.serve();
        }
        trial.settle();
    }
}
