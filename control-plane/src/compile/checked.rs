//! A set of documents whose conditions are typed and whose parts fit together.

use countersign_engine::cel::ProgramBuilder;
use countersign_engine::device::DeviceRulesBuilder;
use countersign_engine::{AttributeSet, Timestamp, VerdictMode};

use super::conditions::{Condition, Conditions, Failures, Memory, Place};
use super::reasons::Reasons;
use super::{challenges, devices, doubts, limits};
use crate::diagnostic::{Finding, Findings};
use crate::resource::{
    Action, Document, Kind, Members, MitigationPolicy, Resource, Settings, Signal, Verdict,
    find_duplicates, unreachable_because,
};

/// What the lowering takes.
pub(super) struct Checked<'a> {
    pub(super) settings: Option<&'a Settings>,
    /// By priority, then name.
    pub(super) policies: Vec<CheckedPolicy<'a>>,
    /// By name.
    pub(super) signals: Vec<CheckedSignal<'a>>,
    /// Every condition, and the lists and patterns that conditions name.
    pub(super) program: ProgramBuilder,
    /// What conditions read.
    pub(super) reads: AttributeSet,
    /// What in conditions can fail at run time.
    pub(super) failures: Failures,
    /// The lists that conditions name, by the numbers that they name them by.
    pub(super) lists: Vec<(u32, &'a Members)>,
    /// Ready to be written.
    pub(super) device_rules: DeviceRulesBuilder<'a>,
}

pub(super) struct CheckedPolicy<'a> {
    pub(super) document: &'a Document,
    pub(super) policy: &'a MitigationPolicy,
    /// `None` = always.
    pub(super) when: Option<Condition>,
}

pub(super) struct CheckedSignal<'a> {
    pub(super) document: &'a Document,
    pub(super) signal: &'a Signal,
    pub(super) verdict: Verdict,
    pub(super) when: Condition,
}

/// Checks a set. What is wrong is in `findings`; with an error among them the result is not whole.
/// `now` is the time at which this is done, if it is known: findings depend on it, the result does not.
pub(super) fn check<'a>(
    documents: &'a [Document],
    now: Option<Timestamp>,
    memory: &mut Memory,
    findings: &mut Findings,
) -> Checked<'a> {
    find_duplicates(documents, findings);
    count(documents, findings);
    let reasons = Reasons::of(documents, findings);
    let settings = documents
        .iter()
        .find_map(|document| match &document.resource {
            Resource::Settings(settings) => Some((document, settings)),
            _ => None,
        });
    if let Some((document, settings)) = settings {
        check_settings(document, settings, findings);
    }
    let stated = settings.map(|(_, settings)| settings);
    let mut conditions = Conditions::of(documents, stated, memory);
    let device_rules = devices::check(documents, stated, now, findings);
    let signals = signals(documents, &reasons, &mut conditions, findings);
    let defaults = settings.map(|(document, settings)| (document, &settings.challenge));
    let policies = policies(documents, defaults, &mut conditions, findings);
    let lists = conditions.lists().collect();
    let (program, reads, failures) = conditions.finish();
    Checked {
        settings: stated,
        policies,
        signals,
        program,
        reads,
        failures,
        lists,
        device_rules,
    }
}

impl<'a> Checked<'a> {
    /// What compiles and is probably not meant, of the set as a whole.
    pub(super) fn doubts(&self, documents: &'a [Document], now: Option<Timestamp>) -> Findings {
        let mut findings = Findings::default();
        let set = doubts::Set {
            documents,
            settings: self.settings,
            policies: &self.policies,
            signals: &self.signals,
            lists: self.lists.clone(),
            now,
        };
        doubts::warn(&set, &mut findings);
        findings
    }
}

