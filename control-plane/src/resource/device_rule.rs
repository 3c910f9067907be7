//! `DeviceRule`: devices, or where they are, and the verdict that they get.

use std::ops::Range;
use std::sync::Arc;

use countersign_engine::Timestamp;
use countersign_engine::device::{Identifier, Subject};
use countersign_engine::limits::MAX_IDENTIFIER_BYTES;

use super::cidr::Cidr;
use super::fields::{Field, Fields, Reader};
use super::list::cidr_text;
use super::words::{RULE_VERDICTS, Verdict};
use super::yaml::{Node, Value};
use super::{limits, time};
use crate::diagnostic::{Finding, Located, quoted};

/// Values of one identifier, and the verdict that each of them gets.
#[derive(Clone, Debug)]
pub struct DeviceRule {
    /// Where the identifier's name stands.
    pub(crate) identifier: Located<Identifier>,
    /// Sets of resources are copied; a million values need not be.
    pub(crate) values: Arc<[Located<RuleValue>]>,
    /// `None` = `NONE`: the rule is kept and does nothing.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) expires: Option<Located<Timestamp>>,
}

/// One value of the rule's identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RuleValue {
    Text(Box<str>),
    Cidr(Cidr),
    Asn(u32),
    /// Upper-case.
    Country([u8; 2]),
}

impl DeviceRule {
    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let field = one_identifier(reader, &mut spec);
        let verdict = spec
            .take_required(reader, "verdict")
            .and_then(|field| reader.word(&field, &RULE_VERDICTS));
        let expires = spec
            .take(reader, "expires")
            .map(|field| expiry(reader, &field));
        if let Some(field) = spec.take(reader, "description") {
            description(reader, &field);
        }
        spec.finish(reader);
        let (identifier, field) = field?;
        let values = values(reader, identifier, &field);
        let verdict = verdict?;
        if identifier == Identifier::CountryCode && verdict.value == Some(Verdict::Allow) {
            reader.push(
                Finding::error(reader.source(), verdict.span, "a country cannot be allowed")
                    .note("anybody can send requests from an address of any country")
                    .help("block or challenge the others, or allow ranges with `cidr_block`"),
            );
            return None;
        }
        Some(Self {
            identifier: Located::new(identifier, field.key.span),
            values: values?.into(),
            verdict: verdict.value,
            expires: match expires {
                Some(read) => Some(read?),
                None => None,
            },
        })
    }

    /// Each value as the filter looks it up, and where it stands.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = (Subject<'_>, &Range<usize>)> {
        (0..self.values.len()).filter_map(|index| self.subject(index))
    }

    /// The value at `index`.
    pub(crate) fn subject(&self, index: usize) -> Option<(Subject<'_>, &Range<usize>)> {
        let value = self.values.get(index)?;
        let subject = subject(self.identifier.value, &value.value)?;
        Some((subject, &value.span))
    }
}

/// A value is read as its identifier demands; no other pair comes about.
fn subject(identifier: Identifier, value: &RuleValue) -> Option<Subject<'_>> {
    Some(match (identifier, value) {
        (Identifier::VisitorId, RuleValue::Text(text)) => Subject::VisitorId(text),
        (Identifier::BrowserId, RuleValue::Text(text)) => Subject::BrowserId(text),
        (Identifier::VisitorFingerprint, RuleValue::Text(text)) => {
            Subject::VisitorFingerprint(text)
        }
        (Identifier::BrowserFingerprint, RuleValue::Text(text)) => {
            Subject::BrowserFingerprint(text)
        }
        (Identifier::HardwareFingerprint, RuleValue::Text(text)) => {
            Subject::HardwareFingerprint(text)
        }
        (Identifier::NetworkFingerprint, RuleValue::Text(text)) => {
            Subject::NetworkFingerprint(text)
        }
        (Identifier::CidrBlock, RuleValue::Cidr(cidr)) => {
            Subject::CidrBlock(cidr.network(), cidr.prefix())
        }
        (Identifier::Asn, RuleValue::Asn(number)) => Subject::Asn(*number),
        (Identifier::CountryCode, RuleValue::Country(letters)) => Subject::CountryCode(*letters),
        _ => return None,
    })
}

/// The one identifier that a rule goes by.
fn one_identifier(reader: &mut Reader<'_>, spec: &mut Fields) -> Option<(Identifier, Field)> {
    let words = Identifier::ALL.map(Identifier::word);
    let there = words.iter().filter(|word| spec.has(word)).count();
    let mut taken: Vec<(Identifier, Field)> = Identifier::ALL
        .into_iter()
        .filter_map(|identifier| Some((identifier, spec.take(reader, identifier.word())?)))
        .collect();
    if there == 0 {
        spec.require_one_of(reader, &words);
    }
    taken.sort_by_key(|(_, field)| field.key.span.start);
    if let [(first, first_field), others @ ..] = taken.as_slice() {
        for (other, field) in others {
            let message = format!(
                "a device rule goes by one identifier, not by `{}` and `{}`",
                first.word(),
                other.word()
            );
            let first_span = first_field.key.span.clone();
            reader.push(
                Finding::error(reader.source(), field.key.span.clone(), message)
                    .label("and this is another")
                    .related(reader.source(), first_span, "this is one identifier")
                    .help("make two rules; for both at once write a `MitigationPolicy`"),
            );
        }
    }
    if there == 1 { taken.pop() } else { None }
}

