use countersign_proto::policy::v1::{self as wire, node::Kind};
use prost::Message as _;

use super::LoadError;
use crate::limits::MAX_EXPRESSION_DEPTH;
use crate::testing::{call, compiled, load, node, policy};
use crate::{Revision, blob};

fn refusal(compiled: &wire::CompiledPolicy) -> LoadError {
    Revision::load(&blob::seal(&compiled.encode_to_vec(), 1).unwrap()).unwrap_err()
}

#[test]
fn a_revision_knows_its_name_and_attempt() {
    let revision = load(&compiled());
    assert_eq!(revision.id().to_string(), "12-3fa9c1d2e4b5");
    assert_eq!(revision.attempt(), 7);
}

#[test]
fn what_is_missing_is_named() {
    let without = |take: fn(&mut wire::CompiledPolicy)| {
        let mut compiled = compiled();
        take(&mut compiled);
        refusal(&compiled)
    };
    assert_eq!(
        without(|compiled| compiled.revision = None),
        LoadError::Missing("revision")
    );
    assert_eq!(
        without(|compiled| compiled.settings = None),
        LoadError::Missing("settings")
    );
}

#[test]
fn a_policy_with_an_impossible_action_is_refused_by_name() {
    use wire::ActionKind::{Block, Challenge, Redirect, Unspecified};
    let changed = |action, change: fn(&mut wire::Policy)| {
        let mut compiled = compiled();
        let mut policy = policy("p", action);
        change(&mut policy);
        compiled.policies = vec![policy];
        refusal(&compiled).to_string()
    };
    for (message, expected) in [
        (
            changed(Unspecified, |_| ()),
            "the action of `p` is not valid",
        ),
        (
            changed(Block, |policy| policy.action = 99),
            "the action of `p` is not valid",
        ),
        (
            changed(Block, |policy| policy.name.clear()),
            "`policy name` is missing",
        ),
        (
            changed(Block, |policy| policy.when = 1),
            "the condition of `p` is not valid",
        ),
        (
            changed(Challenge, |policy| policy.challenge = None),
            "the challenge of `p` is not valid",
        ),
        (
            changed(Challenge, |policy| {
                policy.challenge.as_mut().unwrap().min_assurance = 7
            }),
            "the assurance of `p` is not valid",
        ),
        (
            changed(Redirect, |policy| policy.redirect = None),
            "the redirect of `p` is not valid",
        ),
        (
            changed(Redirect, |policy| {
                policy.redirect.as_mut().unwrap().status = 301
            }),
            "the redirect status of `p` is not valid",
        ),
        (
            changed(Redirect, |policy| {
                policy.redirect.as_mut().unwrap().location = "/a\r\nb".to_owned()
            }),
            "the redirect location of `p` is not valid",
        ),
    ] {
        assert_eq!(message, expected);
    }
}

#[test]
fn an_expression_that_refers_forward_or_to_itself_is_refused() {
    for target in [0, 1, 99] {
        let mut compiled = compiled();
        call(&mut compiled, wire::Op::Not, &[target]);
        assert_eq!(refusal(&compiled), LoadError::Node(0), "{target}");
    }
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    for (op, count) in [
        (wire::Op::Not, 0),
        (wire::Op::Not, 2),
        (wire::Op::Eq, 1),
        (wire::Op::And, 0),
        (wire::Op::InCidrs, 3),
        (wire::Op::Unspecified, 1),
        (wire::Op::Matches, 1),
    ] {
        let mut compiled = compiled();
        node(&mut compiled, Kind::Bool(true));
        call(&mut compiled, op, &vec![0; count]);
        assert_eq!(refusal(&compiled), LoadError::Node(1), "{op:?} of {count}");
    }
}

#[test]
fn nesting_is_accepted_to_the_limit_and_refused_one_past_it() {
    let nested = |levels: u32| {
        let mut compiled = compiled();
        node(&mut compiled, Kind::Bool(true));
        for level in 1..levels {
            call(&mut compiled, wire::Op::Not, &[level - 1]);
        }
        Revision::load(&blob::seal(&compiled.encode_to_vec(), 1).unwrap()).map(|_| ())
    };
    assert_eq!(nested(MAX_EXPRESSION_DEPTH), Ok(()));
    assert_eq!(
        nested(MAX_EXPRESSION_DEPTH + 1),
        Err(LoadError::TooDeep(MAX_EXPRESSION_DEPTH as usize))
    );
}

#[test]
fn unsorted_lists_bad_cidrs_bad_automata_and_bad_keys_are_refused() {
    let changed = |change: fn(&mut wire::CompiledPolicy)| {
        let mut compiled = compiled();
        change(&mut compiled);
        refusal(&compiled)
    };
    let list = |members| wire::List {
        name: "l".to_owned(),
        members: Some(members),
    };
    let unsorted = list(wire::list::Members::Numbers(wire::Numbers {
        values: vec![2, 1],
    }));
    let twice = list(wire::list::Members::Strings(wire::Strings {
        values: vec!["a".to_owned(), "a".to_owned()],
    }));
    let cidr = wire::Cidr {
        address: vec![10, 0, 0, 0],
        prefix: 33,
    };
    let cidrs = list(wire::list::Members::Cidrs(wire::Cidrs {
        values: vec![cidr],
    }));
    for bad in [
        unsorted,
        twice,
        cidrs,
        wire::List {
            name: "l".to_owned(),
            members: None,
        },
    ] {
        let mut compiled = compiled();
        compiled.lists = vec![bad];
        assert_eq!(refusal(&compiled), LoadError::List("l".to_owned()));
    }
    assert_eq!(
        changed(|compiled| compiled.automata = vec![b"no".to_vec()]),
        LoadError::Automaton(0)
    );
    let key = |name: &str| LoadError::Key(name.to_owned());
    assert_eq!(
        changed(|compiled| compiled.session_keys[0].public_key = vec![1; 31]),
        key("k1")
    );
    // The identity point verifies anything.
    assert_eq!(
        changed(|compiled| {
            let mut identity = vec![0; 32];
            identity[0] = 1;
            compiled.session_keys[0].public_key = identity;
        }),
        key("k1")
    );
    assert_eq!(
        changed(|compiled| compiled.ticket_keys[0].secret = vec![1; 31]),
        key("t1")
    );
}

#[test]
fn no_truncation_or_flipped_bit_of_a_body_panics() {
    let mut compiled = compiled();
    crate::testing::score_at_least(&mut compiled, 70);
    compiled.policies = vec![policy("p", wire::ActionKind::Challenge)];
    let body = compiled.encode_to_vec();
    for length in 0..body.len() {
        let _checked = Revision::load(&blob::seal(&body[..length], 1).unwrap());
    }
    for byte in 0..body.len() {
        for bit in 0..8 {
            let mut altered = body.clone();
            altered[byte] ^= 1 << bit;
            let _checked = Revision::load(&blob::seal(&altered, 1).unwrap());
        }
    }
}
