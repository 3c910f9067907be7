//! How long, how much and how deep.

use regex_automata::dfa::dense;

use super::expression::*;
use super::request::Request;
use crate::cel::limits::{
    MAX_EVALUATION_BYTES, MAX_EVALUATION_STEPS, MAX_FORMAT_PRECISION, MAX_VALUE_DEPTH,
};
use crate::cel::{EvalError, Evaluator, NoSource, NodeId, Op, Program, ProgramBuilder};
use crate::form::{FormWriter, Sections};
use crate::limits::MAX_EXPRESSION_DEPTH;

fn evaluate(expression: &E) -> Result<String, EvalError> {
    with_program(expression, |program, root| {
        let value = Evaluator::new(program, Request::default()).evaluate(root);
        value.map(|value| show(&value))
    })
}

fn steps(expression: &E) -> u64 {
    with_program(expression, |program, root| {
        let mut evaluator = Evaluator::new(program, Request::default());
        evaluator.evaluate(root).unwrap();
        evaluator.steps()
    })
}

/// `true && … && lists.range(count).all(x, true && …)`
fn busy(count: i64, padding: usize) -> E {
    let mut operands = vec![yes(); padding];
    let body = call(Op::And, vec![yes(); 10]);
    operands.push(call(Op::All, [call(Op::Range, [int(count)]), body]));
    call(Op::And, operands)
}

#[test]
fn an_evaluation_takes_as_many_steps_as_it_may_and_not_one_more() {
    let base = steps(&busy(0, 0));
    let each = steps(&busy(1, 0)) - base;
    let count = (MAX_EVALUATION_STEPS - base) / each;
    let padding = usize::try_from((MAX_EVALUATION_STEPS - base) % each).unwrap();
    let count = i64::try_from(count).unwrap();
    assert_eq!(steps(&busy(count, padding)), MAX_EVALUATION_STEPS);
    assert_eq!(
        evaluate(&busy(count, padding + 1)),
        Err(EvalError::TooCostly)
    );
}

#[test]
fn an_evaluation_makes_as_many_bytes_as_it_may_and_not_one_more() {
    let limit = usize::try_from(MAX_EVALUATION_BYTES).unwrap();
    let size = |bytes: usize| {
        let joined = call(Op::Add, [text(&"x".repeat(bytes - 1)), text("y")]);
        evaluate(&call(Op::Size, [joined]))
    };
    assert_eq!(size(limit), Ok(limit.to_string()));
    assert_eq!(size(limit + 1), Err(EvalError::TooCostly));
}

#[test]
fn nothing_absorbs_that_an_evaluation_is_too_costly() {
    let costly = || call(Op::Eq, [call(Op::Range, [int(i64::MAX)]), int(1)]);
    for expression in [
        call(Op::Or, [costly(), yes()]),
        call(Op::And, [costly(), no()]),
        call(Op::Exists, [ints([1, 2]), call(Op::Or, [costly(), yes()])]),
        call(Op::All, [ints([1, 2]), call(Op::And, [costly(), no()])]),
        call(Op::Bind, [costly(), call(Op::Or, [local(0), yes()])]),
        call(
            Op::Bind,
            [costly(), call(Op::Or, [local(0), local(0), yes()])],
        ),
    ] {
        assert_eq!(
            evaluate(&expression),
            Err(EvalError::TooCostly),
            "{expression:?}"
        );
    }
}

#[test]
fn what_is_too_costly_once_is_no_affair_of_the_next_evaluation() {
    let shared = call(Op::All, [call(Op::Range, [int(20_000)]), yes()]);
    let twice = call(
        Op::And,
        [
            shared.clone(),
            call(Op::Not, [call(Op::Not, [shared.clone()])]),
        ],
    );
    let (body, roots) = body([&twice, &shared]);
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let mut evaluator = Evaluator::new(&program, NoSource);
    assert_eq!(evaluator.holds(roots[0]), Err(EvalError::TooCostly));
    assert_eq!(evaluator.holds(roots[1]), Ok(true));
    assert_eq!(evaluator.holds(roots[0]), Err(EvalError::TooCostly));
}

