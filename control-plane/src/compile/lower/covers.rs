//! What the request must have for a policy to match, for the index: the hosts, endpoints and methods,
//! and what the conjunction of its condition makes necessary. It may promise too much, never too
//! little: a candidate's condition is evaluated all the same.

use std::cmp::Reverse;
use std::net::IpAddr;

use countersign_engine::cel::{Inspected, NodeId, Op, ProgramBuilder, SetKind};
use countersign_engine::index::{
    Cover, IndexBuilder, Key, Subject, Test, endpoint_covers, host_cover, method_cover,
};
use countersign_engine::{Attribute, PolicySpec, RevisionBuilder};

/// Members of a set that stand in the index one by one; a larger set is looked up as a whole.
const MAX_EXPANDED: usize = 64;
/// Keys of one cover: past this the alternatives of an `||` are too many to tell policies apart.
const MAX_KEYS: usize = 256;
/// Levels of `&&` and `||` that are looked into.
const MAX_LEVELS: u32 = 32;
/// Policies that share a truth value before it is worth being looked up for all of them.
const SHARED_BY: u32 = 4;

/// Writes the index of these policies.
pub(super) fn index(policies: &[PolicySpec], ignore_case: bool, to: &mut RevisionBuilder) {
    let mut index = IndexBuilder::default();
    for policy in policies {
        let mut covers: Vec<Cover> = Vec::new();
        covers.extend(host_cover(&policy.hosts));
        covers.extend(endpoint_covers(&policy.endpoints, ignore_case));
        covers.extend(method_cover(&policy.methods));
        if let Some(when) = policy.when {
            of_condition(&to.program, when, 0, &mut covers);
        }
        index.policy(covers);
    }
    to.index(&index);
}

/// Everything of which each alone must hold for the node to be true.
fn of_condition(program: &ProgramBuilder, id: NodeId, level: u32, covers: &mut Vec<Cover>) {
    let Some(node) = program.inspect(id) else {
        return;
    };
    if level > MAX_LEVELS {
        return;
    }
    match node.op {
        Op::And => {
            for &arg in node.args {
                of_condition(program, NodeId(arg), level + 1, covers);
            }
        }
        Op::Or => covers.extend(of_alternatives(program, &node, level)),
        _ => {
            let direct = of_test(program, id, &node);
            if direct.is_empty() && node.uses >= SHARED_BY {
                covers.push(vec![key(id, Test::Is(true))]);
            }
            covers.extend(direct);
        }
    }
}

/// One of the operands must hold, so the best of each together are a cover; none without one of each.
fn of_alternatives(program: &ProgramBuilder, node: &Inspected<'_>, level: u32) -> Option<Cover> {
    let mut keys = Cover::new();
    for &arg in node.args {
        let mut covers = Vec::new();
        of_condition(program, NodeId(arg), level + 1, &mut covers);
        keys.extend(covers.into_iter().max_by_key(promise)?);
        if keys.len() > MAX_KEYS {
            return None;
        }
    }
    keys.sort();
    keys.dedup();
    Some(keys)
}

/// How much a cover tells policies apart, at a guess, before the planner counts.
fn promise(cover: &Cover) -> (u32, Reverse<usize>) {
    let weight = |key: &Key| match &key.test {
        Test::Equals(_) | Test::Number(_) => 100,
        Test::Cidr(_, prefix) => u32::from(*prefix) / 2,
        Test::Prefix(text) | Test::Suffix(text) | Test::Contains(text) => {
            u32::try_from(text.len()).unwrap_or(u32::MAX).min(60)
        }
        Test::InSet(_) => 40,
        Test::NumberRange { .. } => 10,
        Test::Is(_) => 5,
    };
    (
        cover.iter().map(weight).min().unwrap_or(0),
        Reverse(cover.len()),
    )
}

fn key(subject: NodeId, test: Test) -> Key {
    Key {
        subject: Subject::Node(subject),
        test,
    }
}

