//! A page that a browser on this machine has open must not reach a control plane that listens for
//! this machine only: by pointing a name of its own at 127.0.0.1 it would be same-origin.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;

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
