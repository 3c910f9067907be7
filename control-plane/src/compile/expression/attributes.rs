//! The variables of the language: Envoy's names where Envoy has one.

use super::types::Type;

/// A variable.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::compile) struct Attribute {
    pub(in crate::compile) name: &'static str,
    pub(super) ty: Type,
    /// Made from the signals, so that signals cannot read it.
    pub(super) from_signals: bool,
    /// What a value lies between, where it is always there and always within.
    pub(super) range: Option<(i64, i64)>,
}

const fn plain(name: &'static str, ty: Type) -> Attribute {
    Attribute {
        name,
        ty,
        from_signals: false,
        range: None,
    }
}

/// Every variable; `lists.NAME` is resolved by the lists of the set.
pub(in crate::compile) static ATTRIBUTES: [Attribute; 24] = [
    plain("request.method", Type::String),
    plain("request.path", Type::String),
    plain("request.url_path", Type::String),
    plain("request.host", Type::String),
    plain("request.scheme", Type::String),
    plain("request.query", Type::String),
    plain("request.headers", Type::Headers),
    plain("request.size", Type::Int),
    plain("source.address", Type::String),
    plain("source.port", Type::Int),
    plain("connection.requested_server_name", Type::String),
    plain("connection.tls_version", Type::String),
    plain("connection.mtls", Type::Bool),
    Attribute {
        name: "score",
        ty: Type::Int,
        from_signals: true,
        range: Some((0, 100)),
    },
    Attribute {
        name: "reasons",
        ty: Type::Strings,
        from_signals: true,
        range: None,
    },
    Attribute {
        name: "verdict",
        ty: Type::Verdict,
        from_signals: true,
        range: None,
    },
    Attribute {
        name: "session.assurance",
        ty: Type::Assurance,
        from_signals: false,
        range: Some((0, 6)),
    },
    plain("session.age", Type::Duration),
    plain("session.valid", Type::Bool),
    plain("device.id", Type::String),
    plain("tls.ja4", Type::String),
    plain("geo.country", Type::String),
    plain("geo.asn", Type::Int),
    plain("now", Type::Timestamp),
];

/// The variable of that name.
pub(super) fn find(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name)
}

/// The variables inside a group such as `request`.
pub(super) fn within<'a>(group: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    ATTRIBUTES
        .iter()
        .map(|attribute| attribute.name)
        .filter(move |name| {
            name.strip_prefix(group)
                .is_some_and(|rest| rest.starts_with('.'))
        })
}