fn count(documents: &[Document], findings: &mut Findings) {
    for (kind, most) in [
        (Kind::MitigationPolicy, limits::MAX_POLICIES),
        (Kind::Signal, limits::MAX_SIGNALS),
        (Kind::List, limits::MAX_LISTS),
        (Kind::ReasonOverride, limits::MAX_OVERRIDES),
        (Kind::RolloutStrategy, limits::MAX_STRATEGIES),
        (Kind::Gateway, limits::MAX_GATEWAYS),
    ] {
        let of_kind = || documents.iter().filter(|document| document.kind == kind);
        if let Some(over) = of_kind().nth(most) {
            let message = format!(
                "{} resources of kind {} are too many",
                of_kind().count(),
                kind.as_str()
            );
            findings.push(
                Finding::error(&over.to_source(), over.name_span(), message)
                    .label("this is the first past the limit")
                    .help(format!("at most {most}")),
            );
        }
    }
}

fn signals<'a>(
    documents: &'a [Document],
    reasons: &Reasons<'_>,
    conditions: &mut Conditions<'a, '_>,
    findings: &mut Findings,
) -> Vec<CheckedSignal<'a>> {
    let mut signals: Vec<(&Document, &Signal)> = documents
        .iter()
        .filter_map(|document| match &document.resource {
            Resource::Signal(signal) => Some((document, signal)),
            _ => None,
        })
        .collect();
    signals.sort_by_key(|(document, _)| &document.name);
    signals
        .into_iter()
        .filter_map(|(document, signal)| {
            let place = Place {
                kind: Kind::Signal,
                document,
                expression: &signal.when,
            };
            let when = conditions.add(place, findings)?;
            Some(CheckedSignal {
                document,
                signal,
                verdict: reasons.verdict(signal),
                when,
            })
        })
        .collect()
}

fn policies<'a>(
    documents: &'a [Document],
    defaults: challenges::Defaults<'a>,
    conditions: &mut Conditions<'a, '_>,
    findings: &mut Findings,
) -> Vec<CheckedPolicy<'a>> {
    let mut policies: Vec<(&Document, &MitigationPolicy)> = documents
        .iter()
        .filter_map(|document| match &document.resource {
            Resource::MitigationPolicy(policy) => Some((document, policy)),
            _ => None,
        })
        .collect();
    policies.sort_by_key(|(document, policy)| (policy.priority, &document.name));
    policies
        .into_iter()
        .filter_map(|(document, policy)| {
            warn_of_endpoints(document, &policy.endpoints, findings);
            if policy.action == Action::Challenge {
                challenges::check(document, &policy.challenge, defaults, findings);
            }
            let when = match &policy.when {
                Some(expression) => {
                    let place = Place {
                        kind: Kind::MitigationPolicy,
                        document,
                        expression,
                    };
                    Some(conditions.add(place, findings)?)
                }
                None => None,
            };
            Some(CheckedPolicy {
                document,
                policy,
                when,
            })
        })
        .collect()
}

fn warn_of_endpoints(
    document: &Document,
    endpoints: &[crate::diagnostic::Located<String>],
    findings: &mut Findings,
) {
    for endpoint in endpoints {
        if let Some((what, help)) = unreachable_because(&endpoint.value) {
            findings.push(
                Finding::warning(
                    &document.to_source(),
                    endpoint.span.clone(),
                    "no request reaches this endpoint",
                )
                .label(format!("it {what}"))
                .help(help),
            );
        }
    }
}

fn check_settings(document: &Document, settings: &Settings, findings: &mut Findings) {
    warn_of_endpoints(document, &settings.exempt_paths, findings);
    challenges::check(document, &settings.challenge, None, findings);
    let verdicts = &settings.verdicts;
    if let Some(challenge) = &verdicts.challenge
        && verdicts.mode() == VerdictMode::Observe
    {
        findings.push(
            Finding::warning(
                &document.to_source(),
                challenge.span.clone(),
                "`challenge` does nothing while verdicts are only observed",
            )
            .help("write `mode: enforce` beside it, or leave it out"),
        );
    }
    if !settings.trusted_hops.is_empty() {
        return;
    }
    let headers = [
        &settings.score_header,
        &settings.country_header,
        &settings.asn_header,
    ];
    let identifiers = settings.identifiers.iter().map(|(_, header)| header);
    for header in headers.into_iter().flatten().chain(identifiers) {
        let message = format!("the header `{}` is never believed", header.value);
        findings.push(
            Finding::warning(&document.to_source(), header.span.clone(), message)
                .help("name the peers that may send it in `trustedHops`"),
        );
    }
}
