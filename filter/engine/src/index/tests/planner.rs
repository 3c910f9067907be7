use super::*;
use crate::limits::MAX_PREFERRED_COVER_KEYS;

fn hosts(host: &str) -> Option<Cover> {
    host_cover(&[host.to_owned()])
}

fn endpoints(pattern: &str) -> Vec<Cover> {
    endpoint_covers(&[pattern.to_owned()], true)
}

fn request(path: &str, node: Held) -> Given {
    given([
        (Subject::Host, text("shop.example.com")),
        (Subject::Path, text(path)),
        (Subject::Method, text("GET")),
        (NODE, node),
    ])
}

/// Ten thousand policies of one host, endpoint and method, each with one test more.
fn ten_thousand(test: impl Fn(u32) -> Test) -> Built {
    let policies: Vec<Vec<Cover>> = (0..10_000)
        .map(|number| {
            let mut covers: Vec<Cover> = hosts("shop.example.com").into_iter().collect();
            covers.extend(endpoints("/checkout/*"));
            covers.extend(method_cover(&["GET".to_owned()]));
            covers.push(vec![key(NODE, test(number))]);
            covers
        })
        .collect();
    build(&policies, &[])
}

#[test]
fn ten_thousand_policies_told_apart_by_a_header_give_one_candidate() {
    let built = ten_thousand(|number| Test::Equals(format!("tenant-{number}")));
    let mut asked = request("/checkout/pay", text("tenant-4711"));
    assert_eq!(built.candidates(&mut asked), [4_711]);
    assert_eq!(asked.asked.len(), 1, "only the header is looked up");
    let other = built.candidates(&mut request("/checkout/pay", text("tenant-x")));
    assert_eq!(other, [0; 0]);
    // Its policy, its text, its bucket, and its place among all under the header.
    assert!(built.bytes() < 10_000 * 32, "{} bytes", built.bytes());
}

#[test]
fn ten_thousand_policies_told_apart_by_an_address_give_one_candidate() {
    let network = |number: u32| IpAddr::from([10, (number >> 8) as u8, number as u8, 0]);
    let built = ten_thousand(|number| Test::Cidr(network(number), 24));
    let mut asked = request("/checkout/pay", text("10.0.7.9"));
    assert_eq!(built.candidates(&mut asked), [7]);
}

#[test]
fn policies_told_apart_by_their_endpoints_are_found_by_them() {
    for pattern in [
        "/t/{}/*",
        "/t/{}",
        "*/{}.php",
        "/api/*/t-{}-x/*/delete-account",
        "*-{}-?*",
    ] {
        let policies: Vec<Vec<Cover>> = (1_000..2_000)
            .map(|number| {
                let mut covers: Vec<Cover> = hosts("shop.example.com").into_iter().collect();
                covers.extend(endpoints(&pattern.replace("{}", &number.to_string())));
                covers.push(vec![equals(NODE, "same")]);
                covers
            })
            .collect();
        let path = pattern.replace("{}", "1500").replace(['*', '?'], "y");
        let built = build(&policies, &[]);
        let found = built.candidates(&mut request(&path, text("same")));
        assert_eq!(found, [500], "{pattern}");
    }
}

#[test]
fn equality_is_taken_before_a_prefix_a_literal_and_a_range() {
    let range = Test::NumberRange {
        least: 70,
        greatest: i64::MAX,
    };
    let covers = [
        vec![key(NODE, range)],
        vec![key(NODE, Test::Contains("abcdef".to_owned()))],
        vec![prefix(NODE, "abcdef")],
        vec![equals(NODE, "abcdef")],
    ];
    for kept in 1..=covers.len() {
        let offered = covers[..kept].to_vec();
        assert_eq!(plan(&[offered]), [Some(kept - 1)]);
    }
}

#[test]
fn a_selective_endpoint_is_taken_before_the_host_and_the_host_before_the_method() {
    let offered = |covers: Vec<Option<Cover>>| vec![covers.into_iter().flatten().collect()];
    let method = method_cover(&["GET".to_owned()]);
    let host = hosts("shop.example.com");
    let endpoint = endpoints("/checkout/*").pop();
    assert_eq!(
        plan(&offered(vec![method.clone(), host.clone()])),
        [Some(1)]
    );
    assert_eq!(plan(&offered(vec![method, host, endpoint])), [Some(2)]);
}

#[test]
fn one_common_header_is_looked_up_rather_than_ten_thousand_rare_ones() {
    let policies: Vec<Vec<Cover>> = (1..NODES)
        .map(|number| {
            let own = Subject::Node(NodeId(number));
            let tenant = format!("tenant-{number}");
            vec![vec![equals(own, "a")], vec![equals(NODE, &tenant)]]
        })
        .collect();
    assert_eq!(plan(&policies), vec![Some(1); policies.len()]);
}

#[test]
fn what_every_request_has_is_no_cover() {
    for pattern in ["/*", "*/*", "*", "/*?"] {
        assert_eq!(plan(&[endpoints(pattern)]), [None], "{pattern}");
    }
    assert_eq!(plan(&[endpoints("/*/admin")]), [Some(0)]);
    assert_eq!(plan(&[vec![]]), [None]);
}

#[test]
fn a_cover_of_sixty_four_keys_is_weighed_and_one_of_sixty_five_is_the_last_resort() {
    let many = |count: usize| -> Cover {
        (0..count)
            .map(|number| equals(Subject::Path, &format!("/p/{number}")))
            .collect()
    };
    let host = hosts("shop.example.com").unwrap();
    assert_eq!(MAX_PREFERRED_COVER_KEYS, 64);
    assert_eq!(plan(&[vec![host.clone(), many(64)]]), [Some(1)]);
    assert_eq!(plan(&[vec![host, many(65)]]), [Some(0)]);
    assert_eq!(plan(&[vec![many(65)]]), [Some(0)]);
}

#[test]
fn keys_that_mean_the_same_are_one() {
    let mut builder = IndexBuilder::default();
    let single = Test::NumberRange {
        least: 7,
        greatest: 7,
    };
    builder.policy(vec![vec![
        cidr(NODE, "10.1.2.3/8"),
        cidr(NODE, "10.0.0.0/8"),
        cidr(NODE, "::ffff:10.9.0.0/104"),
        key(NODE, single),
        key(NODE, Test::Number(7)),
    ]]);
    assert_eq!(
        builder.policies(),
        [vec![vec![
            key(NODE, Test::Number(7)),
            cidr(NODE, "10.0.0.0/8")
        ]]]
    );
}

#[test]
fn the_same_policies_give_the_same_bytes() {
    let policies: Vec<Vec<Cover>> = (0..300)
        .map(|number| {
            let mut covers = endpoints(&format!("/p/{}/*", number % 37));
            covers.push(vec![equals(NODE, &format!("t{}", number % 41))]);
            covers
        })
        .collect();
    assert_eq!(build(&policies, &[]).body, build(&policies, &[]).body);
}

#[test]
fn ten_thousand_globs_of_many_wildcards_grow_with_their_literals_only() {
    let policies: Vec<Vec<Cover>> = (0..10_000)
        .map(|number| endpoints(&format!("*/a*b?c*x{number:04}y*123*")))
        .collect();
    let built = build(&policies, &[]);
    let path = "/eu/a/bbcc/x4711y/1234/view".repeat(20);
    let found = built.candidates(&mut request(&path, text("")));
    assert_eq!(found, [4_711]);
    assert!(built.bytes() < 10_000 * 64, "{} bytes", built.bytes());
}
