//! A browser's side of HTTP: cookies, fetch metadata, JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_auth_sidecar::app::App;
use countersign_auth_sidecar::cookies;
use countersign_auth_sidecar::http::router;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::authenticator::Authenticator;
use crate::world::{HOST, World};

#[derive(Clone)]
pub struct Browser {
    app: Arc<App>,
    pub host: String,
    pub cookies: BTreeMap<String, String>,
    pub headers: Vec<(&'static str, String)>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The last part of the problem's type.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        body["type"]
            .as_str()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned()
    }

    /// The state that the page shows.
    pub fn state(&self) -> &str {
        let (_, rest) = self.text.split_once("data-state=\"").expect("a page");
        rest.split('"').next().unwrap()
    }
}

/// What a token says: a session, a ticket.
pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

impl Browser {
    /// What its session says.
    pub fn session(&self) -> Value {
        claims(&self.cookies[cookies::SESSION])
    }

    pub fn of(world: &World) -> Self {
        Self {
            app: Arc::clone(&world.app),
            host: HOST.to_owned(),
            cookies: BTreeMap::new(),
            headers: vec![("sec-fetch-site", "same-origin".to_owned())],
        }
    }

    /// What it sends from now on reaches another sidecar.
    pub fn turn_to(&mut self, world: &World) {
        self.app = Arc::clone(&world.app);
    }

    pub fn origin(&self) -> String {
        format!("https://{}", self.host)
    }

    pub async fn page(&mut self, ticket: &str) -> Answer {
        self.send(
            Method::GET,
            &format!("/.countersign/challenge?ticket={ticket}"),
            None,
        )
        .await
    }

    pub async fn begin(&mut self, ticket: &str) -> Answer {
        self.post("/.countersign/ceremonies", &json!({ "ticket": ticket }))
            .await
    }

    pub async fn end(&mut self, ceremony: &Value, credential: &Value) -> Answer {
        let path = format!(
            "/.countersign/ceremonies/{}",
            ceremony["ceremony"].as_str().unwrap()
        );
        self.post(&path, &json!({ "credential": credential })).await
    }

    /// Begins and ends one ceremony, whichever kind the sidecar asks for.
    pub async fn pass(&mut self, ticket: &str, authenticator: &mut Authenticator) -> Answer {
        let begun = self.begin(ticket).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        let ceremony = begun.json();
        let credential = authenticator.answer(&ceremony, &self.origin());
        self.end(&ceremony, &credential).await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    pub async fn send(&mut self, method: Method, path: &str, body: Option<String>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if body.is_some() && !self.headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .unwrap();
        let response = router(Arc::clone(&self.app))
            .oneshot(request)
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}
