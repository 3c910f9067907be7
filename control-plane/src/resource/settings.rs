//! `Settings`: what concerns every request.

use countersign_engine::device::Identifier;

use super::cidr::Cidr;
use super::endpoint::endpoint;
use super::fields::{Field, Fields, Reader};
use super::list::cidr_text;
use super::page::PageSpec;
use super::verdicts::VerdictSettings;
use super::{ChallengeSpec, StepUpSpec, header, limits};
use crate::diagnostic::{Finding, Located};

/// What concerns every request; what is absent has its default.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub(crate) trusted_hops: Vec<Cidr>,
    pub(crate) score_header: Option<Located<String>>,
    pub(crate) country_header: Option<Located<String>>,
    pub(crate) asn_header: Option<Located<String>>,
    /// The headers that carry identifiers of devices.
    pub(crate) identifiers: Vec<(Identifier, Located<String>)>,
    pub(crate) verdicts: VerdictSettings,
    pub(crate) challenge: ChallengeSpec,
    pub(crate) step_up: Option<StepUpSpec>,
    pub(crate) exempt_paths: Vec<Located<String>>,
    pub(crate) case_sensitive_paths: bool,
    pub(crate) plaintext: Plaintext,
    pub(crate) https_port: Option<u16>,
    pub(crate) session_lifetime_s: Option<u32>,
    pub(crate) session_leeway_s: Option<u32>,
    pub(crate) session_bound_s: Option<u32>,
    pub(crate) ticket_lifetime_s: Option<u32>,
    pub(crate) allow_sampling: Option<u32>,
    /// Boxed: the largest part of what most sets say nothing of.
    pub(crate) page: Option<Box<PageSpec>>,
}

/// What a challenge of a navigation over plaintext does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plaintext {
    #[default]
    Redirect,
    Block,
}

const PLAINTEXT: [(&str, Plaintext); 2] = [
    ("redirect", Plaintext::Redirect),
    ("block", Plaintext::Block),
];

impl Settings {
    /// The header that carries an identifier of a device.
    pub(crate) fn identifier_header(&self, identifier: Identifier) -> Option<&Located<String>> {
        let mut named = self.identifiers.iter();
        named
            .find(|(known, _)| *known == identifier)
            .map(|(_, header)| header)
    }

