//! What a text must have for a regular expression to be found in it.

use countersign_engine::index::Test;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, Look};

/// Literals of one pattern that are told apart; more of them tell little.
const MAX_LITERALS: usize = 64;

/// Tests of which one must hold for the pattern to match; `None` where nothing can be said.
pub(super) fn necessary(pattern: &str) -> Option<Vec<Test>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let starts = begins_with_start(&hir);
    let ends = ends_with_end(&hir);
    let from_start = literals(&hir, ExtractKind::Prefix);
    if starts && let Some((texts, exact)) = &from_start {
        let test = |text: &String| {
            if *exact && ends {
                Test::Equals(text.clone())
            } else {
                Test::Prefix(text.clone())
            }
        };
        return Some(texts.iter().map(test).collect());
    }
    if ends && let Some((texts, _)) = literals(&hir, ExtractKind::Suffix) {
        return Some(texts.into_iter().map(Test::Suffix).collect());
    }
    let (texts, _) = from_start.or_else(|| literals(&hir, ExtractKind::Suffix))?;
    Some(texts.into_iter().map(Test::Contains).collect())
}

/// The literals with one of which every match begins (or ends), and whether they are the whole match.
fn literals(hir: &Hir, kind: ExtractKind) -> Option<(Vec<String>, bool)> {
    let sequence = Extractor::new().kind(kind).extract(hir);
    let exact = sequence.is_exact();
    let texts = sequence.literals()?;
    if texts.is_empty() || texts.len() > MAX_LITERALS {
        return None;
    }
    let texts: Option<Vec<String>> = texts
        .iter()
        .map(|literal| String::from_utf8(literal.as_bytes().to_vec()).ok())
        .collect();
    let texts = texts?;
    texts
        .iter()
        .all(|text| !text.is_empty())
        .then_some((texts, exact))
}

fn begins_with_start(hir: &Hir) -> bool {
    hir.properties().look_set_prefix().contains(Look::Start)
}

fn ends_with_end(hir: &Hir) -> bool {
    hir.properties().look_set_suffix().contains(Look::End)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_demands_is_found() {
        let prefix = |text: &str| Test::Prefix(text.to_owned());
        let suffix = |text: &str| Test::Suffix(text.to_owned());
        let contains = |text: &str| Test::Contains(text.to_owned());
        let equals = |text: &str| Test::Equals(text.to_owned());
        for (pattern, tests) in [
            ("^/api/v1/.*", Some(vec![prefix("/api/v1/")])),
            ("^/(a|b)/x", Some(vec![prefix("/a/x"), prefix("/b/x")])),
            ("^/exact$", Some(vec![equals("/exact")])),
            ("\\.php$", Some(vec![suffix(".php")])),
            ("bot-[0-9]+", None),
            ("wp-login", Some(vec![contains("wp-login")])),
            (".*", None),
            ("^", None),
            ("a?", None),
            ("(?i)^/x", None),
            ("(", None),
        ] {
            let found = necessary(pattern);
            match (pattern, &found) {
                // Enumerated or not, as the extractor thinks fit; each alternative is a literal.
                ("bot-[0-9]+", Some(tests)) => {
                    assert!(tests.iter().all(|test| {
                        matches!(test, Test::Contains(text) if text.starts_with("bot-"))
                    }));
                }
                ("(?i)^/x", Some(tests)) => assert_eq!(tests.len(), 2),
                _ => assert_eq!(found, tests, "{pattern}"),
            }
        }
    }
}
