//! Whatever is said of random policies must hold for random requests, which the engine itself judges.

use std::collections::BTreeMap;

use countersign_engine::{Assurance, Attribute, Verdict, WorkerMemory};

use super::requests::{Asked, Given, NOW, Set, ask, cookie, matched};
use super::support::{Spec, challenge, line, policies, spec, tenants, world};
use crate::compile::analyse::{About, Effect, Remark, Signal, Unknown, When, World, analyse};

/// Sets of policies. `ANALYSE_SETS` asks for others.
const SETS: u64 = 150;
/// Requests that each of them is asked about.
const ASKED: usize = 120;

/// Choices from a seed (xorshift64*), so that every run makes the same ones.
struct Dice(u64);

impl Dice {
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let word = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(word).unwrap_or(0) % count
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.below(from.len())]
    }
}

const VALUES: [&str; 9] = ["a", "ab", "abc", "b", "A", "", "tenant-1", "é", "\u{fffd}"];
const METHODS: [&str; 6] = ["GET", "POST", "HEAD", "get", "PUT", "OPTIONS"];
const PATHS: [&str; 17] = [
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/A/b",
    "/a/b/c.php",
    "/b",
    "/b/a",
    "/b.php",
    "//a",
    "/a/../b",
    "/a;x/b",
    "/é",
    "/a/b?x=1",
    "/%61/b",
    "/a/%ff",
    "/a?x=1",
];
const HOSTS: [&str; 6] = [
    "shop.example.com",
    "Shop.Example.com:8443",
    "example.com",
    "a.shop.example.com",
    "[::1]:80",
    "api.example.com.",
];
const ADDRESSES: [&str; 5] = [
    "192.0.2.1",
    "10.1.2.3",
    "2001:db8::7",
    "203.0.113.9",
    "127.0.0.1",
];

fn text_atom(dice: &mut Dice) -> String {
    let (subject, values): (&str, &[&str]) = match dice.below(7) {
        0 => ("request.method", &["GET", "POST", "HEAD", "get", "G", "T"]),
        1 => (
            "request.url_path",
            &[
                "/a", "/a/b", "/b", "/", "/A/b", ".php", "/a/", "b", "/é", "//a", "\u{fffd}",
            ],
        ),
        2 => (
            "request.path",
            &["/a", "/a/b", "/b", "/a?x=1", "?x=1", "//a"],
        ),
        3 => (
            "request.host",
            &[
                "shop.example.com",
                "example.com",
                "shop.example.com:8443",
                ".example.com",
                "Shop",
            ],
        ),
        4 => ("request.headers['y'].lowerAscii()", &VALUES),
        5 => ("request.headers[?'x'].orValue('')", &VALUES),
        _ => ("request.headers['x']", &VALUES),
    };
    let value = dice.pick(values);
    match dice.below(9) {
        0 | 1 => format!("{subject} == '{value}'"),
        2 => format!("{subject} != '{value}'"),
        3 => format!("{subject} in ['{value}', '{}']", dice.pick(values)),
        4 => format!("{subject}.startsWith('{value}')"),
        5 => format!("{subject}.endsWith('{value}')"),
        6 => format!("{subject}.contains('{value}')"),
        7 => format!(
            "{subject}.matches('{}')",
            dice.pick(&["^a", "b$", "^/a/.$", "G", "^.$"])
        ),
        _ => format!("{subject} in lists.tenants"),
    }
}

fn number_atom(dice: &mut Dice) -> String {
    let (subject, values): (&str, &[&str]) = match dice.below(5) {
        0 | 1 => (
            "score",
            &["0", "1", "30", "60", "70", "90", "100", "101", "-1", "59.5"],
        ),
        2 => ("request.size", &["0", "1", "5", "-1"]),
        3 => ("geo.asn", &["64500", "64501", "1", "0"]),
        _ => ("source.port", &["0", "5000", "65535", "65536"]),
    };
    if dice.one_in(6) {
        return "geo.asn in lists.asns".to_owned();
    }
    let value = dice.pick(values);
    let operator = if value.contains('.') {
        dice.pick(&["<", "<=", ">", ">="])
    } else {
        dice.pick(&["==", "!=", "<", "<=", ">", ">="])
    };
    if dice.one_in(5) {
        format!("{value} {operator} {subject}")
    } else {
        format!("{subject} {operator} {value}")
    }
}

