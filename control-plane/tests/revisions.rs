//! Revisions as operators work with them: looked back at, compared, rolled back to, and changes that
//! were made against an older one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_proto::admin::v1 as admin;
use countersign_proto::policy::v1::SessionKey;
use prost::Message as _;
use support::database::{On, on_both};
use support::{Plane, policy};
use tonic::Code;

type Answer = Result<admin::ApplyResponse, tonic::Status>;

async fn apply(plane: &Plane, content: &str, base: &str, prune: bool) -> Answer {
    let file = admin::SourceFile {
        name: "test.yaml".into(),
        content: content.into(),
    };
    let request = admin::ApplyRequest {
        files: vec![file],
        author: "ann".into(),
        base: base.into(),
        prune,
        ..admin::ApplyRequest::default()
    };
    Ok(plane.admin().await.apply(request).await?.into_inner())
}

async fn rollback(plane: &Plane, revision: &str, base: &str) -> Answer {
    let request = admin::RollbackRequest {
        revision: revision.into(),
        author: "ann".into(),
        base: base.into(),
        ..admin::RollbackRequest::default()
    };
    Ok(plane.admin().await.rollback(request).await?.into_inner())
}

async fn delete(plane: &Plane, name: &str, base: &str) -> Answer {
    let request = admin::DeleteResourcesRequest {
        resources: vec![admin::ResourceRef {
            kind: "MitigationPolicy".into(),
            name: name.into(),
        }],
        author: "ann".into(),
        base: base.into(),
    };
    let answer = plane.admin().await.delete_resources(request).await?;
    Ok(answer.into_inner())
}

async fn diff(plane: &Plane, from: &str, to: &str) -> admin::DiffRevisionsResponse {
    let request = admin::DiffRevisionsRequest {
        from: from.into(),
        to: to.into(),
    };
    let answer = plane.admin().await.diff_revisions(request).await;
    answer.unwrap().into_inner()
}

async fn view(plane: &Plane, revision: &str) -> admin::GetRevisionResponse {
    let request = admin::GetRevisionRequest {
        revision: revision.into(),
    };
    let answer = plane.admin().await.get_revision(request).await;
    answer.unwrap().into_inner()
}

fn changes(changes: &[admin::ResourceChange]) -> Vec<(String, admin::Change)> {
    let told = changes.iter().map(|change| {
        let name = change.resource.clone().unwrap().name;
        (name, change.change())
    });
    told.collect()
}

fn meanwhile(status: &tonic::Status) -> admin::ChangedMeanwhile {
    assert_eq!(status.code(), Code::Aborted, "{status:?}");
    let details = admin::StatusDetails::decode(status.details()).unwrap();
    admin::ChangedMeanwhile::decode(details.details[0].value.as_slice()).unwrap()
}

async fn names(plane: &Plane) -> Vec<String> {
    let resources = plane.get_json("/api/v1/resources").await;
    let resources = resources["resources"].as_array().unwrap().clone();
    resources
        .iter()
        .map(|resource| resource["name"].as_str().unwrap().to_owned())
        .collect()
}

fn number(answer: &admin::ApplyResponse) -> u64 {
    assert_eq!(answer.diagnostics, []);
    answer.revision.as_ref().unwrap().number
}

on_both!(a_former_revision_has_its_resources_and_what_it_changed);
async fn a_former_revision_has_its_resources_and_what_it_changed(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("a", "block")).await;
    plane.applied(&policy("b", "block")).await;
    plane.applied(&policy("a", "allow")).await;
    let second = view(&plane, "2").await;
    assert_eq!(second.resources.len(), 2);
    assert!(second.resources[0].source.contains("action: block"));
    assert_eq!(
        changes(&second.changes),
        [("b".to_owned(), admin::Change::Created)]
    );
    assert_eq!(second.revision.unwrap().resources, Some(2));
    let shown = plane.get_json("/api/v1/revisions/2").await;
    assert_eq!(shown["resources"].as_array().unwrap().len(), 2);
    assert_eq!(shown["changes"][0]["change"], "created");
}

