//! Policies from a few words, compiled by the front end that policies go through.

use std::collections::HashMap;
use std::net::IpAddr;

use countersign_engine::{Assurance, Attribute, Verdict};

use crate::cel::{
    Compiled, Compiler, Env, Lowering, Members as SetMembers, Type, Typed, Variable, Words,
};
use crate::compile::analyse::{
    About, Effect, Members, Policy, Remark, Signal, When, World, analyse,
};

static GRADE: Words = Words {
    name: "assurance",
    known: &[
        ("none", 0),
        ("effort", 1),
        ("human", 2),
        ("possession", 3),
        ("uv", 4),
        ("uv_bound", 5),
        ("uv_attested", 6),
    ],
    ordered: true,
};

static VERDICT: Words = Words {
    name: "verdict",
    known: &[("ALLOW", 0), ("CHALLENGE", 1), ("BLOCK", 2)],
    ordered: false,
};

/// Every attribute, and the lists of [`world`].
pub(in crate::compile::analyse) fn env() -> Env {
    let mut env = Env::default();
    for &attribute in Attribute::ALL {
        let number = attribute.number();
        let (ty, lowering) = match attribute {
            Attribute::RequestHeaders => (
                Type::map(Type::String, Type::String),
                Lowering::Headers(number),
            ),
            Attribute::RequestSize
            | Attribute::SourcePort
            | Attribute::Score
            | Attribute::GeoAsn => (Type::Int, Lowering::Attribute(number)),
            Attribute::ConnectionMtls | Attribute::SessionValid | Attribute::SessionBound => {
                (Type::Bool, Lowering::Attribute(number))
            }
            Attribute::SessionAssurance => (Type::Word(&GRADE), Lowering::Attribute(number)),
            Attribute::Verdict => (Type::Word(&VERDICT), Lowering::Attribute(number)),
            Attribute::Reasons => (Type::list(Type::String), Lowering::Attribute(number)),
            Attribute::SessionAge => (Type::Duration, Lowering::Attribute(number)),
            Attribute::Now => (Type::Timestamp, Lowering::Attribute(number)),
            _ => (Type::String, Lowering::Attribute(number)),
        };
        let absent = None;
        env.declare(
            attribute.name(),
            Variable {
                ty,
                lowering,
                absent,
            },
        );
    }
    for (number, (name, members)) in (0..).zip([
        ("lists.offices", SetMembers::Cidrs),
        ("lists.labs", SetMembers::Cidrs),
        ("lists.tenants", SetMembers::Strings),
        ("lists.asns", SetMembers::Numbers),
    ]) {
        env.declare(
            name,
            Variable {
                ty: Type::Set(members),
                lowering: Lowering::Set(number),
                absent: None,
            },
        );
    }
    env
}

pub(in crate::compile::analyse) fn offices() -> Vec<(IpAddr, u8)> {
    vec![
        ("192.0.2.0".parse().unwrap(), 24),
        ("2001:db8::".parse().unwrap(), 32),
    ]
}

pub(in crate::compile::analyse) fn labs() -> Vec<(IpAddr, u8)> {
    vec![("10.0.0.0".parse().unwrap(), 8)]
}

pub(in crate::compile::analyse) const TENANTS: [&str; 3] = ["a", "b", "tenant-1"];
pub(in crate::compile::analyse) const ASNS: [i64; 2] = [64500, 64501];

/// A set with trusted hops that give everything they can, and its lists.
pub(in crate::compile::analyse) fn world<'a>(tenants: &'a [String]) -> World<'a> {
    World {
        whole: true,
        lists: HashMap::from([
            (0, Members::Cidrs(offices())),
            (1, Members::Cidrs(labs())),
            (2, Members::Strings(tenants)),
            (3, Members::Numbers(&ASNS)),
        ]),
        score_header: true,
        device_verdicts: vec![Verdict::Block],
        ..World::default()
    }
}

pub(in crate::compile::analyse) fn tenants() -> Vec<String> {
    TENANTS.map(str::to_owned).to_vec()
}

pub(in crate::compile::analyse) fn compiled(when: &str) -> Compiled {
    match Compiler::default().condition(when, &env()) {
        Ok(compiled) => compiled,
        Err(problems) => panic!("{when}: {problems:?}"),
    }
}

