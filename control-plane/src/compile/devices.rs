//! Device rules: each on its own, then those about the same value.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use countersign_engine::Timestamp;
use countersign_engine::device::{DeviceRulesBuilder, Identifier, Subject};

use super::{countries, limits};
use crate::diagnostic::{Finding, Findings, Source, quoted};
use crate::resource::{DeviceRule, Document, Resource, Settings, Verdict};

/// A rule with its place.
struct Placed<'a> {
    document: &'a Document,
    rule: &'a DeviceRule,
    /// One copy of the text for all findings about the rule: there may be one for each of its values.
    source: OnceCell<Source>,
}

impl Placed<'_> {
    fn source(&self) -> &Source {
        self.source.get_or_init(|| self.document.to_source())
    }

    fn has_ended(&self, now: Option<Timestamp>) -> bool {
        let ends = self.rule.expires.as_ref().map(|expires| expires.value);
        ends.zip(now).is_some_and(|(ends, now)| ends <= now)
    }
}

/// Checks the device rules of a set and puts them together. `now` is the time at which the set is
/// compiled: without it no rule has ended. What is compiled does not depend on it.
pub(super) fn check<'a>(
    documents: &'a [Document],
    settings: Option<&Settings>,
    now: Option<Timestamp>,
    findings: &mut Findings,
) -> DeviceRulesBuilder<'a> {
    let rules: Vec<Placed<'a>> = documents
        .iter()
        .filter_map(|document| match &document.resource {
            Resource::DeviceRule(rule) => Some(Placed {
                document,
                rule,
                source: OnceCell::new(),
            }),
            _ => None,
        })
        .collect();
    let mut builder = DeviceRulesBuilder::default();
    if too_many(&rules, findings) {
        return builder;
    }
    warn_of_ends(&rules, now, findings);
    warn_of_countries(&rules, findings);
    warn_of_headers(&rules, settings, findings);
    warn_of_observing(&rules, settings, findings);
    find_clashes(&rules, now, findings);
    for placed in &rules {
        let rule = placed.rule;
        let Some(verdict) = rule.verdict else {
            continue;
        };
        let ends = rule.expires.as_ref().map(|expires| expires.value);
        for (subject, _) in rule.subjects() {
            builder.add(subject, verdict.to_engine(), ends);
        }
    }
    builder
}

