//! Device rules by the million: what loading and one lookup take, and what a rule costs in bytes.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_engine::device::{
    DeviceRules, DeviceRulesBuilder, Identifier, Identifiers, Subject,
};
use countersign_engine::form::{FormWriter, Section};
use countersign_engine::{Timestamp, Verdict};
use criterion::Criterion;

const RULES: u64 = 1_000_000;
/// Requests that are gone through one after the other: more than any cache remembers.
const REQUESTS: usize = 1 << 16;
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Spreads a number over all bits.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// As long as a UUID.
fn visitor(number: u64) -> String {
    format!("{:016x}-{:019x}", mixed(number), number)
}

fn written(builder: DeviceRulesBuilder<'_>) -> Vec<u8> {
    let mut form = FormWriter::default();
    builder.write(&mut form).expect("fits");
    std::mem::take(form.section(Section::DeviceRules))
}

fn visitors(ends: Option<Timestamp>) -> Vec<u8> {
    let texts: Vec<String> = (0..RULES).map(visitor).collect();
    let mut builder = DeviceRulesBuilder::default();
    for text in &texts {
        builder.add(Subject::VisitorId(text), Verdict::Block, ends);
    }
    written(builder)
}

/// Half of them single addresses, the others /24s and a few /16s around them.
fn v4_ranges() -> Vec<u8> {
    let mut builder = DeviceRulesBuilder::default();
    for number in 0..RULES {
        let bytes = mixed(number).to_le_bytes();
        let address = Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]);
        let length = match number % 100 {
            0 => 16,
            1..50 => 24,
            _ => 32,
        };
        let subject = Subject::CidrBlock(address.into(), length);
        builder.add(subject, Verdict::Block, None);
    }
    written(builder)
}

fn v6_ranges() -> Vec<u8> {
    let mut builder = DeviceRulesBuilder::default();
    for number in 0..RULES {
        let address = v6_address(number);
        let length = if number % 2 == 0 { 48 } else { 64 };
        let subject = Subject::CidrBlock(address.into(), length);
        builder.add(subject, Verdict::Block, None);
    }
    written(builder)
}

fn v6_address(number: u64) -> Ipv6Addr {
    let high = 0x2000_0000_0000_0000 | mixed(number) >> 3;
    Ipv6Addr::from(u128::from(high) << 64 | 1)
}

/// Calls `look` for one request after the other.
fn lookups<T, R>(c: &mut Criterion, name: &str, requests: &[T], look: impl Fn(&T) -> R) {
    c.bench_function(name, |bencher| {
        let mut next = requests.iter().cycle();
        bencher.iter(|| next.next().map(|request| look(black_box(request))));
    });
}

struct Client<'a> {
    visitor: &'a str,
    address: IpAddr,
}

impl Identifiers for Client<'_> {
    fn value(&self, identifier: Identifier) -> Option<&[u8]> {
        (identifier == Identifier::VisitorId).then_some(self.visitor.as_bytes())
    }

    fn address(&self) -> Option<IpAddr> {
        Some(self.address)
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let c = &mut criterion;
    let (texts, ending) = (visitors(None), visitors(Some(NOW)));
    let (v4, v6) = (v4_ranges(), v6_ranges());
    for (name, bytes) in [
        ("1M visitor ids", &texts),
        ("1M visitor ids that end", &ending),
        ("1M IPv4 ranges", &v4),
        ("1M IPv6 ranges", &v6),
    ] {
        #[expect(clippy::cast_precision_loss, reason = "it is shown to two places")]
        let each = bytes.len() as f64 / RULES as f64;
        println!("{name}: {} bytes, {each:.2} a rule", bytes.len());
        c.bench_function(&format!("load {name}"), |bencher| {
            bencher.iter(|| DeviceRules::load(black_box(bytes)).is_ok());
        });
    }
    c.bench_function("borrow what was loaded", |bencher| {
        bencher.iter(|| DeviceRules::loaded(black_box(&texts)).is_ok());
    });

    let numbers: Vec<u64> = (0..REQUESTS as u64)
        .map(|number| mixed(number) % RULES)
        .collect();
    let known: Vec<String> = numbers.iter().map(|number| visitor(*number)).collect();
    let unknown: Vec<String> = numbers
        .iter()
        .map(|number| visitor(*number + RULES))
        .collect();
    let rules = DeviceRules::load(&texts).expect("loads");
    let by_text = |text: &String| rules.lookup(Identifier::VisitorId, text.as_bytes(), NOW);
    lookups(c, "find a visitor id of 1M", &known, by_text);
    lookups(c, "miss a visitor id of 1M", &unknown, by_text);
    let rules = DeviceRules::load(&ending).expect("loads");
    let by_text = |text: &String| rules.lookup(Identifier::VisitorId, text.as_bytes(), NOW);
    lookups(
        c,
        "find a visitor id of 1M whose rule ended",
        &known,
        by_text,
    );

    let clients = |address: fn(u64) -> IpAddr| -> Vec<IpAddr> {
        numbers.iter().map(|number| address(*number)).collect()
    };
    let v4_clients = clients(|number| {
        let [a, b, c, d, ..] = mixed(number).to_le_bytes();
        Ipv4Addr::new(a, b, c, d).into()
    });
    let v6_clients = clients(|number| v6_address(number).into());
    let strangers = clients(|number| {
        let [a, b, c, d, ..] = mixed(number + RULES).to_le_bytes();
        Ipv4Addr::new(a, b, c, d).into()
    });
    let rules = DeviceRules::load(&v4).expect("loads");
    let by_address = |client: &IpAddr| rules.lookup_address(*client, NOW);
    lookups(
        c,
        "find an address in 1M IPv4 ranges",
        &v4_clients,
        by_address,
    );
    lookups(
        c,
        "look for any address in 1M IPv4 ranges",
        &strangers,
        by_address,
    );
    let rules = DeviceRules::load(&v6).expect("loads");
    let by_address = |client: &IpAddr| rules.lookup_address(*client, NOW);
    lookups(
        c,
        "find an address in 1M IPv6 ranges",
        &v6_clients,
        by_address,
    );

    let mut both = DeviceRulesBuilder::default();
    both.add(Subject::BrowserId("b"), Verdict::Block, None);
    both.add(
        Subject::CidrBlock(Ipv4Addr::LOCALHOST.into(), 32),
        Verdict::Block,
        None,
    );
    let both = written(both);
    let rules = DeviceRules::load(&both).expect("loads");
    let requests: Vec<Client<'_>> = unknown
        .iter()
        .zip(&strangers)
        .map(|(visitor, address)| Client {
            visitor,
            address: *address,
        })
        .collect();
    lookups(c, "decide with two rules", &requests, |client| {
        rules.decide(client, NOW)
    });
    criterion.final_summary();
}
