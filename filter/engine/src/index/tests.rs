//! What the tests of the index share: indexes and requests from a few words.

mod differential;
mod hostile;
mod lookup;
mod planner;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::*;
use crate::cel::{NodeId, Op, ProgramBuilder, SetBuilder};
use crate::form::{FormWriter, Section, Sections};

/// A body with an index, the nodes that its subjects name, and sets.
struct Built {
    body: Vec<u8>,
    policies: u32,
}

const NODES: u32 = 16;

fn build(policies: &[Vec<Cover>], sets: &[SetBuilder]) -> Built {
    let mut builder = IndexBuilder::default();
    for covers in policies {
        builder.policy(covers.clone());
    }
    built(&builder, sets)
}

fn built(builder: &IndexBuilder, sets: &[SetBuilder]) -> Built {
    let mut program = ProgramBuilder::default();
    for node in 0..NODES {
        assert_eq!(
            program.named(Op::Header, &format!("x-{node}")),
            NodeId(node)
        );
    }
    for (number, set) in sets.iter().enumerate() {
        assert_eq!(program.set(set.clone()) as usize, number);
    }
    let mut form = FormWriter::default();
    builder.write(&program, &mut form);
    program.write(&mut form);
    Built {
        body: form.finish().unwrap(),
        policies: u32::try_from(builder.policies().len()).unwrap(),
    }
}

impl Built {
    fn sections(&self) -> Sections<'_> {
        Sections::read(&self.body).unwrap()
    }

    fn program(&self) -> Program<'_> {
        Program::load(&self.sections()).unwrap()
    }

    fn bytes(&self) -> usize {
        self.sections().get(Section::Index).len()
    }

    fn candidates(&self, request: &mut Given) -> Vec<u32> {
        let program = self.program();
        let index = Index::load(&self.sections(), &program, self.policies).unwrap();
        let mut candidates = Candidates::default();
        index.candidates(&program, request, &mut candidates);
        candidates.iter().collect()
    }
}

/// What a request holds.
#[derive(Clone, Debug, PartialEq)]
enum Held {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
    Address(IpAddr),
    Bool(bool),
    Other,
}

/// A request: what is not named is absent.
#[derive(Clone, Debug, Default)]
struct Given {
    values: BTreeMap<Subject, Held>,
    asked: Vec<(Subject, Wanted)>,
}

impl Values for Given {
    fn value(&mut self, subject: Subject, wanted: Wanted) -> Found<'_> {
        self.asked.push((subject, wanted));
        match self.values.get(&subject) {
            Some(Held::Text(text)) => Found::Text(text.as_bytes()),
            Some(Held::Bytes(bytes)) => Found::Text(bytes),
            Some(Held::Number(number)) => Found::Number(*number),
            Some(Held::Address(address)) => Found::Address(*address),
            Some(Held::Bool(truth)) => Found::Bool(*truth),
            Some(Held::Other) => Found::Other,
            None => Found::Absent,
        }
    }
}

const NODE: Subject = Subject::Node(NodeId(0));

fn given(values: impl IntoIterator<Item = (Subject, Held)>) -> Given {
    Given {
        values: values.into_iter().collect(),
        asked: Vec::new(),
    }
}

fn text(text: &str) -> Held {
    Held::Text(text.to_owned())
}

fn address(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn key(subject: Subject, test: Test) -> Key {
    Key { subject, test }
}

fn equals(subject: Subject, text: &str) -> Key {
    key(subject, Test::Equals(text.to_owned()))
}

fn prefix(subject: Subject, text: &str) -> Key {
    key(subject, Test::Prefix(text.to_owned()))
}

fn cidr(subject: Subject, network: &str) -> Key {
    let (base, length) = network.split_once('/').unwrap();
    key(subject, Test::Cidr(address(base), length.parse().unwrap()))
}

/// One policy for each test of the first node.
fn each(tests: impl IntoIterator<Item = Test>) -> Vec<Vec<Cover>> {
    tests
        .into_iter()
        .map(|test| vec![vec![key(NODE, test)]])
        .collect()
}

fn texts(of: fn(String) -> Test, texts: &[&str]) -> Vec<Vec<Cover>> {
    each(texts.iter().map(|&text| of(text.to_owned())))
}
