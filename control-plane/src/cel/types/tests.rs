use super::*;

fn ty(text: &str) -> Type {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn types_are_read_as_they_are_written() {
    for text in [
        "int",
        "list(dyn)",
        "map(string, list(A))",
        "optional_type(map(B, dyn))",
        "type",
        "type(type)",
        "type(list(int))",
        "wrapper(int)",
        "tuple(int, B, C)",
    ] {
        assert_eq!(ty(text).to_string(), text);
    }
    for text in [
        "", "list", "list()", "list(int", "map(int)", "int)", "AB", "a",
    ] {
        assert!(text.parse::<Type>().is_err(), "{text}");
    }
    let deep = format!("{}int{}", "list(".repeat(65), ")".repeat(65));
    assert!(deep.parse::<Type>().is_err());
}

#[test]
fn one_type_stands_for_another_as_the_reference_checker_has_it() {
    for (from, to, fits) in [
        ("int", "int", true),
        ("int", "uint", false),
        ("int", "dyn", true),
        ("dyn", "int", true),
        ("list(dyn)", "list(int)", true),
        ("list(int)", "list(string)", false),
        ("list(int)", "map(int, int)", false),
        ("null", "int", false),
        ("null", "wrapper(int)", true),
        ("null", "timestamp", true),
        ("null", "optional_type(int)", true),
        ("wrapper(int)", "int", true),
        ("wrapper(int)", "wrapper(uint)", false),
        ("type(int)", "type(string)", true),
        ("tuple(int, int)", "tuple(int, dyn)", true),
        ("tuple(int, int)", "pair(int, int)", false),
    ] {
        assert_eq!(
            Substitution::default().assign(&ty(from), &ty(to)),
            fits,
            "{from} {to}"
        );
    }
}

#[test]
fn the_join_of_two_types_is_the_more_general_one() {
    for (one, other, join) in [
        ("int", "int", Some("int")),
        ("int", "dyn", Some("dyn")),
        ("dyn", "int", Some("dyn")),
        ("int", "string", None),
        ("wrapper(int)", "int", Some("wrapper(int)")),
        ("int", "wrapper(int)", Some("wrapper(int)")),
        ("null", "wrapper(int)", Some("wrapper(int)")),
        ("optional_type(int)", "null", Some("optional_type(int)")),
        ("list(int)", "list(dyn)", Some("list(dyn)")),
    ] {
        let found = Substitution::default().join(&ty(one), &ty(other));
        assert_eq!(found, join.map(ty), "{one} {other}");
    }
}

#[test]
fn a_parameter_takes_the_most_general_type_that_it_meets() {
    let mut known = Substitution::default();
    let a = known.fresh();
    assert!(known.assign(&Type::Int, &a));
    assert_eq!(known.apply(&a), Type::Int);
    assert!(!known.assign(&Type::String, &a));
    assert!(known.assign(&Type::Dyn, &a));
    assert_eq!(known.apply(&a), Type::Dyn);
}

#[test]
fn a_match_that_fails_leaves_nothing_behind() {
    let mut known = Substitution::default();
    let (a, b) = (known.fresh(), known.fresh());
    let from = Type::map(Type::Int, Type::String);
    let to = Type::map(a.clone(), Type::Int);
    assert!(!known.assign(&from, &to));
    assert_eq!(known.apply(&a), a);
    let pairs = [(&Type::Int, b.clone()), (&Type::Int, Type::String)];
    assert!(!known.assign_all(pairs));
    assert_eq!(known.finish(&b), Type::Dyn);
}

#[test]
fn no_type_contains_itself() {
    let mut known = Substitution::default();
    let a = known.fresh();
    assert!(!known.assign(&a, &Type::list(a.clone())));
    let b = known.fresh();
    assert!(known.assign(&a, &Type::list(b.clone())));
    assert!(!known.assign(&b, &Type::list(a.clone())));
    assert_eq!(known.finish(&a).to_string(), "list(dyn)");
}

#[test]
fn chains_of_parameters_are_walked_and_not_recursed_into() {
    let mut known = Substitution::default();
    let parameters: Vec<Type> = (0..200_000).map(|_| known.fresh()).collect();
    for pair in parameters.windows(2) {
        assert!(known.assign(&pair[1], &pair[0]));
    }
    assert!(known.assign(&Type::Int, &parameters[0]));
    assert_eq!(known.apply(&parameters[199_999]), Type::Int);
    assert_eq!(known.apply(&parameters[0]), Type::Int);
}

#[test]
fn what_cannot_be_a_key_is_not_followed() {
    assert_eq!(
        Type::map(Type::list(Type::Int), Type::Int),
        ty("map(dyn, int)")
    );
}
