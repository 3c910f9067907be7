//! The checked set into the compiled policy: the one place that names its generated types. Nothing
//! is decided here but defaults, and nothing can be wrong any more.

mod arena;
mod settings;

use countersign_engine::Assurance;
use countersign_proto::policy::v1 as proto;

use super::RuntimeMaterial;
use super::checked::{Checked, CheckedPolicy, CheckedSignal};
use super::expression::Typed;
use crate::resource::{Action, ChallengeSpec, Cidr, Members, Mode, Verdict};
use arena::Arena;

/// What a challenge demands where neither policy nor `Settings` say so.
const MIN_ASSURANCE: Assurance = Assurance::Uv;
/// See [`MIN_ASSURANCE`]: an hour.
const MAX_AGE_S: u32 = 3600;
/// See [`MIN_ASSURANCE`].
const KIND: &str = "fido";

/// The compiled policy without its revision.
pub(super) fn lower(checked: Checked<'_>, runtime: &RuntimeMaterial) -> proto::CompiledPolicy {
    let mut arena = Arena::default();
    let defaults = checked
        .settings
        .map(|settings| settings.challenge.clone())
        .unwrap_or_default();
    let signals = checked
        .signals
        .iter()
        .map(|signal| lower_signal(signal, &mut arena))
        .collect();
    let policies = checked
        .policies
        .iter()
        .map(|policy| lower_policy(policy, &defaults, &mut arena))
        .collect();
    let (nodes, reads) = arena.finish();
    proto::CompiledPolicy {
        revision: None,
        settings: Some(settings::lower(checked.settings)),
        policies,
        signals,
        lists: checked
            .lists
            .into_iter()
            .map(|(name, members)| list(name, members))
            .collect(),
        automata: checked.automata,
        nodes,
        session_keys: runtime.session_keys.clone(),
        ticket_keys: runtime.ticket_keys.clone(),
        revocations: runtime.revocations.clone(),
        reads,
    }
}

/// The number of a condition: its node's index plus one; zero is "always".
fn number(when: Option<&Typed>, arena: &mut Arena) -> u32 {
    when.map_or(0, |when| arena.add(&when.node).saturating_add(1))
}

fn lower_signal(checked: &CheckedSignal<'_>, arena: &mut Arena) -> proto::Signal {
    proto::Signal {
        name: checked.name.to_owned(),
        when: number(checked.when.as_ref(), arena),
        weight: checked.signal.weight,
        reason: checked.signal.reason.clone(),
        verdict: verdict(checked.verdict).into(),
    }
}

fn lower_policy(
    checked: &CheckedPolicy<'_>,
    defaults: &ChallengeSpec,
    arena: &mut Arena,
) -> proto::Policy {
    let policy = checked.policy;
    proto::Policy {
        name: checked.document.name.clone(),
        priority: policy.priority,
        hosts: sorted(policy.hosts.clone()),
        endpoints: sorted(
            policy
                .endpoints
                .iter()
                .map(|endpoint| endpoint.value.clone())
                .collect(),
        ),
        methods: sorted(policy.methods.clone()),
        when: number(checked.when.as_ref(), arena),
        action: action(policy.action).into(),
        monitor_only: policy.mode == Mode::Monitor || policy.action == Action::Monitor,
        challenge: (policy.action == Action::Challenge)
            .then(|| challenge(&policy.challenge, defaults)),
        redirect: policy.redirect.as_ref().map(|redirect| proto::Redirect {
            location: redirect.location.clone(),
            status: redirect.status,
        }),
    }
}

/// What a policy states itself, then what `Settings` state, then the defaults.
fn challenge(own: &ChallengeSpec, defaults: &ChallengeSpec) -> proto::Challenge {
    let min_assurance = own
        .min_assurance
        .or(defaults.min_assurance)
        .unwrap_or(MIN_ASSURANCE);
    let kinds = own.kinds.as_ref().or(defaults.kinds.as_ref());
    let fallback = own.fallback.as_ref().or(defaults.fallback.as_ref());
    proto::Challenge {
        min_assurance: min_assurance.to_wire().into(),
        max_age_s: own.max_age_s.or(defaults.max_age_s).unwrap_or(MAX_AGE_S),
        kinds: kinds.cloned().unwrap_or_else(|| vec![KIND.to_owned()]),
        fallback: fallback.cloned().unwrap_or_default(),
    }
}

/// Alternatives in one order and once, so that what means the same has the same hash.
fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

const fn action(action: Action) -> proto::ActionKind {
    match action {
        Action::Allow => proto::ActionKind::Allow,
        Action::Block => proto::ActionKind::Block,
        Action::Redirect => proto::ActionKind::Redirect,
        Action::Challenge => proto::ActionKind::Challenge,
        Action::Monitor => proto::ActionKind::Monitor,
    }
}

const fn verdict(verdict: Verdict) -> proto::Verdict {
    match verdict {
        Verdict::Allow => proto::Verdict::Allow,
        Verdict::Challenge => proto::Verdict::Challenge,
        Verdict::Block => proto::Verdict::Block,
    }
}

fn cidr(cidr: Cidr) -> proto::Cidr {
    proto::Cidr {
        address: cidr.address(),
        prefix: cidr.prefix().into(),
    }
}

fn list(name: &str, members: &Members) -> proto::List {
    use proto::list::Members as Wire;
    proto::List {
        name: name.to_owned(),
        members: Some(match members {
            Members::Strings(values) => Wire::Strings(proto::Strings {
                values: values.clone(),
            }),
            Members::Numbers(values) => Wire::Numbers(proto::Numbers {
                values: values.clone(),
            }),
            Members::Cidrs(values) => Wire::Cidrs(proto::Cidrs {
                values: values.iter().copied().map(cidr).collect(),
            }),
        }),
    }
}
