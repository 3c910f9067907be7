//! What is known at each limit, and not past it.

use std::collections::HashMap;

use super::support::{line, remarks, remarks_in, said, spec};
use crate::compile::analyse::limits::{
    MAX_ADDRESSES, MAX_CHOICES, MAX_MATCHES, MAX_PART_BYTES, MAX_PARTS, MAX_PATH_KEYS, MAX_PER_KEY,
    MAX_PREMISES, MAX_RANGES, MAX_SEARCHES, MAX_SHOWN,
};
use crate::compile::analyse::premise::shortened;
use crate::compile::analyse::{Members, World};

fn is_never(when: &str) -> bool {
    said(when)
        .first()
        .is_some_and(|line| line.contains("can never match"))
}

#[test]
fn so_many_alternatives_are_kept_open() {
    // Two things have three values: what is found only by choosing.
    let contradiction = ["a", "b", "c"]
        .map(|value| {
            format!("(request.headers['x'] == '{value}' || request.headers['y'] == '{value}')")
        })
        .join(" && ");
    let open = |count: usize| {
        let others: Vec<String> = (3..count)
            .map(|number| {
                format!("(request.headers['a{number}'] == '' || request.size == {number})")
            })
            .collect();
        format!("{contradiction} && {}", others.join(" && "))
    };
    assert!(is_never(&open(MAX_CHOICES)));
    assert!(!is_never(&open(MAX_CHOICES + 1)));
}

#[test]
fn a_question_that_takes_too_long_is_left_open() {
    // So many things of which no two are alike, and one value less.
    let crowd = |things: usize| {
        let one_of = |thing: usize| {
            let values: Vec<String> = (1..things)
                .map(|value| format!("request.headers['h{thing}'] == '{value}'"))
                .collect();
            format!("({})", values.join(" || "))
        };
        let mut all: Vec<String> = (0..things).map(one_of).collect();
        for thing in 0..things {
            for other in 0..thing {
                for value in 1..things {
                    all.push(format!(
                        "(request.headers['h{thing}'] != '{value}' || request.headers['h{other}'] != '{value}')"
                    ));
                }
            }
        }
        all.join(" && ")
    };
    assert!(is_never(&crowd(3)));
    assert!(!is_never(&crowd(9)));
}

#[test]
fn so_many_addresses_are_compared_as_texts() {
    let of = |prefix: u8| {
        format!(
            "cidr('192.0.2.0/{prefix}').containsIP(source.address) && source.address.startsWith('192.0.3')"
        )
    };
    assert_eq!(MAX_ADDRESSES, 64);
    assert!(is_never(&of(26)));
    assert!(!is_never(&of(25)));
}

#[test]
fn lists_of_numbers_are_looked_into_up_to_a_length() {
    let found = |count: usize| {
        let numbers: Vec<i64> = (0..).step_by(2).take(count).collect();
        let world = World {
            lists: HashMap::from([(3, Members::Numbers(&numbers))]),
            ..World::default()
        };
        let specs = [spec().when("geo.asn in lists.asns && geo.asn == 7")];
        !remarks_in(&specs, &[], &world).is_empty()
    };
    assert!(found(MAX_RANGES));
    assert!(!found(MAX_RANGES + 1));
}

#[test]
fn a_list_that_is_empty_is_there_to_be_filled() {
    let world = World {
        lists: HashMap::from([
            (0, Members::Cidrs(Vec::new())),
            (2, Members::Strings(&[])),
            (3, Members::Numbers(&[])),
        ]),
        ..World::default()
    };
    for when in [
        "geo.asn in lists.asns",
        "request.headers['x'] in lists.tenants",
        "source.address in lists.offices",
        "!(request.method in lists.tenants)",
    ] {
        assert_eq!(remarks_in(&[spec().when(when)], &[], &world), [], "{when}");
    }
}

