//! Changes of the set: by apply, by the watched directory, and refused ones that change nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_proto::admin::v1 as admin;
use support::database::{On, on_both};
use support::{PATIENCE, Plane, policy};

const BAD: &str = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: bad}\n\
                   spec:\n  action: chalenge\n";

async fn names(plane: &Plane) -> Vec<String> {
    let resources = plane.get_json("/api/v1/resources").await;
    let resources = resources["resources"].as_array().unwrap().clone();
    resources
        .iter()
        .map(|resource| resource["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits for findings of the directory, or for none.
async fn findings(plane: &Plane, some: bool) -> Vec<String> {
    let mut errors = plane.running.app().control.file_errors();
    let found = errors.wait_for(|errors| errors.is_empty() != some);
    let found = tokio::time::timeout(PATIENCE, found)
        .await
        .unwrap()
        .unwrap()
        .clone();
    found
        .iter()
        .map(|finding| finding.rendered.clone())
        .collect()
}

on_both!(what_does_not_compile_is_refused_with_its_place_and_changes_nothing);
async fn what_does_not_compile_is_refused_with_its_place_and_changes_nothing(on: On) {
    let plane = Plane::start_on(on).await;
    let revision = plane.applied(&policy("checkout", "challenge")).await;
    let response = plane.apply(BAD).await;
    let finding = &response.diagnostics[0];
    assert_eq!(
        (finding.severity(), finding.line),
        (admin::Severity::Error, 5)
    );
    assert!(
        finding.rendered.contains("^^^^^^^^"),
        "{}",
        finding.rendered
    );
    assert_eq!(response.revision, None);
    assert_eq!(plane.revision(), revision);
    assert_eq!(names(&plane).await, ["checkout"]);
}

on_both!(one_bad_file_refuses_the_good_ones_beside_it);
async fn one_bad_file_refuses_the_good_ones_beside_it(on: On) {
    let plane = Plane::start_on(on).await;
    let both = format!("{}---\n{BAD}", policy("good", "block"));
    assert!(!plane.apply(&both).await.diagnostics.is_empty());
    assert_eq!(plane.revision(), "");
    assert!(names(&plane).await.is_empty());
}

on_both!(applying_the_same_again_is_the_same_revision);
async fn applying_the_same_again_is_the_same_revision(on: On) {
    let plane = Plane::start_on(on).await;
    let first = plane.applied(&policy("checkout", "challenge")).await;
    let again = plane.apply(&policy("checkout", "challenge")).await;
    assert_eq!(again.changes[0].change(), admin::Change::Unchanged);
    let again = again.revision.unwrap();
    assert_eq!(format!("{}-{}", again.number, again.hash), first);
}

on_both!(tests_beside_policies_are_checked_and_left_out);
async fn tests_beside_policies_are_checked_and_left_out(on: On) {
    let tests = "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: t}\n\
                 spec: {tests: [{name: a, request: {path: /}, expect: {action: allow}}]}\n";
    let plane = Plane::start_on(on).await;
    let alone = plane.applied(&policy("checkout", "challenge")).await;
    let with = format!("{}---\n{tests}", policy("checkout", "challenge"));
    assert_eq!(plane.applied(&with).await, alone);
    assert_eq!(names(&plane).await, ["checkout"]);
    let wrong = plane.apply(&with.replace("expect", "expct")).await;
    assert!(!wrong.diagnostics.is_empty());
    assert_eq!(plane.revision(), alone);
}

on_both!(a_dry_run_changes_nothing);
async fn a_dry_run_changes_nothing(on: On) {
    let plane = Plane::start_on(on).await;
    let response = plane
        .apply_request(&policy("checkout", "challenge"), true)
        .await;
    assert_eq!(response.changes[0].change(), admin::Change::Created);
    assert_eq!(response.revision, None);
    assert_eq!(plane.revision(), "");
    assert!(names(&plane).await.is_empty());
}

on_both!(a_deleted_resource_is_gone_with_the_next_revision);
async fn a_deleted_resource_is_gone_with_the_next_revision(on: On) {
    let plane = Plane::start_on(on).await;
    plane
        .applied(&format!(
            "{}---\n{}",
            policy("a", "block"),
            policy("b", "block")
        ))
        .await;
    let resource = admin::ResourceRef {
        kind: "MitigationPolicy".into(),
        name: "a".into(),
    };
    let request = admin::DeleteResourcesRequest {
        resources: vec![resource],
        author: "me".into(),
        ..admin::DeleteResourcesRequest::default()
    };
    let response = plane
        .admin()
        .await
        .delete_resources(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(response.revision.unwrap().number, 2);
    assert_eq!(names(&plane).await, ["b"]);
    let again = plane
        .admin()
        .await
        .delete_resources(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        again.diagnostics[0].message,
        "there is no `MitigationPolicy/a`"
    );
}

on_both!(resources_and_revisions_survive_a_restart);
async fn resources_and_revisions_survive_a_restart(on: On) {
    let plane = Plane::start_on(on).await;
    let revision = plane.applied(&policy("checkout", "challenge")).await;
    let plane = plane.restarted().await;
    assert_eq!(plane.revision(), revision);
    assert_eq!(names(&plane).await, ["checkout"]);
    let revisions = plane.get_json("/api/v1/revisions").await;
    let newest = &revisions["revisions"][0];
    assert_eq!(
        (&newest["author"], &newest["message"]),
        (&"test".into(), &"because".into())
    );
    assert_eq!(revisions["revisions"].as_array().unwrap().len(), 1);
}

on_both!(the_directory_is_in_force_from_the_start);
async fn the_directory_is_in_force_from_the_start(on: On) {
    let plane = Plane::watching_on(on, &[("a.yaml", &policy("a", "block"))]).await;
    assert!(plane.revision().starts_with("1-"));
    assert_eq!(names(&plane).await, ["a"]);
}

on_both!(an_empty_directory_is_no_revision);
async fn an_empty_directory_is_no_revision(on: On) {
    let plane = Plane::watching_on(on, &[]).await;
    assert_eq!(plane.revision(), "");
    assert_eq!(findings(&plane, false).await, [""; 0]);
}

on_both!(a_saved_file_is_the_next_revision);
async fn a_saved_file_is_the_next_revision(on: On) {
    let plane = Plane::watching_on(on, &[("a.yaml", &policy("a", "block"))]).await;
    let first = plane.revision();
    plane.save("a.yaml", &policy("a", "challenge"));
    let second = plane.revision_after(&first).await;
    std::fs::write(plane.policy_file("b.yml"), policy("b", "block")).unwrap();
    plane.revision_after(&second).await;
    assert_eq!(names(&plane).await, ["a", "b"]);
}

on_both!(what_leaves_the_directory_leaves_the_set);
async fn what_leaves_the_directory_leaves_the_set(on: On) {
    let a = policy("a", "block");
    let plane = Plane::watching_on(on, &[("a.yaml", &a), ("b.yaml", &policy("b", "block"))]).await;
    let first = plane.revision();
    std::fs::remove_file(plane.policy_file("b.yaml")).unwrap();
    plane.revision_after(&first).await;
    assert_eq!(names(&plane).await, ["a"]);
}

on_both!(a_bad_file_is_shown_with_its_place_and_changes_nothing_until_it_is_mended);
async fn a_bad_file_is_shown_with_its_place_and_changes_nothing_until_it_is_mended(on: On) {
    let plane = Plane::watching_on(on, &[("a.yaml", &policy("a", "block"))]).await;
    let revision = plane.revision();
    plane.save("b.yaml", BAD);
    let shown = findings(&plane, true).await;
    assert!(
        shown[0].contains("b.yaml:5") && shown[0].contains("^^^^^^^^"),
        "{}",
        shown[0]
    );
    assert_eq!(plane.revision(), revision);
    let errors = plane.get_json("/api/v1/resources/errors").await;
    assert_eq!(errors["diagnostics"][0]["line"], 5);
    let (_, metrics) = plane.get("/metrics").await;
    assert!(
        metrics.contains("countersign_policy_file_errors 1"),
        "{metrics}"
    );

    plane.save("b.yaml", &policy("b", "block"));
    plane.revision_after(&revision).await;
    findings(&plane, false).await;
    assert_eq!(names(&plane).await, ["a", "b"]);
}

on_both!(a_directory_that_is_bad_at_the_start_leaves_the_stored_revision_in_force);
async fn a_directory_that_is_bad_at_the_start_leaves_the_stored_revision_in_force(on: On) {
    let plane = Plane::watching_on(on, &[("a.yaml", &policy("a", "block"))]).await;
    let revision = plane.revision();
    std::fs::write(plane.policy_file("a.yaml"), BAD).unwrap();
    let plane = plane.restarted().await;
    assert_eq!(plane.revision(), revision);
    assert_eq!(findings(&plane, true).await.len(), 1);
}

on_both!(what_is_kept_in_a_file_is_not_applied_over);
async fn what_is_kept_in_a_file_is_not_applied_over(on: On) {
    let plane = Plane::watching_on(on, &[("a.yaml", &policy("a", "block"))]).await;
    let revision = plane.revision();
    let response = plane.apply(&policy("a", "allow")).await;
    let finding = &response.diagnostics[0];
    assert!(finding.message.contains("a.yaml"), "{}", finding.message);
    assert!(
        finding.rendered.contains("test.yaml:3"),
        "{}",
        finding.rendered
    );
    assert_eq!(plane.revision(), revision);
}

on_both!(rest_applies_yaml_and_answers_problems_in_json);
async fn rest_applies_yaml_and_answers_problems_in_json(on: On) {
    let plane = Plane::start_on(on).await;
    let url = format!("http://{}/api/v1/resources", plane.running.http_address());
    let post = |kind: &'static str, body: String| {
        reqwest::Client::new()
            .post(&url)
            .header("content-type", kind)
            .body(body)
            .send()
    };
    let applied = post("application/yaml", policy("a", "block"))
        .await
        .unwrap();
    assert_eq!(applied.status(), 200);
    let applied: serde_json::Value = applied.json().await.unwrap();
    assert_eq!(applied["revision"]["number"], 1);
    assert_eq!(applied["changes"][0]["change"], "created");

    let refused = post("text/yaml; charset=utf-8", BAD.to_owned())
        .await
        .unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(
        refused.headers()["content-type"],
        "application/problem+json"
    );
    let refused: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(refused["diagnostics"][0]["line"], 5);

    // What a page of another origin could send without asking is not taken.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        assert_eq!(
            post(kind, policy("b", "block")).await.unwrap().status(),
            415,
            "{kind}"
        );
    }
    let large = "#".repeat(16 * 1024 * 1024 + 1);
    assert_eq!(post("application/yaml", large).await.unwrap().status(), 413);

    let gone = reqwest::Client::new()
        .delete(format!("{url}/MitigationPolicy/a"))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 200);
    assert!(names(&plane).await.is_empty());
    assert_eq!(plane.get("/nothing").await.0, 404);
    assert_eq!(plane.get("/healthz").await.0, 200);
    assert_eq!(plane.get("/readyz").await.0, 200);
}

