//! Envoy's configuration as it is written: in YAML or JSON, with `snake_case` or `camelCase` names.

use serde_json::Value;

/// A field by its name in `snake_case`.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| object.get(&camel(name)))
}

/// A field of a field of a field.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter()
        .try_fold(value, |value, name| field(value, name))
}

/// The items of a list; nothing where there is none.
pub(super) fn items<'a>(
    value: &'a Value,
    path: &[&str],
) -> impl Iterator<Item = &'a Value> + Clone {
    let list = at(value, path).and_then(Value::as_array);
    list.into_iter().flatten()
}

pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn truth(value: &Value, path: &[&str]) -> bool {
    at(value, path).and_then(Value::as_bool).unwrap_or_default()
}

pub(super) fn number(value: &Value, path: &[&str]) -> Option<u64> {
    let found = at(value, path)?;
    // Wrapped values may be written as strings.
    found.as_u64().or_else(|| found.as_str()?.parse().ok())
}

/// The message's name of `typed_config`, without its package.
pub(super) fn kind<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    let url = at(value, path).and_then(|value| value.get("@type"));
    let url = url.and_then(Value::as_str).unwrap_or_default();
    url.rsplit('/').next().unwrap_or_default()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_found_by_either_of_its_names() {
        for value in [json!({"a_b": {"c": 1}}), json!({"aB": {"c": "1"}})] {
            assert_eq!(number(&value, &["a_b", "c"]), Some(1));
        }
        assert_eq!(number(&json!({"ab": 1}), &["a_b"]), None);
        assert_eq!(items(&json!({"x": 1}), &["x"]).count(), 0);
        let typed = json!({"typed_config": {"@type": "type.googleapis.com/a.b.C"}});
        assert_eq!(kind(&typed, &["typed_config"]), "a.b.C");
    }
}
