//! What a set has in common with the one that decided.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use countersign_engine::device::Identifier;

use super::{Candidate, has_gateways};
use crate::diagnostic::Located;
use crate::resource::{Document, Kind, MitigationPolicy, Resource, Settings, Signal};

/// What of a set is as it was in the set that decided.
#[derive(Clone, Debug, Default)]
pub struct Likeness {
    /// Who is the client, and over which scheme it came.
    pub(super) hops: bool,
    /// The score that a trusted hop gives.
    pub(super) score: bool,
    /// Which sessions are good.
    pub(super) sessions: bool,
    /// Which requests are judged at all.
    pub(super) exemptions: bool,
    /// The device rules, and what they go by.
    pub(super) device_rules: bool,
    /// Signals with the same condition.
    pub(super) signals: HashSet<String>,
    /// Policies with the same hosts, endpoints, methods and condition; does it read what the signals
    /// make?
    pub(super) policies: HashMap<String, bool>,
    /// The place of each policy of the set that decided.
    pub(super) places: HashMap<String, usize>,
    /// Some nodes ran a part of it.
    pub(super) in_parts: bool,
}

impl Likeness {
    /// Compares a set with the one that decided.
    #[must_use]
    pub fn between(former: &[Document], candidate: &Candidate) -> Self {
        Self::of(former, &candidate.documents)
    }

    /// Nothing is known of the set that decided: it is not kept any more.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    fn of(former: &[Document], now: &[Document]) -> Self {
        let (before, after) = (settings(former), settings(now));
        let hops = networks(&before) == networks(&after);
        let score = hops && text(&before.score_header) == text(&after.score_header);
        let told = hops
            && text(&before.country_header) == text(&after.country_header)
            && text(&before.asn_header) == text(&after.asn_header)
            && identifiers(&before) == identifiers(&after);
        let sessions = before.session_leeway_s == after.session_leeway_s;
        let paths = before.case_sensitive_paths == after.case_sensitive_paths;
        // What conditions read of a request.
        let same_reading = score && told && sessions;
        let lists = sources(former, Kind::List) == sources(now, Kind::List);
        let rules = sources(former, Kind::DeviceRule) == sources(now, Kind::DeviceRule);
        let same_condition = |before: Option<&str>, after: Option<&str>| {
            let reads_lists = before.is_some_and(|when| when.contains("lists"));
            before == after && (lists || !reads_lists)
        };
        let mut likeness = Self {
            hops,
            score,
            sessions,
            exemptions: exempt(&before) == exempt(&after),
            device_rules: told && sessions && rules,
            places: places(former),
            in_parts: has_gateways(former),
            ..Self::default()
        };
        if !same_reading {
            return likeness;
        }
        let known: HashMap<&str, &Signal> = signals(former).collect();
        let signals = signals(now).filter(|(name, after)| {
            known.get(name).is_some_and(|before| {
                same_condition(Some(before.when.text()), Some(after.when.text()))
            })
        });
        likeness.signals = signals.map(|(name, _)| name.to_owned()).collect();
        if !paths {
            return likeness;
        }
        let known: HashMap<&str, &MitigationPolicy> = policies(former).collect();
        for (name, after) in policies(now) {
            let same = known.get(name).is_some_and(|before| {
                before.hosts == after.hosts
                    && before.methods == after.methods
                    && before
                        .endpoints
                        .iter()
                        .map(|it| &it.value)
                        .eq(after.endpoints.iter().map(|it| &it.value))
                    && same_condition(when(before), when(after))
            });
            if same {
                let reads = when(after).is_some_and(|when| {
                    ["score", "reasons", "verdict"]
                        .iter()
                        .any(|name| when.contains(name))
                });
                likeness.policies.insert(name.to_owned(), reads);
            }
        }
        likeness
    }
}

fn settings(documents: &[Document]) -> Settings {
    let mut found = documents.iter().filter_map(|it| match &it.resource {
        Resource::Settings(settings) => Some(settings.clone()),
        _ => None,
    });
    found.next().unwrap_or_default()
}

fn signals(documents: &[Document]) -> impl Iterator<Item = (&str, &Signal)> {
    documents.iter().filter_map(|it| match &it.resource {
        Resource::Signal(signal) => Some((it.name.as_str(), signal)),
        _ => None,
    })
}

fn policies(documents: &[Document]) -> impl Iterator<Item = (&str, &MitigationPolicy)> {
    documents.iter().filter_map(|it| match &it.resource {
        Resource::MitigationPolicy(policy) => Some((it.name.as_str(), policy)),
        _ => None,
    })
}

/// The order of evaluation: by priority, then by name.
fn places(documents: &[Document]) -> HashMap<String, usize> {
    let mut order: Vec<(i32, &str)> = policies(documents)
        .map(|(name, policy)| (policy.priority, name))
        .collect();
    order.sort_unstable();
    let names = order.into_iter().map(|(_, name)| name.to_owned());
    names
        .enumerate()
        .map(|(place, name)| (name, place))
        .collect()
}

fn when(policy: &MitigationPolicy) -> Option<&str> {
    policy.when.as_ref().map(|when| when.text())
}

fn networks(settings: &Settings) -> BTreeSet<String> {
    let hops = settings.trusted_hops.iter();
    hops.map(|hop| format!("{hop:?}")).collect()
}

fn exempt(settings: &Settings) -> BTreeSet<&str> {
    let paths = settings.exempt_paths.iter();
    paths.map(|path| path.value.as_str()).collect()
}

fn identifiers(settings: &Settings) -> Vec<Option<&str>> {
    let all = Identifier::ALL.into_iter();
    all.map(|identifier| {
        let header = settings.identifier_header(identifier);
        header.map(|header| header.value.as_str())
    })
    .collect()
}

fn text(located: &Option<Located<String>>) -> Option<&str> {
    located.as_ref().map(|located| located.value.as_str())
}

fn sources(documents: &[Document], kind: Kind) -> BTreeMap<&str, &str> {
    let of_kind = documents.iter().filter(|document| document.kind == kind);
    of_kind
        .map(|document| (document.name.as_str(), document.source.as_str()))
        .collect()
}
