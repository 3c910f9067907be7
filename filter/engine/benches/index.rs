//! What it costs to load an index and to ask it, with 10, 1,000 and 10,000 policies: a third told apart
//! by endpoint (exact, prefix, glob), a third by a header, a sixth by address, a sixth by a comparison.
//! Subjects are at hand: what their evaluation costs is another bench's.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;
use std::net::IpAddr;

use countersign_engine::cel::{NodeId, Op, Program, ProgramBuilder, SetBuilder};
use countersign_engine::form::{FormWriter, Section, Sections};
use countersign_engine::index::{
    Candidates, Cover, Found, Index, IndexBuilder, Key, Subject, Test, Values, Wanted,
    endpoint_covers, host_cover,
};
use criterion::{Criterion, criterion_group, criterion_main};

const HOST: &str = "shop.example.com";

/// The nodes of the bench.
struct Nodes {
    tenant: NodeId,
    source: NodeId,
    size: NodeId,
}

/// Which comparisons the requests meet.
#[derive(Clone, Copy)]
enum Comparisons {
    /// Hardly any: `request.size > 100000`.
    Rare,
    /// Half of them.
    Half,
}

fn covers(number: u32, nodes: &Nodes, comparisons: Comparisons) -> Vec<Cover> {
    let key = |node, test| {
        vec![vec![Key {
            subject: Subject::Node(node),
            test,
        }]]
    };
    let own = match number % 6 {
        0 | 1 => {
            let pattern = match number / 6 % 3 {
                0 => format!("/api/v1/orders-{number}"),
                1 => format!("/shop/{number}/checkout/*"),
                _ => format!("*/a*b?c-{number}*123*"),
            };
            endpoint_covers(&[pattern], true)
        }
        2 | 3 => key(nodes.tenant, Test::Equals(format!("tenant-{number}"))),
        4 => {
            let [_, high, middle, low] = number.to_be_bytes();
            let network = IpAddr::from([10 + high, middle, low, 0]);
            key(nodes.source, Test::Cidr(network, 24))
        }
        _ => {
            let bound = match comparisons {
                Comparisons::Rare => 100_000 + i64::from(number),
                Comparisons::Half => i64::from(number) % 100,
            };
            key(
                nodes.size,
                Test::NumberRange {
                    least: bound,
                    greatest: i64::MAX,
                },
            )
        }
    };
    let host = host_cover(&[HOST.to_owned()]);
    host.into_iter().chain(own).collect()
}

fn body(policies: u32, comparisons: Comparisons) -> Vec<u8> {
    let mut program = ProgramBuilder::default();
    let nodes = Nodes {
        tenant: program.named(Op::Header, "x-tenant"),
        source: program.named(Op::Header, "source"),
        size: program.named(Op::Header, "size"),
    };
    let mut index = IndexBuilder::default();
    for number in 0..policies {
        index.policy(covers(number, &nodes, comparisons));
    }
    let mut form = FormWriter::default();
    index.write(&program, &mut form);
    program.write(&mut form);
    form.finish().expect("a body of a few hundred kilobytes")
}

/// A request whose values are at hand.
struct Ready {
    path: String,
    tenant: String,
    source: IpAddr,
    size: i64,
}

impl Values for &Ready {
    fn value(&mut self, subject: Subject, _wanted: Wanted) -> Found<'_> {
        match subject {
            Subject::Path => Found::Text(self.path.as_bytes()),
            Subject::Host => Found::Text(HOST.as_bytes()),
            Subject::Method => Found::Text(b"GET"),
            Subject::Node(NodeId(0)) => Found::Text(self.tenant.as_bytes()),
            Subject::Node(NodeId(1)) => Found::Address(self.source),
            Subject::Node(_) => Found::Number(self.size),
        }
    }
}