fn other_atom(dice: &mut Dice) -> String {
    dice.pick(&[
        "source.address in lists.offices",
        "source.address in lists.labs",
        "source.address == '10.1.2.3'",
        "source.address.startsWith('10.')",
        "cidr('10.0.0.0/8').containsIP(source.address)",
        "cidr('::/0').containsIP(source.address)",
        "ip(source.address) != ip('10.1.2.3')",
        "request.headers['z'] in lists.offices",
        "cidr('192.0.2.0/24').containsIP(request.headers['z'])",
        "session.valid",
        "!session.valid",
        "session.bound",
        "!session.bound",
        "session.assurance >= 'uv'",
        "session.assurance == 'none'",
        "session.assurance in ['effort', 'human']",
        "session.age < duration('10m')",
        "session.age >= duration('30m')",
        "device.id == 'device-1'",
        "connection.mtls",
        "connection.mtls == false",
        "has(request.headers.x)",
        "'x' in request.headers",
        "!('y' in request.headers)",
        "verdict == 'BLOCK'",
        "verdict != 'ALLOW'",
        "verdict in ['CHALLENGE', 'ALLOW']",
        "'BOT' in reasons",
        "'RULE_MATCH' in reasons",
        "'NOBODY' in reasons",
        "geo.country == 'DE'",
        "request.scheme == 'https'",
        "now > timestamp('2020-01-01T00:00:00Z')",
        "now < timestamp('2020-01-01T00:00:00Z')",
        "request.headers['x'].size() > 2",
        "request.headers['x'].size() < 1",
        "int(request.headers['x']) > 5",
        "reasons.exists(r, r == 'BOT')",
        "1 / request.size > 0",
        "true",
        "false",
    ])
    .to_owned()
}

fn condition(dice: &mut Dice, depth: usize) -> String {
    let joined = |dice: &mut Dice, operator: &str| {
        let count = 2 + dice.below(2);
        let parts: Vec<String> = (0..count)
            .map(|_| format!("({})", condition(dice, depth - 1)))
            .collect();
        parts.join(operator)
    };
    match dice.below(if depth == 0 { 6 } else { 14 }) {
        0..=2 => text_atom(dice),
        3 | 4 => number_atom(dice),
        5 => other_atom(dice),
        6..=8 => joined(dice, " && "),
        9..=11 => joined(dice, " || "),
        12 => format!("!({})", condition(dice, depth - 1)),
        _ => format!(
            "({}) ? ({}) : ({})",
            condition(dice, depth - 1),
            condition(dice, depth - 1),
            condition(dice, depth - 1)
        ),
    }
}

fn policy(dice: &mut Dice) -> Spec {
    let some = |dice: &mut Dice, from: &[&'static str]| -> Vec<String> {
        let count = 1 + dice.below(2);
        (0..count).map(|_| dice.pick(from).to_owned()).collect()
    };
    let mut policy = spec();
    if dice.one_in(4) {
        policy.hosts = some(
            dice,
            &[
                "shop.example.com",
                "*.example.com",
                "*.shop.example.com",
                "[::1]",
            ],
        );
    }
    if dice.one_in(3) {
        policy.endpoints = some(
            dice,
            &[
                "/a/*", "/a/b", "*", "/*", "*.php", "/?", "/a/?", "/b*", "/A/*", "//a", "/é",
                "/a*b*",
            ],
        );
    }
    if dice.one_in(4) {
        policy.methods = some(dice, &["GET", "POST", "HEAD"]);
    }
    if !dice.one_in(5) {
        let depth = dice.below(4);
        policy.when = Some(condition(dice, depth));
    }
    policy.effect = match dice.below(6) {
        0 => Effect::Allows,
        1 => Effect::Redirects,
        2 => challenge(Assurance::Uv, 3600),
        3 => Effect::Counts,
        _ => Effect::Blocks,
    };
    policy
}

