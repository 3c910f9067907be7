//! What is far larger than anything sensible, by every way into the control plane: refused with the limit
//! in bounded memory, or, within the limits, taken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::fmt::Write as _;

use countersign_control_plane::limits;
use countersign_control_plane::resource::limits::{MAX_FILE_BYTES, MAX_LIST_ENTRIES};
use countersign_proto::admin::v1 as admin;
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use support::Plane;

/// Entries as short as an entry can be.
fn inline(entries: usize) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {{name: many}}\nspec: {{numbers: [{}]}}\n",
        "1,".repeat(entries)
    )
}

async fn apply(
    plane: &Plane,
    files: Vec<(String, Vec<u8>)>,
) -> Result<admin::ApplyResponse, tonic::Status> {
    let files = files
        .into_iter()
        .map(|(name, content)| admin::SourceFile { name, content })
        .collect();
    let request = admin::ApplyRequest {
        files,
        dry_run: false,
        author: "test".into(),
        ..admin::ApplyRequest::default()
    };
    let client = AdminServiceClient::new(plane.channel().await);
    let answer = client
        .max_encoding_message_size(usize::MAX)
        .apply(request)
        .await?;
    Ok(answer.into_inner())
}

fn only_error(answer: &admin::ApplyResponse) -> &str {
    assert!(answer.revision.is_none() && answer.changes.is_empty());
    assert_eq!(answer.diagnostics.len(), 1, "{:?}", answer.diagnostics);
    &answer.diagnostics[0].rendered
}

#[tokio::test]
async fn a_list_of_ten_million_entries_is_refused_with_the_limit() {
    let plane = Plane::start().await;
    let files = vec![("many.yaml".to_owned(), inline(10_000_000).into_bytes())];
    let answer = apply(&plane, files).await.unwrap();
    let error = only_error(&answer);
    assert!(error.contains("at most 8388608 bytes"), "{error}");
    // As many as the file may hold.
    let files = vec![("many.yaml".to_owned(), inline(4_000_000).into_bytes())];
    let answer = apply(&plane, files).await.unwrap();
    let error = only_error(&answer);
    assert!(error.contains("this document is too large"), "{error}");
    assert!(error.contains("1100000 values"), "{error}");
    let long = inline(MAX_LIST_ENTRIES + 1);
    let files = vec![("many.yaml".to_owned(), long.into_bytes())];
    let answer = apply(&plane, files).await.unwrap();
    let error = only_error(&answer);
    assert!(error.contains("`numbers` has 1000001 entries"), "{error}");
    assert!(error.contains("at most 1000000"), "{error}");
}

#[tokio::test]
async fn a_file_past_the_limit_and_a_message_past_its_own_are_refused() {
    let plane = Plane::start().await;
    let files = vec![("many.yaml".to_owned(), vec![b'#'; MAX_FILE_BYTES + 1])];
    let answer = apply(&plane, files).await.unwrap();
    let error = only_error(&answer);
    assert!(error.contains("at most 8388608 bytes"), "{error}");
    let files = vec![(
        "many.yaml".to_owned(),
        vec![b'#'; limits::MAX_ADMIN_MESSAGE_BYTES],
    )];
    let status = apply(&plane, files).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::OutOfRange, "{status}");
    assert!(status.message().contains("limit"), "{status}");
}

#[tokio::test]
async fn a_list_of_millions_of_entries_in_the_watched_directory_changes_nothing() {
    let policy = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\nspec: {action: block}\n";
    let plane = Plane::watching(&[("a.yaml", policy), ("many.yaml", &inline(4_000_000))]).await;
    let app = plane.running.app();
    let errors = app.control.file_errors().borrow().clone();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].rendered.contains("1100000 values"), "{errors:?}");
    assert!(
        app.control.plan().borrow().stable().is_none(),
        "the other file alone is not the set"
    );
}

