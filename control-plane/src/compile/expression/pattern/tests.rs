use regex_automata::Input;
use regex_automata::dfa::{Automaton, sparse};

use super::*;

fn matches(pattern: &str, text: &[u8]) -> bool {
    let bytes = automaton(pattern).unwrap_or_else(|refusal| panic!("{pattern}: {refusal:?}"));
    let (dfa, _) = sparse::DFA::from_bytes(&bytes).unwrap();
    dfa.try_search_fwd(&Input::new(text)).unwrap().is_some()
}

#[test]
fn patterns_search_as_re2_does() {
    for (pattern, text, expected) in [
        ("abc", "xxabcxx", true),
        ("^abc$", "xabc", false),
        ("^/api/v[0-9]+/", "/api/v12/x", true),
        (r"\d+", "a1", true),
        (r"^\d$", "\u{0663}", false),
        (r"^\w+$", "é", false),
        (r"^[\w-]+$", "a-b", true),
        (r"^[^\s]+$", "a b", false),
        (r"\bbot\b", "a bot b", true),
        (r"\bbot\b", "robot", false),
        (r"\bbot\b", "ébot", true),
        ("(?i)headless", "HeadLESS", true),
        ("(?i)straße", "STRAßE", true),
        ("^.$", "é", true),
        ("", "anything", true),
        ("a{2,3}", "aa", true),
        (r"\.php$", "x.php", true),
        (r"\p{Greek}", "λ", true),
    ] {
        assert_eq!(
            matches(pattern, text.as_bytes()),
            expected,
            "{pattern} {text}"
        );
    }
    assert!(matches("b", b"\xff\xfeb"));
}

#[test]
fn what_re2_reads_otherwise_is_refused() {
    for (pattern, message) in [
        ("(", "this is no pattern: unclosed group"),
        (
            "*",
            "this is no pattern: repetition operator missing expression",
        ),
        ("[a&&b]", "RE2 has no set operations inside brackets"),
        ("[a[b]]", "RE2 has no brackets inside brackets"),
        ("(?x)a b", "RE2 does not have this flag"),
        (r"\b{start}a", "RE2 does not have this assertion"),
        (
            r"(a)\1",
            "this is no pattern: backreferences are not supported",
        ),
        (
            "(?=a)",
            "this is no pattern: look-around, including look-ahead and look-behind, is not supported",
        ),
    ] {
        assert_eq!(
            automaton(pattern).unwrap_err().message,
            message,
            "{pattern}"
        );
    }
}

#[test]
fn a_pattern_that_explodes_is_refused_by_its_limit() {
    let refusal = automaton("(a|b)*a(a|b){24}").unwrap_err();
    assert!(
        refusal.message.contains(&MAX_DETERMINIZE_BYTES.to_string()),
        "{}",
        refusal.message
    );
    assert!(automaton("(a|b)*a(a|b){12}").is_ok());
    let refusal = automaton("(a|b)*a(a|b){15}").unwrap_err();
    assert!(
        refusal.message.contains(&MAX_AUTOMATON_BYTES.to_string()),
        "{}",
        refusal.message
    );
    let refusal = automaton("((((a{100}){100}){100}){100})").unwrap_err();
    assert!(
        refusal.message.contains(&MAX_NFA_BYTES.to_string()),
        "{}",
        refusal.message
    );
}

#[test]
fn length_and_nesting_are_bounded() {
    assert!(automaton(&"a".repeat(MAX_PATTERN_BYTES)).is_ok());
    assert!(automaton(&"a".repeat(MAX_PATTERN_BYTES + 1)).is_err());
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    let most = MAX_PATTERN_NESTING as usize;
    assert!(automaton(&nested(most)).is_ok());
    assert!(automaton(&nested(most + 1)).is_err());
}

#[test]
fn equal_patterns_share_an_automaton() {
    let mut patterns = Patterns::default();
    assert_eq!(patterns.number("a"), Ok(0));
    assert_eq!(patterns.number("b"), Ok(1));
    assert_eq!(patterns.number("a"), Ok(0));
    assert_eq!(patterns.into_automata().len(), 2);
}
