//! Signing in to the dashboard, as a browser does it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::access::{Role, Secret};
use countersign_control_plane::runtime::{AccessConfig, AccessMode, DeclaredToken};
use reqwest::{Client, Method, Response, StatusCode};
use support::Plane;
use support::database::{Database, On, on_both};

struct Asking {
    plane: Plane,
    editor: Secret,
    node: Secret,
}

impl Asking {
    async fn start(on: On) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (editor, node) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let mut config = AccessConfig {
            mode: AccessMode::Required,
            ..AccessConfig::default()
        };
        for (role, secret) in [(Role::Editor, &editor), (Role::Node, &node)] {
            let path = directory.path().join(format!("{role}.token"));
            std::fs::write(&path, secret.reveal()).unwrap();
            config.tokens.push(DeclaredToken { role, path });
        }
        let plane = Plane::with_access(Database::new(on).await, directory, config).await;
        Self {
            plane,
            editor,
            node,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Response {
        let url = format!("http://{}{path}", self.plane.running.http_address());
        let mut request = Client::new().request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.unwrap()
    }

    async fn sign_in(&self, token: &str) -> Response {
        let body = serde_json::json!({ "token": token }).to_string();
        let json = [("content-type", "application/json")];
        self.ask(Method::POST, "/api/v1/session", &json, Some(body))
            .await
    }

    /// The cookie as a browser sends it.
    async fn signed_in(&self) -> String {
        let response = self.sign_in(self.editor.reveal()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let set = response.headers()["set-cookie"].to_str().unwrap();
        for attribute in ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200"] {
            assert!(set.contains(attribute), "{set}");
        }
        // Without TLS a browser would not keep a secure one.
        assert!(!set.contains("Secure"), "{set}");
        set.split(';').next().unwrap().to_owned()
    }
}

const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");
const THEIRS: (&str, &str) = ("sec-fetch-site", "cross-site");

on_both!(a_token_is_exchanged_for_a_cookie_that_acts_as_its_owner);
async fn a_token_is_exchanged_for_a_cookie_that_acts_as_its_owner(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.signed_in().await;
    let ours = [("cookie", cookie.as_str()), OURS];
    let who = asking.ask(Method::GET, "/api/v1/whoami", &ours, None).await;
    let who: serde_json::Value = serde_json::from_str(&who.text().await.unwrap()).unwrap();
    assert_eq!(
        (&who["name"], &who["role"]),
        (&"editor".into(), &"editor".into())
    );

    let yaml = [ours[0], OURS, ("content-type", "application/yaml")];
    let body = Some(support::policy("checkout", "challenge"));
    let applied = asking
        .ask(Method::POST, "/api/v1/resources", &yaml, body)
        .await;
    assert_eq!(applied.status(), StatusCode::OK);
    // The cookie is no token.
    let (_, value) = cookie.split_once('=').unwrap();
    let bearer = [("authorization", &*format!("Bearer {value}"))];
    let refused = asking
        .ask(Method::GET, "/api/v1/whoami", &bearer, None)
        .await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);

    let audit = asking
        .ask(Method::GET, "/api/v1/audit", &ours, None)
        .await
        .text()
        .await
        .unwrap();
    assert!(audit.contains("POST /api/v1/session"), "{audit}");
    assert!(!audit.contains(value) && !audit.contains(asking.editor.reveal()));
}

on_both!(a_page_of_another_site_cannot_use_the_sign_in);
async fn a_page_of_another_site_cannot_use_the_sign_in(on: On) {
    let asking = Asking::start(on).await;
    let cookie = asking.signed_in().await;
    let theirs = [("cookie", cookie.as_str()), THEIRS];
    for (method, path) in [
        (Method::GET, "/api/v1/resources"),
        (Method::DELETE, "/api/v1/resources/List/a"),
        (Method::POST, "/api/v1/rollout/abort"),
    ] {
        let refused = asking.ask(method, path, &theirs, None).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(refused.text().await.unwrap().contains("another site"));
    }
    // Neither can it sign somebody in as itself: that needs a content type that is asked for first.
    let form = [("content-type", "text/plain"), THEIRS];
    let body = serde_json::json!({ "token": asking.editor.reveal() }).to_string();
    let refused = asking
        .ask(Method::POST, "/api/v1/session", &form, Some(body))
        .await;
    assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

on_both!(a_sign_in_ends_with_signing_out_and_with_its_token);
async fn a_sign_in_ends_with_signing_out_and_with_its_token(on: On) {
    let asking = Asking::start(on).await;
    let (first, second) = (asking.signed_in().await, asking.signed_in().await);
    let status = async |cookie: &str| {
        let ours = [("cookie", cookie), OURS];
        let who = asking.ask(Method::GET, "/api/v1/whoami", &ours, None).await;
        who.status()
    };
    let ours = [("cookie", first.as_str()), OURS];
    let out = asking
        .ask(Method::DELETE, "/api/v1/session", &ours, None)
        .await;
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    let unset = out.headers()["set-cookie"].to_str().unwrap();
    assert!(unset.contains("Max-Age=0"), "{unset}");
    assert_eq!(status(&first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&second).await, StatusCode::OK);

    let access = &asking.plane.running.app().access;
    let caller = access
        .admit(None, Some(asking.editor.reveal()).into(), None, "test")
        .err();
    assert!(caller.is_some(), "no rule, no entry");
    let listed = access.list().await.unwrap();
    let editor = listed.tokens.iter().find(|token| token.name == "editor");
    let caller = countersign_control_plane::access::Caller {
        identity: countersign_control_plane::access::Identity::open(),
        address: None,
        request_id: "r".into(),
        note: countersign_control_plane::access::Note::default(),
    };
    access
        .revoke_token(&caller, &editor.unwrap().id, "test")
        .await
        .unwrap();
    assert_eq!(status(&second).await, StatusCode::UNAUTHORIZED);
}

on_both!(what_opens_nothing_for_people_signs_nobody_in);
async fn what_opens_nothing_for_people_signs_nobody_in(on: On) {
    let asking = Asking::start(on).await;
    let node = asking.sign_in(asking.node.reveal()).await;
    assert_eq!(node.status(), StatusCode::FORBIDDEN);
    for wrong in ["", "hunter2", Secret::new([9; 32]).reveal()] {
        let refused = asking.sign_in(wrong).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(refused.headers().get("set-cookie").is_none());
    }
    let stale = (
        "cookie",
        &*format!("countersign-operator={}", Secret::new([7; 32]).reveal()),
    );
    let refused = asking
        .ask(Method::GET, "/api/v1/whoami", &[stale, OURS], None)
        .await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.text().await.unwrap().contains("signed out"));
}