on_both!(a_name_that_is_not_local_is_turned_away);
async fn a_name_that_is_not_local_is_turned_away(on: On) {
    let plane = Plane::start_on(on).await;
    let url = format!("http://{}/api/v1/nodes", plane.running.http_address());
    let request = reqwest::Client::new()
        .get(url)
        .header("host", "evil.example")
        .send();
    assert_eq!(request.await.unwrap().status(), 421);
}

on_both!(resources_are_listed_in_pages_and_found_by_their_text);
async fn resources_are_listed_in_pages_and_found_by_their_text(on: On) {
    let plane = Plane::start_on(on).await;
    let list = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: offices}\n\
                spec: {cidrs: [10.0.0.0/8]}\n";
    let set = ["a", "b", "c"].map(|name| policy(name, "block"));
    let set = format!("{}---\n{list}", set.join("---\n"));
    plane.applied(&set).await;

    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = plane
            .get_json(&format!("/api/v1/resources?limit=3&cursor={cursor}"))
            .await;
        assert_eq!(page["total"], 4);
        for resource in page["resources"].as_array().unwrap() {
            seen.push(resource["name"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["a", "b", "c", "offices"]);

    let found = plane.get_json("/api/v1/resources?kind=List&q=10.0").await;
    assert_eq!(found["resources"][0]["spec"]["cidrs"][0], "10.0.0.0/8");
    assert_eq!(found["total"], 1);
    let one = plane.get_json("/api/v1/resources/MitigationPolicy/b").await;
    assert_eq!(one["spec"]["action"], "block");
    let (status, _) = plane.get("/api/v1/resources/MitigationPolicy/d").await;
    assert_eq!(status, 404);
    let (status, _) = plane.get("/api/v1/resources?kind=Policy").await;
    assert_eq!(status, 400);
    let (status, _) = plane.get("/api/v1/resources?cursor=x").await;
    assert_eq!(status, 400);

    let newest = plane.get_json("/api/v1/revisions?limit=1").await;
    let number = newest["revisions"][0]["number"].as_u64().unwrap();
    assert_eq!(newest["before"], number);
    let older = plane
        .get_json(&format!("/api/v1/revisions?before={number}"))
        .await;
    let numbers = older["revisions"].as_array().unwrap().iter();
    assert!(
        numbers
            .clone()
            .all(|revision| revision["number"].as_u64().unwrap() < number)
    );
}

on_both!(device_rules_whose_time_has_passed_are_listed_apart);
async fn device_rules_whose_time_has_passed_are_listed_apart(on: On) {
    let plane = Plane::start_on(on).await;
    let rule = |name: &str, end: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: DeviceRule\nmetadata: {{name: {name}}}\n\
             spec: {{visitor_id: {name}, verdict: BLOCK, description: none expires{end}}}\n"
        )
    };
    let set = [
        rule("ever", ""),
        rule("gone", ", expires: \"2020-01-01T00:00:00Z\""),
        rule("still", ", expires: \"2100-01-01T00:00:00Z\""),
        policy("policy", "block"),
    ];
    // With the warning that one of them has ended.
    let applied = plane.apply(&set.join("---\n")).await;
    assert!(applied.revision.is_some(), "{applied:?}");
    for (asked, expected) in [
        ("expired=true", vec!["gone"]),
        ("expired=false&kind=DeviceRule", vec!["ever", "still"]),
        ("kind=DeviceRule", vec!["ever", "gone", "still"]),
    ] {
        let page = plane.get_json(&format!("/api/v1/resources?{asked}")).await;
        let resources = page["resources"].as_array().unwrap().iter();
        let names: Vec<_> = resources.map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{asked}");
        assert_eq!(page["total"], expected.len(), "{asked}");
    }
    let (status, _) = plane.get("/api/v1/resources?expired=maybe").await;
    assert_eq!(status, 400);
}