fn of_test(program: &ProgramBuilder, id: NodeId, node: &Inspected<'_>) -> Vec<Cover> {
    let binary = || match *node.args {
        [left, right] => Some((NodeId(left), NodeId(right))),
        _ => None,
    };
    let one = |subject, test| vec![vec![key(subject, test)]];
    match node.op {
        Op::HasHeader | Op::Attribute => one(id, Test::Is(true)),
        Op::Not => match *node.args {
            [arg]
                if program
                    .inspect(NodeId(arg))
                    .is_some_and(|node| matches!(node.op, Op::HasHeader | Op::Attribute)) =>
            {
                one(NodeId(arg), Test::Is(false))
            }
            _ => Vec::new(),
        },
        Op::Eq => binary()
            .and_then(|(left, right)| {
                equality(program, left, right).or_else(|| equality(program, right, left))
            })
            .map(|key| vec![vec![key]])
            .unwrap_or_default(),
        Op::Lt | Op::Le => binary()
            .and_then(|(left, right)| {
                at_most(program, left, right).or_else(|| at_least(program, right, left))
            })
            .map(|key| vec![vec![key]])
            .unwrap_or_default(),
        Op::Gt | Op::Ge => binary()
            .and_then(|(left, right)| {
                at_least(program, left, right).or_else(|| at_most(program, right, left))
            })
            .map(|key| vec![vec![key]])
            .unwrap_or_default(),
        Op::StartsWith | Op::EndsWith | Op::Contains => binary()
            .and_then(|(subject, part)| {
                let text = text_of(program, part).filter(|text| !text.is_empty())?;
                let test = match node.op {
                    Op::StartsWith => Test::Prefix(text),
                    Op::EndsWith => Test::Suffix(text),
                    _ => Test::Contains(text),
                };
                variable(program, subject).then(|| one(subject, test))
            })
            .unwrap_or_default(),
        Op::Matches => match *node.args {
            [subject] if variable(program, NodeId(subject)) => program
                .pattern(node.b)
                .and_then(super::literal::necessary)
                .map(|tests| {
                    let cover = tests.into_iter().map(|test| key(NodeId(subject), test));
                    vec![cover.collect()]
                })
                .unwrap_or_default(),
            _ => Vec::new(),
        },
        Op::In | Op::InCidrs => binary()
            .and_then(|(subject, members)| membership(program, subject, members))
            .map(|cover| vec![cover])
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Is it anything but a constant?
fn variable(program: &ProgramBuilder, id: NodeId) -> bool {
    program.inspect(id).is_some_and(|node| {
        !matches!(
            node.op,
            Op::Null
                | Op::Bool
                | Op::Int
                | Op::Uint
                | Op::Double
                | Op::String
                | Op::Bytes
                | Op::Timestamp
                | Op::Duration
                | Op::Type
                | Op::Set
                | Op::Local
        ) && !reads_locals(program, id, 0)
    })
}

/// A value that changes within the evaluation is none that could be looked up before it.
fn reads_locals(program: &ProgramBuilder, id: NodeId, level: u32) -> bool {
    level > MAX_LEVELS
        || program.inspect(id).is_none_or(|node| {
            node.op == Op::Local
                || node
                    .args
                    .iter()
                    .any(|&arg| reads_locals(program, NodeId(arg), level + 1))
        })
}

fn text_of(program: &ProgramBuilder, id: NodeId) -> Option<String> {
    let node = program.inspect(id)?;
    (node.op == Op::String).then(|| node.text.unwrap_or_default().to_owned())
}

fn number_of(program: &ProgramBuilder, id: NodeId) -> Option<i64> {
    let node = program.inspect(id)?;
    let wide = u64::from(node.a) | u64::from(node.b) << 32;
    (node.op == Op::Int).then_some(wide.cast_signed())
}

fn equality(program: &ProgramBuilder, subject: NodeId, constant: NodeId) -> Option<Key> {
    if !variable(program, subject) {
        return None;
    }
    let node = program.inspect(constant)?;
    let test = match node.op {
        Op::String => text_test(program, subject, text_of(program, constant)?),
        Op::Int => Test::Number(number_of(program, constant)?),
        Op::Bool => Test::Is(node.a != 0),
        _ => return None,
    };
    Some(key(subject, test))
}

/// The client's address is a text to conditions; the index looks up the address itself, so that no text
/// is made of it and read again for each request.
fn text_test(program: &ProgramBuilder, subject: NodeId, text: String) -> Test {
    let is_client = program.inspect(subject).is_some_and(|node| {
        node.op == Op::Attribute && node.a == Attribute::SourceAddress.number()
    });
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) if is_client => Test::Cidr(address.into(), 32),
        Ok(IpAddr::V6(address)) if is_client => Test::Cidr(address.into(), 128),
        _ => Test::Equals(text),
    }
}

/// A double between two whole numbers is above the lower one: bounds are taken in, also where the
/// operator leaves them out.
fn at_least(program: &ProgramBuilder, subject: NodeId, constant: NodeId) -> Option<Key> {
    let least = number_of(program, constant).filter(|_| variable(program, subject))?;
    let greatest = i64::MAX;
    Some(key(subject, Test::NumberRange { least, greatest }))
}

fn at_most(program: &ProgramBuilder, subject: NodeId, constant: NodeId) -> Option<Key> {
    let greatest = number_of(program, constant).filter(|_| variable(program, subject))?;
    let least = i64::MIN;
    Some(key(subject, Test::NumberRange { least, greatest }))
}

fn membership(program: &ProgramBuilder, subject: NodeId, members: NodeId) -> Option<Cover> {
    if !variable(program, subject) {
        return None;
    }
    let node = program.inspect(members)?;
    match node.op {
        Op::List if node.args.len() <= MAX_KEYS => node
            .args
            .iter()
            .map(|&item| equality(program, subject, NodeId(item)))
            .collect(),
        Op::Set => {
            let set = program.known_set(node.a)?;
            if set.len() > MAX_EXPANDED {
                return Some(vec![key(subject, Test::InSet(node.a))]);
            }
            Some(match set.kind() {
                SetKind::Strings => set
                    .texts()
                    .map(|text| key(subject, Test::Equals(text.to_owned())))
                    .collect(),
                SetKind::Numbers => set
                    .all_numbers()
                    .map(|number| key(subject, Test::Number(number)))
                    .collect(),
                SetKind::Cidrs => vec![key(subject, Test::InSet(node.a))],
            })
        }
        _ => None,
    }
}
