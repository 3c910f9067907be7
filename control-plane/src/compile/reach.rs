//! Policies that no request reaches.

use super::checked::CheckedPolicy;
use crate::diagnostic::{Finding, Findings};
use crate::resource::{Action, Mode};

/// Warns of every policy that stands behind one that ends each request. A challenge ends none: who
/// has passed it goes on.
pub(super) fn warn(policies: &[CheckedPolicy<'_>], findings: &mut Findings) {
    let Some(end) = policies.iter().position(ends_everything) else {
        return;
    };
    let (before, after) = policies.split_at(end + 1);
    let Some(ender) = before.last() else {
        return;
    };
    let word = match ender.policy.action {
        Action::Allow => "allows",
        Action::Block => "blocks",
        _ => "redirects",
    };
    for policy in after {
        findings.push(
            Finding::warning(
                &policy.document.to_source(),
                policy.document.name_span(),
                "no request reaches this policy",
            )
            .related(
                &ender.document.to_source(),
                ender.document.name_span(),
                format!("this one runs first and {word} every request"),
            )
            .help(format!(
                "the order is that of `priority` ({} and {}), then of names",
                ender.policy.priority, policy.policy.priority
            )),
        );
    }
}

fn ends_everything(checked: &CheckedPolicy<'_>) -> bool {
    let policy = checked.policy;
    policy.mode == Mode::Enforce
        && matches!(
            policy.action,
            Action::Allow | Action::Block | Action::Redirect
        )
        && policy.hosts.is_empty()
        && (policy.endpoints.is_empty()
            || policy
                .endpoints
                .iter()
                .any(|endpoint| endpoint.value.bytes().all(|byte| byte == b'*')))
        && policy.methods.is_empty()
        && checked.when.is_none()
}