on_both!(a_change_of_a_comment_is_a_revision_too);
async fn a_change_of_a_comment_is_a_revision_too(on: On) {
    let plane = Plane::start_on(on).await;
    let first = plane.applied(&policy("a", "block")).await;
    let commented = policy("a", "block").replace("spec:", "spec: # why not");
    let second = plane.applied(&commented).await;
    assert_ne!(first, second);
    assert!(second.starts_with("2-"));
    assert_eq!(diff(&plane, "1", "2").await.differences.len(), 1);
    assert_eq!(plane.applied(&commented).await, second);
}

on_both!(a_diff_alone_is_what_was_changed_last);
async fn a_diff_alone_is_what_was_changed_last(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("a", "block")).await;
    let first = diff(&plane, "", "").await;
    assert_eq!(first.from, None);
    assert_eq!(first.differences[0].change(), admin::Change::Created);
    plane.applied(&policy("a", "allow")).await;
    keys(&plane).await;
    let last = diff(&plane, "", "").await;
    assert_eq!((last.from.unwrap().number, last.to.unwrap().number), (1, 3));
    let difference = &last.differences[0];
    assert!(difference.before().contains("block"), "{difference:?}");
    assert!(difference.after().contains("allow"), "{difference:?}");
    assert!(diff(&plane, "2", "3").await.differences.is_empty());
    let rest = plane.get_json("/api/v1/diff?from=1").await;
    assert_eq!(rest["differences"][0]["change"], "updated");
}

on_both!(a_revision_that_does_not_exist_is_said_to);
async fn a_revision_that_does_not_exist_is_said_to(on: On) {
    let plane = Plane::start_on(on).await;
    let revision = plane.applied(&policy("a", "block")).await;
    assert_eq!(view(&plane, &revision).await.resources.len(), 1);
    for (name, code, status) in [
        ("2", Code::NotFound, 404),
        ("1-000000000000", Code::NotFound, 404),
        ("x", Code::InvalidArgument, 400),
    ] {
        let request = admin::GetRevisionRequest {
            revision: name.into(),
        };
        let refused = plane.admin().await.get_revision(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
        let (answered, _) = plane.get(&format!("/api/v1/revisions/{name}")).await;
        assert_eq!(answered, status, "{name}");
        assert_eq!(
            rollback(&plane, name, "").await.unwrap_err().code(),
            code,
            "{name}"
        );
    }
}

on_both!(a_rollback_is_a_new_revision_with_the_former_resources);
async fn a_rollback_is_a_new_revision_with_the_former_resources(on: On) {
    let plane = Plane::start_on(on).await;
    let first = plane.applied(&policy("a", "block")).await;
    plane
        .applied(&format!(
            "{}---\n{}",
            policy("a", "allow"),
            policy("b", "block")
        ))
        .await;
    let answer = rollback(&plane, "1", "").await.unwrap();
    let made = answer.revision.clone().unwrap();
    assert_eq!((number(&answer), made.author.as_str()), (3, "ann"));
    assert_eq!(made.message, format!("rollback to {first}"));
    assert_eq!(
        changes(&answer.changes),
        [
            ("a".to_owned(), admin::Change::Updated),
            ("b".to_owned(), admin::Change::Deleted)
        ]
    );
    assert_eq!(made.hash, first.split_once('-').unwrap().1);
    assert!(diff(&plane, "1", "3").await.differences.is_empty());
    let again = rollback(&plane, "1", "").await.unwrap();
    assert_eq!(number(&again), 3, "there is nothing left to roll back");
    let plane = plane.restarted().await;
    assert!(plane.revision().starts_with("3-"));
    assert_eq!(names(&plane).await, ["a"]);
}

on_both!(a_rollback_changes_nothing_that_the_watched_directory_holds);
async fn a_rollback_changes_nothing_that_the_watched_directory_holds(on: On) {
    let plane = Plane::watching_on(on, &[("a.yaml", &policy("a", "block"))]).await;
    let first = plane.revision();
    plane.applied(&policy("mine", "block")).await;
    let second = plane.revision();
    plane.save("a.yaml", &policy("a", "allow"));
    let third = plane.revision_after(&second).await;
    let refused = rollback(&plane, "1", "").await.unwrap();
    let message = &refused.diagnostics[0].message;
    assert!(message.contains("MitigationPolicy/a"), "{message}");
    assert!(message.contains("a.yaml"), "{message}");
    assert_eq!(plane.revision(), third);

    plane.save("a.yaml", &policy("a", "block"));
    plane.revision_after(&third).await;
    assert_eq!(number(&rollback(&plane, &first, "").await.unwrap()), 5);
    assert_eq!(names(&plane).await, ["a"]);
}

on_both!(what_the_directory_does_not_hold_any_more_is_not_brought_back_by_a_rollback);
async fn what_the_directory_does_not_hold_any_more_is_not_brought_back_by_a_rollback(on: On) {
    let (a, b) = (policy("a", "block"), policy("b", "block"));
    let plane = Plane::watching_on(on, &[("a.yaml", &a), ("b.yaml", &b)]).await;
    let first = plane.revision();
    std::fs::remove_file(plane.policy_file("b.yaml")).unwrap();
    let second = plane.revision_after(&first).await;
    let refused = rollback(&plane, "1", "").await.unwrap();
    let message = &refused.diagnostics[0].message;
    assert!(message.contains("was kept in the file"), "{message}");
    assert!(message.contains("b.yaml"), "{message}");
    assert_eq!(plane.revision(), second);
}

on_both!(a_change_made_against_an_older_revision_is_refused_with_what_changed_meanwhile);
async fn a_change_made_against_an_older_revision_is_refused_with_what_changed_meanwhile(on: On) {
    let plane = Plane::start_on(on).await;
    let base = plane.applied(&policy("a", "block")).await;
    let current = plane.applied(&policy("b", "block")).await;
    let refusals = [
        apply(&plane, &policy("c", "block"), &base, false).await,
        apply(&plane, &policy("c", "block"), "1", false).await,
        delete(&plane, "a", &base).await,
    ];
    for refused in refusals {
        let told = meanwhile(&refused.unwrap_err());
        assert_eq!((told.current.as_str(), told.more), (current.as_str(), 0));
        let change = &told.changes[0];
        assert_eq!(change.resource.clone().unwrap().name, "b");
        assert_eq!(change.change(), admin::Change::Created);
        assert_eq!(
            (&change.revision, change.author.as_str()),
            (&current, "test")
        );
        assert!(change.time_ms > 0);
    }
    assert_eq!(names(&plane).await, ["a", "b"]);
    let answer = apply(&plane, &policy("c", "block"), &current, false).await;
    assert_eq!(number(&answer.unwrap()), 3);
    let late = rollback(&plane, "1", &current).await;
    assert_eq!(meanwhile(&late.unwrap_err()).changes.len(), 1);
    assert_eq!(number(&rollback(&plane, "1", "3").await.unwrap()), 4);
}

on_both!(a_change_that_changes_nothing_is_not_refused_for_its_base);
async fn a_change_that_changes_nothing_is_not_refused_for_its_base(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("a", "block")).await;
    plane.applied(&policy("b", "block")).await;
    let answer = apply(&plane, &policy("a", "block"), "1", false).await;
    assert_eq!(number(&answer.unwrap()), 2);
}

