//! The checked set into the compiled form. Nothing is decided here but defaults, and nothing can be
//! wrong any more.

mod covers;
mod literal;
mod settings;

use countersign_engine::cel::ProgramBuilder;
use countersign_engine::device::DeviceRulesBuilder;
use countersign_engine::{
    ActionSpec, Assurance, Attribute, ChallengeSpec as Demand, PolicySpec, RedirectSpec,
    RevisionBuilder, SignalSpec, StepUpSpec as Terms, Verdict as EngineVerdict,
};
use countersign_proto::policy::v1::revocation;

use super::RuntimeMaterial;
use super::checked::{Checked, CheckedPolicy, CheckedSignal};
use crate::diagnostic::Located;
use crate::resource::{
    Action, ChallengeKind, ChallengeSpec, Mode, Possession, StepUpSpec, Verdict,
};

/// What a challenge demands where neither policy nor `Settings` say so.
const MIN_ASSURANCE: Assurance = Assurance::Uv;
/// See [`MIN_ASSURANCE`]: an hour.
const MAX_AGE_S: u32 = 3600;
/// Forms and small uploads.
const HOLD_BODY_BYTES: u32 = 256 * 1024;
/// See [`MIN_ASSURANCE`].
pub(super) const KIND: ChallengeKind = ChallengeKind::Fido;

/// The body of the compiled form; `None` when it is larger than one can be.
pub(super) fn lower(
    checked: &Checked<'_>,
    program: ProgramBuilder,
    device_rules: DeviceRulesBuilder<'_>,
    runtime: &RuntimeMaterial,
) -> Option<Vec<u8>> {
    let mut to = RevisionBuilder::default();
    to.program = program;
    for &attribute in Attribute::ALL {
        if checked.reads.contains(attribute) {
            to.reads(attribute);
        }
    }
    let defaults = checked
        .settings
        .map(|settings| settings.challenge.clone())
        .unwrap_or_default();
    settings::lower(checked.settings, &defaults, runtime, &mut to);
    for signal in &checked.signals {
        to.signal(&lower_signal(signal));
    }
    let policies: Vec<PolicySpec> = checked
        .policies
        .iter()
        .map(|policy| lower_policy(policy, &defaults))
        .collect();
    for policy in &policies {
        to.policy(policy);
    }
    let ignore_case = !checked
        .settings
        .is_some_and(|settings| settings.case_sensitive_paths);
    covers::index(&policies, ignore_case, &mut to);
    // More of them than the form holds were refused before.
    to.device_rules(device_rules).ok()?;
    for key in &runtime.session_keys {
        to.session_key(&key.kid, &key.public_key);
    }
    for key in &runtime.ticket_keys {
        to.ticket_key(&key.kid, &key.secret);
    }
    for revocation in &runtime.revocations {
        match &revocation.what {
            Some(revocation::What::Jti(jti)) => to.revoke_session(jti, revocation.issued_before),
            Some(revocation::What::Device(device)) => {
                to.revoke_device(device, revocation.issued_before);
            }
            None => {}
        }
    }
    to.finish()
}

fn lower_signal(checked: &CheckedSignal<'_>) -> SignalSpec {
    SignalSpec {
        name: checked.document.name.clone(),
        when: checked.when.root,
        weight: checked.signal.weight,
        reason: checked.signal.reason.clone(),
        verdict: verdict(checked.verdict),
    }
}

fn lower_policy(checked: &CheckedPolicy<'_>, defaults: &ChallengeSpec) -> PolicySpec {
    let policy = checked.policy;
    PolicySpec {
        name: checked.document.name.clone(),
        hosts: sorted(policy.hosts.clone()),
        endpoints: sorted(
            policy
                .endpoints
                .iter()
                .map(|endpoint| endpoint.value.clone())
                .collect(),
        ),
        methods: sorted(policy.methods.clone()),
        when: checked.when.as_ref().and_then(|when| when.root),
        action: match policy.action {
            Action::Allow => ActionSpec::Allow,
            Action::Block => ActionSpec::Block,
            Action::Monitor => ActionSpec::Monitor,
            Action::Challenge => ActionSpec::Challenge(challenge(&policy.challenge, defaults)),
            Action::Redirect => policy
                .redirect
                .as_ref()
                .map_or(ActionSpec::Block, |redirect| {
                    ActionSpec::Redirect(RedirectSpec {
                        location: redirect.location.clone(),
                        status: u16::try_from(redirect.status).unwrap_or(0),
                    })
                }),
        },
        monitor_only: policy.mode == Mode::Monitor,
        step_up: policy
            .step_up
            .as_ref()
            .map(|own| step_up(own, &policy.challenge, defaults)),
    }
}

/// What the `stepUp` states itself, then what the policy's own challenge does, then `Settings`.
pub(super) fn step_up(
    own: &StepUpSpec,
    challenged: &ChallengeSpec,
    defaults: &ChallengeSpec,
) -> Terms {
    let stated = ChallengeSpec {
        kinds: own.kinds.clone().or_else(|| challenged.kinds.clone()),
        fallback: own.fallback.clone().or_else(|| challenged.fallback.clone()),
        hold_body: own.hold_body.or(challenged.hold_body),
        authenticators: challenged.authenticators.clone(),
        ..ChallengeSpec::default()
    };
    let demand = challenge(&stated, defaults);
    Terms {
        upstreams: sorted(own.upstreams.clone()),
        kinds: demand.kinds,
        fallback: demand.fallback,
        hold_body: demand.hold_body,
        authenticators: demand.authenticators,
    }
}

/// What a policy states itself, then what `Settings` state, then the defaults.
pub(super) fn challenge(own: &ChallengeSpec, defaults: &ChallengeSpec) -> Demand {
    let words = |kinds: &Vec<Located<ChallengeKind>>| {
        let words = kinds.iter().map(|kind| kind.value.word().to_owned());
        words.collect::<Vec<_>>()
    };
    let kinds = own.kinds.as_ref().or(defaults.kinds.as_ref());
    let fallback = own.fallback.as_ref().or(defaults.fallback.as_ref());
    let authenticators = own
        .authenticators
        .as_ref()
        .or(defaults.authenticators.as_ref());
    let min_assurance = own
        .min_assurance
        .as_ref()
        .or(defaults.min_assurance.as_ref());
    Demand {
        min_assurance: min_assurance.map_or(MIN_ASSURANCE, |grade| grade.value),
        max_age_s: own.max_age_s.or(defaults.max_age_s).unwrap_or(MAX_AGE_S),
        kinds: kinds.map_or_else(|| vec![KIND.word().to_owned()], words),
        fallback: fallback.map(words).unwrap_or_default(),
        hold_body: own
            .hold_body
            .or(defaults.hold_body)
            .unwrap_or(HOLD_BODY_BYTES),
        authenticators: authenticators
            .into_iter()
            .flatten()
            .map(|it| it.word().to_owned())
            .collect(),
        dpop: own.possession.or(defaults.possession) == Some(Possession::Dpop),
        other_device: own.other_device.or(defaults.other_device).unwrap_or(true),
    }
}

/// Alternatives in one order and once, so that what means the same has the same hash.
fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

const fn verdict(verdict: Verdict) -> EngineVerdict {
    match verdict {
        Verdict::Allow => EngineVerdict::Allow,
        Verdict::Challenge => EngineVerdict::Challenge,
        Verdict::Block => EngineVerdict::Block,
    }
}
