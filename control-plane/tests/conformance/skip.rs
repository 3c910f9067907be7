//! Which cases need protobuf messages: by what they say, never by their name.

use std::fmt::{Display, Formatter};

use serde_json::Value as Json;

use super::case::Case;

/// Well-known types that are values here: scalars, times, lists and maps.
const VALUES: [&str; 15] = [
    "Timestamp",
    "Duration",
    "BoolValue",
    "BytesValue",
    "DoubleValue",
    "FloatValue",
    "Int32Value",
    "Int64Value",
    "StringValue",
    "UInt32Value",
    "UInt64Value",
    "Value",
    "Struct",
    "ListValue",
    "Any",
];

/// Why a case does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// `Message{field: value}`
    Makes,
    Declares,
    Binds,
    Expects,
    /// A message or an enum by its name.
    Names,
    /// Names of the reference implementation's own tests, whose declarations the package leaves out.
    Undeclared,
}

impl Reason {
    pub(crate) const fn is_of_messages(self) -> bool {
        !matches!(self, Self::Undeclared)
    }

    /// In a count.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Makes => "made",
            Self::Declares => "declared",
            Self::Binds => "bound",
            Self::Expects => "expected",
            Self::Names => "named",
            Self::Undeclared => "not declared by the package",
        }
    }
}

impl Display for Reason {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Makes => "makes a protobuf message",
            Self::Declares => "declares a variable that is a protobuf message",
            Self::Binds => "binds a protobuf message",
            Self::Expects => "expects a protobuf message",
            Self::Names => "names a protobuf message or enum",
            Self::Undeclared => "names what the package does not declare",
        })
    }
}

/// Why the case needs messages, if it does.
pub(crate) fn skip(case: &Case<'_>) -> Option<Reason> {
    let text = case.expr;
    if makes_message(text) {
        return Some(Reason::Makes);
    }
    if case.declarations().iter().any(mentions_message) {
        return Some(Reason::Declares);
    }
    if case.bindings().any(|(_, value)| mentions_message(value)) {
        return Some(Reason::Binds);
    }
    let expected = ["value", "typedResult"];
    if expected
        .iter()
        .filter_map(|part| case.part(part))
        .any(mentions_message)
    {
        return Some(Reason::Expects);
    }
    let container = case.container();
    if container.starts_with("cel.expr.conformance") || container.starts_with("google.") {
        return Some(Reason::Names);
    }
    if text.contains("cel.expr.conformance.")
        || text.contains("TestAllTypes")
        || text.contains("google.expr.")
    {
        return Some(Reason::Names);
    }
    None
}

/// Is there a struct literal, `Name{`, outside of strings?
fn makes_message(text: &str) -> bool {
    let mut before = ' ';
    let mut quote = None;
    let mut escaped = false;
    for character in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character == '{' && (before.is_ascii_alphanumeric() || before == '_') => {
                return true;
            }
            None => {}
        }
        if !character.is_whitespace() {
            before = character;
        }
    }
    false
}

/// Does JSON of the suite name a message that is no value here?
fn mentions_message(json: &Json) -> bool {
    match json {
        Json::Object(fields) => fields.iter().any(|(name, value)| match name.as_str() {
            "messageType" | "@type" => {
                let full = value.as_str().unwrap_or_default();
                let full = full.rsplit('/').next().unwrap_or(full);
                let known = full.strip_prefix("google.protobuf.");
                !known.is_some_and(|name| VALUES.contains(&name))
            }
            _ => mentions_message(value),
        }),
        Json::Array(elements) => elements.iter().any(mentions_message),
        _ => false,
    }
}
