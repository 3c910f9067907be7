use super::*;

fn glob(text: &str) -> Pattern {
    Pattern::glob(text, true)
}

fn empty(yes: &[&str], no: &[&str]) -> bool {
    let effort = Effort::default();
    effort.begin();
    let patterns: Vec<(Vec<Pattern>, bool)> = yes
        .iter()
        .map(|text| (vec![glob(text)], true))
        .chain(no.iter().map(|text| (vec![glob(text)], false)))
        .collect();
    let wanted: Vec<Wanted<'_>> = patterns
        .iter()
        .map(|(patterns, matches)| Wanted {
            patterns,
            matches: *matches,
        })
        .collect();
    is_empty(&wanted, |_| false, &effort).unwrap()
}

#[test]
fn a_pattern_lies_within_another_or_not() {
    for (inner, outer, within) in [
        ("/a/b", "/a/*", true),
        ("/a/*", "/a/*", true),
        ("/a/b/*", "/a/*", true),
        ("/A/b/*", "/a/*", true),
        ("/a/*", "/a/b/*", false),
        ("/a", "/a/*", false),
        ("/a/?", "/a/*", true),
        ("/a/*", "/a/?*", false),
        ("/a/**/c", "/a/*", true),
        ("*.php", "*", true),
        ("/x*.php", "*.php", true),
        ("*.php", "/x*.php", false),
        ("/a*b*c", "/a*c", true),
        ("/a*c", "/a*b*c", false),
        ("/a?c", "/abc", false),
        ("**", "*", true),
    ] {
        assert_eq!(empty(&[inner], &[outer]), within, "{inner} in {outer}");
    }
}

#[test]
fn patterns_meet_or_exclude_each_other() {
    for (one, other, apart) in [
        ("/a/*", "/b/*", true),
        ("/a/*", "*/b", false),
        ("/a", "/a?", true),
        ("/a*", "/a", false),
        ("*a", "*b", true),
        ("*x*", "*y*", false),
        ("/?", "/??", true),
    ] {
        assert_eq!(empty(&[one, other], &[]), apart, "{one} {other}");
    }
    assert!(empty(&["/a*"], &["/ab*", "/a*"]));
    assert!(!empty(&["*"], &["/ab*", "/a", "x*"]));
}

#[test]
fn one_of_several_may_match_and_none_of_several_may() {
    let effort = Effort::default();
    effort.begin();
    let inner = [glob("/a/x"), glob("/b/y")];
    let outer = [glob("/a/*"), glob("/b/*")];
    let within = |inner: &[Pattern], outer: &[Pattern]| {
        let wanted = [
            Wanted {
                patterns: inner,
                matches: true,
            },
            Wanted {
                patterns: outer,
                matches: false,
            },
        ];
        is_empty(&wanted, |_| false, &effort).unwrap()
    };
    assert!(within(&inner, &outer));
    assert!(!within(&inner, &outer[..1]));
    assert!(!within(&outer, &inner));
}

#[test]
fn bytes_that_no_text_has_count_for_nothing() {
    let effort = Effort::default();
    effort.begin();
    let pattern = [Pattern::around(true, "get", true)];
    let wanted = [Wanted {
        patterns: &pattern,
        matches: true,
    }];
    let lower = |byte: u8| byte.is_ascii_lowercase();
    assert_eq!(is_empty(&wanted, lower, &effort), Ok(true));
    assert_eq!(is_empty(&wanted, |_| false, &effort), Ok(false));
}

#[test]
fn matching_is_that_of_the_engine() {
    for pattern in ["/a/*", "*", "/a?c*", "*.php", "/A*b", "", "/é*"] {
        for text in ["/a/", "/a/b", "/abc", "/abcd.php", "/aXb", "", "/é", "/A/B"] {
            for ignore_case in [false, true] {
                assert_eq!(
                    Pattern::glob(pattern, ignore_case).matches(text.as_bytes()),
                    countersign_engine::glob_matches(
                        pattern.as_bytes(),
                        text.as_bytes(),
                        ignore_case
                    ),
                    "{pattern} {text}"
                );
            }
        }
    }
}

#[test]
fn what_takes_too_long_is_not_known() {
    let effort = Effort::default();
    let question = |count: usize| {
        effort.begin();
        let pattern = [Pattern::glob(&"a".repeat(count), false)];
        let wanted = [Wanted {
            patterns: &pattern,
            matches: true,
        }];
        is_empty(&wanted, |_| false, &effort)
    };
    assert_eq!(question(MAX_PATTERN_BYTES - 1), Ok(false));
    assert_eq!(question(MAX_PATTERN_BYTES), Err(Spent));
}
