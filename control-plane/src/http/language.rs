//! What a condition can be written with.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::compile;
use crate::inventory::Entry;
use crate::resource::Kind;
use crate::runtime::App;

#[derive(Debug, Serialize)]
struct NameJson {
    name: String,
    r#type: String,
    doc: String,
    /// Why it may not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct FunctionJson {
    name: &'static str,
    overloads: Vec<String>,
}

/// Names and functions.
#[derive(Debug, Serialize)]
pub(super) struct LanguageJson {
    names: Vec<NameJson>,
    functions: Vec<FunctionJson>,
}

/// `GET /api/v1/language`: with the lists that there are.
pub(super) async fn language(State(app): State<App>) -> Json<LanguageJson> {
    // What else there is says nothing of the language, and may be a million device rules.
    let speaks = |entry: &Entry| matches!(entry.document.kind, Kind::List | Kind::Settings);
    let (entries, _) = app.control.resources_that(speaks).await;
    let documents: Vec<_> = entries.iter().map(|entry| entry.document.clone()).collect();
    let language = compile::language(&documents);
    Json(LanguageJson {
        names: language
            .names
            .into_iter()
            .map(|name| NameJson {
                name: name.name,
                r#type: name.ty,
                doc: name.doc,
                absent: name.absent,
            })
            .collect(),
        functions: language
            .functions
            .into_iter()
            .map(|function| FunctionJson {
                name: function.name,
                overloads: function.overloads,
            })
            .collect(),
    })
}
