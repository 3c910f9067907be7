//! A day of a shop, by the policies of `envoy/examples`: what the pages of the dashboard show when there is
//! something to show. The same day each time, whatever the machine.

mod outcomes;

use countersign_proto::event::v1::{DecisionEvent, Monitored, Session, Signal};
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};

/// Minutes of a day.
const DAY: u64 = 24 * 60;
/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;
/// What is older than a day is not believed by the control plane, and telling takes a while.
const KEPT_BACK: u64 = 10;

/// How much happened, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    /// Decisions, in all.
    pub decisions: u64,
    /// Milliseconds since the Unix epoch.
    pub until_ms: u64,
}

impl Day {
    /// The decisions, oldest first.
    pub fn decisions(self) -> impl Iterator<Item = DecisionEvent> + Send + 'static {
        let first = (self.until_ms / MINUTE_MS).saturating_sub(DAY - KEPT_BACK);
        let minutes = first..self.until_ms / MINUTE_MS;
        let whole: u64 = minutes.clone().map(busy).sum();
        let mut due = 0;
        minutes
            .flat_map(move |minute| {
                due += self.decisions * busy(minute);
                let now = due / whole;
                due %= whole;
                (0..now).map(move |place| (minute, place, now))
            })
            .enumerate()
            .map(|(number, (minute, place, of))| {
                let chance = Chance::new(number as u64);
                let time_ms = minute * MINUTE_MS + place * MINUTE_MS / of.max(1);
                decision(number as u64, time_ms, chance)
            })
    }
}

/// How busy the shop is at a minute since the Unix epoch: less at night, and twice a day a scraper comes by.
fn busy(minute: u64) -> u64 {
    let hour = minute / 60 % 24;
    let people = [
        6, 5, 4, 4, 5, 8, 14, 22, 30, 36, 40, 44, 46, 44, 42, 41, 42, 46, 52, 56, 50, 38, 24, 12,
    ];
    let ripple = Chance::new(minute).below(9);
    let usual = people.get(hour as usize).copied().unwrap_or(10) * 4 + ripple * 3;
    if is_scraped(minute) { usual * 2 } else { usual }
}

fn is_scraped(minute: u64) -> bool {
    (250..285).contains(&(minute % 720))
}

/// Numbers that look random and are the same each time (SplitMix64).
#[derive(Clone, Copy, Debug)]
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xa076_1d64_78bd_642f) ^ 0x9e37_79b9_7f4a_7c15)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let place = self.below(of.len() as u64) as usize;
        of.get(place).copied().unwrap_or_default()
    }
}

const HOSTS: [&str; 4] = [
    "shop.example.com",
    "shop.example.com",
    "www.example.com",
    "api.example.com",
];
const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 20_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Mozilla/5.0 (Linux; Android 17; Pixel 11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Mobile Safari/537.36",
];
const SCRIPTS: [&str; 3] = [
    "python-requests/2.34.2",
    "Scrapy/2.15 (+https://scrapy.org)",
    "Go-http-client/2.0",
];
const SCANNERS: [&str; 3] = [
    "Nuclei - Open-source project",
    "sqlmap/1.9.11#stable",
    "zgrab/0.x",
];
const SHOWN: [&str; 8] = [
    "/",
    "/products",
    "/products/1042",
    "/products/77",
    "/products/3150",
    "/basket",
    "/search",
    "/account/orders",
];
const PAID: [&str; 4] = [
    "/checkout/address",
    "/checkout/review",
    "/payment/card",
    "/checkout/confirm",
];
const GUESSED: [&str; 4] = ["/admin", "/admin/login", "/admin/config.php", "/admin/.env"];
const JA4: [&str; 3] = [
    "t13d1516h2_8daaf6152771_d8a2da3f94cd",
    "t13d1715h2_5b57614c22b0_3d5424432f57",
    "t13d190900_9dc949149365_97f8aa674fd9",
];
const EDGES: [&str; 3] = ["12-5f1c0a77", "12-5f1c0a77", "11-e03b9d42"];

fn decision(number: u64, time_ms: u64, mut chance: Chance) -> DecisionEvent {
    let mut event = DecisionEvent {
        event_id: id(time_ms, number, chance),
        time_ms,
        revision: chance.one(&EDGES).to_owned(),
        action: ActionKind::Allow.into(),
        host: chance.one(&HOSTS).to_owned(),
        method: "GET".to_owned(),
        scheme: "https".to_owned(),
        path: chance.one(&SHOWN).to_owned(),
        client_address: address(&mut chance),
        user_agent: chance.one(&BROWSERS).to_owned(),
        ja4: chance.one(&JA4).to_owned(),
        score: chance.below(35) as u32,
        weight: 1,
        ..DecisionEvent::default()
    };
    event.upstream_score = event.score;
    let scraped = is_scraped(time_ms / MINUTE_MS) && chance.below(100) < 55;
    match chance.below(100) {
        _ if scraped => scripted(&mut event, &mut chance),
        0..60 => {}
        60..68 => suspected(&mut event, &mut chance),
        68..75 => paying(&mut event, &mut chance),
        75..86 => known(&mut event, &mut chance),
        86..89 => scripted(&mut event, &mut chance),
        89..92 => scanned(&mut event, &mut chance),
        92..95 => guessed(&mut event, &mut chance),
        95..97 => redirected(&mut event, &mut chance),
        _ => counted(&mut event, &mut chance),
    }
    event
}

