//! Every operation, as tables of expressions and what they evaluate to.

mod bounds;
mod cases;
mod expression;
mod hostile;
mod remembered;
mod request;

use std::collections::BTreeSet;

use crate::cel::{EvalError, Evaluator, Excerpt, NodeId, Op, Program};
use crate::form::Sections;

use cases::cases;
use expression::{body, show, with_program};
use request::Request;

/// Every row, shown as what it evaluates to: a value as written, or the text of the error.
#[test]
fn every_expression_evaluates_to_what_the_specification_says() {
    let mut wrong = Vec::new();
    for (expression, expected) in cases() {
        let result = with_program(&expression, |program, root| {
            let result = Evaluator::new(program, Request::default()).evaluate(root);
            result.map_or_else(|error| error.to_string(), |value| show(&value))
        });
        if result != expected {
            wrong.push(format!(
                "{expression:?}\n  gives    {result}\n  expected {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_condition_holds_where_the_expression_is_true_and_fails_where_it_is_no_bool() {
    for (expression, expected) in cases() {
        with_program(&expression, |program, root| {
            let mut evaluator = Evaluator::new(program, Request::default());
            let holds = evaluator.holds(root);
            let holds = holds.map_or_else(|error| error.to_string(), |holds| holds.to_string());
            let value = evaluator
                .evaluate(root)
                .is_ok_and(|value| value.kind() != "bool");
            let expected = if value {
                "the condition is no bool"
            } else {
                expected
            };
            assert_eq!(holds, expected, "{expression:?}");
        });
    }
}

/// All in one program, so that they share nodes: what one leaves behind is no other's affair.
#[test]
fn expressions_evaluate_to_the_same_whatever_was_evaluated_before() {
    let cases = cases();
    let (body, roots) = body(cases.iter().map(|(expression, _)| expression));
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let mut evaluator = Evaluator::new(&program, Request::default());
    for round in 0..2 {
        for ((expression, expected), &root) in cases.iter().zip(&roots) {
            let result = evaluator.evaluate(root);
            let result = result.map_or_else(|error| error.to_string(), |value| show(&value));
            assert_eq!(&result, expected, "round {round}: {expression:?}");
        }
    }
}

#[test]
fn every_operation_is_evaluated_by_a_case() {
    let mut seen = BTreeSet::new();
    for (expression, _) in cases() {
        with_program(&expression, |program, _| {
            let mut evaluator = Evaluator::new(program, Request::default());
            for number in 0..u32::try_from(program.len()).unwrap() {
                let _value_or_error = evaluator.evaluate(NodeId(number));
                seen.insert(program.node(NodeId(number)).unwrap().op);
            }
        });
    }
    let missing: Vec<Op> = Op::ALL
        .iter()
        .copied()
        .filter(|op| !seen.contains(op))
        .collect();
    assert_eq!(missing, []);
}

/// The list is exhaustive: a new error stops the match from compiling until it has a row or a test.
#[test]
fn every_error_is_met_by_a_case_or_a_test_of_its_own() {
    let met: BTreeSet<&str> = cases()
        .iter()
        .filter_map(|(expression, _)| {
            with_program(expression, |program, root| {
                let result = Evaluator::new(program, Request::default()).evaluate(root);
                result.err().map(|error| error.code())
            })
        })
        .collect();
    let text = Excerpt::of("x");
    let own_test = |error: &EvalError| match error {
        // See `bounds` and `remembered`.
        EvalError::NotBool
        | EvalError::TooDeep
        | EvalError::NoSuchNode(_)
        | EvalError::PatternGaveUp
        | EvalError::PatternNotConstant => true,
        EvalError::DivisionByZero
        | EvalError::ModulusByZero
        | EvalError::Overflow
        | EvalError::NoSuchKey(_)
        | EvalError::NoSuchOverload(_)
        | EvalError::IndexOutOfRange(_)
        | EvalError::InvalidRange { .. }
        | EvalError::NoSuchVariable(_)
        | EvalError::UnknownName(_)
        | EvalError::UnknownFunction(_)
        | EvalError::InvalidArgument(_)
        | EvalError::OutOfRange(_)
        | EvalError::NotConvertible { .. }
        | EvalError::NotUtf8
        | EvalError::UnsupportedKey(_)
        | EvalError::DuplicateKey(_)
        | EvalError::NotAvailable
        | EvalError::NotAnAddress(_)
        | EvalError::UnknownZone(_)
        | EvalError::InvalidPattern(_)
        | EvalError::FormatClause(_)
        | EvalError::FormatType { .. }
        | EvalError::EmptyOptional
        | EvalError::TooCostly => false,
    };
    let op = Op::Add;
    for error in [
        EvalError::DivisionByZero,
        EvalError::ModulusByZero,
        EvalError::Overflow,
        EvalError::NoSuchKey(text),
        EvalError::NoSuchOverload(op),
        EvalError::IndexOutOfRange(1),
        EvalError::InvalidRange { start: 1, end: 0 },
        EvalError::NoSuchVariable(1),
        EvalError::UnknownName(text),
        EvalError::UnknownFunction(text),
        EvalError::InvalidArgument(op),
        EvalError::OutOfRange(op),
        EvalError::NotConvertible { op, text },
        EvalError::NotUtf8,
        EvalError::UnsupportedKey("double"),
        EvalError::DuplicateKey(text),
        EvalError::NotAvailable,
        EvalError::NotAnAddress(text),
        EvalError::UnknownZone(text),
        EvalError::InvalidPattern(text),
        EvalError::FormatClause(text),
        EvalError::FormatType {
            clause: 'd',
            kind: "bool",
        },
        EvalError::EmptyOptional,
        EvalError::TooCostly,
        EvalError::NotBool,
        EvalError::TooDeep,
        EvalError::NoSuchNode(1),
        EvalError::PatternGaveUp,
        EvalError::PatternNotConstant,
    ] {
        assert_ne!(met.contains(error.code()), own_test(&error), "{error}");
        assert_eq!(
            error.is_fatal(),
            matches!(error.code(), "too_costly" | "too_deep")
        );
    }
}
