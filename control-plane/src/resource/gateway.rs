//! `Gateway`: some nodes, and which of the set they run.

use countersign_engine::glob_matches;

use super::fields::{Field, Fields, Reader};
use super::{Kind, limits, node_selector};
use crate::diagnostic::{Finding, Located, quoted};
use crate::nodes::Selector;

/// Some nodes, and which of the set they run.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Which nodes are it by themselves; none = who asks for it by name.
    pub(crate) nodes: Option<Located<Selector>>,
    /// Names of policies; none = all.
    policies: Option<Vec<Located<String>>>,
    /// Names of signals; none = all.
    signals: Option<Vec<Located<String>>>,
    /// Names of device rules; none = all.
    device_rules: Option<Vec<Located<String>>>,
}

impl Gateway {
    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let nodes = match spec.take(reader, "nodes") {
            Some(field) => {
                let span = field.node.span.clone();
                let selector = node_selector::read(reader, &field)?;
                Some(Located::new(selector, span))
            }
            None => None,
        };
        let field = spec.take(reader, "policies");
        let policies = names(reader, field);
        let field = spec.take(reader, "signals");
        let signals = names(reader, field);
        let field = spec.take(reader, "deviceRules");
        let device_rules = names(reader, field);
        spec.finish(reader);
        Some(Self {
            nodes,
            policies: policies?,
            signals: signals?,
            device_rules: device_rules?,
        })
    }

    /// Does the gateway run this resource? What it does not choose from applies to it.
    pub(crate) fn carries(&self, kind: Kind, name: &str) -> bool {
        self.patterns(kind)
            .is_none_or(|patterns| patterns.iter().any(|pattern| matches(&pattern.value, name)))
    }

    /// Does it run everything?
    pub(crate) fn carries_everything(&self) -> bool {
        CHOSEN
            .iter()
            .all(|(kind, _)| self.patterns(*kind).is_none())
    }

    /// The patterns that none of these names match, and what they choose from.
    pub(crate) fn idle<'g>(
        &'g self,
        names: impl Fn(Kind) -> Vec<&'g str>,
    ) -> Vec<(Kind, &'g Located<String>)> {
        let mut idle = Vec::new();
        for (kind, _) in CHOSEN {
            let names = names(kind);
            let patterns = self.patterns(kind).into_iter().flatten();
            let unmatched =
                patterns.filter(|pattern| !names.iter().any(|name| matches(&pattern.value, name)));
            idle.extend(unmatched.map(|pattern| (kind, pattern)));
        }
        idle
    }

    fn patterns(&self, kind: Kind) -> Option<&Vec<Located<String>>> {
        match kind {
            Kind::MitigationPolicy => self.policies.as_ref(),
            Kind::Signal => self.signals.as_ref(),
            Kind::DeviceRule => self.device_rules.as_ref(),
            _ => None,
        }
    }
}

/// What a gateway chooses from, and the field that says so.
const CHOSEN: [(Kind, &str); 3] = [
    (Kind::MitigationPolicy, "policies"),
    (Kind::Signal, "signals"),
    (Kind::DeviceRule, "deviceRules"),
];

fn matches(pattern: &str, name: &str) -> bool {
    glob_matches(pattern.as_bytes(), name.as_bytes(), false)
}

/// `None` where something is wrong with them; `Some(None)` where there are none.
#[allow(clippy::option_option, reason = "wrong, left out, given")]
fn names(reader: &mut Reader<'_>, field: Option<Field>) -> Option<Option<Vec<Located<String>>>> {
    let Some(field) = field else {
        return Some(None);
    };
    let texts = reader.texts(&field);
    for text in &texts {
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'*' | b'?')
        };
        let length = (1..=limits::MAX_NAME).contains(&text.value.len());
        if !length || !text.value.bytes().all(fits) {
            let message = format!("{} is no pattern of names", quoted(&text.value));
            reader.push(
                Finding::error(reader.source(), text.span.clone(), message).help(
                    "write a name, with `*` for any run of characters and `?` for one: `shop-*`",
                ),
            );
            return None;
        }
    }
    Some(Some(texts))
}
