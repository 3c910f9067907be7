//! What is too large is refused with the limit that it passes and the policy that passes it.

use super::super::limits::{MAX_FAILURE_PART, MAX_FAILURES};
use super::{compile_files, file, policy, rendered};
use crate::cel::limits::{
    MAX_AUTOMATA_BYTES, MAX_AUTOMATON_BYTES, MAX_DEPTH, MAX_DETERMINIZE_BYTES, MAX_NESTING,
    MAX_NFA_BYTES, MAX_PATTERN_BYTES,
};
use crate::resource::limits::MAX_EXPRESSION_BYTES;

/// What is told about a policy with this condition; empty where it compiles.
fn told(when: &str) -> String {
    let set = policy("much", &format!("'{}'", when.replace('\'', "''")));
    match compile_files(&[file("a.yaml", set)]) {
        Ok(_) => String::new(),
        Err(errors) => rendered(&errors),
    }
}

fn assert_refused(when: &str, limit: usize) {
    let told = told(when);
    assert!(told.contains(&limit.to_string()), "{limit}: {told}");
    assert!(told.contains("in the policy `much`"), "{told}");
}

#[test]
fn nesting_at_the_limit_compiles_and_one_past_it_is_refused() {
    let bracketed =
        |levels: usize| format!("{}score > 1{}", "(".repeat(levels), ")".repeat(levels));
    let negated = |levels: usize| format!("{}session.valid", "!".repeat(levels));
    let listed = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{open}score{close} != {open}request.size{close}")
    };
    let conditional = |levels: usize| format!("{}false", "session.valid ? true : ".repeat(levels));
    for nested in [
        &bracketed as &dyn Fn(usize) -> String,
        &negated,
        &listed,
        &conditional,
    ] {
        assert_eq!(told(&nested(MAX_NESTING)), "");
        assert_refused(&nested(MAX_NESTING + 1), MAX_NESTING);
    }
}

#[test]
fn chains_at_the_limit_compile_and_one_past_it_are_refused() {
    let most = MAX_DEPTH as usize;
    // The comparison is a level, too.
    let sum = |terms: usize| format!("{} > 1", vec!["score"; terms].join(" + "));
    assert_eq!(told(&sum(most - 1)), "");
    assert_refused(&sum(most), most);
    // Alternatives stand on one level, however many there are.
    let many: Vec<String> = (0..2_000).map(|n| format!("request.size == {n}")).collect();
    assert_eq!(told(&many.join(" || ")), "");
}

#[test]
fn a_megabyte_of_an_expression_is_refused() {
    let spaces = |bytes: usize| format!("true{}", " ".repeat(bytes - 6) + "//");
    assert_eq!(told(&spaces(MAX_EXPRESSION_BYTES)), "");
    assert_refused(&spaces(MAX_EXPRESSION_BYTES + 1), MAX_EXPRESSION_BYTES);
    let whole = policy("much", &format!("'{}'", "true || ".repeat(1024 * 1024 / 8)));
    let errors = compile_files(&[file("a.yaml", whole)]).unwrap_err();
    assert!(
        rendered(&errors).contains(&MAX_EXPRESSION_BYTES.to_string()),
        "{}",
        rendered(&errors)
    );
}

#[test]
fn a_pattern_that_explodes_is_refused() {
    for (pattern, limit) in [
        ("(a|b)*a(a|b){24}", MAX_DETERMINIZE_BYTES),
        ("(a|b)*a(a|b){15}", MAX_AUTOMATON_BYTES),
        ("((((a{100}){100}){100}){100})", MAX_NFA_BYTES),
        ("(\\\\p{L}{1,200}){1,200}", MAX_NFA_BYTES),
        (&"a".repeat(MAX_PATTERN_BYTES + 1), MAX_PATTERN_BYTES),
    ] {
        assert_refused(&format!("request.path.matches('{pattern}')"), limit);
    }
}

#[test]
fn automata_past_the_limit_of_all_are_refused_where_they_pass_it() {
    // Each takes some hundred kilobytes; together they pass the limit of all.
    let policies: Vec<String> = (0..200)
        .map(|number| {
            policy(
                &format!("p{number:03}"),
                &format!("request.path.matches('x{number}[ab]{{1,3}}[a-c]*a[a-c]{{9}}')"),
            )
        })
        .collect();
    let errors = compile_files(&[file("many.yaml", policies.join("---\n"))]).unwrap_err();
    let told = rendered(&errors[..1]);
    assert!(told.contains("automata of this set"), "{told}");
    assert!(told.contains(&MAX_AUTOMATA_BYTES.to_string()), "{told}");
    assert!(told.contains("in the policy `p"), "{told}");
    // A pattern of many policies is one automaton.
    let same: Vec<String> = (0..200)
        .map(|number| {
            let pattern = "request.path.matches('x[ab]{1,3}[a-c]*a[a-c]{9}')";
            policy(&format!("p{number:03}"), pattern)
        })
        .collect();
    assert!(compile_files(&[file("same.yaml", same.join("---\n"))]).is_ok());
}

#[test]
fn failures_past_the_limit_are_counted_and_not_told() {
    let set = |places: usize| {
        let parts: Vec<String> = (0..places)
            .map(|number| format!("request.headers[\"x-{number}\"] == \"1\""))
            .collect();
        let chunks = parts.chunks(500).enumerate();
        let policies: Vec<String> = chunks
            .map(|(number, parts)| {
                policy(&format!("p{number}"), &format!("'{}'", parts.join(" || ")))
            })
            .collect();
        compile_files(&[file("a.yaml", policies.join("---\n"))]).unwrap()
    };
    // Of one condition as many are told as problems would be.
    let compiled = set(MAX_FAILURES);
    assert_eq!((compiled.failures.len(), compiled.more_failures), (200, 0));
    let one = |number: usize| policy(&format!("p{number}"), "request.headers.a == \"1\"");
    let policies: Vec<String> = (0..=MAX_FAILURES).map(one).collect();
    let compiled = compile_files(&[file("a.yaml", policies.join("---\n"))]).unwrap();
    assert_eq!(
        (compiled.failures.len(), compiled.more_failures),
        (MAX_FAILURES, 1)
    );
    let long = format!(
        "int(request.path + \"{}\") > 1",
        "a".repeat(MAX_FAILURE_PART)
    );
    let compiled = compile_files(&[file("a.yaml", policy("p", &format!("'{long}'")))]).unwrap();
    let part = &compiled.failures[0].part;
    assert_eq!(part.chars().count(), MAX_FAILURE_PART + 1);
}
