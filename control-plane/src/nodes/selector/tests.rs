use super::*;
use crate::nodes::{Field, Locality, Metadata};

fn node() -> Introduction {
    Introduction {
        id: "edge-1".into(),
        cluster: "shop".into(),
        envoy_version: "1.40.0".into(),
        locality: Locality {
            region: "eu".into(),
            zone: "eu-1a".into(),
            sub_zone: String::new(),
        },
        metadata: Metadata::of([
            ("team".to_owned(), Field::Text("payments".into())),
            ("tier".to_owned(), Field::Number(2.0)),
            (
                "labels".to_owned(),
                Field::Object(vec![("canary".to_owned(), Field::Bool(true))]),
            ),
        ]),
        ..Introduction::default()
    }
}

fn selects(text: &str) -> Result<bool, String> {
    let (selector, _) = Selector::compile(text).map_err(|problems| problems[0].message.clone())?;
    selector.selects(&node()).map_err(|error| error.reason)
}

#[test]
fn everything_that_a_node_says_can_be_asked_for() {
    for text in [
        r#"node.id == "edge-1""#,
        r#"node.id.startsWith("edge-") && node.cluster in ["shop", "forum"]"#,
        r#"node.version.matches("^1[.]4[0-9]")"#,
        r#"locality.region == "eu" && locality.zone == "eu-1a" && locality.sub_zone == """#,
        r#"node.metadata.team == "payments""#,
        "node.metadata.tier == 2 && node.metadata.tier < 3",
        "node.metadata.labels.canary",
        r#"has(node.metadata.team) && !has(node.metadata.owner)"#,
        r#""team" in node.metadata"#,
        "true",
    ] {
        assert_eq!(selects(text), Ok(true), "{text}");
    }
    assert_eq!(selects(r#"locality.zone == "eu-1b""#), Ok(false));
}

#[test]
fn what_is_no_condition_over_nodes_is_refused_at_its_place() {
    for (text, at, message) in [
        ("node.id", 0..7, "a condition must be true or false"),
        ("node.name == 'a'", 0..9, "unknown variable `node.name`"),
        ("request == '/'", 0..7, "unknown variable"),
        ("node.id == 1", 8..10, ""),
    ] {
        let problem = Selector::compile(text).unwrap_err().remove(0);
        assert!(problem.message.contains(message), "{text}: {problem:?}");
        if text != "node.id == 1" {
            assert_eq!(problem.span.range(), at, "{text}: {problem:?}");
        }
    }
}

#[test]
fn what_a_node_does_not_say_is_an_error_that_names_it_and_no_selection() {
    let (selector, _) = Selector::compile("node.metadata.owner == 'x'").unwrap();
    let error = selector.selects(&node()).unwrap_err();
    assert!(error.to_string().contains("owner"), "{error}");
    assert!(selects("node.metadata.team").unwrap_err().contains("bool"));
}

#[test]
fn an_expression_at_the_limit_compiles_and_one_byte_more_does_not() {
    let padded = |length: usize| format!("true{}", " ".repeat(length - 4));
    assert!(Selector::compile(&padded(limits::MAX_SELECTOR_BYTES)).is_ok());
    assert!(Selector::compile(&padded(limits::MAX_SELECTOR_BYTES + 1)).is_err());
}

#[test]
fn an_expression_of_the_deepest_nesting_is_answered_and_one_level_more_is_refused() {
    // Each addition is a level, and so are the variable and the comparison.
    let deep = |levels: u32| {
        let sum = " + node.cluster".repeat(levels as usize - 2);
        format!("node.id{sum} != ''")
    };
    assert_eq!(selects(&deep(limits::MAX_SELECTOR_DEPTH)), Ok(true));
    assert!(Selector::compile(&deep(limits::MAX_SELECTOR_DEPTH + 1)).is_err());
}

#[test]
fn a_larger_percentage_only_adds_nodes_and_each_is_about_as_large_as_it_says() {
    let ids: Vec<String> = (0..10_000).map(|n| format!("edge-{n}.eu-1a")).collect();
    let mut before: Vec<&String> = Vec::new();
    for percent in [0, 1, 2, 5, 10, 25, 50, 75, 99, 100, 101] {
        let among: Vec<_> = ids.iter().filter(|id| in_percent(id, percent)).collect();
        assert!(before.iter().all(|id| in_percent(id, percent)), "{percent}");
        // Four standard deviations of a fair draw of ten thousand.
        let expected = percent.min(100) as usize * 100;
        assert!(
            among.len().abs_diff(expected) <= 200,
            "{percent}: {}",
            among.len()
        );
        before = among;
    }
    assert_eq!(before.len(), ids.len());
    assert!(!ids.iter().any(|id| in_percent(id, 0)));
}

#[test]
fn the_hash_of_a_node_stays_the_same_from_release_to_release() {
    let among_ten: Vec<_> = (0..40)
        .filter(|n| in_percent(&format!("edge-{n}"), 10))
        .collect();
    assert_eq!(among_ten, KNOWN);
}

/// By SHA-256 of the id, its first eight bytes: another implementation's numbers.
const KNOWN: [i32; 4] = [11, 17, 32, 33];