#[test]
fn so_many_texts_are_tried_on_a_regular_expression() {
    let of = |count: u32| {
        let texts: Vec<String> = (0..count).map(|number| format!("'a{number}'")).collect();
        format!(
            "request.headers['x'] in [{}] && request.headers['x'].matches('q')",
            texts.join(", ")
        )
    };
    assert!(is_never(&of(MAX_MATCHES)));
    assert!(!is_never(&of(MAX_MATCHES + 1)));
}

#[test]
fn parts_up_to_a_length_are_told_to_be_the_same() {
    let of = |length: usize| {
        let part = format!("reasons.exists(r, r == '{}')", "a".repeat(length));
        format!("{part} && !{part}")
    };
    assert!(is_never(&of(MAX_PART_BYTES - 100)));
    assert!(!is_never(&of(MAX_PART_BYTES)));
}

#[test]
fn so_many_parts_are_judged() {
    let of = |count: usize| {
        let mut parts: Vec<String> = (1..count)
            .map(|number| format!("request.headers['x'] == '{number}'"))
            .collect();
        parts.push("score > 100".to_owned());
        parts.join(" || ")
    };
    assert_eq!(said(&of(MAX_PARTS)).len(), 1);
    assert_eq!(said(&of(MAX_PARTS + 1)).len(), 0);
}

#[test]
fn the_smallest_contradiction_is_looked_for_among_so_many_premises() {
    let of = |count: usize| {
        let mut parts: Vec<String> = (2..count)
            .map(|number| format!("request.headers['x'] != '{number}'"))
            .collect();
        parts.push("score > 80".to_owned());
        parts.push("score < 20".to_owned());
        said(&parts.join(" && ")).join("\n")
    };
    assert!(of(MAX_PREMISES).contains("`score > 80` and `score < 20` exclude each other"));
    let past = of(MAX_PREMISES + 1);
    assert!(past.contains("exclude one another") && past.len() > 1_000);
}

#[test]
fn long_conditions_are_shortened() {
    let whole = "a".repeat(MAX_SHOWN);
    assert_eq!(shortened(&whole), format!("`{whole}`"));
    assert_eq!(shortened(&format!("{whole}a")), format!("`{whole}…`"));
    assert_eq!(shortened("a &&\n  b"), "`a && b`");
}

/// Earlier policies that take part of what the last one takes, then one that takes all of it.
fn behind(others: usize, other: impl Fn(usize) -> String, all: &str, later: &str) -> bool {
    let mut specs: Vec<_> = (0..others)
        .map(|number| spec().when(other(number)))
        .collect();
    specs.push(spec().when(all));
    specs.push(spec().when(later));
    let about = format!("{}:", specs.len() - 1);
    remarks(&specs)
        .iter()
        .map(line)
        .any(|line| line.starts_with(&about) && line.contains("no request reaches"))
}

#[test]
fn so_many_earlier_policies_are_looked_at_under_one_key() {
    let found = |others| {
        behind(
            others,
            |number| format!("request.headers['x'].contains('-{number}-')"),
            "request.headers['x'].contains('a')",
            "request.headers['x'].contains('ab')",
        )
    };
    assert!(found(MAX_PER_KEY - 1));
    assert!(!found(MAX_PER_KEY));
}

#[test]
fn so_many_searches_are_made_for_one_policy() {
    // Automata are not tried on guesses, so that each of these takes a search.
    let found = |others| {
        behind(
            others,
            |number| format!("request.headers['x'].matches('{number}')"),
            "request.headers['x'].contains('a')",
            "request.headers['x'].contains('ab')",
        )
    };
    assert!(found(MAX_SEARCHES - 1));
    assert!(!found(MAX_SEARCHES));
}

#[test]
fn beginnings_of_paths_are_told_apart_up_to_a_length() {
    let found = |length: usize| {
        let start = format!("/{}", "a".repeat(length - 1));
        let specs = [
            spec().endpoints(&[&format!("{start}*")]),
            spec().endpoints(&[&format!("{start}/b")]),
        ];
        !remarks(&specs).is_empty()
    };
    assert!(found(MAX_PATH_KEYS));
    assert!(!found(MAX_PATH_KEYS + 1));
}
