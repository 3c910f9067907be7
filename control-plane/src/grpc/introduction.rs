//! Envoy's words about itself.

use envoy_types::pb::envoy::config::core::v3::{Node, node::UserAgentVersionType};
use envoy_types::pb::google::protobuf::{Struct, Value, value};

use crate::limits::{self, cut};
use crate::nodes::{Field, Introduction, Locality, Metadata};

/// Where a node says how many workers it has.
const WORKERS_KEY: &str = "countersign_workers";
/// Where a node says which compiled form its filter reads.
const FORMAT_KEY: &str = "countersign_format";

/// A node's id as it was given, or why it is none. It is not cut: two nodes of one long beginning would
/// become one.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("the first request must name the node".to_owned());
    }
    // Ids stand in logs and on terminals.
    if id.chars().any(char::is_control) {
        return Err("a node's id is one line of text, without control characters".to_owned());
    }
    if id.len() > limits::MAX_NODE_ID_BYTES {
        return Err(format!(
            "a node's id has at most {} bytes, this one has {}",
            limits::MAX_NODE_ID_BYTES,
            id.len()
        ));
    }
    Ok(())
}

/// What a node says, as one line for logs and terminals.
pub(super) fn one_line(text: &str) -> String {
    cut(text, limits::MAX_REASON_BYTES).replace(char::is_control, " ")
}

/// What of Envoy's introduction is shown, counted and selected by.
pub(super) fn introduction(node: Node) -> Introduction {
    let envoy_version = match &node.user_agent_version_type {
        Some(UserAgentVersionType::UserAgentVersion(text)) => text.clone(),
        Some(UserAgentVersionType::UserAgentBuildVersion(build)) => build
            .version
            .as_ref()
            .map(|v| format!("{}.{}.{}", v.major_number, v.minor_number, v.patch))
            .unwrap_or_default(),
        None => String::new(),
    };
    let metadata = node.metadata.unwrap_or_default();
    let workers = number(&metadata, WORKERS_KEY).filter(|workers| *workers > 0);
    let format = number(&metadata, FORMAT_KEY).unwrap_or(0);
    let locality = node.locality.unwrap_or_default();
    let name = |text: &str| one_line(cut(text, limits::MAX_NODE_ID_BYTES));
    Introduction {
        id: name(&node.id),
        cluster: name(&node.cluster),
        envoy_version: name(&envoy_version),
        locality: Locality {
            region: name(&locality.region),
            zone: name(&locality.zone),
            sub_zone: name(&locality.sub_zone),
        },
        // The main thread's VM reports as well.
        expected: workers.map_or(0, |workers| workers.saturating_add(1)),
        format,
        metadata: Metadata::of(
            metadata
                .fields
                .into_iter()
                .map(|(key, it)| (key, field(it))),
        ),
    }
}

/// Decoding has bounded how deep it nests.
fn field(value: Value) -> Field {
    match value.kind {
        None | Some(value::Kind::NullValue(_)) => Field::Null,
        Some(value::Kind::NumberValue(number)) => Field::Number(number),
        Some(value::Kind::StringValue(text)) => Field::Text(text),
        Some(value::Kind::BoolValue(truth)) => Field::Bool(truth),
        Some(value::Kind::StructValue(inner)) => Field::Object(
            inner
                .fields
                .into_iter()
                .map(|(key, it)| (key, field(it)))
                .collect(),
        ),
        Some(value::Kind::ListValue(list)) => {
            Field::Array(list.values.into_iter().map(field).collect())
        }
    }
}

fn number(metadata: &Struct, key: &str) -> Option<u32> {
    match &metadata.fields.get(key)?.kind {
        Some(value::Kind::NumberValue(number)) => whole(*number),
        Some(value::Kind::StringValue(text)) => text.parse().ok(),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> Option<u32> {
    let fits = (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    fits.then_some(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: value::Kind) -> Node {
        let fields = [(WORKERS_KEY.to_owned(), Value { kind: Some(kind) })].into();
        Node {
            id: "n".into(),
            metadata: Some(Struct { fields }),
            ..Node::default()
        }
    }

    #[test]
    fn the_main_thread_reports_beside_the_workers() {
        assert_eq!(
            introduction(node(value::Kind::NumberValue(2.0))).expected,
            3
        );
        assert_eq!(
            introduction(node(value::Kind::StringValue("4".into()))).expected,
            5
        );
    }

    #[test]
    fn a_number_of_workers_that_is_none_is_not_known() {
        for kind in [
            value::Kind::NumberValue(0.0),
            value::Kind::NumberValue(-1.0),
            value::Kind::NumberValue(1.5),
            value::Kind::NumberValue(f64::NAN),
            value::Kind::NumberValue(1e12),
            value::Kind::StringValue("two".into()),
            value::Kind::BoolValue(true),
        ] {
            assert_eq!(introduction(node(kind)).expected, 0);
        }
        assert_eq!(introduction(Node::default()).expected, 0);
    }
}
