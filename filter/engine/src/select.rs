//! Which requests a policy is for, before its condition is asked.

use crate::glob::glob_matches;
use crate::revision::MitigationPolicy;
use crate::{Request, Revision};

/// Do the policy's hosts, endpoints and methods select the request? Nothing named stands for all.
pub(crate) fn selects(
    revision: &Revision,
    policy: &MitigationPolicy,
    request: &Request<'_>,
) -> bool {
    let ignore_case = !revision.settings.case_sensitive_paths;
    let any = |patterns: &[String], matches: &dyn Fn(&str) -> bool| {
        patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern))
    };
    any(&policy.methods, &|method| {
        method_matches(method, request.method())
    }) && any(&policy.hosts, &|pattern| host_matches(pattern, request))
        && any(&policy.endpoints, &|pattern| {
            glob_matches(pattern.as_bytes(), request.path(), ignore_case)
        })
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
