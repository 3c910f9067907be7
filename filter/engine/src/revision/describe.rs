//! A revision as text: what was compiled, for people and for golden files.

use std::fmt::Write as _;

use super::{PolicyAction, Revision, Texts, View};
use crate::Attribute;
use crate::cel::{NodeId, Op, Program, SetKind};
use crate::index::Subject;

/// Subjects of the index, and policies under each, that are named.
const MAX_NAMES: usize = 100;
/// Levels of an expression that are written out.
const MAX_LEVELS: u32 = 64;
/// Characters of one expression that are written out, about.
const MAX_CHARACTERS: usize = 8 * 1024;

impl Revision {
    /// Settings, signals, policies with their conditions, under what the index finds them, and device
    /// rules, one line each.
    #[must_use]
    pub fn describe(&self) -> String {
        let view = self.view();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = write_all(view, &mut text);
        text
    }

    /// A condition as text, in the notation of calls.
    #[must_use]
    pub fn describe_condition(&self, id: NodeId) -> String {
        expression(&self.view().program, id)
    }
}

fn write_all(view: &View<'_>, text: &mut String) -> std::fmt::Result {
    let settings = &view.settings;
    writeln!(text, "settings {settings:?}")?;
    if let Some(step_up) = settings.step_up().and_then(|number| view.step_up(number)) {
        writeln!(text, "{}", upstreams(&step_up))?;
    }
    for key in &view.session_keys {
        writeln!(text, "session key {}", key.kid)?;
    }
    for signal in view.signals() {
        writeln!(
            text,
            "signal {}: weight {}, {} {}, when {}",
            signal.name(),
            signal.weight(),
            signal.reason(),
            signal.verdict().word(),
            condition(&view.program, signal.when()),
        )?;
    }
    for policy in view.policies() {
        let list = |list: super::record::TextList<'_>| list.iter().collect::<Vec<_>>().join(" ");
        write!(text, "policy {}: ", policy.name())?;
        match policy.action() {
            PolicyAction::Allow => write!(text, "allow")?,
            PolicyAction::Block => write!(text, "block")?,
            PolicyAction::Monitor => write!(text, "monitor")?,
            PolicyAction::Redirect { location, status } => {
                write!(text, "redirect {status} {location}")?;
            }
            PolicyAction::Challenge(demand) => {
                write!(
                    text,
                    "challenge {} within {} s by [{}] else [{}], holding {} bytes",
                    demand.min_assurance.word(),
                    demand.max_age_s,
                    list(demand.kinds),
                    list(demand.fallback),
                    demand.hold_body,
                )?;
                if !demand.authenticators.is_empty() {
                    write!(text, ", with [{}]", list(demand.authenticators))?;
                }
                if demand.dpop {
                    write!(text, ", bound by DPoP")?;
                }
                if !demand.other_device {
                    write!(text, ", on the device that asks")?;
                }
            }
        }
        if let Some(step_up) = policy.step_up().and_then(|number| view.step_up(number)) {
            write!(text, ", {}", upstreams(&step_up))?;
        }
        if policy.monitor_only() {
            write!(text, " (monitor)")?;
        }
        for (what, texts) in [
            ("hosts", policy.hosts()),
            ("endpoints", policy.endpoints()),
            ("methods", policy.methods()),
        ] {
            if !texts.is_empty() {
                write!(text, ", {what} [{}]", list(texts))?;
            }
        }
        writeln!(text, ", when {}", condition(&view.program, policy.when()))?;
    }
    write_index(view, text)?;
    view.devices.describe(text)
}

fn upstreams(step_up: &super::StepUp<'_>) -> String {
    let list = |list: super::record::TextList<'_>| list.iter().collect::<Vec<_>>().join(" ");
    format!(
        "step-up for [{}] by [{}] else [{}], copying {} bytes",
        list(step_up.upstreams),
        list(step_up.kinds),
        list(step_up.fallback),
        step_up.hold_body,
    )
}

/// Under what each policy is found.
fn write_index(view: &View<'_>, text: &mut String) -> std::fmt::Result {
    let mut subjects = view.index.under();
    for (subject, ways, policies) in subjects.by_ref().take(MAX_NAMES) {
        let subject = match subject {
            Subject::Path => "path".to_owned(),
            Subject::Host => "host".to_owned(),
            Subject::Method => "method".to_owned(),
            Subject::Node(node) => expression(&view.program, node),
        };
        write!(text, "index of {subject} by {}:", ways.join(", "))?;
        write_names(view, policies.into_iter(), text)?;
    }
    let more = subjects.count();
    if more > 0 {
        writeln!(text, "index of {more} more")?;
    }
    let mut always = view.index.tried_always().peekable();
    if always.peek().is_some() {
        write!(text, "index, always:")?;
        write_names(view, always, text)?;
    }
    Ok(())
}

