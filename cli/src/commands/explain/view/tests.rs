use countersign_control_plane::resource::{SourceFile, parse_files};
use countersign_control_plane::simulate::{Defaults, Given, Set, Timestamp, explain};

use super::*;

fn explained(request: &str) -> Explained {
    let policies = include_bytes!("../../../../tests/fixtures/explain/policies.yaml");
    let file = SourceFile {
        name: "policies.yaml".to_owned(),
        content: policies.to_vec(),
    };
    let documents = parse_files(&[file]).unwrap();
    let now = Timestamp::from_seconds(1_767_268_800);
    let set = Set::load(&documents, now).unwrap();
    let given = Given::from_file("r", request.as_bytes()).unwrap();
    let defaults = Defaults {
        now,
        peer: "127.0.0.1".to_owned(),
        session: None,
    };
    explain(set, &documents, given, &defaults).unwrap()
}

#[test]
fn colour_changes_nothing_but_colour() {
    let explained = explained("{path: /till/cart, from: 203.0.113.7}");
    let mut coloured = text(&explained, true);
    assert!(coloured.contains("\u{1b}[2m"), "{coloured}");
    for code in ["1", "2", "32", "33", "1;31", "1;34", "0"] {
        coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(coloured, text(&explained, false));
}

#[test]
fn what_a_stranger_wrote_does_not_move_the_cursor() {
    let request =
        r#"{"start_time":1,"method":"G\u001b[2J","authority":"a.example","path":"/\u001b[2J"}"#;
    let text = text(&explained(request), false);
    assert!(
        text.starts_with("G\u{fffd}[2J https://a.example/\u{fffd}[2J"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_long_condition_is_shortened() {
    assert_eq!(shortened(&"x".repeat(72)), "x".repeat(72));
    assert_eq!(shortened(&"x".repeat(73)), format!("{}…", "x".repeat(72)));
}