/// What is remembered costs no work, but what an expression costs is what it costs without memory.
#[test]
fn sharing_does_not_hide_what_grows_without_bound() {
    let mut builder = ProgramBuilder::default();
    let mut node = builder.int(0);
    for _ in 0..200 {
        node = builder.call(Op::Add, &[node, node]);
    }
    let mut form = FormWriter::default();
    builder.write(&mut form);
    let body = form.finish().unwrap();
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let result = Evaluator::new(&program, NoSource).evaluate(node);
    assert_eq!(result.unwrap_err(), EvalError::TooCostly);
}

/// Each operation inside itself as deep as a program may be: a stack must hold it.
#[test]
fn the_deepest_program_of_every_operation_is_evaluated() {
    let zone = || text("UTC");
    let nest: [&dyn Fn(E) -> E; 27] = [
        &|inner| call(Op::Not, [inner]),
        &|inner| call(Op::And, [inner, yes()]),
        &|inner| call(Op::Or, [no(), inner]),
        &|inner| call(Op::Conditional, [inner, yes(), no()]),
        &|inner| call(Op::Conditional, [yes(), inner, no()]),
        &|inner| call(Op::Eq, [inner, yes()]),
        &|inner| call(Op::Lt, [no(), inner]),
        &|inner| call(Op::In, [inner, list([yes(), no()])]),
        &|inner| call(Op::In, [yes(), list([inner])]),
        &|inner| call(Op::All, [list([no()]), inner]),
        &|inner| call(Op::ExistsPairs, [list([no()]), inner]),
        &|inner| call(Op::Size, [call(Op::MapList, [list([yes()]), inner])]),
        &|inner| call(Op::Filter, [list([yes()]), inner]),
        &|inner| call(Op::TransformMap, [list([yes()]), inner]),
        &|inner| call(Op::Bind, [inner, yes()]),
        &|inner| call(Op::Bind, [yes(), inner]),
        &|inner| call(Op::SortBy, [list([yes()]), inner]),
        &|inner| call(Op::Index, [list([yes()]), inner]),
        &|inner| call(Op::Has, [inner, text("x")]),
        &|inner| call(Op::Add, [inner, int(1)]),
        &|inner| call(Op::Negate, [inner]),
        &|inner| call(Op::LowerAscii, [inner]),
        &|inner| call(Op::Format, [text("%s"), list([inner])]),
        &|inner| call(Op::MathGreatest, [inner, int(1)]),
        &|inner| call(Op::GetHours, [inner, zone()]),
        &|inner| call(Op::OptionalOrValue, [inner, int(1)]),
        &|inner| call(Op::OptionalMap, [inner, int(1)]),
    ];
    for (index, nest) in nest.iter().enumerate() {
        let mut expression = yes();
        while depth(&expression) < MAX_EXPRESSION_DEPTH {
            let deeper = nest(expression.clone());
            if depth(&deeper) > MAX_EXPRESSION_DEPTH {
                break;
            }
            expression = deeper;
        }
        let result = evaluate(&expression);
        assert_ne!(result, Err(EvalError::TooCostly), "{index}");
        if index < 11 {
            assert!(result.is_ok(), "{index}: {result:?}");
        }
    }
}

fn depth(expression: &E) -> u32 {
    match expression {
        E::Call(_, args) => 1 + args.iter().map(depth).max().unwrap_or(0),
        E::Matches(inner, _) => 1 + depth(inner),
        _ => 1,
    }
}

