//! YAML into a tree whose values and keys know their bytes.
//!
//! A tree and not `#[derive(Deserialize)]` on the resources: a derived reader stops at the first
//! mistake and forgets where keys stand; an author wants every mistake, each with its place.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Error, Options, Spanned, options};

use super::limits;
use crate::diagnostic::{Finding, Located, Source};

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Range<usize>,
}

/// A value of YAML's core schema.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// No field takes one: that it is one is all that counts.
    Float,
    Text(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Located<String>, Node)>),
}

impl Value {
    /// What it is, for "expected …, found …".
    pub(super) const fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "`true` or `false`",
            Self::Int(_) => "a whole number",
            Self::Float => "a number",
            Self::Text(_) => "a string",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// Reads one document; `None` for one that holds nothing.
pub(super) fn parse(source: &Source) -> Result<Option<Node>, Box<Finding>> {
    let tree: Spanned<Tree> = serde_saphyr::from_str_with_options(source.text(), reader_options())
        .map_err(|error| Box::new(refusal(source, &error)))?;
    let node = node(tree);
    Ok((!matches!(node.value, Value::Null)).then_some(node))
}

fn reader_options() -> Options {
    options! {
        budget: Some(budget_of_a_document()),
        // Repeated keys reach `fields`, which shows both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // `no`, `on` and `y` are strings, as YAML 1.2 has it: a list of countries may hold `NO`.
        strict_booleans: true,
        alias_limits: alias_limits(),
        // `when: !session.valid` is a tag to YAML: ignored, it would leave a condition of nothing.
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn budget_of_a_document() -> serde_saphyr::Budget {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_depth = limits::MAX_YAML_DEPTH;
    budget.flow_nesting_limit = limits::MAX_YAML_DEPTH + 1;
    budget.max_nodes = limits::MAX_YAML_NODES;
    budget.max_events = 2 * limits::MAX_YAML_NODES;
    budget.max_aliases = limits::MAX_YAML_ALIASES;
    budget.max_anchors = limits::MAX_YAML_ALIASES;
    budget.max_documents = 1;
    // The bounds above are absolute.
    budget.enforce_alias_anchor_ratio = false;
    budget
}

fn alias_limits() -> serde_saphyr::options::AliasLimits {
    let mut limits = serde_saphyr::options::AliasLimits::default();
    limits.max_total_replayed_events = super::limits::MAX_YAML_REPLAYED;
    limits
}

fn refusal(source: &Source, error: &Error) -> Finding {
    let mut text = cause(error).to_string();
    let mut at = 0;
    if let Some(location) = error.location() {
        let place = format!(" at line {}, column {}", location.line(), location.column());
        text = text.replace(&place, "");
        let (line, column) = (location.line(), location.column());
        at = source.offset(
            usize::try_from(line).unwrap_or(usize::MAX),
            usize::try_from(column).unwrap_or(usize::MAX),
        );
    }
    let cause = cause(error);
    let bomb = matches!(
        cause,
        Error::Budget { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayCounterOverflow { .. }
    ) || text.contains("recursion limit");
    if bomb {
        return Finding::error(
            source,
            at..at + 1,
            "this document is too large or too deep once read",
        )
        .label("the limit is reached here")
        .help(format!(
            "at most {} levels, {} values and {} aliases (`*name`)",
            limits::MAX_YAML_DEPTH,
            limits::MAX_YAML_NODES,
            limits::MAX_YAML_ALIASES
        ));
    }
    let mut span = at..at + 1;
    let tag = text.starts_with("unsupported tag");
    if tag {
        // The reader is past the tag when it refuses it.
        let line = source.line_start(at)..at;
        let mark = source
            .text()
            .get(line.clone())
            .and_then(|line| line.rfind('!'));
        span.start = mark.map_or(at, |mark| line.start + mark);
    }
    let finding = Finding::error(source, span, format!("not readable as YAML: {text}"));
    let quotes = tag
        || matches!(cause, Error::UnknownAnchor { .. })
        || ["mapping values", "expected key", "unexpected character"]
            .iter()
            .any(|sign| text.contains(sign));
    if quotes {
        finding.help("a value that holds `: ` or ` #`, or starts with one of ``! & * [ { | > % @ ` ``, stands in quotes; a line stands exactly under its neighbours")
    } else if text.contains("double-quoted scalar") {
        finding.help("a condition that starts with a quote stands in single quotes as a whole: `when: '\"X\" in reasons'`")
    } else if text.contains("tab") {
        finding.help("indent with spaces")
    } else {
        finding
    }
}

/// An error inside an aliased value is wrapped in one about the alias.
fn cause(error: &Error) -> &Error {
    match error {
        Error::AliasError { error, .. } => cause(error),
        other => other,
    }
}

fn node(spanned: Spanned<Tree>) -> Node {
    Node {
        span: range(&spanned.defined),
        value: spanned.value.0,
    }
}

fn range(location: &serde_saphyr::Location) -> Range<usize> {
    let span = location.span();
    let start = span.byte_offset().unwrap_or(0);
    let end = start.saturating_add(span.byte_len().unwrap_or(0));
    usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0)
}

struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree(Value::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree(i64::try_from(value).map_or(Value::Float, Value::Int)))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree(Value::Float))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree(Value::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree(Value::Text(value)))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Tree, E> {
        Err(E::custom("binary values are not available"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Tree>>()? {
            items.push(node(item));
        }
        Ok(Tree(Value::Sequence(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            if entries.len() >= limits::MAX_YAML_NODES {
                return Err(A::Error::custom("too many keys"));
            }
            let key = Located::new(key.value, range(&key.defined));
            entries.push((key, node(access.next_value::<Spanned<Tree>>()?)));
        }
        Ok(Tree(Value::Mapping(entries)))
    }
}
