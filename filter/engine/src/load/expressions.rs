//! Expressions, lists and automata from the wire.

use countersign_proto::policy::v1 as wire;
use regex_automata::dfa::sparse::DFA;

use super::LoadError;
use crate::cidr::CidrSet;
use crate::expression::{Call, List, Members, Node, Op, Program};
use crate::limits::{MAX_EVENT_ITEMS, MAX_EXPRESSION_DEPTH};
use crate::revision::InputName;

pub(super) fn load(
    nodes: Vec<wire::Node>,
    lists: Vec<wire::List>,
    automata: &[Vec<u8>],
) -> Result<Program, LoadError> {
    let mut program = Program {
        nodes: Vec::with_capacity(nodes.len()),
        lists: lists.into_iter().map(list).collect::<Result<_, _>>()?,
        automata: Vec::with_capacity(automata.len()),
    };
    for (index, bytes) in automata.iter().enumerate() {
        let (dfa, _) = DFA::from_bytes(bytes).map_err(|_| LoadError::Automaton(index))?;
        program.automata.push(dfa.to_owned());
    }
    let mut depths: Vec<u32> = Vec::with_capacity(nodes.len());
    for (index, wire) in nodes.into_iter().enumerate() {
        let (node, depth) = node(index, wire, &program, &depths)?;
        if depth > MAX_EXPRESSION_DEPTH {
            return Err(LoadError::TooDeep(index));
        }
        program.nodes.push(node);
        depths.push(depth);
    }
    Ok(program)
}

fn node(
    index: usize,
    wire: wire::Node,
    program: &Program,
    depths: &[u32],
) -> Result<(Node, u32), LoadError> {
    use wire::node::Kind;
    let invalid = LoadError::Node(index);
    let leaf = match wire.kind.ok_or_else(|| invalid.clone())? {
        Kind::Null(_) => Node::Null,
        Kind::Bool(value) => Node::Bool(value),
        Kind::Int(value) => Node::Int(value),
        Kind::Uint(value) => Node::Uint(value),
        Kind::Double(value) => Node::Double(value),
        Kind::String(value) => Node::String(value),
        Kind::Bytes(value) => Node::Bytes(value),
        Kind::TimestampNs(value) => Node::Timestamp(value),
        Kind::DurationNs(value) => Node::Duration(value),
        Kind::Attribute(number) => match wire::Attribute::try_from(number) {
            Ok(wire::Attribute::Unspecified) | Err(_) => return Err(invalid),
            Ok(attribute) => Node::Attribute(attribute),
        },
        Kind::List(list) if (list as usize) < program.lists.len() => Node::List(list as usize),
        Kind::List(_) => return Err(invalid),
        Kind::Call(call) => {
            let op = operator(call.op).ok_or_else(|| invalid.clone())?;
            let automaton = call.automaton as usize;
            if !takes(op, call.args.len())
                || (op == Op::Matches && automaton >= program.automata.len())
            {
                return Err(invalid);
            }
            let args: Vec<usize> = call
                .args
                .iter()
                .map(|&argument| argument as usize)
                .collect();
            let mut depth = 0;
            for &argument in &args {
                // An argument stands before its call, so there are no cycles.
                depth = depth.max(*depths.get(argument).ok_or_else(|| invalid.clone())?);
            }
            return Ok((
                Node::Call(Call {
                    op,
                    args,
                    automaton,
                }),
                depth + 1,
            ));
        }
    };
    Ok((leaf, 1))
}

fn operator(number: i32) -> Option<Op> {
    Some(match wire::Op::try_from(number).ok()? {
        wire::Op::Unspecified => return None,
        wire::Op::Not => Op::Not,
        wire::Op::And => Op::And,
        wire::Op::Or => Op::Or,
        wire::Op::Eq => Op::Eq,
        wire::Op::Ne => Op::Ne,
        wire::Op::Lt => Op::Lt,
        wire::Op::Le => Op::Le,
        wire::Op::Gt => Op::Gt,
        wire::Op::Ge => Op::Ge,
        wire::Op::In => Op::In,
        wire::Op::StartsWith => Op::StartsWith,
        wire::Op::EndsWith => Op::EndsWith,
        wire::Op::Contains => Op::Contains,
        wire::Op::Matches => Op::Matches,
        wire::Op::Index => Op::Index,
        wire::Op::Has => Op::Has,
        wire::Op::List => Op::List,
        wire::Op::Negate => Op::Negate,
        wire::Op::InCidrs => Op::InCidrs,
    })
}

const fn takes(op: Op, arguments: usize) -> bool {
    match op {
        Op::List => true,
        Op::And | Op::Or => arguments >= 1,
        Op::Not | Op::Negate | Op::Matches => arguments == 1,
        _ => arguments == 2,
    }
}

fn list(list: wire::List) -> Result<List, LoadError> {
    let refused = || LoadError::List(list.name.clone());
    let members = match list.members.as_ref().ok_or_else(refused)? {
        wire::list::Members::Strings(strings) => {
            if !strings.values.is_sorted_by(|a, b| a < b) {
                return Err(refused());
            }
            Members::Strings(strings.values.clone())
        }
        wire::list::Members::Numbers(numbers) => {
            if !numbers.values.is_sorted_by(|a, b| a < b) {
                return Err(refused());
            }
            Members::Numbers(numbers.values.clone())
        }
        wire::list::Members::Cidrs(cidrs) => {
            let cidrs = cidrs
                .values
                .iter()
                .map(|cidr| (cidr.address.as_slice(), cidr.prefix));
            Members::Cidrs(CidrSet::new(cidrs).map_err(|_| refused())?)
        }
    };
    Ok(List { members })
}

/// What a condition reads, in the order it names it, without duplicates, bounded: an event explains,
/// it does not copy the request.
pub(super) fn inputs(program: &Program, condition: usize) -> Vec<InputName> {
    let mut inputs = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut pending = vec![condition];
    while let Some(index) = pending.pop() {
        if inputs.len() >= MAX_EVENT_ITEMS {
            break;
        }
        if !seen.insert(index) {
            continue;
        }
        match program.nodes.get(index) {
            Some(Node::Attribute(attribute)) if *attribute != wire::Attribute::RequestHeaders => {
                inputs.push(InputName::Attribute(*attribute));
            }
            Some(Node::Call(call)) => {
                let key = header_name(program, call);
                if let Some(name) = key {
                    let header = InputName::Header(name);
                    if !inputs.contains(&header) {
                        inputs.push(header);
                    }
                }
                pending.extend(call.args.iter().rev());
            }
            _ => {}
        }
    }
    inputs
}

/// The header that an index, `has()` or `in` over the header map names.
fn header_name(program: &Program, call: &Call) -> Option<String> {
    let (map, key) = match (call.op, call.args.as_slice()) {
        (Op::Index | Op::Has, &[map, key]) | (Op::In, &[key, map]) => (map, key),
        _ => return None,
    };
    match (program.nodes.get(map), program.nodes.get(key)) {
        (Some(Node::Attribute(wire::Attribute::RequestHeaders)), Some(Node::String(name))) => {
            Some(name.clone())
        }
        _ => None,
    }
}