/// `cel.bind(a, …128 levels…, cel.bind(b, …128 levels around a…, …))`: each name needs the one before,
/// so that reading the last goes as deep as all of them.
#[test]
fn names_that_need_one_another_are_followed_as_deep_as_a_program_may_be() {
    let chain = |names: u32, levels: u32| {
        let wrapped = |inner: E| (0..levels).fold(inner, |inner, _| call(Op::Negate, [inner]));
        let mut expression = local(names - 1);
        for name in (1..names).rev() {
            expression = call(Op::Bind, [wrapped(local(name - 1)), expression]);
        }
        call(Op::Bind, [int(1), expression])
    };
    assert_eq!(evaluate(&chain(10, 10)), Ok("1".to_owned()));
    assert_eq!(evaluate(&chain(100, 100)), Err(EvalError::TooDeep));
    let absorbed = call(Op::Or, [call(Op::Eq, [chain(60, 100), int(1)]), yes()]);
    assert_eq!(evaluate(&absorbed), Err(EvalError::TooDeep));
}

#[test]
fn values_nest_to_the_limit_and_not_one_level_past_it() {
    let nested = |levels: u32| (0..levels).fold(int(1), |inner, _| list([inner]));
    let size = |expression: E| evaluate(&call(Op::Size, [expression]));
    assert_eq!(size(nested(MAX_VALUE_DEPTH)), Ok("1".to_owned()));
    assert_eq!(size(nested(MAX_VALUE_DEPTH + 1)), Err(EvalError::TooDeep));
    // One level at a time, each through a name.
    let through_names = |levels: u32| {
        let mut expression = local(levels - 1);
        for level in (0..levels).rev() {
            let inner = if level == 0 { int(1) } else { local(level - 1) };
            expression = call(
                Op::Bind,
                [
                    map([int(1), call(Op::OptionalOf, [list([inner])])]),
                    expression,
                ],
            );
        }
        size(expression)
    };
    assert_eq!(through_names(20), Ok("1".to_owned()));
    assert_eq!(through_names(50), Err(EvalError::TooDeep));
}

#[test]
fn a_double_is_formatted_with_as_many_places_as_the_least_one_has() {
    let template = |places: usize| {
        let template = format!("%.{places}f");
        evaluate(&call(Op::Format, [text(&template), list([double(5e-324)])]))
    };
    assert!(template(MAX_FORMAT_PRECISION).unwrap().ends_with("65625\""));
    assert_eq!(
        template(MAX_FORMAT_PRECISION + 1),
        Err(EvalError::InvalidArgument(Op::Format))
    );
}

#[test]
fn an_automaton_that_gives_up_is_an_error() {
    let config = dense::Config::new()
        .quit(b'!', true)
        .unicode_word_boundary(false);
    let dense = dense::Builder::new()
        .configure(config)
        .build("^a+$")
        .unwrap();
    let automaton = dense.to_sparse().unwrap().to_bytes_little_endian();
    let mut builder = ProgramBuilder::default();
    let text = builder.string("aa!");
    let number = builder.automaton(automaton, "^a+$");
    let node = builder.matches(text, number);
    let mut form = FormWriter::default();
    builder.write(&mut form);
    let body = form.finish().unwrap();
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    let mut evaluator = Evaluator::new(&program, NoSource);
    assert_eq!(evaluator.holds(node), Err(EvalError::PatternGaveUp));
    assert_eq!(evaluator.holds(NodeId(99)), Err(EvalError::NoSuchNode(99)));
}

#[test]
fn a_source_that_knows_nothing_says_so() {
    let holds = |expression: E| {
        with_program(&expression, |program, root| {
            Evaluator::new(program, &NoSource).holds(root)
        })
    };
    let dynamic = call(Op::MatchesDynamic, [text("a"), text("a")]);
    assert_eq!(holds(dynamic), Err(EvalError::PatternNotConstant));
    assert_eq!(
        holds(E::Numbered(Op::Attribute, 1)),
        Err(EvalError::NotAvailable)
    );
    assert_eq!(
        holds(E::Numbered(Op::Variable, 1)),
        Err(EvalError::NoSuchVariable(1))
    );
    assert_eq!(holds(E::Named(Op::HasHeader, "cookie")), Ok(false));
    assert_eq!(holds(int(1)), Err(EvalError::NotBool));
    let hours = call(Op::GetHours, [E::Timestamp(0, 0), text("Host/Zone")]);
    assert!(matches!(holds(hours), Err(EvalError::UnknownZone(_))));
}
