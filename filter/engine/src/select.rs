//! Which requests a policy is for, before its condition is asked.

use crate::Request;
use crate::glob::glob_matches;
use crate::revision::{Policy, View};

/// What of a policy did not select a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unselected {
    /// Its methods.
    Method,
    /// Its hosts.
    Host,
    /// Its endpoints.
    Endpoint,
}

/// Do the policy's methods, hosts and endpoints select the request? Nothing named stands for all.
pub(crate) fn select(
    view: &View<'_>,
    policy: &Policy<'_>,
    request: &Request<'_>,
) -> Result<(), Unselected> {
    let (methods, hosts, endpoints) = (policy.methods(), policy.hosts(), policy.endpoints());
    if !methods.is_empty()
        && !methods
            .iter()
            .any(|method| method_matches(method, request.method()))
    {
        return Err(Unselected::Method);
    }
    if !hosts.is_empty() && !hosts.iter().any(|pattern| host_matches(pattern, request)) {
        return Err(Unselected::Host);
    }
    let ignore_case = !view.settings.case_sensitive_paths();
    let path_matches =
        |pattern: &str| glob_matches(pattern.as_bytes(), request.path(), ignore_case);
    if !endpoints.is_empty() && !endpoints.iter().any(path_matches) {
        return Err(Unselected::Endpoint);
    }
    Ok(())
}

/// Servers are found that take `post` for `POST`, and HEAD tells what GET tells: towards the reading in
/// which a policy cannot be passed.
fn method_matches(listed: &str, method: &[u8]) -> bool {
    method.eq_ignore_ascii_case(listed.as_bytes())
        || (listed == "GET" && method.eq_ignore_ascii_case(b"HEAD"))
}

/// `*.example.com` stands for every name below `example.com`, not for itself.
fn host_matches(pattern: &str, request: &Request<'_>) -> bool {
    let Some(authority) = request.authority() else {
        return false;
    };
    match pattern.strip_prefix('*') {
        Some(suffix) if suffix.starts_with('.') => authority
            .host()
            .strip_suffix(suffix)
            .is_some_and(|label| !label.is_empty()),
        _ => authority.host() == pattern,
    }
}
