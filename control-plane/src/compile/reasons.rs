//! What a reason leads to: its default, unless a `ReasonOverride` says otherwise.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::diagnostic::{Finding, Findings, did_you_mean};
use crate::resource::{Document, Resource, Signal, Verdict};

/// The public reasons with their defaults; any other reason is [`Verdict::Challenge`].
const PUBLIC: [(&str, Verdict); 6] = [
    ("HEADLESS_BROWSER_AUTOMATION", Verdict::Block),
    ("USER_AGENT_DECEPTION", Verdict::Block),
    ("SMART_RATE_LIMIT_BANNED", Verdict::Block),
    ("VIRTUAL_MACHINE", Verdict::Challenge),
    ("POSSIBLE_BROWSER_AUTOMATION", Verdict::Challenge),
    ("SMART_RATE_LIMIT_WARNING", Verdict::Challenge),
];

/// The overrides of a set.
pub(super) struct Reasons<'a> {
    overrides: HashMap<&'a str, Verdict>,
}

impl<'a> Reasons<'a> {
    /// Collects the overrides and reports two for one reason, and one for a reason that nothing gives.
    pub(super) fn of(documents: &'a [Document], findings: &mut Findings) -> Self {
        let mut given: HashSet<&str> = PUBLIC.iter().map(|(reason, _)| *reason).collect();
        given.extend(
            documents
                .iter()
                .filter_map(|document| match &document.resource {
                    Resource::Signal(signal) => Some(signal.reason.as_str()),
                    _ => None,
                }),
        );
        let mut first: HashMap<&str, &Document> = HashMap::new();
        let mut overrides = HashMap::new();
        for document in documents {
            let Resource::ReasonOverride(stated) = &document.resource else {
                continue;
            };
            let reason = stated.reason.value.as_str();
            let span = stated.reason.span.clone();
            if let Some(earlier) = first.get(reason) {
                let finding = Finding::error(
                    &document.to_source(),
                    span,
                    format!("a second override of `{reason}`"),
                )
                .label("again here")
                .related(
                    &earlier.to_source(),
                    earlier.name_span(),
                    "first by this",
                );
                findings.push(finding);
                continue;
            }
            if !given.contains(reason) {
                let near = did_you_mean(reason, given.iter().copied());
                let message = format!("no signal gives the reason `{reason}`");
                findings.push(Finding::warning(&document.to_source(), span, message).suggest(near));
            }
            first.insert(reason, document);
            overrides.insert(reason, stated.verdict);
        }
        Self { overrides }
    }

    /// The verdict of a signal: an override of its reason, what it states itself, its reason's default.
    pub(super) fn verdict(&self, signal: &Signal) -> Verdict {
        let reason = signal.reason.as_str();
        self.overrides
            .get(reason)
            .copied()
            .or(signal.verdict)
            .unwrap_or_else(|| {
                PUBLIC
                    .iter()
                    .find(|(public, _)| *public == reason)
                    .map_or(Verdict::Challenge, |(_, verdict)| *verdict)
            })
    }
}

/// A reason, where it comes from and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SCRIPTED_CLIENT`
    pub reason: String,
    /// One of those that trusted hops may give as well.
    pub public: bool,
    /// What it leads to where nothing says otherwise.
    pub default: Verdict,
    /// The `ReasonOverride` that says otherwise, and what.
    pub overridden: Option<(String, Verdict)>,
    /// The signals that give it, each with the verdict that it states itself.
    pub signals: Vec<(String, Option<Verdict>)>,
}

/// Every reason of a set, by name.
#[must_use]
pub fn reasons(documents: &[Document]) -> Vec<Reason> {
    let mut known: BTreeMap<&str, Reason> = BTreeMap::new();
    for (reason, default) in PUBLIC {
        known.insert(reason, Reason::new(reason, true, default));
    }
    for document in documents {
        match &document.resource {
            Resource::Signal(signal) => {
                let reason = signal.reason.as_str();
                let known = known
                    .entry(reason)
                    .or_insert_with(|| Reason::new(reason, false, Verdict::Challenge));
                known.signals.push((document.name.clone(), signal.verdict));
            }
            Resource::ReasonOverride(stated) => {
                let reason = stated.reason.value.as_str();
                let known = known
                    .entry(reason)
                    .or_insert_with(|| Reason::new(reason, false, Verdict::Challenge));
                known.overridden = Some((document.name.clone(), stated.verdict));
            }
            _ => {}
        }
    }
    known.into_values().collect()
}

impl Reason {
    fn new(reason: &str, public: bool, default: Verdict) -> Self {
        Self {
            reason: reason.to_owned(),
            public,
            default,
            overridden: None,
            signals: Vec::new(),
        }
    }
}
