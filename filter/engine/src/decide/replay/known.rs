//! A request as conditions read it, of which only some is known: whoever asks for the rest is told that
//! it is not there, and it is noted that it was asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Recorded;
use crate::cel::{EvalError, Source, Text, Value};
use crate::device::{Identifier, Identifiers};
use crate::facts::Facts;
use crate::revision::View;
use crate::{Attribute, Request};

/// Names that are told of one request: the first ones say where to look.
pub const MAX_LACKING: usize = 8;

/// What was asked for and not recorded, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    names: BTreeSet<String>,
}

impl Lacking {
    /// Is there nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, at most [`MAX_LACKING`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Adds a name, unless there are [`MAX_LACKING`].
    pub fn add(&mut self, name: &str) {
        if self.names.len() < MAX_LACKING && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for name in &other.names {
            self.add(name);
        }
    }
}

/// What is known of a request.
pub(super) struct Known<'k, 'a> {
    view: &'a View<'a>,
    recorded: &'k Recorded<'k>,
    facts: &'k Facts<'a>,
    lacked: RefCell<Lacking>,
    /// Why there is no assessment.
    assessment: RefCell<Lacking>,
}

impl<'k, 'a> Known<'k, 'a> {
    pub(super) fn new(
        view: &'a View<'a>,
        recorded: &'k Recorded<'k>,
        facts: &'k Facts<'a>,
    ) -> Self {
        Self {
            view,
            recorded,
            facts,
            lacked: RefCell::default(),
            assessment: RefCell::default(),
        }
    }

    pub(super) const fn request(&self) -> &'a Request<'a> {
        self.facts.request()
    }

    /// Forgets what was asked for.
    pub(super) fn begin(&self) {
        self.lacked.take();
    }

    /// What was asked for since and is not known.
    pub(super) fn lacked(&self) -> Lacking {
        self.lacked.borrow().clone()
    }

    pub(super) fn assessment_lacks(&self, lacking: Lacking) {
        self.assessment.replace(lacking);
    }

    pub(super) fn lacked_for_assessment(&self) -> Lacking {
        self.assessment.borrow().clone()
    }

    fn lacks(&self, name: &str) {
        self.lacked.borrow_mut().add(name);
    }

    /// Does a trusted hop tell it? Without a header for it nobody does, and that is known.
    fn is_told_by_hop(&self, identifier: Identifier) -> bool {
        !self.hop_header(identifier).is_empty()
    }

    fn hop_header(&self, identifier: Identifier) -> &'a str {
        let settings = self.view.settings;
        match identifier {
            Identifier::Asn => settings.asn_header(),
            Identifier::CountryCode => settings.country_header(),
            Identifier::CidrBlock => "",
            _ => crate::facts::header_of(settings, identifier),
        }
    }

    fn is_known(&self, attribute: Attribute) -> bool {
        let told = |identifier| self.is_told_by_hop(identifier);
        match attribute {
            Attribute::Score | Attribute::Reasons | Attribute::Verdict => {
                if self.facts.assessment().is_none() {
                    self.lacked.borrow_mut().add_all(&self.assessment.borrow());
                }
                self.facts.assessment().is_some()
            }
            Attribute::SessionAssurance
            | Attribute::SessionAge
            | Attribute::SessionValid
            | Attribute::SessionBound
            | Attribute::DeviceId => self.recorded.session.is_some(),
            Attribute::DeviceVisitorId => {
                !told(Identifier::VisitorId) && self.recorded.session.is_some()
            }
            Attribute::GeoCountry => !told(Identifier::CountryCode),
            Attribute::GeoAsn => !told(Identifier::Asn),
            Attribute::DeviceBrowserId => !told(Identifier::BrowserId),
            Attribute::DeviceVisitorFingerprint => !told(Identifier::VisitorFingerprint),
            Attribute::DeviceBrowserFingerprint => !told(Identifier::BrowserFingerprint),
            Attribute::DeviceHardwareFingerprint => !told(Identifier::HardwareFingerprint),
            Attribute::DeviceNetworkFingerprint => !told(Identifier::NetworkFingerprint),
            // What of them is known is asked for by name.
            Attribute::RequestHeaders => true,
            _ => self.recorded.attributes.contains(attribute),
        }
    }

    fn knows_header(&self, name: &str) -> bool {
        let known = self.recorded.headers.contains(&name);
        if !known {
            self.lacks(&format!("request.headers[\"{name}\"]"));
        }
        known
    }
}

impl<'a> Source<'a> for Known<'_, 'a> {
    fn attribute(&self, number: u32) -> Result<Value<'a>, EvalError> {
        if let Some(attribute) = Attribute::from_number(number)
            && !self.is_known(attribute)
        {
            self.lacks(attribute.name());
            return Err(EvalError::NotAvailable);
        }
        self.facts.attribute(number)
    }

    fn header(&self, name: &str) -> Option<Text<'a>> {
        self.knows_header(name)
            .then(|| self.facts.header(name))
            .flatten()
    }

    fn has_header(&self, name: &str) -> bool {
        self.knows_header(name) && self.facts.has_header(name)
    }

    fn header_count(&self) -> usize {
        self.lacks(Attribute::RequestHeaders.name());
        0
    }

    fn header_name(&self, _index: usize) -> Option<Text<'a>> {
        self.lacks(Attribute::RequestHeaders.name());
        None
    }
}

impl Identifiers for Known<'_, '_> {
    fn value(&self, identifier: Identifier) -> Option<&[u8]> {
        let by_session = identifier == Identifier::VisitorId && self.recorded.session.is_none();
        if self.is_told_by_hop(identifier) || by_session {
            self.lacks(&format!("device.{}", identifier.word()));
            return None;
        }
        self.facts.value(identifier)
    }

    fn address(&self) -> Option<IpAddr> {
        if !self.recorded.attributes.contains(Attribute::SourceAddress) {
            self.lacks(Attribute::SourceAddress.name());
            return None;
        }
        self.facts.address()
    }
}
