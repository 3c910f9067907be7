//! What the analysis says of a set, told where it stands in the files.

use std::collections::HashMap;

use countersign_engine::device::Identifier;
use countersign_engine::{Attribute, Timestamp};

use super::analyse::limits::MAX_RANGES;
use super::analyse::{
    About, Effect, Members as Listed, Policy, Remark, Signal, Unknown, When, World, analyse,
};
use super::checked::{CheckedPolicy, CheckedSignal};
use super::conditions::Condition;
use super::lower;
use crate::diagnostic::{Finding, Findings};
use crate::resource::{Action, Document, Expression, Members, Mode, Resource, Settings};

/// A set whose conditions are typed.
pub(super) struct Set<'s, 'a> {
    pub(super) documents: &'a [Document],
    pub(super) settings: Option<&'a Settings>,
    /// By priority, then name.
    pub(super) policies: &'s [CheckedPolicy<'a>],
    pub(super) signals: &'s [CheckedSignal<'a>],
    /// The lists that conditions name, by the numbers that they name them by.
    pub(super) lists: Vec<(u32, &'a Members)>,
    /// The time, if it is known.
    pub(super) now: Option<Timestamp>,
}

/// Warns of policies that never match or are never reached, and of conditions that are always true.
pub(super) fn warn(set: &Set<'_, '_>, findings: &mut Findings) {
    let policies: Vec<Policy<'_>> = set
        .policies
        .iter()
        .map(|checked| policy(checked, set.settings))
        .collect();
    let signals: Vec<Signal<'_>> = set.signals.iter().map(signal).collect();
    for remark in analyse(&policies, &signals, &world(set)) {
        if let Some(finding) = finding(set, remark) {
            findings.push(finding);
        }
    }
}

fn policy<'s>(checked: &'s CheckedPolicy<'_>, settings: Option<&Settings>) -> Policy<'s> {
    let policy = checked.policy;
    let effect = match (policy.mode, policy.action) {
        (Mode::Monitor, _) | (_, Action::Monitor) => Effect::Counts,
        (_, Action::Allow) => Effect::Allows,
        (_, Action::Block) => Effect::Blocks,
        (_, Action::Redirect) => Effect::Redirects,
        (_, Action::Challenge) => {
            let defaults = settings.map(|settings| settings.challenge.clone());
            let demand = lower::challenge(&policy.challenge, &defaults.unwrap_or_default());
            Effect::Challenges {
                min_assurance: demand.min_assurance,
                max_age_s: demand.max_age_s,
            }
        }
    };
    Policy {
        name: &checked.document.name,
        priority: policy.priority,
        hosts: &policy.hosts,
        endpoints: policy
            .endpoints
            .iter()
            .map(|endpoint| endpoint.value.as_str())
            .collect(),
        methods: &policy.methods,
        when: policy
            .when
            .as_ref()
            .zip(checked.when.as_ref())
            .map(|(expression, condition)| when(expression, condition)),
        effect,
    }
}

fn signal<'s>(checked: &'s CheckedSignal<'_>) -> Signal<'s> {
    Signal {
        when: when(&checked.signal.when, &checked.when),
        weight: checked.signal.weight,
        reason: &checked.signal.reason,
        verdict: checked.verdict.to_engine(),
    }
}

fn when<'s>(expression: &'s Expression, condition: &'s Condition) -> When<'s> {
    When {
        text: expression.text(),
        tree: &condition.tree,
        told: &condition.told,
    }
}

fn world<'s>(set: &Set<'s, '_>) -> World<'s> {
    let lists: HashMap<u32, Listed<'_>> = set
        .lists
        .iter()
        .filter_map(|(number, members)| Some((*number, listed(members)?)))
        .collect();
    let believed = set
        .settings
        .filter(|settings| !settings.trusted_hops.is_empty());
    let rules = set
        .documents
        .iter()
        .filter_map(|document| match &document.resource {
            Resource::DeviceRule(rule) => rule.verdict,
            _ => None,
        });
    World {
        whole: set.settings.is_some(),
        lists,
        case_sensitive_paths: set
            .settings
            .is_some_and(|settings| settings.case_sensitive_paths),
        score_header: believed.is_some_and(|settings| settings.score_header.is_some()),
        device_verdicts: rules.map(|verdict| verdict.to_engine()).collect(),
        unknown: TOLD_BY_HOPS
            .iter()
            .filter_map(|told| unknown(told, set.settings))
            .collect(),
        now_nanos: set.now.map(Timestamp::as_nanos),
    }
}