on_both!(what_no_text_of_ours_holds_is_found_nowhere_and_fails_nothing);
async fn what_no_text_of_ours_holds_is_found_nowhere_and_fails_nothing(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("a", "block")).await;
    // PostgreSQL takes no text with a zero byte.
    for path in [
        "/api/v1/events?policy=%00&host=%00",
        "/api/v1/challenges?policy=%00&host=%00",
        "/api/v1/top?by=host&policy=%00&host=%00",
        "/api/v1/top?by=path&policy=%00&host=%00",
        "/api/v1/audit?identity=%00",
        "/api/v1/resources?q=%00",
    ] {
        let (status, body) = plane.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    for path in [
        "/api/v1/events/%00",
        "/api/v1/resources/MitigationPolicy/%00",
    ] {
        let (status, body) = plane.get(path).await;
        assert_eq!(status, 404, "{path}: {body}");
    }
}

on_both!(a_part_of_a_path_that_is_no_text_is_refused_like_every_other_fault);
async fn a_part_of_a_path_that_is_no_text_is_refused_like_every_other_fault(on: On) {
    let plane = Plane::start_on(on).await;
    for path in [
        "/api/v1/events/%ff",
        "/api/v1/resources/MitigationPolicy/%ff",
        "/api/v1/revisions/%ff",
        "/modules/%ff",
    ] {
        let (status, body) = plane.get(path).await;
        assert_eq!(status, 400, "{path}: {body}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], 400, "{path}");
    }
}
