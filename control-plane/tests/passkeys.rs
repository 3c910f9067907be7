//! Operators' passkeys, with an authenticator whose answers can be made wrong and with one that others
//! wrote.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_control_plane::access::{Role, Secret};
use countersign_control_plane::clock::Clock;
use countersign_control_plane::limits;
use countersign_control_plane::runtime::{AccessConfig, AccessMode, DeclaredToken, PasskeyOrigin};
use countersign_control_plane::store::AuditFilter;
use countersign_proto::access::v1 as proto;
use countersign_proto::access::v1::access_service_client::AccessServiceClient;
use countersign_stand_ins::passkey_client::PasskeyClient;
use countersign_webauthn::testing::Authenticator;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use support::Plane;
use support::database::{Database, On, on_both};

const EDITOR: [u8; 32] = [1; 32];
const APPROVER: [u8; 32] = [2; 32];
const NODE: [u8; 32] = [3; 32];
const VIEWER: [u8; 32] = [4; 32];

struct Asking {
    plane: Plane,
    ahead: Arc<AtomicU64>,
}

/// An answer as the browser sees it.
struct Answer {
    status: StatusCode,
    body: Value,
    cookie: Option<String>,
}

impl Answer {
    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

impl Asking {
    async fn start(on: On) -> Self {
        Self::start_at(on, PasskeyOrigin::default()).await
    }

    async fn start_at(on: On, passkeys: PasskeyOrigin) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = AccessConfig {
            mode: AccessMode::Required,
            passkeys,
            ..AccessConfig::default()
        };
        for (role, secret) in [
            (Role::Viewer, VIEWER),
            (Role::Editor, EDITOR),
            (Role::Approver, APPROVER),
            (Role::Node, NODE),
        ] {
            let path = directory.path().join(format!("{role}.token"));
            std::fs::write(&path, Secret::new(secret).reveal()).unwrap();
            config.tokens.push(DeclaredToken { role, path });
        }
        Self::with(on, directory, config).await
    }

    /// Nobody has access yet; the one-time token is told as well.
    async fn first_start(on: On) -> (Self, String) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("once.token");
        let config = AccessConfig {
            mode: AccessMode::Required,
            bootstrap_token_file: Some(file.clone()),
            ..AccessConfig::default()
        };
        let asking = Self::with(on, directory, config).await;
        let once = std::fs::read_to_string(file).unwrap();
        (asking, once.trim().to_owned())
    }

    async fn with(on: On, directory: tempfile::TempDir, config: AccessConfig) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let (system, by) = (Clock::system(), Arc::clone(&ahead));
        let clock = Clock::from_fn(move || system.now() + by.load(Ordering::Relaxed));
        let database = Database::new(on).await;
        let plane = Plane::with_access_and_clock(database, directory, config, clock).await;
        Self { plane, ahead }
    }

    fn later(&self, by: std::time::Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap();
        self.ahead.fetch_add(ms, Ordering::Relaxed);
    }

    /// Where the page is, to the browser.
    fn origin(&self) -> String {
        let port = self.plane.running.http_address().port();
        format!("http://localhost:{port}")
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        ask_at(&self.plane, method, path, headers, body).await
    }

    async fn post(&self, path: &str, cookie: Option<&str>, body: Value) -> Answer {
        let mut headers = vec![OURS];
        headers.extend(cookie.map(|cookie| ("cookie", cookie)));
        self.ask(Method::POST, path, &headers, Some(body)).await
    }

    async fn by_token(&self, secret: [u8; 32]) -> String {
        let body = json!({ "token": Secret::new(secret).reveal() });
        let signed = self.post("/api/v1/session", None, body).await;
        assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
        signed.cookie.unwrap()
    }

    /// Makes a passkey of who has the cookie.
    async fn made(&self, cookie: &str, authenticator: &mut Authenticator) -> Value {
        let asked = self.asked(cookie).await;
        let answer = authenticator.answer(&asked, &self.origin());
        let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
        let made = self
            .post("/api/v1/passkeys/answer", Some(cookie), body)
            .await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        made.body
    }

    async fn asked(&self, cookie: &str) -> Value {
        let name = json!({ "name": "laptop" });
        let asked = self.post("/api/v1/passkeys", Some(cookie), name).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.body);
        asked.body
    }

    async fn asked_to_sign_in(&self) -> Value {
        let asked = self
            .ask(Method::POST, "/api/v1/session/passkey", &[OURS], None)
            .await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.body);
        asked.body
    }

    async fn answered(&self, asked: &Value, answer: Value) -> Answer {
        let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
        self.post("/api/v1/session/passkey/answer", None, body)
            .await
    }

    async fn sign_in(&self, authenticator: &mut Authenticator) -> Answer {
        let asked = self.asked_to_sign_in().await;
        let answer = authenticator.answer(&asked, &self.origin());
        self.answered(&asked, answer).await
    }

    async fn who(&self, cookie: &str) -> Answer {
        let headers = [OURS, ("cookie", cookie)];
        self.ask(Method::GET, "/api/v1/whoami", &headers, None)
            .await
    }

    /// Entries of the audit log, newest first, once there are as many as this of an outcome.
    async fn audit(&self, outcome: &str, at_least: usize) -> Vec<Value> {
        let token = format!("Bearer {}", Secret::new(APPROVER).reveal());
        let path = format!("/api/v1/audit?outcome={outcome}");
        let headers = [("authorization", token.as_str())];
        let end = tokio::time::Instant::now() + support::PATIENCE;
        loop {
            let answer = self.ask(Method::GET, &path, &headers, None).await;
            let entries = answer.body["entries"].as_array().unwrap().clone();
            if entries.len() >= at_least {
                return entries;
            }
            assert!(tokio::time::Instant::now() < end, "{entries:?}");
            tokio::task::yield_now().await;
        }
    }
}