/// A list as the analysis takes it. `None` for one that it would not look into.
fn listed(members: &Members) -> Option<Listed<'_>> {
    Some(match members {
        Members::Strings(values) => Listed::Strings(values),
        Members::Numbers(values) => Listed::Numbers(values),
        Members::Cidrs(values) if values.len() > MAX_RANGES => return None,
        Members::Cidrs(values) => Listed::Cidrs(
            values
                .iter()
                .map(|cidr| (cidr.network(), cidr.prefix()))
                .collect(),
        ),
    })
}

/// An attribute that only trusted hops tell, and what names its header.
struct ToldByHops {
    attribute: Attribute,
    identifier: Identifier,
    /// As it is written in `Settings`.
    example: &'static str,
}

const TOLD_BY_HOPS: [ToldByHops; 8] = [
    ToldByHops {
        attribute: Attribute::GeoCountry,
        identifier: Identifier::CountryCode,
        example: "geo: {countryHeader: x-geo-country}",
    },
    ToldByHops {
        attribute: Attribute::GeoAsn,
        identifier: Identifier::Asn,
        example: "geo: {asnHeader: x-geo-asn}",
    },
    ToldByHops {
        attribute: Attribute::DeviceVisitorId,
        identifier: Identifier::VisitorId,
        example: "identifiers: {visitor_id: x-visitor-id}",
    },
    ToldByHops {
        attribute: Attribute::DeviceBrowserId,
        identifier: Identifier::BrowserId,
        example: "identifiers: {browser_id: x-browser-id}",
    },
    ToldByHops {
        attribute: Attribute::DeviceVisitorFingerprint,
        identifier: Identifier::VisitorFingerprint,
        example: "identifiers: {visitor_fingerprint: x-visitor-fingerprint}",
    },
    ToldByHops {
        attribute: Attribute::DeviceBrowserFingerprint,
        identifier: Identifier::BrowserFingerprint,
        example: "identifiers: {browser_fingerprint: x-browser-fingerprint}",
    },
    ToldByHops {
        attribute: Attribute::DeviceHardwareFingerprint,
        identifier: Identifier::HardwareFingerprint,
        example: "identifiers: {hardware_fingerprint: x-hardware-fingerprint}",
    },
    ToldByHops {
        attribute: Attribute::DeviceNetworkFingerprint,
        identifier: Identifier::NetworkFingerprint,
        example: "identifiers: {network_fingerprint: x-network-fingerprint}",
    },
];

/// Why no request has the attribute, if that is so.
fn unknown(told: &ToldByHops, settings: Option<&Settings>) -> Option<Unknown> {
    let header = settings.and_then(|settings| match told.identifier {
        Identifier::CountryCode => settings.country_header.as_ref(),
        Identifier::Asn => settings.asn_header.as_ref(),
        identifier => settings.identifier_header(identifier),
    });
    let name = told.attribute.name();
    let (why, help) = match header {
        // Without a header it is the device of the session.
        None if told.identifier == Identifier::VisitorId => return None,
        None => (
            format!("no header carries `{name}`"),
            format!("name the header in `Settings`, such as `{}`", told.example),
        ),
        Some(_) if settings.is_some_and(|settings| !settings.trusted_hops.is_empty()) => {
            return None;
        }
        Some(header) => (
            format!(
                "the header `{}`, which carries `{name}`, is never believed",
                header.value
            ),
            "name the peers that may send it in `trustedHops`".to_owned(),
        ),
    };
    Some(Unknown {
        attribute: told.attribute,
        why,
        help,
    })
}

/// A remark where it stands. `None` for one about nothing of the set, which there is none of.
fn finding(set: &Set<'_, '_>, remark: Remark) -> Option<Finding> {
    let (document, expression) = match remark.about {
        About::Policy(index) => {
            let checked = set.policies.get(index)?;
            (checked.document, checked.policy.when.as_ref())
        }
        About::Signal(index) => {
            let checked = set.signals.get(index)?;
            (checked.document, Some(&checked.signal.when))
        }
    };
    let source = document.to_source();
    let place = match (remark.span, expression) {
        (Some(span), Some(expression)) => expression.places(&source).of(span.range()),
        _ => document.name_span(),
    };
    let mut finding = Finding::warning(&source, place, remark.message);
    if let Some(earlier) = remark.earlier {
        let document = set.policies.get(earlier.policy)?.document;
        finding = finding.related(&document.to_source(), document.name_span(), earlier.label);
    }
    for note in remark.notes {
        finding = finding.note(note);
    }
    for help in remark.helps {
        finding = finding.help(help);
    }
    Some(finding)
}
