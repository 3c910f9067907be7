use super::*;
use crate::limits::{MAX_MERGED_MEMBERS, MAX_SETS_WALKED};

/// Of policies with one test each, those that are candidates for a value of the node.
#[track_caller]
fn assert_found(policies: &[Vec<Cover>], sets: &[SetBuilder], cases: &[(Held, &[u32])]) {
    let built = build(policies, sets);
    for (value, expected) in cases {
        let found = built.candidates(&mut given([(NODE, value.clone())]));
        assert_eq!(found, *expected, "{value:?}");
    }
}

/// Tests of another kind and more policies than are tried on absence, so that nothing else is found.
fn many_others() -> Vec<Vec<Cover>> {
    each((0..20).map(|number| Test::Number(9_000 + number)))
}

fn with_others(mut policies: Vec<Vec<Cover>>) -> Vec<Vec<Cover>> {
    policies.extend(many_others());
    policies
}

#[test]
fn a_text_is_found_by_equality() {
    let policies = with_others(texts(
        Test::Equals,
        &["", "a", "ab", "tenant-0001", "a", "ä"],
    ));
    assert_found(
        &policies,
        &[],
        &[
            (text(""), &[0]),
            (text("a"), &[1, 4]),
            (text("ab"), &[2]),
            (text("tenant-0001"), &[3]),
            (text("tenant-0002"), &[]),
            (text("A"), &[]),
            (text("\u{e4}"), &[5]),
            (Held::Bytes(vec![0xc3]), &[]),
        ],
    );
}

#[test]
fn a_text_is_found_by_each_of_its_prefixes() {
    let keys = ["/a", "/a/b", "/a/bc", "/", "/a/b/c/d", "", "/b", "/a"];
    let policies = with_others(texts(Test::Prefix, &keys));
    assert_found(
        &policies,
        &[],
        &[
            (text("/a/b/c/d/e"), &[0, 1, 3, 4, 5, 7]),
            (text("/a/b"), &[0, 1, 3, 5, 7]),
            (text("/a/"), &[0, 3, 5, 7]),
            (text("/a/bb"), &[0, 1, 3, 5, 7]),
            (text("/c"), &[3, 5]),
            (text("x"), &[5]),
            (text(""), &[5]),
        ],
    );
}

#[test]
fn a_text_is_found_by_each_of_its_suffixes() {
    let keys = [
        ".example.com",
        ".com",
        ".shop.example.com",
        "x.example.com",
        "",
    ];
    let policies = with_others(texts(Test::Suffix, &keys));
    assert_found(
        &policies,
        &[],
        &[
            (text("a.shop.example.com"), &[0, 1, 2, 4]),
            (text("x.example.com"), &[0, 1, 3, 4]),
            (text("example.com"), &[1, 4]),
            (text("com"), &[4]),
            (text(""), &[4]),
        ],
    );
}

#[test]
fn a_text_is_found_by_what_occurs_in_it() {
    let keys = ["he", "she", "his", "hers", "e", "\u{e4}"];
    let policies = with_others(texts(Test::Contains, &keys));
    assert_found(
        &policies,
        &[],
        &[
            (text("ushers"), &[0, 1, 3, 4]),
            (text("shis"), &[2]),
            (text("shhe"), &[0, 4]),
            (text("hihis"), &[2]),
            (text("x\u{e4}x"), &[5]),
            (text(""), &[]),
            (text("xyz"), &[]),
        ],
    );
}

#[test]
fn an_empty_literal_occurs_in_every_text() {
    let policies = with_others(texts(Test::Contains, &["", "a"]));
    assert_found(&policies, &[], &[(text(""), &[0]), (text("xax"), &[0, 1])]);
}

#[test]
fn every_byte_can_follow_every_byte() {
    let keys: Vec<String> = (1..=127_u8)
        .map(|byte| char::from(byte).to_string())
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for of in [Test::Prefix, Test::Suffix, Test::Contains, Test::Equals] {
        let built = build(&texts(of, &keys), &[]);
        for (number, key) in (0..).zip(&keys) {
            assert_eq!(built.candidates(&mut given([(NODE, text(key))])), [number]);
        }
    }
}

