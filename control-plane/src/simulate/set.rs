//! A set of policies, compiled and loaded as a filter would load it.

use countersign_engine::device::Identifier;
use countersign_engine::{LoadError, Revision, RevisionId, Timestamp, VerdictMode, blob};

use crate::compile::{Compiled, RuntimeMaterial, compile_at};
use crate::diagnostic::{Diagnostic, Severity};
use crate::rehearsal;
use crate::resource::{Document, Resource, Settings};

/// A set of policies that decides about requests nobody sends.
#[derive(Debug)]
pub struct Set {
    /// The first 12 hexadecimal digits of its content's SHA-256. It holds other keys than what a fleet
    /// runs, so that it compares with other sets loaded here only.
    pub hash: String,
    /// What compiles and is probably not meant.
    pub warnings: Vec<Diagnostic>,
    pub(super) revision: Revision,
    pub(super) policies: Vec<PolicyFacts>,
    /// By name, as they are evaluated.
    pub(super) signals: Vec<SignalFacts>,
    pub(super) hop: Option<HopFacts>,
    pub(super) verdict_mode: VerdictMode,
}

/// What is shown of a policy.
#[derive(Debug)]
pub(super) struct PolicyFacts {
    pub(super) name: String,
    pub(super) action: &'static str,
    pub(super) monitor_only: bool,
    /// As its author wrote it, in one line.
    pub(super) when: Option<String>,
}

/// What is shown of a signal.
#[derive(Debug)]
pub(super) struct SignalFacts {
    pub(super) name: String,
    pub(super) weight: i32,
    pub(super) reason: String,
}

/// How a trusted hop says what it knows of a client.
#[derive(Debug)]
pub(super) struct HopFacts {
    /// An address that is believed.
    pub(super) address: String,
    pub(super) score_header: Option<String>,
    /// What conditions read, and the header that says it.
    pub(super) headers: Vec<(String, String)>,
}

impl Set {
    /// Compiles and loads documents. `PolicyTest`s among them are left out. Device rules that have ended
    /// by `now` contradict none.
    ///
    /// # Errors
    /// The findings of the compiler.
    pub fn load(documents: &[Document], now: Timestamp) -> Result<Self, Vec<Diagnostic>> {
        let mut signals: Vec<SignalFacts> = documents.iter().filter_map(signal).collect();
        signals.sort_by(|a, b| a.name.cmp(&b.name));
        let material = RuntimeMaterial {
            // Nobody reads the events, and what becomes one changes no decision.
            allow_sampling: Some(0),
            ..rehearsal::material()
        };
        let Compiled {
            forms,
            hash,
            warnings,
            ..
        } = compile_at(documents, &material, now.as_millis())?;
        let id = RevisionId {
            number: 0,
            hash: hash.clone(),
        };
        let revision = blob::seal(&forms.everything, &id, 0)
            .map_err(LoadError::from)
            .and_then(Revision::load)
            .map_err(|error| {
                let message = format!("the filter refuses this set: {error}");
                vec![Diagnostic::general(Severity::Error, message, None)]
            })?;
        let settings = documents
            .iter()
            .find_map(|document| match &document.resource {
                Resource::Settings(settings) => Some(settings),
                _ => None,
            });
        Ok(Self {
            policies: policies(&revision, documents),
            hash,
            warnings,
            revision,
            signals,
            hop: settings.and_then(HopFacts::of),
            verdict_mode: settings
                .map(|settings| settings.verdicts.mode())
                .unwrap_or_default(),
        })
    }

    /// How many policies it has.
    #[must_use]
    pub fn policy_count(&self) -> usize {
        self.policies.len()
    }

    /// How many signals it has.
    #[must_use]
    pub fn signal_count(&self) -> usize {
        self.signals.len()
    }
}

fn signal(document: &Document) -> Option<SignalFacts> {
    match &document.resource {
        Resource::Signal(signal) => Some(SignalFacts {
            name: document.name.clone(),
            weight: signal.weight,
            reason: signal.reason.clone(),
        }),
        _ => None,
    }
}

/// The policies in the order of evaluation.
fn policies(revision: &Revision, documents: &[Document]) -> Vec<PolicyFacts> {
    use crate::resource::{Action, Mode};
    let by_name: std::collections::HashMap<&str, _> = documents
        .iter()
        .filter_map(|document| match &document.resource {
            Resource::MitigationPolicy(policy) => Some((document.name.as_str(), policy)),
            _ => None,
        })
        .collect();
    revision
        .policy_names()
        .filter_map(|name| {
            let policy = by_name.get(name)?;
            let when = policy.when.as_ref();
            Some(PolicyFacts {
                name: name.to_owned(),
                action: match policy.action {
                    Action::Allow => "allow",
                    Action::Block => "block",
                    Action::Redirect => "redirect",
                    Action::Challenge => "challenge",
                    Action::Monitor => "monitor",
                },
                monitor_only: policy.mode == Mode::Monitor,
                when: when.map(|when| {
                    let words: Vec<&str> = when.text().split_whitespace().collect();
                    words.join(" ")
                }),
            })
        })
        .collect()
}

impl HopFacts {
    fn of(settings: &Settings) -> Option<Self> {
        let name = |header: &Option<crate::diagnostic::Located<String>>| {
            header.as_ref().map(|header| header.value.clone())
        };
        let geo = [
            ("geo.country", name(&settings.country_header)),
            ("geo.asn", name(&settings.asn_header)),
        ];
        let devices = Identifier::ALL.into_iter().map(|identifier| {
            let header = settings.identifier_header(identifier);
            let header = header.map(|header| header.value.clone());
            (format!("device.{}", identifier.word()), header)
        });
        Some(Self {
            address: settings.trusted_hops.first()?.network().to_string(),
            score_header: name(&settings.score_header),
            headers: geo
                .into_iter()
                .map(|(attribute, header)| (attribute.to_owned(), header))
                .chain(devices)
                .filter_map(|(attribute, header)| Some((attribute, header?)))
                .collect(),
        })
    }
}
