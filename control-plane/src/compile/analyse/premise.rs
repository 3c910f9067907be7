//! What must hold for a policy to match, one by one: its hosts, its endpoints, its methods, and what
//! its condition joins with `&&`.

use countersign_engine::Attribute;

use super::condition::{Condition, ConditionKind, Goal, Reading, Test};
use super::language::Pattern;
use super::limits::{MAX_SHOWN, MAX_SHOWN_ITEMS};
use super::read::Reader;
use super::texts::TextTest;
use super::world::{Policy, When};
use crate::cel::{Span, Typed};

/// Something that must hold.
#[derive(Clone, Debug)]
pub(super) struct Premise<'a> {
    pub(super) condition: Condition<'a>,
    pub(super) says: Says<'a>,
}

/// What says a premise.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says<'a> {
    /// `hosts`, `endpoints` or `methods`.
    Hosts(&'a [String]),
    Endpoints,
    Methods(&'a [String]),
    /// A part of the condition.
    When(&'a str, &'a Typed),
}

/// A policy as far as it is understood.
#[derive(Clone, Debug)]
pub(super) struct Premises<'a> {
    pub(super) all: Vec<Premise<'a>>,
    pub(super) endpoints: Vec<&'a str>,
    /// Places in the condition of which something was said already.
    pub(super) told: &'a [Span],
}

impl<'a> Premises<'a> {
    pub(super) fn of_policy(policy: &'a Policy<'a>, reader: &mut Reader<'_, 'a>) -> Self {
        let mut all = Vec::new();
        let mut add = |condition, says| all.push(Premise { condition, says });
        if !policy.hosts.is_empty() {
            add(hosts(policy.hosts, reader), Says::Hosts(policy.hosts));
        }
        if let Some(condition) = endpoints(&policy.endpoints, reader) {
            add(condition, Says::Endpoints);
        }
        if !policy.methods.is_empty() {
            add(
                methods(policy.methods, reader),
                Says::Methods(policy.methods),
            );
        }
        let mut premises = Self {
            all,
            endpoints: policy.endpoints.clone(),
            told: &[],
        };
        if let Some(when) = &policy.when {
            premises.add_condition(when, reader);
        }
        premises
    }

    pub(super) fn of_condition(when: &When<'a>, reader: &mut Reader<'_, 'a>) -> Self {
        let mut premises = Self {
            all: Vec::new(),
            endpoints: Vec::new(),
            told: &[],
        };
        premises.add_condition(when, reader);
        premises
    }

    fn add_condition(&mut self, when: &When<'a>, reader: &mut Reader<'_, 'a>) {
        self.told = when.told;
        let parts = match &when.tree.kind {
            crate::cel::TypedKind::Call(countersign_engine::cel::Op::And, parts) => parts,
            _ => std::slice::from_ref(when.tree),
        };
        for part in parts {
            let condition = reader.condition(part);
            // What is always true is told of by who found it out, and asks nothing.
            if !matches!(condition.kind, ConditionKind::Constant(true)) {
                let says = Says::When(when.text, part);
                self.all.push(Premise { condition, says });
            }
        }
    }

    /// The policy matches.
    pub(super) fn hold(&self) -> impl Iterator<Item = Goal<'_>> {
        self.all
            .iter()
            .map(|premise| (&premise.condition, Reading::True))
    }

    /// The premises that the condition makes.
    pub(super) fn of_when(&self) -> impl Iterator<Item = &Premise<'a>> {
        self.all
            .iter()
            .filter(|premise| matches!(premise.says, Says::When(..)))
    }
}

impl Premise<'_> {
    /// Where the condition says it.
    pub(super) fn span(&self) -> Option<Span> {
        match self.says {
            Says::When(_, part) => Some(part.span),
            _ => None,
        }
    }

    /// As an author writes it, in backticks.
    pub(super) fn shown(&self, endpoints: &[&str]) -> String {
        let list = |field: &str, items: &mut dyn Iterator<Item = &str>| {
            let mut shown: Vec<&str> = items.take(MAX_SHOWN_ITEMS + 1).collect();
            if shown.len() > MAX_SHOWN_ITEMS {
                shown.truncate(MAX_SHOWN_ITEMS);
                shown.push("…");
            }
            format!("`{field}: [{}]`", shown.join(", "))
        };
        match self.says {
            Says::Hosts(hosts) => list("hosts", &mut hosts.iter().map(String::as_str)),
            Says::Endpoints => list("endpoints", &mut endpoints.iter().copied()),
            Says::Methods(methods) => list("methods", &mut methods.iter().map(String::as_str)),
            Says::When(text, part) => shortened(part.span.of(text)),
        }
    }
}

/// A part of a condition on one line, in backticks.
pub(super) fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= MAX_SHOWN {
        return format!("`{line}`");
    }
    let start: String = line.chars().take(MAX_SHOWN).collect();
    format!("`{start}…`")
}

/// What `request.host` is where one of the patterns matches: a host that it stands for, with any port or
/// none. A host has no colon, or stands in brackets, so that what follows a colon behind a host that is
/// written in a pattern is a port.
fn hosts<'a>(hosts: &[String], reader: &mut Reader<'_, 'a>) -> Condition<'a> {
    let port = Pattern::around(false, ":", true);
    let patterns = hosts.iter().flat_map(|host| {
        let host = match host.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => {
                Pattern::something().then(&Pattern::around(false, suffix, false))
            }
            _ => Pattern::around(false, host, false),
        };
        let with_port = host.then(&port);
        [host, with_port]
    });
    let test = Test::Text(TextTest::Like(patterns.collect()));
    of(reader.subjects.attribute(Attribute::RequestHost), test)
}

/// Endpoints are compared with the bytes of the normal path, as `request.url_path` is here. `None` where
/// every path is meant.
fn endpoints<'a>(endpoints: &[&str], reader: &mut Reader<'_, 'a>) -> Option<Condition<'a>> {
    let ignore_case = !reader.subjects.world().case_sensitive_paths;
    let patterns: Vec<Pattern> = endpoints
        .iter()
        .map(|endpoint| Pattern::glob(endpoint, ignore_case))
        .collect();
    if patterns.is_empty() || patterns.iter().any(Pattern::takes_every_path) {
        return None;
    }
    let test = Test::Text(TextTest::Like(patterns));
    Some(of(
        reader.subjects.attribute(Attribute::RequestUrlPath),
        test,
    ))
}

/// A listed method matches in any case, as `request.method` is in upper case whatever was sent; `GET`
/// stands for HEAD as well.
fn methods<'a>(methods: &[String], reader: &mut Reader<'_, 'a>) -> Condition<'a> {
    let head = methods.iter().any(|method| method == "GET");
    let listed = methods.iter().cloned();
    let listed = listed.chain(head.then(|| "HEAD".to_owned()));
    let test = Test::Text(TextTest::among(listed));
    of(reader.subjects.attribute(Attribute::RequestMethod), test)
}

fn of(subject: super::subject::Subject, test: Test<'_>) -> Condition<'_> {
    Condition {
        kind: ConditionKind::Test(subject, test),
        span: Span::default(),
    }
}