#[test]
fn a_number_is_found_by_equality_and_by_the_ranges_that_hold_it() {
    let range = |least, greatest| Test::NumberRange { least, greatest };
    let policies = each([
        Test::Number(70),
        range(70, i64::MAX),
        range(i64::MIN, 69),
        range(60, 80),
        range(i64::MIN, i64::MAX),
        range(70, 70),
        range(80, 60),
        Test::Number(i64::MIN),
        Test::Number(i64::MAX),
        range(65, 100),
    ]);
    assert_found(
        &policies,
        &[],
        &[
            (Held::Number(70), &[0, 1, 3, 4, 5, 9]),
            (Held::Number(69), &[2, 3, 4, 9]),
            (Held::Number(80), &[1, 3, 4, 9]),
            (Held::Number(81), &[1, 4, 9]),
            (Held::Number(59), &[2, 4]),
            (Held::Number(i64::MIN), &[2, 4, 7]),
            (Held::Number(i64::MAX), &[1, 4, 8]),
            (text("70"), &[]),
        ],
    );
}

#[test]
fn an_address_is_found_by_the_networks_that_hold_it() {
    let networks = [
        "10.0.0.0/8",
        "10.1.2.3/32",
        "0.0.0.0/0",
        "::/0",
        "2001:db8::/32",
        "2001:db8::1/128",
        "::ffff:10.1.0.0/112",
        "::ffff:0:0/90",
        "10.1.2.3/24",
        "10.1.2.3/24",
    ];
    let policies: Vec<Vec<Cover>> = networks
        .iter()
        .map(|network| vec![vec![cidr(NODE, network)]])
        .collect();
    let cases: [(&str, &[u32]); 7] = [
        ("10.1.2.3", &[0, 1, 2, 3, 6, 7, 8, 9]),
        ("::ffff:10.1.2.3", &[0, 1, 2, 3, 6, 7, 8, 9]),
        ("10.1.2.4", &[0, 2, 3, 6, 7, 8, 9]),
        ("10.2.0.0", &[0, 2, 3, 7]),
        ("11.0.0.0", &[2, 3, 7]),
        ("2001:db8::1", &[3, 4, 5]),
        ("2001:db9::1", &[3]),
    ];
    let built = build(&policies, &[]);
    for (of, expected) in cases {
        for held in [Held::Address(address(of)), text(of)] {
            let mut request = given([(NODE, held)]);
            assert_eq!(built.candidates(&mut request), expected, "{of}");
            assert_eq!(request.asked, [(NODE, Wanted::Address)]);
        }
    }
    // As hops write it.
    let mut request = given([(NODE, text("10.2.0.0:443"))]);
    assert_eq!(built.candidates(&mut request), [0, 2, 3, 7]);
}

#[test]
fn a_prefix_longer_than_the_address_is_the_address() {
    let test = |base: &str, prefix| Test::Cidr(address(base), prefix);
    let policies = each([test("10.1.2.3", 200), test("2001:db8::1", 200)]);
    assert_found(
        &policies,
        &[],
        &[
            (Held::Address(address("10.1.2.3")), &[0]),
            (Held::Address(address("10.1.2.2")), &[]),
            (Held::Address(address("2001:db8::1")), &[1]),
        ],
    );
}

#[test]
fn a_truth_value_is_found() {
    let policies = each([Test::Is(true), Test::Is(false), Test::Is(true)]);
    assert_found(
        &policies,
        &[],
        &[(Held::Bool(true), &[0, 2]), (Held::Bool(false), &[1])],
    );
    let only = each([Test::Is(true)]);
    assert_found(&only, &[], &[(Held::Bool(false), &[])]);
}

#[test]
fn a_value_is_found_by_the_sets_that_have_it() {
    let sets = [
        SetBuilder::strings("tenants", vec!["a".to_owned(), "b".to_owned()]),
        SetBuilder::numbers("ports", vec![80, 443]),
        SetBuilder::cidrs("offices", [(address("192.0.2.0"), 24)]),
        SetBuilder::strings("others", vec!["b".to_owned()]),
    ];
    let policies = with_others(each((0..4).map(Test::InSet)));
    assert_found(
        &policies,
        &sets,
        &[
            (text("a"), &[0]),
            (text("b"), &[0, 3]),
            (text("192.0.2.7"), &[2]),
            (Held::Number(443), &[1]),
            (Held::Number(444), &[]),
            (Held::Bytes(vec![0xff]), &[]),
        ],
    );
    let networks = build(&each([Test::InSet(2)]), &sets);
    let mut request = given([(NODE, Held::Address(address("192.0.2.7")))]);
    assert_eq!(networks.candidates(&mut request), [0]);
    assert_eq!(request.asked, [(NODE, Wanted::Address)]);
}

#[test]
fn what_cannot_be_looked_up_makes_everybody_under_the_subject_a_candidate() {
    let mut policies = many_others();
    policies.push(vec![vec![equals(Subject::Host, "other")]]);
    policies.push(vec![vec![equals(NODE, "a")]]);
    let everyone: Vec<u32> = (0..20).chain([21]).collect();
    let built = build(&policies, &[]);
    for held in [Held::Other, Held::Address(address("10.0.0.1"))] {
        assert_eq!(built.candidates(&mut given([(NODE, held)])), everyone);
    }
}