/// Requests that meet policies all over the set, and some that meet none.
fn requests(policies: u32) -> Vec<Ready> {
    (0..256_u32)
        .map(|number| {
            let policy = number.wrapping_mul(0x9e37_79b9) % policies;
            let [_, high, middle, low] = (policy / 6 * 6 + 4).to_be_bytes();
            Ready {
                path: match number % 5 {
                    0 => format!("/api/v1/orders-{}", policy / 18 * 18),
                    1 => format!("/shop/{}/checkout/pay/confirm", policy / 18 * 18 + 6),
                    2 => format!("/eu/axxbyc-{}-123/view", policy / 18 * 18 + 12),
                    _ => "/catalogue/shoes/winter/page-17".to_owned(),
                },
                tenant: format!("tenant-{}", policy / 6 * 6 + 2),
                source: IpAddr::from([10 + high, middle, low, 7]),
                size: i64::from(number % 100),
            }
        })
        .collect()
}

fn ask(criterion: &mut Criterion, name: &str, policies: u32, comparisons: Comparisons) {
    let body = body(policies, comparisons);
    let sections = Sections::read(&body).expect("written just now");
    let program = Program::load(&sections).expect("written just now");
    let index = Index::load(&sections, &program, policies).expect("written just now");
    let requests = requests(policies);
    let mut candidates = Candidates::default();
    let mut tried = 0;
    for request in &requests {
        index.candidates(&program, &mut &*request, &mut candidates);
        tried += candidates.iter().count();
    }
    let bytes = sections.get(Section::Index).len();
    println!(
        "{name}: {:.1} bytes and {:.2} candidates a request",
        bytes as f64 / f64::from(policies),
        tried as f64 / requests.len() as f64,
    );
    let mut next = requests.iter().cycle();
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            if let Some(mut request) = next.next() {
                index.candidates(&program, &mut request, &mut candidates);
            }
            candidates.iter().fold(0, |sum: u32, policy| sum ^ policy)
        });
    });
}

fn candidates(criterion: &mut Criterion) {
    for policies in [10, 1_000, 10_000] {
        let name = format!("candidates/{policies}");
        ask(criterion, &name, policies, Comparisons::Rare);
    }
    let name = "candidates/10000, half of the comparisons met";
    ask(criterion, name, 10_000, Comparisons::Half);
}

/// Policies that have each a list of their own: ranges all over the address space.
fn own_lists(criterion: &mut Criterion) {
    const RANGES: u32 = 60;
    for policies in [10, 166, 2_000] {
        let mut program = ProgramBuilder::default();
        let source = program.named(Op::Header, "source");
        let mut index = IndexBuilder::default();
        for number in 0..policies {
            let ranges = (0..RANGES).map(|range| {
                let address = (range * policies + number).wrapping_mul(0x9e37_79b9);
                (IpAddr::from(address.to_be_bytes()), 24)
            });
            let set = program.set(SetBuilder::cidrs(&number.to_string(), ranges));
            index.policy(vec![vec![Key {
                subject: Subject::Node(source),
                test: Test::InSet(set),
            }]]);
        }
        let mut form = FormWriter::default();
        index.write(&program, &mut form);
        program.write(&mut form);
        let body = form.finish().expect("a body of a few megabytes");
        let sections = Sections::read(&body).expect("written just now");
        let program = Program::load(&sections).expect("written just now");
        let index = Index::load(&sections, &program, policies).expect("written just now");
        let name = format!("own lists/{policies}");
        println!(
            "{name}: {:.1} bytes a range, and {:.1} in the sets",
            sections.get(Section::Index).len() as f64 / f64::from(policies * RANGES),
            sections.get(Section::SetData).len() as f64 / f64::from(policies * RANGES),
        );
        let mut address: u32 = 1;
        let mut candidates = Candidates::default();
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                address = address.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                index.candidates(&program, &mut From(address), &mut candidates);
                candidates.iter().fold(0, |sum: u32, policy| sum ^ policy)
            });
        });
    }
}

/// A request of which only the address counts.
struct From(u32);

impl Values for From {
    fn value(&mut self, _subject: Subject, _wanted: Wanted) -> Found<'_> {
        Found::Address(IpAddr::from(self.0.to_be_bytes()))
    }
}

fn load(criterion: &mut Criterion) {
    let body = body(10_000, Comparisons::Rare);
    let sections = Sections::read(&body).expect("written just now");
    let program = Program::load(&sections).expect("written just now");
    criterion.bench_function("load/10000", |bencher| {
        bencher.iter(|| Index::load(black_box(&sections), &program, 10_000).map(|_| ()));
    });
}

criterion_group!(benches, candidates, own_lists, load);
criterion_main!(benches);
