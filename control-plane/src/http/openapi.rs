//! The REST API's own description.
//!
//! It is written by hand in `openapi.json` beside this file: what a client reads is sentences, which no
//! derive macro writes. Nothing makes it from the types or the types from it. Tests hold that every route
//! is in it with its role and nothing else is, that every reference leads somewhere, and that every part
//! of a path is a parameter; `tests/openapi.rs` that answers of a control plane that runs satisfy the
//! schemas, as far as it asks for them. The end-to-end tests have it fuzzed: whatever is asked, the answer is
//! one of those that it tells.

use axum::http::header;
use axum::response::IntoResponse;

/// OpenAPI 3.1.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/v1/openapi.json`.
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::access::Need;

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn every_route_is_documented_with_its_role_and_nothing_else_is() {
        let document = document();
        let mut documented = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let role = operation["x-countersign-role"].as_str().unwrap();
                documented.insert((method.to_uppercase(), path.clone(), role.to_owned()));
            }
        }
        let served: BTreeSet<_> = crate::http::routes()
            .into_iter()
            .map(|route| {
                let role = match route.rule.need {
                    Need::Open => "open",
                    Need::Local => "local",
                    Need::Anybody => "any",
                    Need::Role(role) => role.as_str(),
                };
                let path = route.path.to_owned();
                (route.method.to_owned(), path, role.to_owned())
            })
            .collect();
        assert_eq!(documented, served);
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_used() {
        fn references(value: &Value, into: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        into.insert(reference.clone());
                    }
                    fields.values().for_each(|value| references(value, into));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, into)),
                _ => {}
            }
        }
        let document = document();
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        let there: BTreeSet<_> = ["schemas", "responses"]
            .into_iter()
            .flat_map(|kind| {
                let all = document["components"][kind].as_object().unwrap();
                all.keys()
                    .map(move |name| format!("#/components/{kind}/{name}"))
            })
            .collect();
        assert_eq!(used, there);
    }

    #[test]
    fn every_part_of_a_path_is_a_documented_parameter() {
        for (path, operations) in document()["paths"].as_object().unwrap() {
            for operation in operations.as_object().unwrap().values() {
                let parts: BTreeSet<_> = path
                    .split('/')
                    .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                    .map(str::to_owned)
                    .collect();
                let parameters = operation["parameters"].as_array().cloned();
                let documented: BTreeSet<_> = parameters
                    .unwrap_or_default()
                    .iter()
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect();
                assert_eq!(parts, documented, "{path}");
            }
        }
    }
}
