//! A case of the suite.

use serde_json::Value as Json;

/// One case as the package has it.
pub(crate) struct Case<'j> {
    pub(crate) json: &'j Json,
    /// The names of the suites around it.
    pub(crate) suite: &'j str,
    pub(crate) expr: &'j str,
    /// The type that the reference checker finds, as text.
    pub(crate) ty: Option<&'j str>,
}

impl<'j> Case<'j> {
    pub(crate) fn read(json: &'j Json) -> Self {
        Self {
            json,
            suite: json["suite"].as_str().unwrap_or_default(),
            expr: json["original"]["expr"]
                .as_str()
                .expect("a case has an expression"),
            ty: json["type"].as_str(),
        }
    }

    /// A part of what the suite itself says of the case.
    pub(crate) fn part(&self, name: &str) -> Option<&'j Json> {
        self.json["original"].get(name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.part(name).and_then(Json::as_bool).unwrap_or(false)
    }

    pub(crate) fn container(&self) -> &'j str {
        self.part("container")
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// The declarations of variables and functions.
    pub(crate) fn declarations(&self) -> &'j [Json] {
        let declared = self.part("typeEnv").and_then(Json::as_array);
        declared.map(Vec::as_slice).unwrap_or_default()
    }

    /// Name and `cel.expr.Value` of what is bound.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = (&'j str, &'j Json)> + use<'j> {
        let bound = self.part("bindings").and_then(Json::as_object);
        bound
            .into_iter()
            .flatten()
            .filter_map(|(name, bound)| Some((name.as_str(), bound.get("value")?)))
    }

    /// The expression in one line.
    pub(crate) fn line(&self) -> String {
        self.expr.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