pub(in crate::compile::analyse) fn typed(when: &str) -> Typed {
    compiled(when).tree
}

/// A policy that blocks, in words.
#[derive(Clone, Debug)]
pub(in crate::compile::analyse) struct Spec {
    pub(in crate::compile::analyse) name: String,
    pub(in crate::compile::analyse) hosts: Vec<String>,
    pub(in crate::compile::analyse) endpoints: Vec<String>,
    pub(in crate::compile::analyse) methods: Vec<String>,
    pub(in crate::compile::analyse) when: Option<String>,
    pub(in crate::compile::analyse) effect: Effect,
}

pub(in crate::compile::analyse) fn spec() -> Spec {
    Spec {
        name: "p".to_owned(),
        hosts: Vec::new(),
        endpoints: Vec::new(),
        methods: Vec::new(),
        when: None,
        effect: Effect::Blocks,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

impl Spec {
    pub(in crate::compile::analyse) fn hosts(mut self, hosts: &[&str]) -> Self {
        self.hosts = texts(hosts);
        self
    }

    pub(in crate::compile::analyse) fn endpoints(mut self, endpoints: &[&str]) -> Self {
        self.endpoints = texts(endpoints);
        self
    }

    pub(in crate::compile::analyse) fn methods(mut self, methods: &[&str]) -> Self {
        self.methods = texts(methods);
        self
    }

    pub(in crate::compile::analyse) fn when(mut self, when: impl Into<String>) -> Self {
        self.when = Some(when.into());
        self
    }

    pub(in crate::compile::analyse) fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
}

pub(in crate::compile::analyse) const fn challenge(
    min_assurance: Assurance,
    max_age_s: u32,
) -> Effect {
    Effect::Challenges {
        min_assurance,
        max_age_s,
    }
}

/// Conditions compiled, so that policies can be made of them.
pub(in crate::compile::analyse) fn trees(specs: &[Spec]) -> Vec<Option<Typed>> {
    let mut compiler = Compiler::default();
    let env = env();
    specs
        .iter()
        .map(|spec| {
            let when = spec.when.as_ref()?;
            match compiler.condition(when, &env) {
                Ok(compiled) => Some(compiled.tree),
                Err(problems) => panic!("{when}: {problems:?}"),
            }
        })
        .collect()
}

pub(in crate::compile::analyse) fn policies<'a>(
    specs: &'a [Spec],
    trees: &'a [Option<Typed>],
) -> Vec<Policy<'a>> {
    specs
        .iter()
        .zip(trees)
        .zip(0..)
        .map(|((spec, tree), priority)| Policy {
            name: &spec.name,
            priority,
            hosts: &spec.hosts,
            endpoints: spec.endpoints.iter().map(String::as_str).collect(),
            methods: &spec.methods,
            when: spec
                .when
                .as_ref()
                .zip(tree.as_ref())
                .map(|(text, tree)| When {
                    text,
                    tree,
                    told: &[],
                }),
            effect: spec.effect,
        })
        .collect()
}

pub(in crate::compile::analyse) fn remarks_in(
    specs: &[Spec],
    signals: &[Signal<'_>],
    world: &World<'_>,
) -> Vec<Remark> {
    let trees = trees(specs);
    analyse(&policies(specs, &trees), signals, world)
}

/// What is said of policies in the usual set.
pub(in crate::compile::analyse) fn remarks(specs: &[Spec]) -> Vec<Remark> {
    let tenants = tenants();
    remarks_in(specs, &[], &world(&tenants))
}

/// A remark in one line: message, then `<` and the earlier policy, then notes and advice.
pub(in crate::compile::analyse) fn line(remark: &Remark) -> String {
    let mut line = match remark.about {
        About::Policy(number) => format!("{number}: {}", remark.message),
        About::Signal(number) => format!("signal {number}: {}", remark.message),
    };
    if let Some(earlier) = &remark.earlier {
        line.push_str(&format!(" < {}: {}", earlier.policy, earlier.label));
    }
    for note in &remark.notes {
        line.push_str(&format!("; {note}"));
    }
    for help in &remark.helps {
        line.push_str(&format!(" ({help})"));
    }
    line
}

/// What is said of one policy with this condition.
pub(in crate::compile::analyse) fn said(when: &str) -> Vec<String> {
    remarks(&[spec().when(when)]).iter().map(line).collect()
}
