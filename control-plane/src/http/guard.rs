//! Every request passes here: who asks is found out, may or may not, and is told to the audit log.
//!
//! And a page that a browser on this machine has open must not reach a control plane that listens for
//! this machine only: by pointing a name of its own at 127.0.0.1 it would be same-origin.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::cookie;
use super::problem::Problem;
use crate::access::{Class, Refusal, Rule};
use crate::runtime::{Access, Outcome};
use crate::tls::Peer;

/// What stands before one route.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    access: Arc<Access>,
    action: Arc<str>,
    rule: Rule,
}

impl Gate {
    pub(super) fn new(access: Arc<Access>, method: &str, path: &str, rule: Rule) -> Self {
        Self {
            access,
            action: Arc::from(format!("{method} {path}")),
            rule,
        }
    }
}

/// Lets a request in, with its `Caller` among its extensions, or refuses it.
pub(super) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let admitted = gate.access.admit(
        peer.map(|ConnectInfo(peer)| peer),
        cookie::shown(request.method(), request.headers()),
        Some(gate.rule),
        &gate.action,
    );
    let caller = match admitted {
        Ok(caller) => caller,
        Err(refusal) => return refused(&refusal),
    };
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    if gate.rule.changes {
        let status = response.status();
        let outcome = if status.is_success() {
            Outcome::Done
        } else {
            Outcome::Failed(status.to_string())
        };
        gate.access.tell(&caller, &gate.action, outcome).await;
    }
    if let Ok(id) = HeaderValue::from_str(&caller.request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.class() {
        Class::Unknown => StatusCode::UNAUTHORIZED,
        Class::Forbidden => StatusCode::FORBIDDEN,
        Class::Later => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = Problem::new(status, refusal.to_string()).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer realm=\"countersign\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    if let Some(seconds) = refusal.retry_after() {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// Refuses every request that names another host than this machine.
pub(super) async fn only_local_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    if host.is_none_or(|host| host.to_str().is_ok_and(is_local)) {
        return next.run(request).await;
    }
    let detail = "this control plane listens on a loopback address and answers to local names only";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let address = name.parse::<std::net::IpAddr>();
    name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_local() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.0.0.2",
            "[::1]:8080",
            "a.localhost",
        ] {
            assert!(is_local(host), "{host}");
        }
    }

    #[test]
    fn every_other_name_is_not() {
        for host in [
            "evil.example",
            "localhost.evil.example:8080",
            "10.0.0.1",
            "[::2]:1",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