/// UUID version 7.
fn id(time_ms: u64, number: u64, mut chance: Chance) -> String {
    let (high, low) = (time_ms >> 16, time_ms & 0xffff);
    let noise = chance.next() & 0xfff;
    format!("{high:08x}-{low:04x}-7{noise:03x}-8d0c-{number:012x}")
}

/// Of the ranges that documents are written with.
fn address(chance: &mut Chance) -> String {
    let range = chance.one(&["203.0.113", "198.51.100", "192.0.2"]);
    format!("{range}.{}", chance.below(120) + 1)
}

fn challenged(event: &mut DecisionEvent, policy: &str) {
    event.action = ActionKind::Challenge.into();
    event.policy = policy.to_owned();
    event.min_assurance = Assurance::Uv.into();
    event.status = 303;
}

fn suspected(event: &mut DecisionEvent, chance: &mut Chance) {
    challenged(event, "bot-score-challenge");
    event.score = 70 + chance.below(29) as u32;
    event.upstream_score = event.score;
    event.reasons = vec!["POSSIBLE_BROWSER_AUTOMATION".to_owned()];
    event.verdict = Verdict::Challenge.into();
}

fn paying(event: &mut DecisionEvent, chance: &mut Chance) {
    challenged(event, "checkout-protection");
    event.path = chance.one(&PAID).to_owned();
}

fn known(event: &mut DecisionEvent, chance: &mut Chance) {
    event.path = chance.one(&PAID).to_owned();
    event.satisfied = vec!["checkout-protection".to_owned()];
    event.session = Some(Session {
        valid: true,
        assurance: Assurance::UvBound.into(),
        age_s: chance.below(3_000),
        device: format!("device-{:04x}", chance.below(0xffff)),
        ..Session::default()
    });
}

fn scripted(event: &mut DecisionEvent, chance: &mut Chance) {
    challenged(event, "new-rule-validation");
    event.status = 403;
    event.user_agent = chance.one(&SCRIPTS).to_owned();
    event.path = format!("/products/{}", 1_000 + chance.below(40));
    event.reasons = vec!["SCRIPTED_CLIENT".to_owned()];
    event.verdict = Verdict::Challenge.into();
    event.signals = vec![Signal {
        name: "scripted-client".to_owned(),
        weight: 40,
        reason: "SCRIPTED_CLIENT".to_owned(),
    }];
    event.score = (event.upstream_score + 40).min(69);
    event.upstream_score = event.score - 40;
}

fn scanned(event: &mut DecisionEvent, chance: &mut Chance) {
    event.action = ActionKind::Block.into();
    event.policy = "scanner-block".to_owned();
    event.user_agent = chance.one(&SCANNERS).to_owned();
    event.path = chance.one(&GUESSED).to_owned();
    event.status = 403;
}

fn guessed(event: &mut DecisionEvent, chance: &mut Chance) {
    event.action = ActionKind::Block.into();
    event.policy = "admin-block".to_owned();
    event.path = chance.one(&GUESSED).to_owned();
    event.status = 403;
}

fn redirected(event: &mut DecisionEvent, chance: &mut Chance) {
    event.action = ActionKind::Redirect.into();
    event.policy = "sale-redirect".to_owned();
    event.path = chance
        .one(&[
            "/old-sale/summer",
            "/old-sale/shoes",
            "/old-sale/last-chance",
        ])
        .to_owned();
    event.status = 302;
}

fn counted(event: &mut DecisionEvent, chance: &mut Chance) {
    event.path = "/account/orders".to_owned();
    event.score = 40 + chance.below(25) as u32;
    event.upstream_score = event.score;
    event.monitored = vec![Monitored {
        policy: "account-monitor".to_owned(),
        action: ActionKind::Monitor.into(),
    }];
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_OF_TESTS: Day = Day {
        decisions: 5_000,
        until_ms: 1_795_000_000_000,
    };

    #[test]
    fn a_day_is_as_long_and_as_busy_as_it_is_said_to_be() {
        let told: Vec<_> = DAY_OF_TESTS.decisions().collect();
        assert!((4_990..=5_000).contains(&told.len()), "{}", told.len());
        assert!(told.is_sorted_by_key(|event| event.time_ms));
        let (first, last) = (&told[0], &told[told.len() - 1]);
        let span = last.time_ms - first.time_ms;
        assert!(
            (1_300 * MINUTE_MS..DAY * MINUTE_MS).contains(&span),
            "{span}"
        );
        let ids: std::collections::HashSet<_> = told.iter().map(|event| &event.event_id).collect();
        assert_eq!(ids.len(), told.len());
    }

    #[test]
    fn it_has_decisions_of_every_kind() {
        for action in [
            ActionKind::Allow,
            ActionKind::Block,
            ActionKind::Redirect,
            ActionKind::Challenge,
        ] {
            let found = DAY_OF_TESTS
                .decisions()
                .filter(|event| event.action() == action);
            assert!(found.count() > 50, "{action:?}");
        }
        assert!(
            DAY_OF_TESTS
                .decisions()
                .any(|event| !event.monitored.is_empty())
        );
        assert!(
            DAY_OF_TESTS
                .decisions()
                .any(|event| !event.satisfied.is_empty())
        );
    }
}