on_both!(nothing_is_the_base_of_the_first_change_only);
async fn nothing_is_the_base_of_the_first_change_only(on: On) {
    let plane = Plane::start_on(on).await;
    let first = apply(&plane, &policy("a", "block"), "0", false).await;
    assert_eq!(number(&first.unwrap()), 1);
    let second = apply(&plane, &policy("b", "block"), "0", false).await;
    assert_eq!(meanwhile(&second.unwrap_err()).changes.len(), 1);
}

on_both!(revisions_that_bring_keys_make_nobodys_base_old);
async fn revisions_that_bring_keys_make_nobodys_base_old(on: On) {
    let plane = Plane::start_on(on).await;
    let base = plane.applied(&policy("a", "block")).await;
    keys(&plane).await;
    assert!(plane.revision().starts_with("2-"));
    let answer = apply(&plane, &policy("b", "block"), &base, false).await;
    assert_eq!(number(&answer.unwrap()), 3);
}

/// A sidecar's key, which is a revision without a change of a resource.
async fn keys(plane: &Plane) {
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = SessionKey {
        kid: "k".into(),
        public_key: signing.verifying_key().to_bytes().to_vec(),
    };
    let control = &plane.running.app().control;
    control.register_keys("sidecar", vec![key]).await.unwrap();
}