    /// The name of the one there is.
    pub(super) const NAME: &'static str = "default";

    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Self {
        let mut settings = Self::default();
        if let Some(field) = spec.take(reader, "trustedHops")
            && reader
                .items(&field, limits::MAX_TRUSTED_HOPS)
                .is_some_and(|items| !items.is_empty())
        {
            settings.trusted_hops =
                reader.patterns(&field, limits::MAX_TRUSTED_HOPS, |reader, text| {
                    cidr_text(reader, &text.value, text.span)
                });
        }
        if let Some(mut score) = spec
            .take(reader, "score")
            .and_then(|field| reader.fields(field))
        {
            settings.score_header = taken_header(reader, &mut score, "header");
            score.finish(reader);
        }
        if let Some(mut geo) = spec
            .take(reader, "geo")
            .and_then(|field| reader.fields(field))
        {
            settings.country_header = taken_header(reader, &mut geo, "countryHeader");
            settings.asn_header = taken_header(reader, &mut geo, "asnHeader");
            geo.finish(reader);
        }
        if let Some(identifiers) = spec
            .take(reader, "identifiers")
            .and_then(|field| reader.fields(field))
        {
            settings.identifiers = identifier_headers(reader, identifiers);
        }
        settings.verdicts = spec
            .take(reader, "verdicts")
            .and_then(|field| VerdictSettings::read(reader, field))
            .unwrap_or_default();
        settings.challenge = spec
            .take(reader, "challenge")
            .and_then(|field| ChallengeSpec::read(reader, field))
            .unwrap_or_default();
        settings.step_up = spec
            .take(reader, "stepUp")
            .and_then(|field| StepUpSpec::read(reader, field));
        if let Some(field) = spec.take(reader, "exemptPaths")
            && reader
                .items(&field, limits::MAX_EXEMPT_PATHS)
                .is_some_and(|items| !items.is_empty())
        {
            settings.exempt_paths = reader.patterns(&field, limits::MAX_EXEMPT_PATHS, endpoint);
        }
        settings.case_sensitive_paths = spec
            .take(reader, "caseSensitivePaths")
            .and_then(|field| reader.boolean(&field))
            .unwrap_or_default();
        settings.plaintext = spec
            .take(reader, "plaintext")
            .and_then(|field| reader.word(&field, &PLAINTEXT))
            .map(|word| word.value)
            .unwrap_or_default();
        settings.https_port = spec
            .take(reader, "httpsPort")
            .and_then(|field| reader.integer(&field, 1..=65_535))
            .and_then(|port| u16::try_from(port.value).ok());
        if let Some(mut session) = spec
            .take(reader, "session")
            .and_then(|field| reader.fields(field))
        {
            settings.session_lifetime_s = session
                .take(reader, "lifetime")
                .and_then(|field| reader.seconds(&field, 1..=limits::MAX_SESSION_SECONDS));
            settings.session_leeway_s = session
                .take(reader, "leeway")
                .and_then(|field| reader.seconds(&field, 0..=limits::MAX_LEEWAY_SECONDS));
            settings.session_bound_s = session
                .take(reader, "boundLifetime")
                .and_then(|field| bound_lifetime(reader, &field));
            session.finish(reader);
        }
        settings.ticket_lifetime_s = spec
            .take(reader, "ticketLifetime")
            .and_then(|field| reader.seconds(&field, 1..=limits::MAX_TICKET_SECONDS));
        settings.allow_sampling = spec
            .take(reader, "allowSampling")
            .and_then(|field| reader.integer(&field, 0..=limits::MAX_SAMPLING))
            .and_then(|number| u32::try_from(number.value).ok());
        settings.page = spec
            .take(reader, "page")
            .and_then(|field| PageSpec::read(reader, field))
            .map(Box::new);
        spec.finish(reader);
        settings
    }
}

/// `0s`: sessions are bound to no key.
fn bound_lifetime(reader: &mut Reader<'_>, field: &Field) -> Option<u32> {
    let seconds = reader.seconds(field, 0..=limits::MAX_BOUND_SECONDS)?;
    if (1..limits::MIN_BOUND_SECONDS).contains(&seconds) {
        let help = "browsers renew these cookies, and do so a few times in ten minutes; `0s` binds no session";
        let span = reader.visible(&field.node);
        reader.error(span, "`boundLifetime` is `0s`, or between 10s and 1h", help);
        return None;
    }
    Some(seconds)
}

fn taken_header(
    reader: &mut Reader<'_>,
    fields: &mut Fields,
    name: &'static str,
) -> Option<Located<String>> {
    let field = fields.take(reader, name)?;
    let span = field.node.span.clone();
    Some(Located::new(header::header(reader, &field)?, span))
}

/// The header of each identifier that headers carry.
fn identifier_headers(
    reader: &mut Reader<'_>,
    mut fields: Fields,
) -> Vec<(Identifier, Located<String>)> {
    let mut headers = Vec::new();
    for identifier in Identifier::ALL {
        let word = identifier.word();
        let elsewhere = match identifier {
            Identifier::CidrBlock => {
                Some("a range always holds the client's address, as `trustedHops` finds it")
            }
            Identifier::Asn => Some("name its header in `geo: {asnHeader: …}`"),
            Identifier::CountryCode => Some("name its header in `geo: {countryHeader: …}`"),
            _ => None,
        };
        match elsewhere {
            None => {
                let header = taken_header(reader, &mut fields, word);
                headers.extend(header.map(|header| (identifier, header)));
            }
            Some(help) if fields.has(word) => {
                if let Some(field) = fields.take(reader, word) {
                    let message = format!("`{word}` is not named here");
                    let finding = Finding::error(reader.source(), field.key.span, message);
                    reader.push(finding.help(help));
                }
            }
            Some(_) => {}
        }
    }
    fields.finish(reader);
    headers
}