fn too_many(rules: &[Placed<'_>], findings: &mut Findings) -> bool {
    let count = rules.iter().map(|placed| placed.rule.values.len()).sum();
    let mut before = 0_usize;
    let over = rules.iter().find(|placed| {
        before = before.saturating_add(placed.rule.values.len());
        before > limits::MAX_DEVICE_RULE_VALUES
    });
    if let Some(over) = over {
        let count: usize = count;
        let message = format!("the device rules have {count} values, which are too many");
        findings.push(
            Finding::error(over.source(), over.document.name_span(), message)
                .label("this rule passes the limit")
                .help(format!(
                    "at most {} in all rules together",
                    limits::MAX_DEVICE_RULE_VALUES
                )),
        );
    }
    over.is_some()
}

fn warn_of_ends(rules: &[Placed<'_>], now: Option<Timestamp>, findings: &mut Findings) {
    for placed in rules.iter().filter(|placed| placed.has_ended(now)) {
        if let Some(expires) = &placed.rule.expires {
            findings.push(
                Finding::warning(
                    placed.source(),
                    expires.span.clone(),
                    "this device rule has ended",
                )
                .label("this time is past")
                .help("remove the rule, or give it a later end"),
            );
        }
    }
}

fn warn_of_countries(rules: &[Placed<'_>], findings: &mut Findings) {
    for placed in rules {
        for (subject, span) in placed.rule.subjects() {
            let Subject::CountryCode(code) = subject else {
                break;
            };
            if !countries::is_country(code) {
                let message = format!("no country has the code {}", shown(subject));
                let finding = Finding::warning(placed.source(), span.clone(), message);
                findings.push(match countries::meant_by(code) {
                    Some(meant) => finding.suggest(Some(meant)),
                    None => finding.help("the codes are those of ISO 3166-1 alpha-2"),
                });
            }
        }
    }
}

/// Warns once for each identifier that rules go by and no request carries.
fn warn_of_headers(rules: &[Placed<'_>], settings: Option<&Settings>, findings: &mut Findings) {
    for identifier in Identifier::ALL {
        let mut of_identifier = rules.iter().filter(|placed| {
            placed.rule.identifier.value == identifier && placed.rule.verdict.is_some()
        });
        let Some(help) = missing_header(identifier, settings) else {
            continue;
        };
        let Some(placed) = of_identifier.next() else {
            continue;
        };
        let message = format!("no header carries `{}`", identifier.word());
        let finding = Finding::warning(
            placed.source(),
            placed.rule.identifier.span.clone(),
            message,
        )
        .label("this rule matches no request")
        .help(help);
        findings.push(match of_identifier.count() {
            0 => finding,
            1 => finding.note("the same is true of another rule"),
            others => finding.note(format!("the same is true of {others} other rules")),
        });
    }
}

/// What to write where nothing tells the identifier of a request.
fn missing_header(identifier: Identifier, settings: Option<&Settings>) -> Option<String> {
    let geo = |header: fn(&Settings) -> bool, field: &str, example: &str| {
        let missing = !settings.is_some_and(header);
        missing.then(|| {
            format!("name the header in `Settings`, such as `geo: {{{field}: {example}}}`")
        })
    };
    match identifier {
        // Without a header it is the device of a session.
        Identifier::VisitorId | Identifier::CidrBlock => None,
        Identifier::Asn => geo(|it| it.asn_header.is_some(), "asnHeader", "x-geo-asn"),
        Identifier::CountryCode => geo(
            |it| it.country_header.is_some(),
            "countryHeader",
            "x-geo-country",
        ),
        _ => {
            let word = identifier.word();
            let named = settings.is_some_and(|it| it.identifier_header(identifier).is_some());
            let example = word.replace('_', "-");
            (!named).then(|| {
                format!(
                    "name the header in `Settings`, such as `identifiers: {{{word}: x-{example}}}`"
                )
            })
        }
    }
}

/// Warns where verdicts are observed because nobody said otherwise: a rule that blocks does not then.
fn warn_of_observing(rules: &[Placed<'_>], settings: Option<&Settings>, findings: &mut Findings) {
    let stated = settings.is_some_and(|settings| settings.verdicts.mode.is_some());
    let acting = rules.iter().find(|placed| placed.rule.verdict.is_some());
    if let Some(placed) = acting.filter(|_| !stated) {
        findings.push(
            Finding::warning(
                placed.source(),
                placed.document.name_span(),
                "device rules are observed and do nothing else",
            )
            .note("that is so until `Settings` say otherwise")
            .help("write `verdicts: {mode: enforce}` there, or `{mode: observe}` if that is meant"),
        );
    }
}

/// How two rules about the same value stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clash {
    /// Their verdicts differ.
    Contradiction,
    /// One of them does nothing.
    Nothing,
    /// They say the same.
    Repetition,
}

/// The values that two rules share: the first of them, and how many more.
struct Shared {
    clash: Clash,
    /// The places of the value among those of the earlier and of the later rule.
    values: (u32, u32),
    others: usize,
}

fn find_clashes(rules: &[Placed<'_>], now: Option<Timestamp>, findings: &mut Findings) {
    let mut values: Vec<(Subject<'_>, u32, u32)> = Vec::new();
    for (rule, placed) in (0_u32..).zip(rules) {
        // One that has ended is warned of as such.
        if !placed.has_ended(now) {
            let subjects = (0_u32..).zip(placed.rule.subjects());
            values.extend(subjects.map(|(value, (subject, _))| (subject, rule, value)));
        }
    }
    values.sort_unstable();
    // One finding for two rules, however many values they share.
    let mut shared: BTreeMap<(u32, u32), Shared> = BTreeMap::new();
    let by_value = values.chunk_by(|a, b| a.0 == b.0);
    for same in by_value.filter(|same| same.len() > 1) {
        clashes(rules, same, &mut shared);
    }
    for ((earlier, later), shared) in shared {
        let pair = rules.get(earlier as usize).zip(rules.get(later as usize));
        if let Some(finding) = pair.and_then(|(earlier, later)| finding(earlier, later, &shared)) {
            findings.push(finding);
        }
    }
}

/// Sets each rule about a value beside an earlier one: one that contradicts it if there is any.
fn clashes(
    rules: &[Placed<'_>],
    same: &[(Subject<'_>, u32, u32)],
    shared: &mut BTreeMap<(u32, u32), Shared>,
) {
    // The first place at which each verdict is said of this value.
    let mut first: Vec<(Option<Verdict>, (u32, u32))> = Vec::with_capacity(4);
    for &(_, rule, value) in same {
        let verdict = rules
            .get(rule as usize)
            .and_then(|placed| placed.rule.verdict);
        let earliest = |wanted: &dyn Fn(Option<Verdict>) -> bool| {
            let known = first.iter().filter(|(verdict, _)| wanted(*verdict));
            known.map(|(_, place)| *place).min()
        };
        let beside = earliest(&|it| it.is_some() && verdict.is_some() && it != verdict)
            .map(|place| (Clash::Contradiction, place))
            .or_else(|| {
                let differs = earliest(&|it| it.is_some() != verdict.is_some());
                differs.map(|place| (Clash::Nothing, place))
            })
            .or_else(|| earliest(&|_| true).map(|place| (Clash::Repetition, place)));
        if let Some((clash, (earlier, earlier_value))) = beside {
            shared
                .entry((earlier, rule))
                .and_modify(|shared| shared.others = shared.others.saturating_add(1))
                .or_insert(Shared {
                    clash,
                    values: (earlier_value, value),
                    others: 0,
                });
        }
        if !first.iter().any(|(known, _)| *known == verdict) {
            first.push((verdict, (rule, value)));
        }
    }
}

fn finding(earlier: &Placed<'_>, later: &Placed<'_>, shared: &Shared) -> Option<Finding> {
    let (earlier_value, later_value) = shared.values;
    let (_, earlier_span) = earlier.rule.subject(earlier_value as usize)?;
    let (subject, span) = later.rule.subject(later_value as usize)?;
    let value = format!(
        "`{}` {}",
        later.rule.identifier.value.word(),
        shown(subject)
    );
    let says = |placed: &Placed<'_>| match placed.rule.verdict {
        Some(verdict) => format!("`{}` here", verdict.to_engine().word()),
        None => "`NONE` here".to_owned(),
    };
    let (source, span) = (later.source(), span.clone());
    let beside = |finding: Finding, label: String| {
        finding.related(earlier.source(), earlier_span.clone(), label)
    };
    let finding = match shared.clash {
        Clash::Contradiction => {
            let message = format!("two device rules contradict each other about {value}");
            let finding = Finding::error(source, span, message).label(says(later));
            beside(finding, says(earlier)).help("take the value out of one of them")
        }
        Clash::Nothing => {
            let message = format!("`NONE` takes no verdict back from {value}");
            let finding = Finding::warning(source, span, message).label(says(later));
            beside(finding, says(earlier))
                .note("a rule that says `NONE` does nothing")
                .help("take the value out of the other rule")
        }
        Clash::Repetition => {
            let message = format!("{value} is there twice");
            let finding = Finding::warning(source, span, message).label("again here");
            beside(finding, "first here".to_owned())
        }
    };
    Some(match shared.others {
        0 => finding,
        1 => finding.note("the same is true of another value of theirs"),
        others => finding.note(format!(
            "the same is true of {others} other values of theirs"
        )),
    })
}

/// A value as its author wrote it, or nearly so.
fn shown(subject: Subject<'_>) -> String {
    match subject {
        Subject::VisitorId(text)
        | Subject::BrowserId(text)
        | Subject::VisitorFingerprint(text)
        | Subject::BrowserFingerprint(text)
        | Subject::HardwareFingerprint(text)
        | Subject::NetworkFingerprint(text) => quoted(text),
        Subject::CidrBlock(address, prefix) => format!("`{address}/{prefix}`"),
        Subject::Asn(number) => format!("`{number}`"),
        Subject::CountryCode(letters) => quoted(&String::from_utf8_lossy(&letters)),
    }
}

#[cfg(test)]
mod tests;
