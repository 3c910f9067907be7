//! Answers of a control plane that runs, held against the schemas of its own description.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::access::{PasskeyEntry, Role};
use countersign_control_plane::store::{Answered, AuditRow, PasskeyChange, Revoked, StoredPasskey};
use countersign_proto::policy::v1::ActionKind;
use serde_json::Value;
use support::envoy::{Delta, Opening, event, log, plain_node, wrapped};
use support::node::Node;
use support::{PATIENCE, Plane, policy};

/// The part of JSON Schema that the document uses; a word that is not known here fails the test, so that
/// nothing is taken for checked that is not.
struct Schemas(Value);

impl Schemas {
    fn check(&self, schema: &Value, value: &Value, place: &str) {
        for (word, rule) in schema.as_object().unwrap() {
            match word.as_str() {
                "$ref" => {
                    let path = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.0.pointer(path).unwrap(), value, place);
                }
                "type" => {
                    let types = rule
                        .as_array()
                        .cloned()
                        .unwrap_or_else(|| vec![rule.clone()]);
                    let is = |name: &Value| is_of(value, name.as_str().unwrap());
                    assert!(types.iter().any(is), "{place} is not {rule}: {value}");
                }
                "enum" => {
                    let known = rule.as_array().unwrap();
                    assert!(known.contains(value), "{place} is none of {rule}: {value}");
                }
                "required" => {
                    for name in rule.as_array().unwrap() {
                        let there = value.get(name.as_str().unwrap()).is_some();
                        assert!(there, "{place} lacks {name}: {value}");
                    }
                }
                "properties" => {
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        if let Some(schema) = rule.get(name) {
                            self.check(schema, inner, &format!("{place}.{name}"));
                        }
                    }
                }
                "additionalProperties" => {
                    let known = schema.get("properties");
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        if known.is_some_and(|known| known.get(name).is_some()) {
                            continue;
                        }
                        match rule {
                            Value::Bool(allowed) => {
                                assert!(allowed, "{place}.{name} is not documented");
                            }
                            schema => self.check(schema, inner, &format!("{place}.{name}")),
                        }
                    }
                }
                "items" => {
                    for (n, inner) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, inner, &format!("{place}[{n}]"));
                    }
                }
                "anyOf" | "oneOf" => {
                    // Ours are "this, or null".
                    let [schema, null] = rule.as_array().unwrap().as_slice() else {
                        panic!("{place}: {rule}")
                    };
                    assert_eq!(null["type"], "null", "{place}");
                    if !value.is_null() {
                        self.check(schema, value, place);
                    }
                }
                "description" | "format" | "examples" | "example" | "default" | "title" => {}
                "minimum" | "maximum" | "minLength" | "maxLength" | "pattern" => {}
                other => panic!("{place}: nothing here checks `{other}`"),
            }
        }
    }

    /// The schema of what a GET of this path answers when it goes well.
    fn answer(&self, path: &str) -> &Value {
        let content = &self.0["paths"][path]["get"]["responses"]["200"]["content"];
        &content["application/json"]["schema"]
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type `{other}`"),
    }
}

async fn add_passkey(plane: &Plane) {
    let passkey = StoredPasskey {
        entry: PasskeyEntry {
            id: "p".into(),
            name: "laptop".into(),
            identity: "ann".into(),
            role: Role::Editor,
            token: None,
            created_ms: 1,
            created_by: "bootstrap".into(),
            used_ms: None,
            removed_ms: None,
        },
        credential_id: "c".into(),
        credential: "{}".into(),
        counter: 0,
        user_handle: "h".into(),
    };
    let answered = Answered {
        id: "a".into(),
        expires_ms: 1,
    };
    let row = AuditRow {
        id: "r".into(),
        outcome: "done",
        ..AuditRow::default()
    };
    let store = &plane.running.app().store;
    let added = store.add_passkey(&passkey, &answered, &row).await.unwrap();
    assert_eq!(added, PasskeyChange::Made);
}

#[tokio::test]
async fn answers_are_of_the_form_that_is_documented() {
    let plane = Plane::start().await;
    let strategy = "apiVersion: countersign.dev/v1\nkind: RolloutStrategy\n\
        metadata: {name: default}\nspec:\n  stages:\n  - {percent: 50, for: 60s}\n  - {percent: 100}\n";
    plane.applied(&policy("one", "challenge")).await;
    plane.applied(strategy).await;
    let _good = Node::connect(&plane, "good", "a").await;
    let opening = Opening {
        node: plain_node("bad"),
        ..Opening::default()
    };
    let mut bad = Delta::open(&plane, opening).await;
    let response = bad.receive().await;
    bad.nack(&response, "no").await;
    plane
        .node_until("bad", |view| view.refused().is_some())
        .await;
    plane
        .node_until("good", |view| !view.counted.is_empty())
        .await;
    let told = event("0192-event", ActionKind::Block, "one");
    log(&plane, vec![Some(wrapped(&told))]).await;
    let stored = async {
        let store = &plane.running.app().store;
        while store.event("0192-event").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    plane.applied(&policy("two", "block")).await;

    let control = &plane.running.app().control;
    let device = Revoked::Device("d-1".into());
    control.revoke(device, "test", "lost").await.unwrap();

    add_passkey(&plane).await;
    let schemas = Schemas(plane.get_json("/api/v1/openapi.json").await);
    for (path, asked) in [
        ("/api/v1/nodes", "/api/v1/nodes"),
        ("/api/v1/resources", "/api/v1/resources"),
        ("/api/v1/revisions", "/api/v1/revisions"),
        ("/api/v1/revisions/{revision}", "/api/v1/revisions/1"),
        ("/api/v1/rollout", "/api/v1/rollout"),
        ("/api/v1/rollouts", "/api/v1/rollouts"),
        ("/api/v1/events", "/api/v1/events"),
        ("/api/v1/events/{id}", "/api/v1/events/0192-event"),
        ("/api/v1/relays", "/api/v1/relays"),
        ("/api/v1/whoami", "/api/v1/whoami"),
        ("/api/v1/session", "/api/v1/session"),
        ("/api/v1/passkeys", "/api/v1/passkeys"),
        ("/api/v1/challenges", "/api/v1/challenges"),
        ("/api/v1/diff", "/api/v1/diff"),
        ("/api/v1/proposals", "/api/v1/proposals"),
        ("/api/v1/top", "/api/v1/top?by=path&from=1"),
        ("/api/v1/top", "/api/v1/top?by=host&from=1"),
        ("/api/v1/language", "/api/v1/language"),
        ("/api/v1/reasons", "/api/v1/reasons"),
        ("/api/v1/keys", "/api/v1/keys"),
        ("/api/v1/revocations", "/api/v1/revocations"),
        (
            "/api/v1/resources/{kind}/{name}",
            "/api/v1/resources/MitigationPolicy/one",
        ),
    ] {
        let schema = schemas.answer(path);
        assert!(schema.is_object(), "no schema for {path}");
        schemas.check(schema, &plane.get_json(asked).await, path);
    }
}