#[tokio::test]
async fn a_list_takes_its_values_from_a_file_that_was_given_and_from_no_other() {
    let plane = Plane::start().await;
    // It is there, beside what the control plane runs in, and nobody gave it.
    let list = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: many}\nspec: {cidrs: {file: Cargo.toml}}\n";
    let list = |name: &str| {
        (
            "a.yaml".to_owned(),
            list.replace("Cargo.toml", name).into_bytes(),
        )
    };
    let answer = apply(&plane, vec![list("Cargo.toml")]).await.unwrap();
    let error = only_error(&answer);
    assert!(
        error.contains("the file `Cargo.toml` is not there"),
        "{error}"
    );
    let nets = ("nets.txt".to_owned(), b"10.0.0.0/8\n".to_vec());
    let answer = apply(&plane, vec![list("nets.txt"), nets]).await.unwrap();
    assert_eq!((answer.diagnostics.len(), answer.changes.len()), (0, 1));
    // What is stored is whole: a new start needs no file.
    let plane = plane.restarted().await;
    let mut client = plane.admin().await;
    let listed = client.list_resources(admin::ListResourcesRequest::default());
    let listed = listed.await.unwrap().into_inner().resources;
    assert!(
        listed[0].source.contains("10.0.0.0/8"),
        "{}",
        listed[0].source
    );
}

/// A file of ten million values: read as far as it counts, and refused with the limit.
#[tokio::test]
async fn a_file_of_ten_million_values_in_the_watched_directory_changes_nothing() {
    let list = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: many}\nspec: {numbers: {file: many.txt}}\n";
    let values = "1\n".repeat(10_000_000);
    let plane = Plane::watching(&[("a.yaml", list), ("many.txt", &values)]).await;
    let app = plane.running.app();
    let errors = app.control.file_errors().borrow().clone();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].rendered.contains("has 10000000 entries"),
        "{errors:?}"
    );
    assert!(errors[0].rendered.contains("at most 1000000"), "{errors:?}");
}

/// A set with a list of a million networks in a file of its own, and a million device rules in ten.
fn a_million_of_both() -> Vec<(String, Vec<u8>)> {
    let mut networks = String::new();
    for number in 0..1_000_000_u32 {
        let [_, high, middle, low] = number.to_be_bytes();
        let _written = writeln!(networks, "{}.{middle}.{low}.0/25", 16 + high);
    }
    let policy = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\n\
                  spec: {when: source.address in lists.many, action: block}\n---\n\
                  apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: many}\n\
                  spec: {cidrs: {file: many.txt}}\n---\n\
                  apiVersion: countersign.dev/v1\nkind: Settings\nmetadata: {name: default}\n\
                  spec: {verdicts: {mode: enforce}, identifiers: {visitor_id: x-visitor-id}, trustedHops: [10.0.0.0/8]}\n";
    let mut files = vec![
        ("policy.yaml".to_owned(), policy.into()),
        ("many.txt".to_owned(), networks.into_bytes()),
    ];
    for part in 0..10_u32 {
        let mut text = format!(
            "apiVersion: countersign.dev/v1\nkind: DeviceRule\nmetadata: {{name: devices-{part}}}\n\
             spec:\n  verdict: BLOCK\n  visitor_id:\n"
        );
        for number in (part * 100_000..).take(100_000) {
            let _written = writeln!(text, "  - {number:08x}-1c2d-4e3f-8a9b-{number:012x}");
        }
        files.push((format!("devices-{part}.yaml"), text.into_bytes()));
    }
    files
}

#[tokio::test]
async fn a_million_networks_and_a_million_device_rules_are_taken() {
    let plane = Plane::start().await;
    let answer = apply(&plane, a_million_of_both()).await.unwrap();
    assert_eq!(answer.diagnostics, []);
    assert_eq!(answer.changes.len(), 13);
    let plan = plane.running.app().control.plan().borrow().clone();
    let sent = plan.stable().unwrap();
    let version = format!("{}.{:x}", sent.revision, sent.attempt)
        .parse()
        .unwrap();
    let resource = sent.resource("countersign", &version).unwrap();
    let size = resource.len();
    assert!(
        (1_000_000..countersign_engine::limits::MAX_BLOB_BYTES).contains(&size),
        "{size}"
    );
}
