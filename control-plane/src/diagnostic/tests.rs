use super::*;

const TEXT: &str = "kind: Signal\nspec:\n  wieght: 5 # größe\n  weight: 6\n";

fn source() -> Source {
    Source::new("signals.yaml", TEXT, 4)
}

#[test]
fn a_finding_names_file_line_and_column_and_shows_carets() {
    let at = TEXT.find("wieght").unwrap();
    let diagnostic = Finding::error(&source(), at..at + 6, "unknown field `wieght`")
        .suggest(Some("weight"))
        .help("see the fields of a signal")
        .build();
    assert_eq!((diagnostic.line, diagnostic.column), (6, 3));
    assert_eq!(
        diagnostic.rendered,
        "error: unknown field `wieght`\n --> signals.yaml:6:3\n  |\n6 |   wieght: 5 # größe\n  |   ^^^^^^ did you mean `weight`?\n  |\n  = help: see the fields of a signal"
    );
    assert!(diagnostic.render_coloured().contains('\u{1b}'));
}

#[test]
fn a_related_place_is_shown_beside_the_first() {
    let (a, b) = (TEXT.find("wieght").unwrap(), TEXT.find("weight").unwrap());
    let diagnostic = Finding::error(&source(), b..b + 6, "twice")
        .label("again here")
        .related(&source(), a..a + 6, "first here")
        .build();
    assert!(
        diagnostic.rendered.contains("signals.yaml:7:3"),
        "{}",
        diagnostic.rendered
    );
    assert!(diagnostic.rendered.contains("first here"));
}

#[test]
fn columns_count_characters() {
    let at = TEXT.find("ße").unwrap();
    assert_eq!(source().position(at), (6, 18));
    assert_eq!(source().offset(3, 18), at);
}

#[test]
fn a_line_of_a_megabyte_is_named_and_not_shown() {
    let text = format!("a: [{}]", "1, ".repeat(400_000));
    let source = Source::new("big.yaml", &text, 1);
    let diagnostic = Finding::error(&source, 900_000..900_001, "here").build();
    assert!(
        diagnostic.rendered.len() < 200,
        "{}",
        diagnostic.rendered.len()
    );
    assert!(
        diagnostic.rendered.contains("big.yaml:1:900001"),
        "{}",
        diagnostic.rendered
    );
}

#[test]
fn findings_past_the_limit_are_counted() {
    let mut findings = Findings::default();
    for _ in 0..finding::MAX_FINDINGS + 1 {
        findings.push(Finding::error(&source(), 0..4, "no"));
    }
    let shown = findings.into_result().unwrap_err();
    assert_eq!(shown.len(), finding::MAX_FINDINGS + 1);
    assert_eq!(shown.last().unwrap().message, "1 more errors are not shown");
}

#[test]
fn near_words_are_suggested_and_far_ones_are_not() {
    let known = ["request.path", "request.method", "score"];
    assert_eq!(did_you_mean("requst.path", known), Some("request.path"));
    assert_eq!(did_you_mean("Score", known), Some("score"));
    assert_eq!(did_you_mean("banana", known), None);
    assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    assert_eq!(quoted("a\nb"), "`a\\nb`");
}
