//! What an analysis costs. Its units are counted, so that the same set always takes the same.

use countersign_engine::Assurance;

use super::support::{Spec, challenge, policies, spec, tenants, trees, world};
use crate::compile::analyse::effort::Effort;
use crate::compile::analyse::limits::MAX_UNITS;
use crate::compile::analyse::{Effect, Remark, of_policies};

/// Units that an analysis takes, and what it says.
fn analysed(specs: &[Spec], units: u64) -> (u64, Vec<Remark>) {
    let trees = trees(specs);
    let policies = policies(specs, &trees);
    let tenants = tenants();
    let effort = Effort::of(units);
    let mut remarks = Vec::new();
    let begun = std::time::Instant::now();
    of_policies(&policies, &[], &world(&tenants), &effort, &mut remarks);
    let taken = units - effort.left();
    println!(
        "{} policies: {taken} units in {:?}, {} remarks",
        specs.len(),
        begun.elapsed(),
        remarks.len()
    );
    (taken, remarks)
}

/// As large sets are: told apart by endpoint, header or address, or by a condition that no index helps.
fn mixed(count: usize) -> Vec<Spec> {
    (0..count)
        .map(|number| {
            let policy = spec().effect(match number % 3 {
                0 => Effect::Blocks,
                1 => challenge(Assurance::Uv, 3600),
                _ => Effect::Allows,
            });
            let (high, low) = (number / 256 % 256, number % 256);
            match number % 6 {
                0 => policy.endpoints(&[&format!("/tenant-{number}/*")]),
                1 => policy
                    .endpoints(&[&format!("/api/*/item-{number}"), &format!("/v?/{number}")])
                    .methods(&["GET", "POST"])
                    .when("score >= 70 && !(source.address in lists.offices)"),
                2 | 3 => policy.when(format!(
                    "request.headers['x-tenant'] == 't{number}' && score >= 50"
                )),
                4 => policy.when(format!(
                    "cidr('10.{high}.{low}.0/24').containsIP(source.address) \
                     || request.headers['x'] == '{number}'"
                )),
                _ => policy.when(format!(
                    "request.headers['user-agent'].lowerAscii().contains('bot-{number}') \
                     && score > {}",
                    number % 100
                )),
            }
        })
        .collect()
}

#[test]
fn ten_thousand_policies_take_a_part_of_what_there_is() {
    let (taken, remarks) = analysed(&mixed(10_000), MAX_UNITS);
    assert!(taken < MAX_UNITS / 2, "{taken}");
    // What holds `bot-53` holds `bot-5`.
    assert!(remarks.len() > 100 && remarks.len() < 1_000);
}

#[test]
fn twice_the_policies_take_about_twice_as_much() {
    for make in [
        mixed,
        // All of them ask of the same things.
        |count: usize| -> Vec<Spec> {
            (0..count)
                .map(|number| {
                    spec().endpoints(&["/api/*"]).when(format!(
                        "request.headers['x'].contains('-{number}-') && request.size != {number}"
                    ))
                })
                .collect()
        },
        |count: usize| -> Vec<Spec> {
            (0..count)
                .map(|number| {
                    spec().when(format!(
                        "request.path.matches('^/{number}$') || reasons.exists(r, r == 'R{number}')"
                    ))
                })
                .collect()
        },
    ] {
        let (half, _) = analysed(&make(500), MAX_UNITS);
        let (whole, _) = analysed(&make(1_000), MAX_UNITS);
        assert!(whole < half * 5 / 2 + 1_000, "{half} {whole}");
    }
}

#[test]
fn what_no_key_tells_apart_ends_where_the_units_do() {
    let specs: Vec<Spec> = (0..4_000)
        .map(|number| {
            let any = |name: &str| {
                let all: Vec<String> = (0..4)
                    .map(|value| {
                        format!(
                            "request.headers['{name}'].contains('{}')",
                            number * 7 % 90 + value
                        )
                    })
                    .collect();
                format!("({})", all.join(" || "))
            };
            spec().when(format!("{} && {} && {}", any("a"), any("b"), any("c")))
        })
        .collect();
    let (taken, _) = analysed(&specs, 200_000);
    assert_eq!(taken, 200_000);
}

#[test]
fn an_analysis_that_has_nothing_left_says_less() {
    let specs = vec![spec().when("score > 100"); 10];
    let (taken, all) = analysed(&specs, MAX_UNITS);
    assert_eq!(all.len(), 10);
    let (_, some) = analysed(&specs, taken / 2);
    assert!(!some.is_empty() && some.len() < 10, "{}", some.len());
    let (_, none) = analysed(&specs, 0);
    assert_eq!(none, []);
}

#[test]
fn a_list_of_a_million_texts_is_compared_by_its_place() {
    let texts: Vec<String> = (0..1_000_000)
        .map(|number| format!("{number:07}"))
        .collect();
    let specs: Vec<Spec> = (0..200)
        .map(|number| {
            spec().when(format!(
                "request.headers['x'] in lists.tenants && score >= {}",
                1 + number % 99
            ))
        })
        .collect();
    let trees = trees(&specs);
    let effort = Effort::of(MAX_UNITS);
    let mut remarks = Vec::new();
    let policies = policies(&specs, &trees);
    of_policies(&policies, &[], &world(&texts), &effort, &mut remarks);
    // The first asks for the least score.
    assert_eq!(remarks.len(), 199);
    assert!(effort.left() > MAX_UNITS / 2);
}

#[test]
fn a_large_list_that_all_policies_share_is_read_once() {
    let numbers: Vec<String> = (0..2_000).map(|number| format!("'n{number}'")).collect();
    let list = numbers.join(", ");
    let specs: Vec<Spec> = (0..20)
        .map(|number| {
            spec().when(format!(
                "request.headers['x'] in [{list}] && request.headers['y'] == '{number}'"
            ))
        })
        .collect();
    let (taken, remarks) = analysed(&specs, MAX_UNITS);
    assert!(taken < MAX_UNITS / 2 && remarks.is_empty(), "{taken}");
}
