//! The covers that the hosts, endpoints and methods of a policy give.

use super::{Cover, Key, Subject, Test};

/// Most literals from the middle of one pattern that are offered: each is a cover to weigh, and the
/// fifth longest is hardly the one that tells policies apart.
const MAX_INNER_LITERALS: usize = 4;

/// What the hosts of a policy ask for; `None` where it names none, which stands for all. The subject is
/// a host as [`crate::Authority::host`] gives it.
#[must_use]
pub fn host_cover(hosts: &[String]) -> Option<Cover> {
    let test = |pattern: &String| match pattern.strip_prefix('*') {
        Some(suffix) if suffix.starts_with('.') => Test::Suffix(suffix.to_owned()),
        _ => Test::Equals(pattern.clone()),
    };
    some_cover(Subject::Host, hosts.iter().map(test))
}

/// What the methods of a policy ask for; `None` where it names none. Methods count in any case, and
/// `GET` stands for HEAD as well: the subject is upper-case.
#[must_use]
pub fn method_cover(methods: &[String]) -> Option<Cover> {
    let head = methods.iter().any(|method| method == "GET");
    let names = methods
        .iter()
        .map(|method| method.to_ascii_uppercase())
        .chain(head.then(|| "HEAD".to_owned()));
    some_cover(Subject::Method, names.map(Test::Equals))
}

/// What the endpoints of a policy ask for, in several ways among which the planner chooses: by how the
/// patterns start, how they end, and the literals between. None where one of the patterns has no
/// literal at all.
#[must_use]
pub fn endpoint_covers(endpoints: &[String], ignore_case: bool) -> Vec<Cover> {
    let tests: Vec<Vec<Test>> = endpoints
        .iter()
        .map(|pattern| glob_tests(pattern, ignore_case))
        .collect();
    if tests.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let ways = tests.iter().map(Vec::len).max().unwrap_or(0);
    (0..ways)
        .filter_map(|way| {
            // A pattern with fewer literals than the others stands in every cover by its last.
            let tests = tests.iter().filter_map(|of| of.get(way).or(of.last()));
            some_cover(Subject::Path, tests.cloned())
        })
        .collect()
}

/// What a path must have for the pattern to match it, the most telling first; any one of them does.
/// A pattern without a wildcard is met by equality alone, one that is only wildcards by nothing.
#[must_use]
pub fn glob_tests(pattern: &str, ignore_case: bool) -> Vec<Test> {
    let pattern = if ignore_case {
        pattern.to_ascii_lowercase()
    } else {
        pattern.to_owned()
    };
    let literals: Vec<&str> = pattern.split(['*', '?']).collect();
    let [first, inner @ .., last] = literals.as_slice() else {
        return vec![Test::Equals(pattern)];
    };
    let mut inner: Vec<&str> = inner.to_vec();
    // The longest first; equal lengths in the order of the pattern.
    inner.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
    inner.truncate(MAX_INNER_LITERALS);
    let mut tests: Vec<(usize, Test)> = vec![
        (first.len(), Test::Prefix((*first).to_owned())),
        (last.len(), Test::Suffix((*last).to_owned())),
    ];
    tests.extend(
        inner
            .into_iter()
            .map(|literal| (literal.len(), Test::Contains(literal.to_owned()))),
    );
    tests.retain(|&(length, _)| length > 0);
    tests.sort_by_key(|&(length, _)| std::cmp::Reverse(length));
    tests.into_iter().map(|(_, test)| test).collect()
}

fn some_cover(subject: Subject, tests: impl Iterator<Item = Test>) -> Option<Cover> {
    let cover: Cover = tests.map(|test| Key { subject, test }).collect();
    (!cover.is_empty()).then_some(cover)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|&pattern| pattern.to_owned()).collect()
    }

    #[test]
    fn a_pattern_gives_every_literal_that_a_path_must_have_the_longest_first() {
        let equals = |text: &str| Test::Equals(text.to_owned());
        let prefix = |text: &str| Test::Prefix(text.to_owned());
        let suffix = |text: &str| Test::Suffix(text.to_owned());
        let contains = |text: &str| Test::Contains(text.to_owned());
        for (pattern, tests) in [
            ("/Exact", vec![equals("/exact")]),
            ("", vec![equals("")]),
            ("/checkout/*", vec![prefix("/checkout/")]),
            ("*.php", vec![suffix(".php")]),
            ("/v?/x", vec![prefix("/v"), suffix("/x")]),
            ("/a/*/delete", vec![suffix("/delete"), prefix("/a/")]),
            (
                "*/a*b?c*123*",
                vec![
                    contains("123"),
                    contains("/a"),
                    contains("b"),
                    contains("c"),
                ],
            ),
            ("*", vec![]),
            ("?*?", vec![]),
        ] {
            assert_eq!(glob_tests(pattern, true), tests, "{pattern}");
        }
        assert_eq!(glob_tests("/Exact", false), [equals("/Exact")]);
    }

    #[test]
    fn a_pattern_of_wildcards_takes_the_cover_from_all() {
        assert!(endpoint_covers(&owned(&["/a", "*"]), true).is_empty());
        assert!(endpoint_covers(&[], true).is_empty());
        assert_eq!(host_cover(&[]), None);
        assert_eq!(method_cover(&[]), None);
    }

    #[test]
    fn each_way_names_every_pattern() {
        let covers = endpoint_covers(&owned(&["/a/*/delete", "/pay"]), true);
        assert_eq!(covers.len(), 2);
        for cover in covers {
            assert_eq!(cover.len(), 2);
            assert_eq!(cover[1].test, Test::Equals("/pay".to_owned()));
        }
    }

    #[test]
    fn get_stands_for_head_and_a_wildcard_host_for_what_is_below() {
        let tests = |cover: Option<Cover>| -> Vec<Test> {
            cover.unwrap().into_iter().map(|key| key.test).collect()
        };
        assert_eq!(
            tests(method_cover(&owned(&["GET", "post"]))),
            ["GET", "POST", "HEAD"].map(|name| Test::Equals(name.to_owned()))
        );
        assert_eq!(
            tests(host_cover(&owned(&["*.example.com", "a.test", "*"]))),
            [
                Test::Suffix(".example.com".to_owned()),
                Test::Equals("a.test".to_owned()),
                Test::Equals("*".to_owned()),
            ]
        );
    }
}