async fn ask_at(
    plane: &Plane,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let url = format!("http://{}{path}", plane.running.http_address());
    let mut request = Client::new().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let set = response.headers().get("set-cookie");
    let cookie = set.map(|set| {
        let set = set.to_str().unwrap();
        for attribute in ["Path=/", "HttpOnly", "SameSite=Strict"] {
            assert!(set.contains(attribute), "{set}");
        }
        set.split(';').next().unwrap().to_owned()
    });
    Answer {
        status: response.status(),
        cookie,
        body: response.json().await.unwrap_or(Value::Null),
    }
}

on_both!(a_passkey_signs_in_as_who_made_it_and_no_more);
async fn a_passkey_signs_in_as_who_made_it_and_no_more(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    let made = asking.made(&cookie, &mut laptop).await;
    assert_eq!(
        (&made["name"], &made["identity"], &made["role"]),
        (&"laptop".into(), &"editor".into(), &"editor".into())
    );
    assert_eq!(
        (&made["state"], &made["used"]),
        (&"good".into(), &Value::Null)
    );

    let signed = asking.sign_in(&mut laptop).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
    let by_passkey = signed.cookie.unwrap();
    let who = asking.who(&by_passkey).await.body;
    assert_eq!(
        (&who["name"], &who["role"]),
        (&"editor".into(), &"editor".into())
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(who["source"], format!("passkey:{id}"));

    // What an editor may not, it may not either.
    let rotate = asking.post("/api/v1/keys/rotate", Some(&by_passkey), json!({}));
    assert_eq!(rotate.await.status, StatusCode::FORBIDDEN);
    // A passkey that a passkey makes is the same person's.
    let mut phone = Authenticator::new();
    let second = asking.made(&by_passkey, &mut phone).await;
    assert_eq!(
        (&second["identity"], &second["role"]),
        (&"editor".into(), &"editor".into())
    );
    assert_eq!(second["created_by"], format!("passkey:{id}"));

    let headers = [OURS, ("cookie", by_passkey.as_str())];
    let listed = asking.ask(Method::GET, "/api/v1/passkeys", &headers, None);
    let listed = listed.await.body["passkeys"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    let first = listed.iter().find(|it| it["id"] == id).unwrap();
    assert!(
        first["used"].is_string() && first["current"] == true,
        "{first}"
    );

    let done = asking.audit("done", 4).await;
    for (action, object) in [
        ("POST /api/v1/passkeys/answer", "laptop of editor editor"),
        ("POST /api/v1/session/passkey/answer", id),
    ] {
        let told = done
            .iter()
            .any(|it| it["action"] == action && it["object"].as_str().unwrap().contains(object));
        assert!(told, "{action} {object}: {done:?}");
    }
}

on_both!(another_replica_takes_the_answer_that_one_has_asked_for);
async fn another_replica_takes_the_answer_that_one_has_asked_for(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    asking.made(&cookie, &mut laptop).await;
    let origin = PasskeyOrigin {
        origin: Some(asking.origin()),
        rp_id: None,
    };
    let config = AccessConfig {
        mode: AccessMode::Required,
        passkeys: origin,
        ..AccessConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let other = Plane::with_access(asking.plane.database.shared(), folder, config).await;
    let asked = ask_at(
        &other,
        Method::POST,
        "/api/v1/session/passkey",
        &[OURS],
        None,
    );
    let asked = asked.await.body;
    let answer = laptop.answer(&asked, &asking.origin());
    let signed = asking.answered(&asked, answer.clone()).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
    // And the first of them is the last.
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let path = "/api/v1/session/passkey/answer";
    let again = ask_at(&other, Method::POST, path, &[OURS], Some(body)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "{}", again.body);
}

on_both!(what_proves_nothing_signs_nobody_in_and_is_told_to_the_audit_log);
async fn what_proves_nothing_signs_nobody_in_and_is_told_to_the_audit_log(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    asking.made(&cookie, &mut laptop).await;
    let origin = asking.origin();

    let mut told = 0;
    let mut refused = async |name: &str, asked: Value, answer: Value, why: &str| {
        let answer = asking.answered(&asked, answer).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{name}: {}",
            answer.body
        );
        assert!(answer.cookie.is_none(), "{name}");
        assert!(
            answer.detail().contains("not accepted"),
            "{name}: {}",
            answer.body
        );
        told += 1;
        let entries = asking.audit("refused", told).await;
        let detail = entries[0]["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{name}: {detail}");
    };

    let asked = asking.asked_to_sign_in().await;
    let answer = laptop.answer(&asked, "https://evil.example");
    refused("another origin", asked, answer, "another origin").await;

    let asked = asking.asked_to_sign_in().await;
    let port = asking.plane.running.http_address().port();
    let answer = laptop.answer(
        &asked,
        &format!("http://localhost:{}", port.wrapping_add(1)),
    );
    refused("another port", asked, answer, "another origin").await;

    let asked = asking.asked_to_sign_in().await;
    laptop.rp_id = Some("evil.example".to_owned());
    let answer = laptop.answer(&asked, &origin);
    laptop.rp_id = None;
    refused(
        "another relying party",
        asked,
        answer,
        "another relying party",
    )
    .await;

    let asked = asking.asked_to_sign_in().await;
    laptop.verifies = false;
    let answer = laptop.answer(&asked, &origin);
    laptop.verifies = true;
    refused(
        "no user verification",
        asked,
        answer,
        "did not verify its user",
    )
    .await;

    let asked = asking.asked_to_sign_in().await;
    laptop.forged = true;
    let answer = laptop.answer(&asked, &origin);
    laptop.forged = false;
    refused(
        "a forged signature",
        asked,
        answer,
        "signature does not hold",
    )
    .await;

    let (one, other) = (
        asking.asked_to_sign_in().await,
        asking.asked_to_sign_in().await,
    );
    let answer = laptop.answer(&one, &origin);
    refused("another challenge", other, answer, "another challenge").await;

    let asked = asking.asked_to_sign_in().await;
    let mut stranger = Authenticator::new();
    stranger.user = laptop.user.clone();
    let answer = stranger.answer(&asked, &origin);
    refused(
        "an unknown credential",
        asked,
        answer,
        "nobody knows this credential",
    )
    .await;

    let asked = asking.asked_to_sign_in().await;
    let user = std::mem::replace(&mut laptop.user, "AAAAAAAAAAAAAAAAAAAAAA".into());
    let answer = laptop.answer(&asked, &origin);
    laptop.user = user;
    refused(
        "another user",
        asked,
        answer,
        "nobody knows this credential",
    )
    .await;

    let asked = asking.asked_to_sign_in().await;
    refused(
        "no answer",
        asked,
        json!({ "id": "x" }),
        "no answer of a browser",
    )
    .await;

    let asked = asking.asked_to_sign_in().await;
    let counter = std::mem::replace(&mut laptop.counter, 0);
    assert!(counter > 1);
    let answer = laptop.answer(&asked, &origin);
    laptop.counter = counter;
    refused("a counter that went back", asked, answer, "did not go up").await;
    // Whose it is is known, and told.
    let entries = asking.audit("refused", 1).await;
    assert_eq!(entries[0]["identity"], "editor");

    let signed = asking.sign_in(&mut laptop).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
}

on_both!(a_challenge_is_answered_once_and_in_time_and_only_as_it_was_given_out);
async fn a_challenge_is_answered_once_and_in_time_and_only_as_it_was_given_out(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    // An authenticator that does not count: only the challenge tells its answers apart.
    laptop.counts = false;
    asking.made(&cookie, &mut laptop).await;
    let origin = asking.origin();

    let asked = asking.asked_to_sign_in().await;
    let answer = laptop.answer(&asked, &origin);
    let signed = asking.answered(&asked, answer.clone()).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
    let replayed = asking.answered(&asked, answer).await;
    assert_eq!(replayed.status, StatusCode::GONE, "{}", replayed.body);
    let entries = asking.audit("refused", 1).await;
    assert_eq!(entries[0]["detail"], "its answer was used before");

    let asked = asking.asked_to_sign_in().await;
    let answer = laptop.answer(&asked, &origin);
    let mut changed = asked.clone();
    changed["ceremony"] = json!(format!("A{}", asked["ceremony"].as_str().unwrap()));
    let refused = asking.answered(&changed, answer.clone()).await;
    assert_eq!(refused.status, StatusCode::GONE, "{}", refused.body);
    asking.later(limits::CEREMONY_LASTS);
    let late = asking.answered(&asked, answer).await;
    assert_eq!(late.status, StatusCode::GONE, "{}", late.body);

    // What was asked for one thing is no answer to another, and what one was asked another cannot answer.
    let asked = asking.asked(&cookie).await;
    let answer = Authenticator::new().answer(&asked, &origin);
    let refused = asking.answered(&asked, answer.clone()).await;
    assert_eq!(refused.status, StatusCode::GONE, "{}", refused.body);
    let viewer = asking.by_token(VIEWER).await;
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let path = "/api/v1/passkeys/answer";
    let refused = asking.post(path, Some(&viewer), body.clone()).await;
    assert_eq!(refused.status, StatusCode::GONE, "{}", refused.body);
    let made = asking.post(path, Some(&cookie), body.clone()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let again = asking.post(path, Some(&cookie), body).await;
    assert_eq!(again.status, StatusCode::GONE, "{}", again.body);
}

on_both!(a_new_passkey_is_refused_where_its_answer_proves_nothing);
async fn a_new_passkey_is_refused_where_its_answer_proves_nothing(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    for (wrong, why) in [
        ("origin", "another origin"),
        ("relying party", "another relying party"),
        ("user", "did not verify its user"),
    ] {
        let asked = asking.asked(&cookie).await;
        let mut authenticator = Authenticator::new();
        authenticator.verifies = wrong != "user";
        authenticator.rp_id = (wrong == "relying party").then(|| "evil.example".to_owned());
        let origin = match wrong {
            "origin" => "https://evil.example".to_owned(),
            _ => asking.origin(),
        };
        let answer = authenticator.answer(&asked, &origin);
        let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
        let refused = asking
            .post("/api/v1/passkeys/answer", Some(&cookie), body)
            .await;
        assert_eq!(
            refused.status,
            StatusCode::FORBIDDEN,
            "{wrong}: {}",
            refused.body
        );
        assert!(refused.detail().contains(why), "{wrong}: {}", refused.body);
    }
    let failed = asking.audit("failed", 3).await;
    assert!(
        failed[0]["detail"]
            .as_str()
            .unwrap()
            .contains("not accepted"),
        "{failed:?}"
    );

    // One authenticator, one passkey of a person.
    let mut laptop = Authenticator::new();
    asking.made(&cookie, &mut laptop).await;
    let asked = asking.asked(&cookie).await;
    assert_eq!(
        asked["options"]["excludeCredentials"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let answer = laptop.answer(&asked, &asking.origin());
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let refused = asking
        .post("/api/v1/passkeys/answer", Some(&cookie), body)
        .await;
    assert!(refused.status.is_client_error(), "{}", refused.body);
}

on_both!(a_removed_passkey_signs_nobody_in_and_ends_what_it_has_begun);
async fn a_removed_passkey_signs_nobody_in_and_ends_what_it_has_begun(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    let id = asking.made(&cookie, &mut laptop).await["id"].clone();
    let path = format!("/api/v1/passkeys/{}", id.as_str().unwrap());
    let signed = asking.sign_in(&mut laptop).await.cookie.unwrap();

    // Neither a viewer's nor from another site.
    let viewer = asking.by_token(VIEWER).await;
    let viewers = [OURS, ("cookie", viewer.as_str())];
    let refused = asking.ask(Method::DELETE, &path, &viewers, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let theirs = [
        ("sec-fetch-site", "cross-site"),
        ("cookie", cookie.as_str()),
    ];
    let refused = asking.ask(Method::DELETE, &path, &theirs, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert!(refused.detail().contains("another site"));
    let refused = asking
        .ask(
            Method::POST,
            "/api/v1/passkeys",
            &theirs,
            Some(json!({ "name": "x" })),
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert_eq!(asking.who(&signed).await.status, StatusCode::OK);

    let ours = [OURS, ("cookie", signed.as_str())];
    let removed = asking.ask(Method::DELETE, &path, &ours, None).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.body);
    assert_eq!(asking.who(&signed).await.status, StatusCode::UNAUTHORIZED);
    let refused = asking.sign_in(&mut laptop).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.detail().contains("was removed"), "{}", refused.body);
    let approver = asking.by_token(APPROVER).await;
    let approvers = [OURS, ("cookie", approver.as_str())];
    let gone = asking.ask(Method::DELETE, &path, &approvers, None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let done = asking.audit("done", 1).await;
    let told = done
        .iter()
        .any(|it| it["action"] == "DELETE /api/v1/passkeys/{id}");
    assert!(told, "{done:?}");
}

on_both!(a_passkey_ends_with_the_token_that_it_comes_from_and_a_sign_in_with_its_time);
async fn a_passkey_ends_with_the_token_that_it_comes_from_and_a_sign_in_with_its_time(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let (mut laptop, mut phone) = (Authenticator::new(), Authenticator::new());
    asking.made(&cookie, &mut laptop).await;
    let signed = asking.sign_in(&mut laptop).await.cookie.unwrap();
    asking.made(&signed, &mut phone).await;

    asking.later(limits::SIGN_IN_LASTS);
    assert_eq!(asking.who(&signed).await.status, StatusCode::UNAUTHORIZED);
    let signed = asking.sign_in(&mut phone).await.cookie.unwrap();
    assert_eq!(asking.who(&signed).await.status, StatusCode::OK);

    let access = &asking.plane.running.app().access;
    let listed = access.list().await.unwrap();
    let editor = listed.tokens.iter().find(|token| token.name == "editor");
    let caller = countersign_control_plane::access::Caller {
        identity: countersign_control_plane::access::Identity::open(),
        address: None,
        request_id: "r".into(),
        note: countersign_control_plane::access::Note::default(),
    };
    let id = &editor.unwrap().id;
    access.revoke_token(&caller, id, "test").await.unwrap();
    assert_eq!(asking.who(&signed).await.status, StatusCode::UNAUTHORIZED);
    for authenticator in [&mut laptop, &mut phone] {
        let refused = asking.sign_in(authenticator).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(
            refused.detail().contains("has ended with the token"),
            "{}",
            refused.body
        );
    }
    let listed = access.list_passkeys().await.unwrap();
    assert!(listed.iter().all(|it| !it.good));
}

on_both!(a_one_time_token_makes_the_first_passkey_once);
async fn a_one_time_token_makes_the_first_passkey_once(on: On) {
    let (asking, once) = Asking::first_start(on).await;
    let first = |token: &str| json!({ "token": token, "identity": "ann", "name": "laptop" });
    let path = "/api/v1/passkeys/first";
    for wrong in [
        "",
        "hunter2",
        Secret::once([9; 32]).reveal(),
        Secret::new([9; 32]).reveal(),
    ] {
        let refused = asking.post(path, None, first(wrong)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    let mut laptop = Authenticator::new();
    let asked = asking.post(path, None, first(&once)).await.body;
    // An answer that proves nothing spends nothing.
    let answer = Authenticator::new().answer(&asked, "https://evil.example");
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let end = "/api/v1/passkeys/first/answer";
    let refused = asking.post(end, None, body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);

    let other = asking.post(path, None, first(&once)).await.body;
    let answer = laptop.answer(&asked, &asking.origin());
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let signed = asking.post(end, None, body).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
    let who = asking.who(&signed.cookie.unwrap()).await.body;
    assert_eq!(
        (&who["name"], &who["role"]),
        (&"ann".into(), &"approver".into())
    );

    let answer = Authenticator::new().answer(&other, &asking.origin());
    let body = json!({ "ceremony": other["ceremony"], "answer": answer });
    let refused = asking.post(end, None, body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let refused = asking.post(path, None, first(&once)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let signed = asking.sign_in(&mut laptop).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
    let store = &asking.plane.running.app().store;
    let filter = AuditFilter {
        to_ms: u64::MAX,
        limit: 50,
        ..AuditFilter::default()
    };
    let told = store.audit_page(&filter).await.unwrap().rows;
    let made = told
        .iter()
        .find(|row| row.action == format!("POST {end}") && row.outcome == "done");
    assert_eq!(made.unwrap().identity, "ann");
}

on_both!(who_fails_too_often_waits_and_who_does_not_is_let_in);
async fn who_fails_too_often_waits_and_who_does_not_is_let_in(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    asking.made(&cookie, &mut laptop).await;
    let mut statuses = Vec::new();
    for _ in 0..=limits::FAILED_ATTEMPTS.burst + 10 {
        let asked = asking.asked_to_sign_in().await;
        let answer = asking.answered(&asked, json!({ "id": "x" })).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses[0], StatusCode::UNAUTHORIZED);
    assert!(
        statuses.contains(&StatusCode::TOO_MANY_REQUESTS),
        "{statuses:?}"
    );
    let signed = asking.sign_in(&mut laptop).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
}

on_both!(only_people_at_a_browser_make_passkeys_and_only_so_many);
async fn only_people_at_a_browser_make_passkeys_and_only_so_many(on: On) {
    let asking = Asking::start(on).await;
    let node = format!("Bearer {}", Secret::new(NODE).reveal());
    let headers = [("authorization", node.as_str())];
    let name = || Some(json!({ "name": "laptop" }));
    let refused = asking.ask(Method::POST, "/api/v1/passkeys", &headers, name());
    assert_eq!(refused.await.status, StatusCode::FORBIDDEN);
    let refused = asking.ask(Method::POST, "/api/v1/passkeys", &[OURS], name());
    assert_eq!(refused.await.status, StatusCode::UNAUTHORIZED);
    let cookie = asking.by_token(EDITOR).await;
    for wrong in ["", "a\nb", &"x".repeat(limits::MAX_TOKEN_NAME_BYTES + 1)] {
        let body = json!({ "name": wrong });
        let refused = asking.post("/api/v1/passkeys", Some(&cookie), body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    for _ in 0..limits::MAX_PASSKEYS_OF_ONE {
        asking.made(&cookie, &mut Authenticator::new()).await;
    }
    let asked = asking.asked(&cookie).await;
    assert!(asked["ceremony"].as_str().unwrap().len() <= limits::MAX_CEREMONY_BYTES);
    let answer = Authenticator::new().answer(&asked, &asking.origin());
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let refused = asking
        .post("/api/v1/passkeys/answer", Some(&cookie), body)
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
}

#[tokio::test]
async fn the_page_is_told_where_passkeys_are_taken() {
    let ways = async |asking: &Asking| {
        let ways = asking.ask(Method::GET, "/api/v1/session", &[], None).await;
        ways.body
    };
    let local = Asking::start(On::Sqlite).await;
    let at = json!({ "origin": local.origin(), "rp_id": "localhost" });
    assert_eq!(ways(&local).await, json!({ "open": false, "passkeys": at }));
    let said = PasskeyOrigin {
        origin: Some("https://cp.example.com".to_owned()),
        rp_id: Some("example.com".to_owned()),
    };
    let said = Asking::start_at(On::Sqlite, said).await;
    let at = json!({ "origin": "https://cp.example.com", "rp_id": "example.com" });
    assert_eq!(ways(&said).await["passkeys"], at);
    // The host that a request names says nothing: what it would have answered is another origin's.
    let cookie = said.by_token(EDITOR).await;
    let asked = said.asked(&cookie).await;
    let answer = Authenticator::new().answer(&asked, &said.origin());
    let body = json!({ "ceremony": asked["ceremony"], "answer": answer });
    let refused = said
        .post("/api/v1/passkeys/answer", Some(&cookie), body)
        .await;
    assert!(
        refused.detail().contains("another origin"),
        "{}",
        refused.body
    );

    let open = Plane::start().await;
    let answer = ask_at(&open, Method::GET, "/api/v1/session", &[], None).await;
    assert_eq!(answer.body, json!({ "open": true, "passkeys": null }));
    let answer = ask_at(&open, Method::POST, "/api/v1/session/passkey", &[], None).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_command_line_lists_passkeys_and_removes_them() {
    let asking = Asking::start(On::Sqlite).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut laptop = Authenticator::new();
    asking.made(&cookie, &mut laptop).await;
    let mut client = AccessServiceClient::new(asking.plane.channel().await);
    let with = |secret: [u8; 32]| {
        let bearer = format!("Bearer {}", Secret::new(secret).reveal());
        move |mut request: tonic::Request<()>| {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", bearer.parse().unwrap());
            request
        }
    };
    let list = |request: tonic::Request<()>| request.map(|()| proto::ListPasskeysRequest {});
    let viewer = with(VIEWER);
    let listed = client.list_passkeys(list(viewer(tonic::Request::new(()))));
    let listed = listed.await.unwrap().into_inner().passkeys;
    assert_eq!((listed.len(), listed[0].identity.as_str()), (1, "editor"));
    let id = listed[0].id.clone();
    let remove = |request: tonic::Request<()>| {
        request.map(|()| proto::RemovePasskeyRequest { id: id.clone() })
    };
    let refused = client.remove_passkey(remove(viewer(tonic::Request::new(()))));
    assert_eq!(
        refused.await.unwrap_err().code(),
        tonic::Code::PermissionDenied
    );
    let approver = with(APPROVER);
    let removed = client.remove_passkey(remove(approver(tonic::Request::new(()))));
    let removed = removed.await.unwrap().into_inner().passkey.unwrap();
    assert!(removed.removed_ms > 0);
    let again = client.remove_passkey(remove(approver(tonic::Request::new(()))));
    assert_eq!(again.await.unwrap_err().code(), tonic::Code::NotFound);
    let refused = asking.sign_in(&mut laptop).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_client_that_others_wrote_makes_a_passkey_and_signs_in_with_it() {
    let asking = Asking::start(On::Sqlite).await;
    let cookie = asking.by_token(EDITOR).await;
    let mut client = PasskeyClient::at(&asking.origin());

    let asked = asking.asked(&cookie).await;
    let created = client.register(&asked["options"]).await;
    let body = json!({ "ceremony": asked["ceremony"], "answer": created });
    let made = asking
        .post("/api/v1/passkeys/answer", Some(&cookie), body)
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);

    let asked = asking.asked_to_sign_in().await;
    let used = client.authenticate(&asked["options"]).await;
    let signed = asking.answered(&asked, used).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
}
