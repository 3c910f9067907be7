//! Everything in any order: an Envoy, a control plane and a shelf, by dice.

use std::collections::BTreeSet;

use envoy_types::pb::google::protobuf::Any;

use super::*;

const NAMES: [&str; 2] = ["a", "b"];
const ROUNDS: u64 = 3_000;
const STEPS: usize = 60;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Every fourth revision is one that Envoy refuses.
fn is_bad(revision: u64) -> bool {
    revision % 4 == 3
}

fn resource(name: &str, revision: u64) -> Resource {
    let body = Any {
        type_url: "type.googleapis.com/test".into(),
        value: format!("{name} {revision}").into_bytes(),
    };
    Resource::new(name.into(), revision.to_string(), body)
}

#[derive(Default)]
struct World {
    session: Session,
    shelf: Shelf,
    /// What Envoy was sent and has not answered.
    inbox: Vec<(String, News)>,
    envoy_holds: BTreeMap<String, String>,
    refused: BTreeSet<(String, String)>,
    accepted: BTreeSet<(String, String)>,
    /// The control plane's side: open, what it wants, what is unanswered, what it believes.
    open: bool,
    target: u64,
    nonce: u64,
    unanswered: Option<(u64, u64)>,
    believes: Option<u64>,
    refusals_heard: BTreeSet<u64>,
}

impl World {
    fn did(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::ToEnvoy { nonce, news } => {
                    assert!(self.inbox.is_empty(), "one is under way");
                    if let News::Resource(it) = &news {
                        let sent = (it.name.clone(), it.version.clone());
                        assert!(!self.refused.contains(&sent), "{sent:?} was refused");
                        let held = self.envoy_holds.get(&it.name);
                        assert_ne!(held, Some(&it.version), "sent needlessly");
                    }
                    self.inbox.push((nonce, news));
                }
                Output::ToUpstream(request) => self.hear_answer(&request),
                Output::Keep(it) => {
                    let kept = (it.name, it.version);
                    assert!(self.accepted.contains(&kept), "{kept:?} was never accepted");
                }
                Output::Refused { .. } | Output::ServedCopy { .. } => {}
                Output::TooMany { .. } => panic!("two are not too many"),
            }
        }
    }

    fn hear_answer(&mut self, request: &UpstreamRequest) {
        if !self.open || request.nonce.is_empty() {
            return;
        }
        let Some((nonce, revision)) = self.unanswered else {
            return;
        };
        if request.nonce != nonce.to_string() {
            return;
        }
        self.unanswered = None;
        match request.refusal {
            None => {
                for name in NAMES {
                    let held = self.envoy_holds.get(name);
                    assert_eq!(held, Some(&revision.to_string()), "a false acknowledgement");
                }
                self.believes = Some(revision);
            }
            Some(_) => {
                self.refusals_heard.insert(revision);
            }
        }
    }

    fn envoy_starts(&mut self, remembers: bool) {
        self.session = Session::default();
        self.inbox.clear();
        (self.open, self.unanswered, self.believes) = (false, None, None);
        if !remembers {
            self.envoy_holds.clear();
        }
        let request = EnvoyRequest {
            subscribe: NAMES.map(str::to_owned).to_vec(),
            holds: self.envoy_holds.clone(),
            ..EnvoyRequest::default()
        };
        let outputs = self.session.on_envoy(request, &mut self.shelf);
        self.did(outputs);
    }

    fn envoy_answers(&mut self) {
        let Some((nonce, news)) = self.inbox.pop() else {
            return;
        };
        let mut refusal = None;
        if let News::Resource(it) = news {
            let known = (it.name.clone(), it.version.clone());
            if is_bad(it.version.parse().unwrap()) {
                self.refused.insert(known);
                refusal = Some("bad".to_owned());
            } else {
                self.accepted.insert(known);
                self.envoy_holds.insert(it.name, it.version);
            }
        }
        let request = EnvoyRequest {
            nonce,
            refusal,
            ..EnvoyRequest::default()
        };
        let outputs = self.session.on_envoy(request, &mut self.shelf);
        self.did(outputs);
    }

    fn opens(&mut self) {
        if self.open {
            return;
        }
        let first = self.session.on_opening(&self.shelf);
        (self.open, self.unanswered) = (true, None);
        for (name, version) in &first.holds {
            assert_eq!(
                self.envoy_holds.get(name),
                Some(version),
                "said and not held"
            );
        }
        let all = |revision: u64| {
            let version = revision.to_string();
            NAMES
                .iter()
                .all(|&name| first.holds.get(name) == Some(&version))
        };
        self.believes = all(self.target).then_some(self.target);
    }

    /// As our control plane does: one under way, refused ones never again; or, as another might, at once.
    fn pushes(&mut self, waits: bool) {
        let due = self.believes != Some(self.target) && !self.refusals_heard.contains(&self.target);
        if !self.open || !due || (waits && self.unanswered.is_some()) {
            return;
        }
        self.nonce += 1;
        self.unanswered = Some((self.nonce, self.target));
        let response = UpstreamResponse {
            nonce: self.nonce.to_string(),
            resources: NAMES.map(|name| resource(name, self.target)).to_vec(),
            ..UpstreamResponse::default()
        };
        let outputs = self.session.on_upstream(response, &mut self.shelf);
        self.did(outputs);
    }

    fn loses(&mut self) {
        (self.open, self.unanswered, self.believes) = (false, None, None);
        let outputs = self.session.on_lost(&mut self.shelf);
        self.did(outputs);
    }

    fn patience_ends(&mut self) {
        let outputs = self.session.on_patience(&mut self.shelf);
        self.did(outputs);
    }

    fn step(&mut self, dice: &mut Dice) {
        match dice.below(14) {
            0..4 => self.envoy_answers(),
            4..6 => self.opens(),
            6..8 => self.pushes(true),
            8 => self.pushes(false),
            9 => self.target += 1,
            10 => self.loses(),
            11 => self.patience_ends(),
            12 => self.envoy_starts(true),
            _ => self.envoy_starts(false),
        }
    }
}

#[test]
fn in_any_order_nothing_refused_is_sent_again_and_all_ends_in_sync() {
    for seed in 1..=ROUNDS {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = World::default();
        world.envoy_starts(false);
        for _ in 0..STEPS {
            world.step(&mut dice);
        }
        // Then it becomes quiet, with a revision that Envoy takes.
        world.target = (world.target / 4 + 1) * 4;
        for _ in 0..8 {
            world.opens();
            world.pushes(true);
            world.envoy_answers();
        }
        let target = world.target.to_string();
        assert_eq!(world.believes, Some(world.target), "seed {seed}");
        for name in NAMES {
            assert_eq!(world.envoy_holds.get(name), Some(&target), "seed {seed}");
            let copy = world.shelf.copy(name).map(|copy| &copy.version);
            assert_eq!(copy, Some(&target), "seed {seed}");
        }
        // And an Envoy that comes back without a control plane has it at once.
        world.loses();
        world.envoy_starts(false);
        world.loses();
        for _ in NAMES {
            world.envoy_answers();
        }
        let held: BTreeSet<_> = world.envoy_holds.values().collect();
        assert_eq!(held, BTreeSet::from([&target]), "seed {seed}");
    }
}
