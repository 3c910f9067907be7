//! The device rule that holds, by its name: the filter knows rules by what they go by alone.

use std::net::IpAddr;

use countersign_engine::device::{Identifier, Match, Subject};
use countersign_engine::{Request, parse_address};
use serde::Serialize;

use super::set::Set;
use crate::resource::{Document, Resource};

/// The device rule that holds.
#[derive(Debug, Serialize)]
pub struct DeviceRuleSeen {
    /// The resource that says so. None where it cannot be told: the device of a session.
    pub name: Option<String>,
    /// What it goes by.
    pub identifier: &'static str,
    /// The value that it names, as far as the request tells.
    pub value: Option<String>,
    /// What it says.
    pub verdict: &'static str,
}

impl DeviceRuleSeen {
    pub(super) fn of(
        rule: &Match,
        request: &Request<'_>,
        set: &Set,
        documents: &[Document],
    ) -> Self {
        let value = value(rule, request, set);
        let subject = value.as_deref().and_then(|value| subject(rule, value));
        let name = subject.and_then(|subject| name(rule, subject, request, documents));
        Self {
            name,
            identifier: rule.identifier.word(),
            value,
            verdict: rule.verdict.word(),
        }
    }
}

/// What the request says of itself that the rule goes by.
fn value(rule: &Match, request: &Request<'_>, set: &Set) -> Option<String> {
    let attribute = match rule.identifier {
        Identifier::CidrBlock => {
            let network = ipnet::IpNet::new(request.client()?, rule.prefix?).ok()?;
            return Some(network.trunc().to_string());
        }
        Identifier::Asn => "geo.asn".to_owned(),
        Identifier::CountryCode => "geo.country".to_owned(),
        identifier => format!("device.{}", identifier.word()),
    };
    let mut headers = set.hop.as_ref()?.headers.iter();
    let (_, header) = headers.find(|(known, _)| *known == attribute)?;
    let value = request.header(header)?.trim_ascii();
    Some(String::from_utf8_lossy(value).into_owned())
}

fn subject<'v>(rule: &Match, value: &'v str) -> Option<Subject<'v>> {
    Some(match rule.identifier {
        Identifier::VisitorId => Subject::VisitorId(value),
        Identifier::BrowserId => Subject::BrowserId(value),
        Identifier::VisitorFingerprint => Subject::VisitorFingerprint(value),
        Identifier::BrowserFingerprint => Subject::BrowserFingerprint(value),
        Identifier::HardwareFingerprint => Subject::HardwareFingerprint(value),
        Identifier::NetworkFingerprint => Subject::NetworkFingerprint(value),
        Identifier::CidrBlock => {
            let (address, prefix) = value.split_once('/')?;
            let (address, _): (IpAddr, _) = parse_address(address)?;
            Subject::CidrBlock(address, prefix.parse().ok()?)
        }
        Identifier::Asn => {
            let digits = value.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
            Subject::Asn(digits.parse().ok()?)
        }
        Identifier::CountryCode => {
            let letters: [u8; 2] = value.as_bytes().try_into().ok()?;
            Subject::CountryCode(letters.map(|letter| letter.to_ascii_uppercase()))
        }
    })
}

/// The first rule in force that names the value and gives it that verdict.
fn name(
    rule: &Match,
    wanted: Subject<'_>,
    request: &Request<'_>,
    documents: &[Document],
) -> Option<String> {
    documents.iter().find_map(|document| {
        let Resource::DeviceRule(known) = &document.resource else {
            return None;
        };
        let ended = known.expires.as_ref();
        let ended = ended.is_some_and(|end| end.value.as_seconds() <= request.now().as_seconds());
        let says = known.verdict.map(|verdict| verdict.to_engine()) == Some(rule.verdict);
        let holds = says && !ended && known.subjects().any(|(subject, _)| subject == wanted);
        holds.then(|| document.name.clone())
    })
}
