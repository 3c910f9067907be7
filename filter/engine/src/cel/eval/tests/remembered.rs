//! What is read and evaluated once, late, or not at all.

use super::expression::*;
use super::request::{HEADERS, PATH, REASONS, Request, SIZE, UNKNOWN};
use crate::cel::{EvalError, Evaluator, Op, Program};
use crate::form::Sections;

/// What the source was asked for while the expressions were evaluated, each twice.
fn asked(expressions: &[E]) -> Vec<String> {
    let (body, roots) = body(expressions);
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let mut evaluator = Evaluator::new(&program, Request::default());
    for _ in 0..2 {
        for &root in &roots {
            let _value_or_error = evaluator.evaluate(root);
        }
    }
    evaluator.source().asked.take()
}

fn attribute(number: u32) -> E {
    E::Numbered(Op::Attribute, number)
}

#[test]
fn an_attribute_is_read_once_whatever_reads_it() {
    let expressions = [
        call(Op::Gt, [attribute(SIZE), int(1)]),
        call(
            Op::Exists,
            [ints([1, 2, 3]), call(Op::Eq, [attribute(SIZE), local(0)])],
        ),
        call(Op::Add, [attribute(SIZE), attribute(SIZE)]),
        attribute(UNKNOWN),
        call(Op::Eq, [attribute(UNKNOWN), int(1)]),
        E::Numbered(Op::Variable, 0),
    ];
    assert_eq!(
        asked(&expressions),
        ["attribute 3", "attribute 4", "variable 0"]
    );
}

#[test]
fn more_attributes_than_fit_in_place_are_read_once_too() {
    let many: Vec<E> = (100..200).map(attribute).collect();
    assert_eq!(asked(&many).len(), 100);
}

#[test]
fn what_is_not_needed_is_not_read() {
    let path = || call(Op::Eq, [attribute(PATH), text("/")]);
    let expressions = [
        call(Op::And, [no(), path()]),
        call(Op::Or, [yes(), path()]),
        call(Op::Conditional, [yes(), int(1), path()]),
        call(Op::Bind, [path(), int(1)]),
        call(Op::All, [list([]), path()]),
        call(
            Op::OptionalOr,
            [call(Op::OptionalOf, [int(1)]), attribute(PATH)],
        ),
        call(
            Op::OptionalOrValue,
            [call(Op::OptionalOf, [int(1)]), attribute(PATH)],
        ),
        call(
            Op::OptionalMap,
            [call(Op::OptionalNone, []), attribute(PATH)],
        ),
    ];
    assert_eq!(asked(&expressions), Vec::<String>::new());
}

#[test]
fn a_header_that_several_expressions_read_is_looked_for_once() {
    let tenant = || E::Named(Op::Header, "x-tenant");
    let expressions = [
        call(Op::Eq, [tenant(), text("t1")]),
        call(Op::Eq, [tenant(), text("t2")]),
        call(
            Op::Exists,
            [
                ints([1, 2]),
                call(Op::Eq, [E::Named(Op::Header, "accept"), text("x")]),
            ],
        ),
    ];
    assert_eq!(
        asked(&expressions)[..2],
        ["header x-tenant", "header accept"]
    );
}

#[test]
fn what_expressions_share_is_evaluated_once_and_so_is_its_error() {
    let matches = |pattern: &str| call(Op::MatchesDynamic, [attribute(PATH), text(pattern)]);
    let expressions = [
        call(Op::And, [matches("a"), yes()]),
        call(Op::Or, [matches("a"), no()]),
        call(Op::Not, [matches("(")]),
        call(Op::Conditional, [matches("("), int(1), int(2)]),
    ];
    assert_eq!(
        asked(&expressions),
        ["attribute 2", "matches a", "matches ("]
    );
}

#[test]
fn what_a_macro_repeats_and_no_name_changes_is_evaluated_once() {
    let matches = call(Op::MatchesDynamic, [attribute(PATH), text("x")]);
    let body = call(Op::And, [call(Op::Gt, [local(0), int(0)]), matches]);
    let expressions = [call(Op::Exists, [ints([1, 2, 3]), body])];
    assert_eq!(asked(&expressions), ["attribute 2", "matches x"]);
}

#[test]
fn a_bound_value_is_evaluated_once_when_the_name_is_read() {
    let matches = || call(Op::MatchesDynamic, [text("abc"), text("b")]);
    let twice = call(Op::Bind, [matches(), call(Op::Eq, [local(0), local(0)])]);
    let (body, roots) = body([&twice]);
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let mut evaluator = Evaluator::new(&program, Request::default());
    assert_eq!(evaluator.holds(roots[0]), Ok(true));
    assert_eq!(evaluator.source().asked.take(), ["matches b"]);
}

#[test]
fn what_depends_on_a_name_is_evaluated_for_each_value_of_it() {
    let shared = || call(Op::Gt, [local(0), int(1)]);
    let both = call(Op::Or, [shared(), call(Op::Not, [shared()])]);
    let kept = call(
        Op::Filter,
        [ints([0, 1, 2, 3]), call(Op::And, [both, shared()])],
    );
    let result = with_program(&kept, |program, root| {
        let value = Evaluator::new(program, Request::default()).evaluate(root);
        show(&value.unwrap())
    });
    assert_eq!(result, "[2, 3]");
}

#[test]
fn an_evaluation_costs_the_same_whatever_is_remembered() {
    let reasons = || call(Op::In, [text("BOT"), attribute(REASONS)]);
    let header = || {
        call(
            Op::Size,
            [call(Op::Index, [attribute(HEADERS), text("accept")])],
        )
    };
    let joined = || call(Op::Add, [text("a"), text("b")]);
    let first = call(
        Op::And,
        [
            reasons(),
            call(Op::Eq, [header(), int(13)]),
            call(Op::Eq, [joined(), text("ab")]),
        ],
    );
    let second = call(
        Op::Or,
        [
            call(Op::Not, [reasons()]),
            call(Op::Gt, [header(), int(1)]),
            call(Op::Ne, [joined(), text("ab")]),
        ],
    );
    let (body, roots) = body([&first, &second]);
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let mut evaluator = Evaluator::new(&program, Request::default());
    let mut costs = Vec::new();
    for _ in 0..2 {
        for &root in &roots {
            assert_eq!(evaluator.holds(root), Ok(true));
            costs.push((evaluator.steps(), evaluator.bytes()));
        }
    }
    assert_eq!(costs[..2], costs[2..]);
    assert_ne!(costs[0].1, 0);
}

#[test]
fn a_result_of_one_evaluation_outlives_the_evaluator() {
    let joined = call(Op::Add, [text("a"), text("b")]);
    let (body, roots) = body([&joined]);
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let value = {
        let mut evaluator = Evaluator::new(&program, Request::default());
        evaluator.evaluate(roots[0])
    };
    assert!(value.is_ok_and(|value| value.equals(&crate::cel::Value::text("ab"))));
    let mut evaluator = Evaluator::new(&program, Request::default());
    assert_eq!(evaluator.holds(roots[0]), Err(EvalError::NotBool));
}
