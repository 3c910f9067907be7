//! Resources as they are: listed in pages, and one by its name.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::json::time;
use super::part::Part;
use super::problem::Problem;
use crate::inventory::{Entry, Key};
use crate::resource::Kind;
use crate::runtime::{App, page};
use crate::store::StoredResource;

/// A text above this is not read for its JSON: it is a list of many values, or many rules in one.
const MAX_SPEC_SOURCE_BYTES: usize = 64 * 1024;

/// Which resources.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    kind: String,
    q: String,
    /// Device rules whose time has passed, or all others; none = both.
    expired: Option<bool>,
    /// 0 = all of them.
    limit: usize,
    cursor: String,
}

/// A resource, of the present set or of a former one.
#[derive(Debug, Serialize)]
pub(super) struct ResourceJson {
    kind: String,
    name: String,
    origin: String,
    file: String,
    line: u32,
    author: String,
    changed: Option<String>,
    source: String,
    /// What `source` says of it, as it is written: no default is filled in. None of long texts.
    spec: Option<serde_json::Value>,
}

impl From<StoredResource> for ResourceJson {
    fn from(stored: StoredResource) -> Self {
        Self {
            spec: spec(&stored.source),
            kind: stored.kind,
            name: stored.name,
            origin: stored.origin,
            file: stored.file,
            line: stored.line,
            author: stored.author,
            changed: time(stored.changed_ms),
            source: stored.source,
        }
    }
}

impl From<&Entry> for ResourceJson {
    fn from(entry: &Entry) -> Self {
        let document = &entry.document;
        Self {
            spec: spec(&document.source),
            kind: document.kind.as_str().to_owned(),
            name: document.name.clone(),
            origin: entry.origin.as_str().to_owned(),
            file: document.file.clone(),
            line: document.line,
            author: entry.author.clone(),
            changed: time(entry.changed_ms),
            source: document.source.clone(),
        }
    }
}

/// A page of resources, by kind and name.
#[derive(Debug, Serialize)]
struct ResourcesJson {
    revision: String,
    resources: Vec<ResourceJson>,
    /// How many are of this kind and hold this text.
    total: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_cursor: String,
}

/// `GET /api/v1/resources`.
pub(super) async fn list(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let kind = if asked.kind.is_empty() {
        None
    } else {
        let kind = Kind::from_word(&asked.kind);
        Some(kind.ok_or_else(|| Problem::bad_request("there is no such `kind`"))?)
    };
    let after = if asked.cursor.is_empty() {
        None
    } else {
        Some(
            Key::read(&asked.cursor)
                .ok_or_else(|| Problem::bad_request("`cursor` is not one of a former answer"))?,
        )
    };
    let of_kind = |entry: &Entry| kind.is_none_or(|kind| entry.document.kind == kind);
    let (mut entries, revision) = app.control.resources_that(of_kind).await;
    let text = asked.q.to_lowercase();
    if !text.is_empty() {
        let holds = |said: &str| said.to_lowercase().contains(&text);
        entries.retain(|entry| holds(&entry.document.name) || holds(&entry.document.source));
    }
    if let Some(expired) = asked.expired {
        let now = app.clock.now();
        entries.retain(|entry| has_expired(entry, now) == expired);
    }
    let total = entries.len();
    let (page, next) = page(&entries, after.as_ref(), asked.limit);
    let answer = ResourcesJson {
        next_cursor: next.map(|key| key.to_string()).unwrap_or_default(),
        resources: page
            .iter()
            .map(|entry| ResourceJson::from(&**entry))
            .collect(),
        total,
        revision,
    };
    let tag = [(header::ETAG, format!("\"{}\"", answer.revision))];
    Ok((tag, Json(answer)).into_response())
}

/// `GET /api/v1/resources/{kind}/{name}`.
pub(super) async fn one(
    State(app): State<App>,
    Part((kind, name)): Part<(String, String)>,
) -> Result<Response, Problem> {
    let wanted =
        |entry: &Entry| entry.document.kind.as_str() == kind && entry.document.name == name;
    let (mut entries, revision) = app.control.resources_that(wanted).await;
    let entry = entries.pop();
    let entry =
        entry.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such resource"))?;
    let tag = [(header::ETAG, format!("\"{revision}\""))];
    Ok((tag, Json(ResourceJson::from(&*entry))).into_response())
}

/// A device rule that is not in force any more.
fn has_expired(entry: &Entry, now: u64) -> bool {
    let document = &entry.document;
    // Most say nothing of an end, and need not be read for it.
    if document.kind != Kind::DeviceRule || !document.source.contains("expires") {
        return false;
    }
    let end = spec(&document.source).and_then(|spec| {
        spec.get("expires")?
            .as_str()?
            .parse::<jiff::Timestamp>()
            .ok()
    });
    end.is_some_and(|end| u64::try_from(end.as_millisecond()).unwrap_or(0) <= now)
}

/// What a document says of its resource, as it is written.
fn spec(source: &str) -> Option<serde_json::Value> {
    if source.len() > MAX_SPEC_SOURCE_BYTES {
        return None;
    }
    let whole = serde_saphyr::from_str::<serde_json::Value>(source).ok()?;
    whole.get("spec").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_what_is_written_and_nothing_of_a_long_text() {
        let source = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\nspec: {action: block, hosts: [a, b]}\n";
        let expected = serde_json::json!({"action": "block", "hosts": ["a", "b"]});
        assert_eq!(spec(source), Some(expected));
        let long = format!("{source}# {}", "x".repeat(MAX_SPEC_SOURCE_BYTES));
        assert_eq!(spec(&long), None);
    }

    #[test]
    fn a_cursor_names_a_kind_and_a_name_that_may_have_slashes() {
        let key = Key::read("List/a/b").unwrap();
        assert_eq!((key.kind, key.name.as_str()), (Kind::List, "a/b"));
        assert_eq!(key.to_string(), "List/a/b");
        assert!(Key::read("List").is_none() && Key::read("Lisp/a").is_none());
    }
}
