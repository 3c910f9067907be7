//! As much of PromQL as tells which series and labels an expression names. That the rest of it is right
//! is promtool's to say.

/// A series that an expression names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    /// Label, operator, value.
    pub(crate) matchers: Vec<(String, String, String)>,
    /// The function around it, such as `rate`.
    pub(crate) within: String,
}

impl Selector {
    pub(crate) fn matcher(&self, label: &str) -> Option<&str> {
        let found = self.matchers.iter().find(|(name, ..)| name == label)?;
        Some(&found.2)
    }
}

/// What an expression names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) selectors: Vec<Selector>,
    /// Labels of `by (…)`, `on (…)` and their like.
    pub(crate) labels: Vec<String>,
}

const AGGREGATORS: [&str; 6] = ["sum", "min", "max", "avg", "count", "topk"];
const GROUPINGS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
const WORDS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

/// Reads an expression.
pub(crate) fn read(text: &str) -> Named {
    let mut named = Named::default();
    let mut rest = text;
    let mut within = String::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return named;
        };
        if first.is_ascii_alphabetic() || first == '_' {
            let word = word(rest);
            rest = rest[word.len()..].trim_start();
            if GROUPINGS.contains(&word) {
                let inner = rest.strip_prefix('(').expect("a list of labels");
                let (labels, after) = inner.split_once(')').expect("its end");
                named.labels.extend(
                    labels
                        .split(',')
                        .map(|it| it.trim().to_owned())
                        .filter(|it| !it.is_empty()),
                );
                rest = after;
            } else if AGGREGATORS.contains(&word) || WORDS.contains(&word) {
                within.clear();
            } else if rest.starts_with('(') {
                word.clone_into(&mut within);
            } else {
                let mut selector = Selector {
                    name: word.to_owned(),
                    within: std::mem::take(&mut within),
                    ..Selector::default()
                };
                if let Some(inner) = rest.strip_prefix('{') {
                    rest = matchers(inner, &mut selector.matchers);
                }
                named.selectors.push(selector);
            }
        } else if first == '[' {
            rest = rest.split_once(']').expect("the range's end").1;
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
            rest = &rest[end.unwrap_or(rest.len())..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    &text[..end.unwrap_or(text.len())]
}

/// What follows the brace that ends them.
fn matchers<'a>(mut rest: &'a str, into: &mut Vec<(String, String, String)>) -> &'a str {
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(after) = rest.strip_prefix('}') {
            return after;
        }
        let label = word(rest);
        let (operator, after) = rest[label.len()..].split_once('"').expect("a value");
        let (value, after) = after.split_once('"').expect("the value's end");
        into.push((
            label.to_owned(),
            operator.trim().to_owned(),
            value.to_owned(),
        ));
        rest = after;
    }
}

#[test]
fn series_matchers_and_labels_are_found() {
    let named = read(
        r#"sum by (a, b) (rate(x_total{job="j", s=~"p|q"}[5m])) / on () group_left () (y:z > 0) and topk(3, w) * 1.5"#,
    );
    let found: Vec<_> = named
        .selectors
        .iter()
        .map(|it| (it.name.as_str(), it.within.as_str(), it.matchers.len()))
        .collect();
    assert_eq!(
        found,
        [("x_total", "rate", 2), ("y:z", "", 0), ("w", "", 0)]
    );
    assert_eq!(named.selectors[0].matcher("s"), Some("p|q"));
    assert_eq!(named.labels, ["a", "b"]);
}
