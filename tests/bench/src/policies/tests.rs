use super::*;

fn share(rules: &[Rule], kind: fn(&ToldBy) -> bool) -> usize {
    rules.iter().filter(|rule| kind(&rule.told_by)).count()
}

#[test]
fn the_mix_is_a_third_endpoints_a_third_headers_a_sixth_addresses_a_sixth_numbers() {
    let rules = mixed(6_000);
    let endpoint = |told: &ToldBy| {
        matches!(
            told,
            ToldBy::Prefix(_) | ToldBy::Exact(_) | ToldBy::Glob(_) | ToldBy::Regex(_)
        )
    };
    assert_eq!(share(&rules, endpoint), 2_000);
    assert_eq!(share(&rules, |told| matches!(told, ToldBy::Prefix(_))), 500);
    assert_eq!(share(&rules, |told| matches!(told, ToldBy::Regex(_))), 500);
    assert_eq!(
        share(&rules, |told| matches!(told, ToldBy::Tenant(_))),
        2_000
    );
    assert_eq!(
        share(&rules, |told| matches!(told, ToldBy::Address(_))),
        500
    );
    assert_eq!(
        share(&rules, |told| matches!(told, ToldBy::Networks(_))),
        500
    );
    assert_eq!(
        share(&rules, |told| matches!(told, ToldBy::AsnFrom(_))),
        1_000
    );
}

#[test]
fn the_generator_is_deterministic_and_a_larger_set_begins_with_the_smaller_one() {
    assert_eq!(mixed(1_000), mixed(1_000));
    assert_eq!(mixed(1_000).get(..TEN), Some(mixed(TEN).as_slice()));
    assert_eq!(unindexed(50).get(..TEN), Some(mixed(TEN).as_slice()));
    assert_eq!(unindexed(50).len(), 50);
}

#[test]
fn the_ten_have_one_policy_of_every_kind_at_least() {
    let rules = mixed(TEN);
    for kind in [
        (|told| matches!(told, ToldBy::Prefix(_))) as fn(&ToldBy) -> bool,
        |told| matches!(told, ToldBy::Exact(_)),
        |told| matches!(told, ToldBy::Glob(_)),
        |told| matches!(told, ToldBy::Regex(_)),
        |told| matches!(told, ToldBy::Tenant(_)),
        |told| matches!(told, ToldBy::Address(_)),
        |told| matches!(told, ToldBy::Networks(_)),
        |told| matches!(told, ToldBy::AsnFrom(_)),
    ] {
        assert!(share(&rules, kind) >= 1);
    }
}

#[test]
fn no_two_policies_are_told_by_the_same_thing() {
    let rules = mixed(10_000);
    let told: std::collections::HashSet<String> = rules
        .iter()
        .map(|rule| format!("{:?}", rule.told_by))
        .collect();
    assert_eq!(told.len(), rules.len());
    let names: std::collections::HashSet<&str> =
        rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names.len(), rules.len());
}

#[test]
fn networks_and_addresses_do_not_meet() {
    let mut addresses = std::collections::HashSet::new();
    for rule in mixed(10_000) {
        match rule.told_by {
            ToldBy::Address(address) => assert!(addresses.insert(u32::from(address))),
            ToldBy::Networks(networks) => {
                for network in networks {
                    assert!(u32::from(network).is_multiple_of(16), "{network}");
                    for offset in 0..16 {
                        assert!(addresses.insert(u32::from(network) + offset), "{network}");
                    }
                }
            }
            _ => {}
        }
    }
}

#[test]
fn many_networks_and_devices_are_as_many_lines() {
    let documents = many(70_000, 30_000);
    let lines: std::collections::HashSet<&str> = documents
        .iter()
        .flat_map(|document| document.lines())
        .filter(|line| line.starts_with("  - "))
        .collect();
    assert_eq!(lines.len(), 100_000);
    let all = documents.concat();
    assert!(all.contains("in lists.many2"));
    assert_eq!(all.matches("kind: DeviceRule").count(), 2);
}