/// The values of a field that holds one or a list of them. `None` when one is refused.
fn values(
    reader: &mut Reader<'_>,
    identifier: Identifier,
    field: &Field,
) -> Option<Vec<Located<RuleValue>>> {
    let nodes = match &field.node.value {
        Value::Sequence(_) => reader.items(field, limits::MAX_DEVICE_RULE_VALUES)?,
        _ => std::slice::from_ref(&field.node),
    };
    if nodes.is_empty() {
        let span = reader.visible(&field.node);
        let message = format!("`{}` is empty", identifier.word());
        reader.error(
            span,
            message,
            "name at least one value, or leave the rule out",
        );
        return None;
    }
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        if let Some(value) = value(reader, identifier, node) {
            values.push(Located::new(value, node.span.clone()));
        }
    }
    (values.len() == nodes.len()).then_some(values)
}

fn value(reader: &mut Reader<'_>, identifier: Identifier, node: &Node) -> Option<RuleValue> {
    if identifier == Identifier::Asn {
        return asn(reader, node);
    }
    let Value::Text(text) = &node.value else {
        reader.wrong_type(identifier.word(), node, "a string, or a list of strings");
        return None;
    };
    match identifier {
        Identifier::CidrBlock => cidr(reader, text, node),
        Identifier::CountryCode => country(reader, text, node),
        _ => device(reader, identifier, text, node),
    }
}

/// An identifier as a header carries it.
fn device(
    reader: &mut Reader<'_>,
    identifier: Identifier,
    text: &str,
    node: &Node,
) -> Option<RuleValue> {
    let word = identifier.word();
    let (message, help) = if text.is_empty() {
        (format!("this `{word}` is empty"), String::new())
    } else if text.len() > MAX_IDENTIFIER_BYTES {
        let message = format!("this `{word}` has {} bytes", text.len());
        (message, format!("at most {MAX_IDENTIFIER_BYTES}"))
    } else if text.trim() != text || text.chars().any(char::is_control) {
        (
            format!("{} is not a `{word}` that a header can carry", quoted(text)),
            "leave out spaces at both ends, line breaks and other control characters".to_owned(),
        )
    } else {
        return Some(RuleValue::Text(text.into()));
    };
    reader.error(reader.visible(node), message, &help);
    None
}

fn cidr(reader: &mut Reader<'_>, text: &str, node: &Node) -> Option<RuleValue> {
    let cidr = cidr_text(reader, text, node.span.clone())?;
    let (widest, longest) = if cidr.network().is_ipv4() {
        (limits::WIDEST_V4_RULE, 32)
    } else {
        (limits::WIDEST_V6_RULE, 128)
    };
    if cidr.prefix() < widest {
        reader.error(
            node.span.clone(),
            format!("{} is too wide for a device rule", quoted(text)),
            &format!(
                "from /{widest} to /{longest}; put wider ranges into a `List`, and write a `MitigationPolicy` with `source.address in lists.NAME`"
            ),
        );
        return None;
    }
    Some(RuleValue::Cidr(cidr))
}

fn asn(reader: &mut Reader<'_>, node: &Node) -> Option<RuleValue> {
    let (number, shown) = match &node.value {
        Value::Int(number) => (u32::try_from(*number).ok(), quoted(&number.to_string())),
        Value::Text(text) => {
            let digits = match text.split_at_checked(2) {
                Some((letters, digits)) if letters.eq_ignore_ascii_case("as") => digits,
                _ => text,
            };
            let digits = Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            (digits.and_then(|digits| digits.parse().ok()), quoted(text))
        }
        _ => {
            reader.wrong_type("asn", node, "a whole number, or a list of them");
            return None;
        }
    };
    // Zero is reserved (RFC 7607): no address belongs to it.
    if let Some(number) = number.filter(|&number| number > 0) {
        return Some(RuleValue::Asn(number));
    }
    reader.error(
        reader.visible(node),
        format!("{shown} is not the number of an autonomous system"),
        "write it as `64500` or `AS64500`, from 1 to 4294967295",
    );
    None
}

fn country(reader: &mut Reader<'_>, text: &str, node: &Node) -> Option<RuleValue> {
    let letters = <[u8; 2]>::try_from(text.as_bytes()).ok();
    match letters.filter(|letters| letters.iter().all(u8::is_ascii_alphabetic)) {
        Some(letters) => Some(RuleValue::Country(
            letters.map(|letter| letter.to_ascii_uppercase()),
        )),
        None => {
            reader.error(
                reader.visible(node),
                format!("{} is not a country code", quoted(text)),
                "write its two letters (ISO 3166-1 alpha-2), such as `NO` or `DE`",
            );
            None
        }
    }
}

fn expiry(reader: &mut Reader<'_>, field: &Field) -> Option<Located<Timestamp>> {
    let text = reader.text(field)?;
    let Some(seconds) = time::seconds(&text.value) else {
        reader.error(
            text.span,
            format!("{} is not a time", quoted(&text.value)),
            "write it as `2026-12-31T00:00:00Z` (RFC 3339)",
        );
        return None;
    };
    if !(0..=limits::LATEST_EXPIRY_SECONDS).contains(&seconds) {
        reader.error(
            text.span,
            "`expires` must be between 1970 and 2105",
            "leave it out for a rule that never ends",
        );
        return None;
    }
    Some(Located::new(Timestamp::from_seconds(seconds), text.span))
}

/// Notes of the author, which nothing reads but people.
fn description(reader: &mut Reader<'_>, field: &Field) -> Option<()> {
    let text = reader.text(field)?;
    let count = text.value.chars().count();
    if count > limits::MAX_DESCRIPTION {
        let message = format!("this description has {count} characters");
        let help = format!("at most {}", limits::MAX_DESCRIPTION);
        reader.error(reader.visible(&field.node), message, &help);
    } else if text
        .value
        .chars()
        .any(|letter| letter.is_control() && letter != '\n')
    {
        // A terminal obeys them.
        let message = "`description` holds a control character";
        reader.error(reader.visible(&field.node), message, "leave it out");
    }
    Some(())
}

#[cfg(test)]
mod tests;