fn write_names(
    view: &View<'_>,
    mut policies: impl Iterator<Item = u32>,
    text: &mut String,
) -> std::fmt::Result {
    for number in policies.by_ref().take(MAX_NAMES) {
        let policy = view.policy(number as usize);
        write!(text, " {}", policy.map_or("", |policy| policy.name()))?;
    }
    match policies.count() {
        0 => writeln!(text),
        more => writeln!(text, " and {more} more"),
    }
}

fn condition(program: &Program<'_>, when: Option<NodeId>) -> String {
    when.map_or_else(|| "always".to_owned(), |when| expression(program, when))
}

/// An expression in the notation of calls.
fn expression(program: &Program<'_>, id: NodeId) -> String {
    let mut text = String::new();
    put(program, id, &mut text, 0);
    text
}

fn put(program: &Program<'_>, id: NodeId, text: &mut String, level: u32) {
    let Some(node) = program.node(id) else {
        return;
    };
    if level > MAX_LEVELS || text.len() > MAX_CHARACTERS {
        text.push('…');
        return;
    }
    let pooled = || program.text(node.a, node.b).unwrap_or_default();
    let wide = node.wide();
    let leaf = match node.op {
        Op::Null => "null".to_owned(),
        Op::Bool => (node.a != 0).to_string(),
        Op::Int => wide.cast_signed().to_string(),
        Op::Uint => format!("{wide}u"),
        Op::Double => format!("{:?}", f64::from_bits(wide)),
        Op::String => format!("{:?}", pooled()),
        Op::Bytes => format!("b{:?}", program.bytes(node.a, node.b).unwrap_or_default()),
        Op::Timestamp => format!("timestamp {}.{:09}", wide.cast_signed(), node.c),
        Op::Duration => format!(
            "duration {}.{:09}",
            wide.cast_signed(),
            node.c.cast_signed()
        ),
        Op::Type => format!("type {}", pooled()),
        Op::Set => match program.sets().get(node.a) {
            Some(set) => {
                let of = match set.kind() {
                    SetKind::Strings => "strings",
                    SetKind::Numbers => "numbers",
                    SetKind::Cidrs => "ranges",
                };
                format!("set {:?} of {} {of}", set.name(), set.len())
            }
            None => String::new(),
        },
        Op::Attribute => Attribute::from_number(node.a)
            .map_or("?", Attribute::name)
            .to_owned(),
        Op::Header => format!("header {:?}", pooled()),
        Op::HasHeader => format!("has header {:?}", pooled()),
        Op::Local => format!("local {}", node.a),
        Op::Variable => format!("variable {}", node.a),
        Op::UnknownName | Op::UnknownFunction => format!("unknown {:?}", pooled()),
        _ => String::new(),
    };
    if !leaf.is_empty() {
        text.push_str(&leaf);
        return;
    }
    let _written = write!(text, "{:?}", node.op);
    if node.op == Op::Matches {
        let _written = write!(text, " automaton {}", node.b);
    }
    text.push('(');
    for (position, argument) in program.arguments(&node).enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        put(program, argument, text, level + 1);
    }
    text.push(')');
}

impl std::fmt::Debug for super::Settings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("score_header", &self.score_header())
            .field("country_header", &self.country_header())
            .field("asn_header", &self.asn_header())
            .field("case_sensitive_paths", &self.case_sensitive_paths())
            .field("exempt_paths", &self.exempt_paths().to_vec())
            .field("plaintext", &self.plaintext())
            .field("https_port", &self.https_port())
            .field("session_leeway_s", &self.session_leeway_s())
            .field("session_lifetime_s", &self.session_lifetime_s())
            .field("session_bound_s", &self.session_bound_s())
            .field("ticket_lifetime_s", &self.ticket_lifetime_s())
            .field("allow_sampling", &self.allow_sampling())
            .field("verdict_mode", &self.verdict_mode())
            .field("verdict_challenge", &self.verdict_challenge())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Texts<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Texts").finish_non_exhaustive()
    }
}
