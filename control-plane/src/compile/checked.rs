//! A set of documents whose conditions are typed and whose parts fit together.

use countersign_engine::device::DeviceRulesBuilder;
use countersign_engine::{Timestamp, VerdictMode};

use super::expression::{Automaton, Patterns, Place, Scope, Typed, condition};
use super::lists::Lists;
use super::reasons::Reasons;
use super::{devices, limits, reach};
use crate::diagnostic::{Finding, Findings};
use crate::resource::{
    Document, Kind, Members, MitigationPolicy, Resource, Settings, Signal, Verdict,
    find_duplicates, unreachable_because,
};

/// What the lowering takes.
pub(super) struct Checked<'a> {
    pub(super) settings: Option<&'a Settings>,
    /// By priority, then name.
    pub(super) policies: Vec<CheckedPolicy<'a>>,
    /// By name.
    pub(super) signals: Vec<CheckedSignal<'a>>,
    pub(super) lists: Vec<(&'a str, &'a Members)>,
    pub(super) automata: Vec<Automaton>,
    /// Ready to be written.
    pub(super) device_rules: DeviceRulesBuilder<'a>,
}

pub(super) struct CheckedPolicy<'a> {
    pub(super) document: &'a Document,
    pub(super) policy: &'a MitigationPolicy,
    /// `None` = always.
    pub(super) when: Option<Typed>,
}

pub(super) struct CheckedSignal<'a> {
    pub(super) name: &'a str,
    pub(super) signal: &'a Signal,
    pub(super) verdict: Verdict,
    pub(super) when: Option<Typed>,
}

/// Checks a set. What is wrong is in `findings`; with an error among them the result is not whole.
/// `now` is the time at which this is done, if it is known: findings depend on it, the result does not.
pub(super) fn check<'a>(
    documents: &'a [Document],
    now: Option<Timestamp>,
    findings: &mut Findings,
) -> Checked<'a> {
    find_duplicates(documents, findings);
    count(documents, findings);
    let mut scope = Scope {
        lists: Lists::of(documents),
        patterns: Patterns::default(),
    };
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
    let device_rules = devices::check(documents, stated, now, findings);
    let signals = signals(documents, &reasons, &mut scope, findings);
    let policies = policies(documents, &mut scope, findings);
    if !findings.has_errors() {
        reach::warn(&policies, findings);
    }
    Checked {
        settings: stated,
        policies,
        signals,
        lists: scope.lists.into_used(),
        automata: scope.patterns.into_automata(),
        device_rules,
    }
}

fn count(documents: &[Document], findings: &mut Findings) {
    for (kind, most) in [
        (Kind::MitigationPolicy, limits::MAX_POLICIES),
        (Kind::Signal, limits::MAX_SIGNALS),
        (Kind::List, limits::MAX_LISTS),
        (Kind::ReasonOverride, limits::MAX_OVERRIDES),
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
    scope: &mut Scope<'a>,
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
            let when = condition(
                &signal.when,
                Place::Signal,
                &document.to_source(),
                scope,
                findings,
            )?;
            Some(CheckedSignal {
                name: &document.name,
                signal,
                verdict: reasons.verdict(signal),
                when: Some(when).filter(|when| when.constant() != Some(true)),
            })
        })
        .collect()
}

fn policies<'a>(
    documents: &'a [Document],
    scope: &mut Scope<'a>,
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
            let when = match &policy.when {
                Some(when) => Some(condition(
                    when,
                    Place::Policy,
                    &document.to_source(),
                    scope,
                    findings,
                )?),
                None => None,
            };
            let when = when.filter(|when| when.constant() != Some(true));
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