fn request(dice: &mut Dice) -> Asked {
    let mut headers = Vec::new();
    let mut put = |name: &str, value: &[u8]| headers.push((name.to_owned(), value.to_vec()));
    put(":method", dice.pick(&METHODS).as_bytes());
    put(":path", dice.pick(&PATHS).as_bytes());
    put(":scheme", dice.pick(&["http", "https"]).as_bytes());
    let host = dice.pick(&HOSTS);
    if !dice.one_in(20) {
        put(":authority", host.as_bytes());
    }
    for name in ["x", "y"] {
        for _ in 0..[0, 1, 1, 1, 2][dice.below(5)] {
            put(name, dice.pick(&VALUES).as_bytes());
        }
    }
    let values: [(&str, &[&str]); 6] = [
        ("z", &["192.0.2.9", "10.0.0.1", "::ffff:192.0.2.1", "x"]),
        ("x-score", &["0", "30", "70", "100"]),
        ("x-country", &["DE", "FR"]),
        ("x-asn", &["64500", "AS64501", "1"]),
        ("content-length", &["0", "1", "6", "-1"]),
        ("x-forwarded-for", &ADDRESSES),
    ];
    for (name, values) in values {
        if dice.one_in(2) {
            put(name, dice.pick(values).as_bytes());
        }
    }
    if dice.one_in(9) {
        put("x", b"\xff");
    }
    if dice.one_in(2) {
        let acr = dice.pick(&["effort", "uv", "none"]);
        let age = [60, 1_800, 2_400][dice.below(3)];
        let bare = host.split(':').next().unwrap_or_default();
        let bare = bare.trim_end_matches('.').to_ascii_lowercase();
        put("cookie", cookie(&bare, acr, age).as_bytes());
    }
    let peer = match dice.pick(&ADDRESSES) {
        peer if peer.contains(':') => format!("[{peer}]:5000"),
        peer => format!("{peer}:5000"),
    };
    Asked {
        headers,
        peer: (!dice.one_in(12)).then_some(peer),
        mtls: dice.one_in(2),
    }
}

/// What the requests are to show.
enum Claim {
    /// The policy never matches.
    Never(usize),
    /// Where the first matches, the second does.
    Implies(usize, usize),
    /// The second, a part of the first, is never true where the first is.
    Excludes(usize, usize),
    /// The policy, a part of a condition alone, always matches.
    Always(usize),
    /// The signal never holds.
    NeverHolds(usize),
}

/// Makes of a remark what requests can show. A part of a condition becomes a policy of its own.
fn claim(remark: &Remark, specs: &[Spec], set: &mut Set, parts: &mut usize) -> Option<Claim> {
    let index = match remark.about {
        About::Policy(index) => index,
        About::Signal(index) => {
            return remark
                .message
                .contains("can never hold")
                .then_some(Claim::NeverHolds(index));
        }
    };
    if remark.message.contains("can never match") {
        return Some(Claim::Never(index));
    }
    if let Some(earlier) = &remark.earlier {
        return Some(Claim::Implies(index, earlier.policy));
    }
    let text = remark.span?.of(specs[index].when.as_ref()?);
    let (root, _) = set.condition(text)?;
    set.policy(&spec(), Some(root));
    let part = specs.len() + *parts;
    *parts += 1;
    match remark.message.as_str() {
        message if message.ends_with("always true") => Some(Claim::Always(part)),
        message if message.ends_with("never true") => Some(Claim::Never(part)),
        message if message.ends_with("never true here") => Some(Claim::Excludes(index, part)),
        message => panic!("{message} is not checked"),
    }
}

fn holds(claim: &Claim, matched: &[bool], signals: &[bool]) -> bool {
    match *claim {
        Claim::Never(policy) => !matched[policy],
        Claim::Implies(later, earlier) => !matched[later] || matched[earlier],
        Claim::Excludes(policy, part) => !(matched[policy] && matched[part]),
        Claim::Always(part) => matched[part],
        Claim::NeverHolds(signal) => !signals[signal],
    }
}

