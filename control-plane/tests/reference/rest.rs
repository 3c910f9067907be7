//! REST, from the OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::{cell, read};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page.
pub(crate) fn page() -> String {
    let document: Value =
        serde_json::from_str(&read("control-plane/src/http/openapi.json")).unwrap();
    let mut page = String::from(
        "# REST\n\nThe control plane serves REST on its HTTP port (8080), JSON in and out, errors as \
         problem documents (RFC 9457). The whole description is served as OpenAPI at \
         `/api/v1/openapi.json`. A call shows a token: `authorization: Bearer csn_…`. *Role* is what the \
         caller needs: `open` nothing, `any` any token.\n\n\
         ```sh\ncurl -s -H \"authorization: Bearer $(cat viewer.token)\" \
         https://control-plane.internal:8080/api/v1/nodes\n```\n",
    );
    // In an order of its own, whatever a map of JSON keeps.
    let paths: BTreeMap<_, _> = document["paths"].as_object().unwrap().iter().collect();
    let mut group = String::new();
    for (path, calls) in paths {
        let of = path
            .strip_prefix("/api/v1/")
            .map_or("health", |rest| rest.split('/').next().unwrap_or(rest));
        if of != group {
            of.clone_into(&mut group);
            let _ = write!(
                page,
                "\n## {of}\n\n| call | role | what it does | answers |\n|---|---|---|---|\n"
            );
        }
        for method in METHODS {
            let Some(call) = calls.get(method) else {
                continue;
            };
            let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
            let mut does = text("summary");
            let more = text("description");
            if !more.is_empty() {
                let _ = write!(does, " {more}");
            }
            let parameters = names(&call["parameters"]);
            if !parameters.is_empty() {
                let _ = write!(does, " Takes {parameters}.");
            }
            let answers: BTreeSet<_> = call["responses"].as_object().unwrap().keys().collect();
            let answers: Vec<_> = answers.iter().map(|it| it.as_str()).collect();
            let _ = writeln!(
                page,
                "| `{} {path}` | {} | {} | {} |",
                method.to_uppercase(),
                text("x-countersign-role"),
                cell(&does),
                answers.join(", ")
            );
        }
    }
    page
}

fn names(parameters: &Value) -> String {
    let parameters = parameters.as_array().into_iter().flatten();
    let queries = parameters.filter(|it| it["in"] == "query");
    let names: Vec<_> = queries
        .filter_map(|it| Some(format!("`{}`", it["name"].as_str()?)))
        .collect();
    names.join(", ")
}