#[test]
fn a_policy_without_a_cover_is_always_a_candidate() {
    let mut policies = vec![Vec::new(); 130];
    policies[64] = vec![vec![equals(NODE, "a")]];
    policies[129] = vec![vec![equals(NODE, "a")], Vec::new()];
    let built = build(&policies, &[]);
    let without: Vec<u32> = (0..129).filter(|&policy| policy != 64).collect();
    assert_eq!(built.candidates(&mut given([(NODE, text("b"))])), without);
    let all: Vec<u32> = (0..130).collect();
    assert_eq!(built.candidates(&mut given([(NODE, text("a"))])), all);
    let program = built.program();
    let index = Index::load(&built.sections(), &program, 130).unwrap();
    assert_eq!((index.always(), index.policies()), (128, 130));
    assert_eq!(
        index.subjects().collect::<Vec<_>>(),
        [(NODE, Wanted::Value)]
    );
}

#[test]
fn a_cover_without_keys_is_passed_over() {
    let built = build(&[vec![Vec::new()]], &[]);
    assert_eq!(built.candidates(&mut Given::default()), [0]);
    assert_eq!(build(&[], &[]).candidates(&mut Given::default()), [0; 0]);
}

#[test]
fn an_absent_subject_is_tried_by_eight_policies_and_by_nine_no_more() {
    let asking = |policies: usize| {
        let tests = (0..policies).map(|number| Test::Equals(format!("tenant-{number}")));
        build(&each(tests), &[])
    };
    let at_limit: Vec<u32> = (0..8).collect();
    assert_eq!(MAX_POLICIES_ON_ABSENCE, at_limit.len());
    assert_eq!(asking(8).candidates(&mut Given::default()), at_limit);
    assert_eq!(asking(9).candidates(&mut Given::default()), [0; 0]);
    // A value that the tests are not about is an error of the condition as well.
    let mut number = given([(NODE, Held::Number(1))]);
    assert_eq!(asking(8).candidates(&mut number), at_limit);
    assert_eq!(asking(9).candidates(&mut number), [0; 0]);
    // So is a text that is no address.
    let networks = build(&each([Test::Cidr(address("10.0.0.0"), 8)]), &[]);
    assert_eq!(
        networks.candidates(&mut given([(NODE, text("unknown"))])),
        [0]
    );
}

#[test]
fn no_host_is_no_error() {
    for subject in [Subject::Host, Subject::Path, Subject::Method] {
        let built = build(&[vec![vec![equals(subject, "shop.example.com")]]], &[]);
        assert_eq!(built.candidates(&mut Given::default()), [0; 0]);
    }
}

#[test]
fn selectors_find_what_the_exact_match_accepts() {
    let patterns = [
        "/checkout/*",
        "/CHECKOUT/pay",
        "*.php",
        "*/a*b?c*123*",
        "/v?/x",
        "*",
        "",
        "/",
        "/*/admin",
    ];
    let paths = [
        "/checkout/",
        "/checkout/pay",
        "/index.php",
        "/a/axbycz123",
        "/x/abxc-123",
        "/v1/x",
        "/",
        "/eu/admin",
        "/none",
    ];
    let policies: Vec<Vec<Cover>> = patterns
        .iter()
        .map(|&pattern| endpoint_covers(&[pattern.to_owned()], true))
        .collect();
    let built = build(&policies, &[]);
    for path in paths {
        let found = built.candidates(&mut given([(Subject::Path, text(path))]));
        for (number, pattern) in (0..).zip(patterns) {
            let matches = crate::glob_matches(pattern.as_bytes(), path.as_bytes(), true);
            assert!(!matches || found.contains(&number), "{pattern} {path}");
        }
    }
}

/// One policy for each set; the sets of `others` are larger, so that they are the ones that are walked.
fn of_sets(sets: usize) -> Vec<Vec<Cover>> {
    let sets = u32::try_from(sets).unwrap();
    each((0..sets).map(Test::InSet))
}