#[test]
fn no_request_contradicts_what_is_said() {
    let asked = std::env::var("ANALYSE_SETS").ok();
    let sets = asked.map_or(SETS, |asked| asked.parse().expect("a number"));
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut memory = WorkerMemory::default();
    let texts = tenants();
    for seed in 1..=sets {
        let mut dice = Dice::seeded(seed);
        let given = Given {
            score_header: dice.one_in(2),
            country_header: dice.one_in(2),
            case_sensitive_paths: dice.one_in(3),
        };
        let world = World {
            score_header: given.score_header,
            case_sensitive_paths: given.case_sensitive_paths,
            device_verdicts: Vec::new(),
            now_nanos: dice.one_in(2).then_some(NOW * 1_000_000_000),
            unknown: (!given.country_header)
                .then(|| Unknown {
                    attribute: Attribute::GeoCountry,
                    why: String::new(),
                    help: String::new(),
                })
                .into_iter()
                .collect(),
            ..world(&texts)
        };
        let specs: Vec<Spec> = (0..12).map(|_| policy(&mut dice)).collect();
        let mut set = Set::new();
        let mut trees = Vec::new();
        for spec in &specs {
            let compiled = spec.when.as_ref().map(|when| {
                set.condition(when)
                    .unwrap_or_else(|| panic!("{when} does not compile"))
            });
            set.policy(spec, compiled.as_ref().map(|(root, _)| *root));
            trees.push(compiled.map(|(_, tree)| tree));
        }
        let mut signals = Vec::new();
        let mut held = Vec::new();
        for (weight, reason, verdict) in [
            (30, "BOT", Verdict::Challenge),
            (60, "LOW", Verdict::Block),
            (-20, "KNOWN", Verdict::Allow),
        ] {
            let when = loop {
                let when = condition(&mut dice, 2);
                let own = ["score", "reasons", "verdict"];
                if !own.iter().any(|own| when.contains(own)) {
                    break when;
                }
            };
            if dice.one_in(3) {
                continue;
            }
            let (root, tree) = set.condition(&when).expect("it compiles");
            set.signal(root, weight, reason, verdict);
            held.push((when, tree, weight, reason, verdict));
        }
        for (when, tree, weight, reason, verdict) in &held {
            signals.push(Signal {
                when: When {
                    text: when,
                    tree,
                    told: &[],
                },
                weight: *weight,
                reason,
                verdict: *verdict,
            });
        }
        let remarks = analyse(&policies(&specs, &trees), &signals, &world);
        let mut parts = 0;
        let claims: Vec<(&Remark, Claim)> = remarks
            .iter()
            .filter_map(|remark| Some((remark, claim(remark, &specs, &mut set, &mut parts)?)))
            .collect();
        for (_, claim) in &claims {
            let kind = match claim {
                Claim::Never(_) => "never",
                Claim::Implies(..) => "implies",
                Claim::Excludes(..) => "excludes",
                Claim::Always(_) => "always",
                Claim::NeverHolds(_) => "never holds",
            };
            *counts.entry(kind).or_default() += 1;
        }
        let revision = set.load(given);
        for _ in 0..ASKED {
            let asked = request(&mut dice);
            let explanation = ask(&revision, &asked, &mut memory);
            let Some(matched) = matched(&explanation) else {
                continue;
            };
            let signals: Vec<bool> = explanation
                .signals
                .iter()
                .map(|signal| signal.holds == Ok(true))
                .collect();
            for (remark, claim) in &claims {
                assert!(
                    holds(claim, &matched, &signals),
                    "set {seed}: {}\n{:#?}\n{specs:#?}\n{held:#?}\n{asked:?}\n{explanation:#?}",
                    line(remark),
                    remark.span,
                );
            }
        }
    }
    println!("{sets} sets: {counts:?}");
    // What is not claimed proves nothing.
    for kind in ["never", "implies", "excludes", "always", "never holds"] {
        assert!(
            counts.get(kind).is_some_and(|count| *count > 0),
            "{kind}: {counts:?}"
        );
    }
}
