use super::*;

fn like(before: bool, text: &str, after: bool) -> TextTest<'static> {
    TextTest::Like(vec![Pattern::around(before, text, after)])
}

fn empty(shape: Shape, tests: &[(&TextTest<'_>, bool)]) -> bool {
    let effort = Effort::default();
    effort.begin();
    let mut texts = Texts::all(shape);
    for &(test, wanted) in tests {
        if !texts.restrict(test, wanted, &effort).unwrap() {
            return true;
        }
    }
    texts.is_empty(&effort).unwrap()
}

#[test]
fn sets_of_texts_are_empty_or_not() {
    let get = TextTest::among(["GET".to_owned()]);
    let post = TextTest::among(["POST".to_owned(), "PUT".to_owned()]);
    let lower = TextTest::among(["get".to_owned()]);
    let starts = like(false, "/a/", true);
    let ends = like(true, ".php", false);
    let holds = like(true, "bot", true);
    let every = like(false, "", true);
    let regex = TextTest::Matches("^P".to_owned());
    for (shape, tests, expected) in [
        (Shape::Any, vec![(&get, true), (&post, true)], true),
        (Shape::Any, vec![(&get, true), (&post, false)], false),
        (Shape::Upper, vec![(&lower, true)], true),
        (Shape::Any, vec![(&post, true), (&regex, true)], false),
        (Shape::Any, vec![(&get, true), (&regex, true)], true),
        (Shape::Any, vec![(&regex, true), (&get, true)], true),
        (Shape::Any, vec![(&regex, true), (&regex, false)], true),
        (Shape::Any, vec![(&starts, true), (&ends, true)], false),
        (Shape::Any, vec![(&holds, true), (&holds, false)], true),
        (Shape::Any, vec![(&every, false)], true),
        (Shape::Upper, vec![(&holds, true)], true),
        (Shape::Path, vec![(&ends, true), (&starts, false)], false),
        (Shape::Path, vec![(&holds, false)], false),
    ] {
        assert_eq!(empty(shape, &tests), expected, "{shape:?} {tests:?}");
    }
}

#[test]
fn a_path_is_in_normal_form() {
    for (text, fits) in [
        ("/", true),
        ("/a/.b/..c", true),
        ("a", false),
        ("/a//b", false),
        ("/a/../b", false),
        ("/a;b", false),
        ("/a\\b", false),
        ("/%63", true),
    ] {
        assert_eq!(Shape::Path.fits(text), fits, "{text}");
    }
    let double = like(true, "x//y", true);
    assert!(empty(Shape::Path, &[(&double, true)]));
    let rootless = like(false, "x", true);
    assert!(empty(Shape::Path, &[(&rootless, true)]));
}

#[test]
fn a_host_is_in_lower_case_and_may_have_a_port() {
    for (text, fits) in [
        ("shop.example.com", true),
        ("shop.example.com:8443", true),
        ("[::1]:80", true),
        ("Shop.example.com", false),
        ("shop.example.com/", false),
        ("shop.example.com:", false),
    ] {
        assert_eq!(Shape::Host.fits(text), fits, "{text}");
    }
}

#[test]
fn sets_past_the_limit_are_not_looked_into() {
    let of = |count: usize| TextTest::among((0..count).map(|number| number.to_string()));
    let other = TextTest::among(["x".to_owned()]);
    let (at, past) = (of(MAX_MEMBERS), of(MAX_MEMBERS + 1));
    assert!(empty(Shape::Any, &[(&at, true), (&other, true)]));
    assert!(empty(Shape::Any, &[(&past, true), (&other, true)]));
    let half = like(false, "x", true);
    assert!(empty(Shape::Any, &[(&at, true), (&half, true)]));
    assert!(!empty(Shape::Any, &[(&past, true), (&half, true)]));
}

#[test]
fn a_few_excluded_texts_are_told_from_patterns() {
    let exact = TextTest::Like(vec![Pattern::glob("/a", false)]);
    let of = |count: usize| {
        let others = (1..count).map(|number| number.to_string());
        TextTest::among(others.chain(["/a".to_owned()]))
    };
    let (at, past) = (of(MAX_EXCLUDED), of(MAX_EXCLUDED + 1));
    assert!(empty(Shape::Any, &[(&exact, true), (&at, false)]));
    assert!(!empty(Shape::Any, &[(&exact, true), (&past, false)]));
}