on_both!(prune_deletes_what_the_files_do_not_name_and_a_second_time_changes_nothing);
async fn prune_deletes_what_the_files_do_not_name_and_a_second_time_changes_nothing(on: On) {
    let plane = Plane::watching_on(on, &[("f.yaml", &policy("f", "block"))]).await;
    for name in ["a", "b"] {
        plane.applied(&policy(name, "block")).await;
    }
    let answer = apply(&plane, &policy("a", "allow"), "", true)
        .await
        .unwrap();
    assert_eq!(number(&answer), 4);
    assert_eq!(
        changes(&answer.changes),
        [
            ("a".to_owned(), admin::Change::Updated),
            ("b".to_owned(), admin::Change::Deleted)
        ]
    );
    assert_eq!(names(&plane).await, ["a", "f"]);
    let again = apply(&plane, &policy("a", "allow"), "", true)
        .await
        .unwrap();
    assert_eq!(number(&again), 4);
    assert_eq!(
        changes(&again.changes),
        [("a".to_owned(), admin::Change::Unchanged)]
    );
}

on_both!(prune_is_refused_when_nothing_is_named);
async fn prune_is_refused_when_nothing_is_named(on: On) {
    let tests = "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: t}\n\
                 spec: {tests: [{name: a, request: {path: /}, expect: {action: allow}}]}\n";
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("a", "block")).await;
    let refused = apply(&plane, tests, "", true).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let request = admin::ApplyRequest {
        prune: true,
        ..admin::ApplyRequest::default()
    };
    let refused = plane.admin().await.apply(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(names(&plane).await, ["a"]);
}

on_both!(a_dry_run_tells_what_would_be_another_and_changes_nothing);
async fn a_dry_run_tells_what_would_be_another_and_changes_nothing(on: On) {
    let plane = Plane::start_on(on).await;
    let first = plane.applied(&policy("a", "block")).await;
    let answer = plane.apply_request(&policy("a", "allow"), true).await;
    let difference = &answer.differences[0];
    assert!(difference.before().contains("block"));
    assert!(difference.after().contains("allow"));
    assert_eq!(plane.revision(), first);
    assert!(
        plane
            .apply_request(&policy("a", "block"), true)
            .await
            .differences
            .is_empty()
    );
}

on_both!(rest_refuses_what_came_too_late_and_rolls_back);
async fn rest_refuses_what_came_too_late_and_rolls_back(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("a", "block")).await;
    let current = plane.applied(&policy("b", "block")).await;
    let http = reqwest::Client::new();
    let base = format!("http://{}/api/v1", plane.running.http_address());
    let listed = http.get(format!("{base}/resources")).send().await.unwrap();
    assert_eq!(listed.headers()["etag"], format!("\"{current}\""));

    let post = |query: &str, tag: &str| {
        let mut request = http
            .post(format!("{base}/resources{query}"))
            .header("content-type", "application/yaml")
            .body(policy("c", "block"));
        if !tag.is_empty() {
            request = request.header("if-match", tag);
        }
        request.send()
    };
    for (query, tag, status) in [("?base=1", "", 409), ("", "\"1\"", 412)] {
        let refused = post(query, tag).await.unwrap();
        assert_eq!(refused.status(), status);
        let refused: serde_json::Value = refused.json().await.unwrap();
        assert_eq!(refused["status"], status);
        assert_eq!(refused["current"], current.as_str());
        assert_eq!(refused["meanwhile"][0]["name"], "b");
    }
    let tag = format!("\"{current}\"");
    assert_eq!(post("", &tag).await.unwrap().status(), 200);
    assert_eq!(post("", "*").await.unwrap().status(), 200);

    let back = format!("{base}/revisions/1/rollback");
    // What a page of another origin could send without asking is not taken.
    let simple = http.post(&back).body("{}").send().await.unwrap();
    assert_eq!(simple.status(), 415);
    let request = http.post(&back).header("content-type", "application/json");
    let done = request.body("{\"author\": \"ann\"}").send().await.unwrap();
    assert_eq!(done.status(), 200);
    let done: serde_json::Value = done.json().await.unwrap();
    assert_eq!(done["revision"]["author"], "ann");
    assert_eq!(names(&plane).await, ["a"]);
}