#[test]
fn lists_of_their_own_are_found_by_one_table() {
    let mut sets: Vec<SetBuilder> = (0..200_u8)
        .map(|number| {
            let networks = [
                (IpAddr::from([10, number, 0, 0]), 16),
                (IpAddr::from([10, number, 1, 0]), 24),
                // What two lists hold, and what one of them holds around it.
                (IpAddr::from([172, 16, number / 2, 0]), 24),
                (
                    IpAddr::from([0x2001_u16, number.into(), 0, 0, 0, 0, 0, 0]),
                    32,
                ),
            ];
            SetBuilder::cidrs(&number.to_string(), networks)
        })
        .collect();
    sets.push(SetBuilder::cidrs("wide", [(address("172.16.0.0"), 12)]));
    let policies = of_sets(sets.len());
    assert_found(
        &policies,
        &sets,
        &[
            (Held::Address(address("10.7.1.1")), &[7]),
            (Held::Address(address("::ffff:10.7.1.1")), &[7]),
            (text("10.199.255.255"), &[199]),
            (Held::Address(address("10.200.0.0")), &[]),
            (Held::Address(address("172.16.3.9")), &[6, 7, 200]),
            (Held::Address(address("172.31.0.1")), &[200]),
            (Held::Address(address("2001:9::1")), &[9]),
            (Held::Address(address("2001:c8::1")), &[]),
        ],
    );
}

#[test]
fn ranges_become_the_fewest_networks() {
    for (networks, expected) in [
        (vec![("0.0.0.0", 0)], vec!["0.0.0.0/0"]),
        (
            vec![("10.0.0.0", 24), ("10.0.1.0", 24)],
            vec!["10.0.0.0/23"],
        ),
        (
            vec![("10.0.1.0", 24), ("10.0.2.0", 24)],
            vec!["10.0.1.0/24", "10.0.2.0/24"],
        ),
        (vec![("255.255.255.255", 32)], vec!["255.255.255.255/32"]),
        (vec![("8000::", 1), ("::", 1)], vec!["0.0.0.0/0", "::/0"]),
        (vec![("ffff::", 16)], vec!["ffff::/16"]),
    ] {
        let networks = networks
            .into_iter()
            .map(|(base, length)| (address(base), length));
        let set = SetBuilder::cidrs("", networks);
        let shown: Vec<String> = set
            .networks()
            .map(|(base, length)| format!("{base}/{length}"))
            .collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn lists_of_texts_and_numbers_are_found_by_one_table_too() {
    let mut sets: Vec<SetBuilder> = (0..50)
        .map(|number| {
            SetBuilder::strings(
                &number.to_string(),
                vec![format!("t{number}"), "all".to_owned()],
            )
        })
        .collect();
    sets.extend(
        (0..50).map(|number| SetBuilder::numbers(&(number + 50).to_string(), vec![number, 77])),
    );
    let policies = of_sets(sets.len());
    let everyone: Vec<u32> = (0..50).collect();
    let later: Vec<u32> = (50..100).collect();
    assert_found(
        &policies,
        &sets,
        &[
            (text("t17"), &[17]),
            (text("all"), &everyone),
            (text("t50"), &[]),
            (Held::Number(17), &[67]),
            (Held::Number(77), &later),
            (Held::Bool(true), &[]),
        ],
    );
}

#[test]
fn few_sets_and_the_largest_of_many_stand_in_memory_once() {
    let set = |name: usize, networks: u32| {
        let network = |at: u32| (IpAddr::from((at * 2).to_be_bytes()), 32);
        SetBuilder::cidrs(&name.to_string(), (0..networks).map(network))
    };
    let few = MAX_SETS_WALKED;
    let sets: Vec<SetBuilder> = (0..few).map(|name| set(name, 1_000)).collect();
    assert!(build(&of_sets(few), &sets).bytes() < 1_000);
    let mut sets: Vec<SetBuilder> = (0..20).map(|name| set(name, 10)).collect();
    sets.extend((20..20 + few).map(|name| set(name, 1_000)));
    let large = build(&of_sets(sets.len()), &sets).bytes();
    assert!(large < 4_000, "{large} bytes");
}

#[test]
fn sets_past_the_bound_of_merged_members_are_walked_and_found() {
    let each_set = u32::try_from(MAX_MERGED_MEMBERS / 16).unwrap();
    let sets: Vec<SetBuilder> = (0..24_u32)
        .map(|name| {
            let numbers = (0..each_set).map(|at| i64::from(at * 24 + name));
            SetBuilder::numbers(&name.to_string(), numbers.collect())
        })
        .collect();
    let built = build(&of_sets(sets.len()), &sets);
    // Sixteen of the sets fit, at 12 bytes a number and 4 for its policy.
    assert!(
        built.bytes() <= MAX_MERGED_MEMBERS * 16 + 10_000,
        "{}",
        built.bytes()
    );
    assert!(built.bytes() >= MAX_MERGED_MEMBERS * 12);
    for policy in [0, 15, 16, 23] {
        let number = Held::Number(i64::from(policy) + 24 * 1_000);
        assert_eq!(built.candidates(&mut given([(NODE, number)])), [policy]);
    }
}
