//! What it costs to judge conditions: one each, with an evaluator made for it as for a request, and a
//! thousand of a kind in one request, where only the evaluation counts.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use countersign_engine::cel::{
    EvalError, Evaluator, NodeId, Op, Program, ProgramBuilder, SetBuilder, Source, Text, Value,
};
use countersign_engine::form::{FormWriter, Sections};
use criterion::{Criterion, criterion_group, criterion_main};
use regex_automata::dfa::dense;

const HEADERS: u32 = 1;
const PATH: u32 = 2;
const METHOD: u32 = 3;
const SIZE: u32 = 4;
const ADDRESS: u32 = 5;

/// A request with the headers that a browser sends.
struct Request {
    headers: [(&'static str, &'static str); 16],
}

const REQUEST: Request = Request {
    headers: [
        (":authority", "shop.example.com"),
        (":method", "GET"),
        (":path", "/checkout/17?ref=mail"),
        (":scheme", "https"),
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "de-DE,de;q=0.9,en;q=0.8"),
        (
            "cookie",
            "a=1; b=2; __Host-countersign=eyJhbGciOiJFZERTQSJ9",
        ),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
        ("upgrade-insecure-requests", "1"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0",
        ),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-request-id", "8f14e45f-ceea-467f-a9f0-1c2b3d4e5f60"),
        ("x-tenant", "t1"),
    ],
};

impl<'a> Source<'a> for &'a Request {
    fn attribute(&self, number: u32) -> Result<Value<'a>, EvalError> {
        match number {
            HEADERS => Ok(Value::Headers),
            PATH => Ok(Value::text("/checkout/17")),
            METHOD => Ok(Value::text("GET")),
            SIZE => Ok(Value::Int(2_000_000)),
            ADDRESS => Ok(Value::text("192.0.2.7")),
            _ => Err(EvalError::NotAvailable),
        }
    }

    fn header(&self, name: &str) -> Option<Text<'a>> {
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| Text::Borrowed(value))
    }

    fn header_count(&self) -> usize {
        self.headers.len()
    }

    fn header_name(&self, index: usize) -> Option<Text<'a>> {
        self.headers
            .get(index)
            .map(|(name, _)| Text::Borrowed(*name))
    }
}

type Build = fn(&mut ProgramBuilder, u32) -> NodeId;

/// Conditions by what they are called. The number makes a thousand of them different.
const CONDITIONS: [(&str, Build); 11] = [
    ("size > n", |program, n| {
        let (size, limit) = (
            attribute(program, SIZE),
            program.int(1_000_000 + i64::from(n)),
        );
        program.call(Op::Gt, &[size, limit])
    }),
    ("header == t1", |program, n| {
        let header = program.named(Op::Header, "x-tenant");
        let tenant = program.string(if n == 0 { "t1" } else { "t2" });
        let equal = program.call(Op::Eq, &[header, tenant]);
        and_number(program, equal, n)
    }),
    ("header that is not there", |program, n| {
        let header = program.named(Op::Header, "x-absent");
        let text = program.string(&format!("t{n}"));
        program.call(Op::Eq, &[header, text])
    }),
    ("method in set", |program, n| {
        let members = ["GET", "HEAD", "OPTIONS"].map(str::to_owned).to_vec();
        let set = program.set(SetBuilder::strings("", members));
        let (method, set) = (
            attribute(program, METHOD),
            program.leaf(Op::Set, [set, 0, 0]),
        );
        let found = program.call(Op::In, &[method, set]);
        and_number(program, found, n)
    }),
    ("method in [literal]", |program, n| {
        let items = ["HEAD", "OPTIONS", "GET"].map(|method| program.string(method));
        let (method, list) = (attribute(program, METHOD), program.call(Op::List, &items));
        let found = program.call(Op::In, &[method, list]);
        and_number(program, found, n)
    }),
    ("path starts && size % n", |program, n| {
        let (path, start) = (attribute(program, PATH), program.string("/checkout/"));
        let starts = program.call(Op::StartsWith, &[path, start]);
        and_number(program, starts, n)
    }),
    ("agent contains", |program, n| {
        let header = program.named(Op::Header, "user-agent");
        let part = program.string("HeadlessChrome");
        let found = program.call(Op::Contains, &[header, part]);
        let not = program.call(Op::Not, &[found]);
        and_number(program, not, n)
    }),
    ("address in cidrs", |program, n| {
        let ranges = (0..100_u8).map(|third| ([192, 0, third, 0].into(), 24));
        let set = program.set(SetBuilder::cidrs("offices", ranges));
        let (address, set) = (
            attribute(program, ADDRESS),
            program.leaf(Op::Set, [set, 0, 0]),
        );
        let found = program.call(Op::InCidrs, &[address, set]);
        and_number(program, found, n)
    }),
    ("path matches", |program, n| {
        let pattern = "^/checkout/[0-9]+$";
        let dense = dense::Builder::new().build(pattern).expect("a pattern");
        let sparse = dense.to_sparse().expect("a small automaton");
        let number = program.automaton(sparse.to_bytes_little_endian(), pattern);
        let path = attribute(program, PATH);
        let found = program.matches(path, number);
        and_number(program, found, n)
    }),
    ("path.lowerAscii() == n", |program, n| {
        let path = attribute(program, PATH);
        let lower = program.call(Op::LowerAscii, &[path]);
        let text = program.string(&format!("/checkout/{n}"));
        program.call(Op::Ne, &[lower, text])
    }),
    ("headers.exists(k, k == n)", |program, n| {
        let (headers, name) = (attribute(program, HEADERS), program.leaf(Op::Local, [0; 3]));
        let text = program.string(&format!("x-{n}"));
        let equal = program.call(Op::Eq, &[name, text]);
        program.binder(Op::Exists, &[headers, equal], 0)
    }),
];

fn attribute(program: &mut ProgramBuilder, number: u32) -> NodeId {
    program.leaf(Op::Attribute, [number, 0, 0])
}

/// `condition && request.size % n != 7` for all but the first, so that a thousand share what they
/// share with a thousand policies and each has something of its own.
fn and_number(program: &mut ProgramBuilder, condition: NodeId, n: u32) -> NodeId {
    if n == 0 {
        return condition;
    }
    let (size, by) = (attribute(program, SIZE), program.int(8 + i64::from(n)));
    let rest = program.call(Op::Rem, &[size, by]);
    let seven = program.int(7);
    let other = program.call(Op::Ne, &[rest, seven]);
    program.call(Op::And, &[condition, other])
}

fn body(count: u32, build: Build) -> (Vec<u8>, Vec<NodeId>) {
    let mut program = ProgramBuilder::default();
    let mut roots = Vec::new();
    for number in 0..count {
        let root = build(&mut program, number);
        program.root(root);
        roots.push(root);
    }
    let mut form = FormWriter::default();
    program.write(&mut form);
    (form.finish().expect("a small program"), roots)
}

fn evaluate(criterion: &mut Criterion) {
    for (name, build) in CONDITIONS {
        for count in [1, 1_000] {
            let (body, roots) = body(count, build);
            let sections = Sections::read(&body).expect("sections");
            let program = Program::load(&sections).expect("a program");
            criterion.bench_function(&format!("{count:>5} × {name}"), |bencher| {
                bencher.iter(|| {
                    let mut evaluator = Evaluator::new(black_box(&program), &REQUEST);
                    let mut holds = 0_usize;
                    for &root in &roots {
                        holds += usize::from(evaluator.holds(root) == Ok(true));
                    }
                    holds
                });
            });
        }
    }
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
