//! Which upstreams a set lets ask for more proof, and on what terms.

use countersign_engine::Assurance;

use super::lower;
use crate::resource::{ChallengeSpec, Document, Resource, StepUpSpec};

/// A `stepUp`, with what it takes from wider scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUpTerms {
    /// The policy that states it; `None` = `Settings`.
    pub policy: Option<String>,
    /// Globs on the names of clusters; empty = none may.
    pub upstreams: Vec<String>,
    /// The policy is in `mode: monitor`, where this does nothing.
    pub rehearsed: bool,
    /// Which challenges are offered, fallbacks included.
    pub kinds: Vec<String>,
    /// The most that one of them can prove.
    pub reaches: Assurance,
    /// Bytes of a form that are kept; 0 = none is.
    pub hold_body: u32,
    /// Can a request that it is about be a form?
    pub takes_forms: bool,
}

/// Every `stepUp` of a set.
#[must_use]
pub fn step_ups(documents: &[Document]) -> Vec<StepUpTerms> {
    let settings = documents
        .iter()
        .find_map(|document| match &document.resource {
            Resource::Settings(settings) => Some(settings),
            _ => None,
        });
    let defaults = settings.map(|settings| settings.challenge.clone());
    let defaults = defaults.unwrap_or_default();
    let mut all = Vec::new();
    if let Some(own) = settings.and_then(|settings| settings.step_up.as_ref()) {
        all.push(terms(own, &ChallengeSpec::default(), &defaults));
    }
    for document in documents {
        let Resource::MitigationPolicy(policy) = &document.resource else {
            continue;
        };
        let Some(own) = &policy.step_up else {
            continue;
        };
        let read_only = |method: &String| matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
        all.push(StepUpTerms {
            policy: Some(document.name.clone()),
            rehearsed: policy.only_counts(),
            takes_forms: policy.methods.is_empty() || !policy.methods.iter().all(read_only),
            ..terms(own, &policy.challenge, &defaults)
        });
    }
    all
}

fn terms(own: &StepUpSpec, challenged: &ChallengeSpec, defaults: &ChallengeSpec) -> StepUpTerms {
    let terms = lower::step_up(own, challenged, defaults);
    let kinds = [terms.kinds, terms.fallback].concat();
    let known = crate::resource::ChallengeKind::ALL.into_iter();
    let offered = known.filter(|kind| kinds.iter().any(|word| word == kind.word()));
    let reaches = offered.map(crate::resource::ChallengeKind::highest).max();
    StepUpTerms {
        policy: None,
        upstreams: terms.upstreams,
        rehearsed: false,
        kinds,
        reaches: reaches.unwrap_or(Assurance::None),
        hold_body: terms.hold_body,
        takes_forms: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{SourceFile, parse_files};

    #[test]
    fn terms_come_from_the_step_up_the_challenge_and_the_settings() {
        let yaml = "\
apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  challenge: {kinds: [pow], minAssurance: effort, holdBody: 10}
  stepUp: {upstreams: [\"*\"], fallback: [otp_email]}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: orders}
spec:
  action: monitor
  mode: monitor
  methods: [GET]
  stepUp: {upstreams: [b, a], kinds: [fido], holdBody: 0}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: none}
spec: {action: allow}
";
        let file = SourceFile {
            name: "a.yaml".to_owned(),
            content: yaml.into(),
        };
        let found = step_ups(&parse_files(&[file]).unwrap());
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let settings = StepUpTerms {
            policy: None,
            upstreams: words(&["*"]),
            rehearsed: false,
            kinds: words(&["pow", "otp_email"]),
            reaches: Assurance::Possession,
            hold_body: 10,
            takes_forms: true,
        };
        let orders = StepUpTerms {
            policy: Some("orders".to_owned()),
            upstreams: words(&["a", "b"]),
            rehearsed: true,
            kinds: words(&["fido"]),
            reaches: Assurance::UvAttested,
            hold_body: 0,
            takes_forms: false,
        };
        assert_eq!(found, [settings, orders]);
    }
}
