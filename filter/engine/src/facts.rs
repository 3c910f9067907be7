//! What conditions, device rules and the index ask of a request: each attribute computed when it is
//! first asked for.

use std::cell::OnceCell;
use std::net::IpAddr;

use crate::cel::{self, EvalError, Source, Text, Value};
use crate::device::{self, Identifier, Identifiers};
use crate::headers::text;
use crate::revision::{Settings, Verdict};
use crate::session::{Session, SessionSource};
use crate::{Attribute, Request};

/// What the signals and the device rules made of the request.
#[derive(Clone, Debug)]
pub(crate) struct Assessment<'a> {
    pub(crate) score: u8,
    pub(crate) reasons: Vec<&'a str>,
    pub(crate) verdict: Verdict,
}

/// The identifiers that are texts, in the order of their headers in `Settings`.
const TEXTS: [Identifier; 6] = [
    Identifier::VisitorId,
    Identifier::BrowserId,
    Identifier::VisitorFingerprint,
    Identifier::BrowserFingerprint,
    Identifier::HardwareFingerprint,
    Identifier::NetworkFingerprint,
];

/// The header that tells an identifier; empty = none does.
pub(crate) fn header_of(settings: Settings<'_>, identifier: Identifier) -> &str {
    TEXTS
        .iter()
        .position(|&text| text == identifier)
        .map_or("", |place| settings.identifier_header(place))
}

/// A request as conditions read it.
pub(crate) struct Facts<'a> {
    settings: Settings<'a>,
    request: &'a Request<'a>,
    session: &'a dyn SessionSource,
    assessment: OnceCell<Assessment<'a>>,
    /// Each name once, for conditions that go through the headers.
    header_names: OnceCell<Vec<&'a str>>,
}

impl<'a> Facts<'a> {
    pub(crate) const fn new(
        settings: Settings<'a>,
        request: &'a Request<'a>,
        session: &'a dyn SessionSource,
    ) -> Self {
        Self {
            settings,
            request,
            session,
            assessment: OnceCell::new(),
            header_names: OnceCell::new(),
        }
    }

    pub(crate) const fn request(&self) -> &'a Request<'a> {
        self.request
    }

    /// What policies see from now on. Signals come before it and cannot read it.
    pub(crate) fn assessed(&self, assessment: Assessment<'a>) -> &Assessment<'a> {
        self.assessment.get_or_init(|| assessment)
    }

    pub(crate) fn assessment(&self) -> Option<&Assessment<'a>> {
        self.assessment.get()
    }

    fn header_names(&self) -> &[&'a str] {
        self.header_names.get_or_init(|| {
            let mut names: Vec<&str> = self.request.header_names().collect();
            names.sort_unstable();
            names.dedup();
            names
        })
    }

    fn valid_session(&self) -> Result<&'a Session, EvalError> {
        self.session
            .session()
            .valid()
            .ok_or(EvalError::NotAvailable)
    }

    /// The text of a header that only a trusted hop may set.
    fn hop_header(&self, name: &str) -> Option<Text<'a>> {
        let bytes = self.hop_bytes(name)?;
        Some(Text::from(text(bytes)))
    }

    /// A header that only a trusted hop may set. Of several the last: a hop that adds its own behind what
    /// the client sent must not be outvoted by the client.
    fn hop_bytes(&self, name: &str) -> Option<&'a [u8]> {
        if name.is_empty() || !self.request.from_trusted_hop() {
            return None;
        }
        self.request.header_all(name).last().map(<[u8]>::trim_ascii)
    }

    /// One of the identifiers that are texts. The visitor's id, where no hop tells it, is the device of
    /// the session.
    fn identifier(&self, identifier: Identifier) -> Option<&'a [u8]> {
        let header = header_of(self.settings, identifier);
        if identifier == Identifier::VisitorId && header.is_empty() {
            let session: &'a Session = self.valid_session().ok()?;
            return Some(session.device.as_bytes());
        }
        self.hop_bytes(header).filter(|bytes| !bytes.is_empty())
    }

    /// The country that a trusted hop names, as it names it.
    fn country(&self) -> Option<Text<'a>> {
        self.hop_header(self.settings.country_header())
    }

    /// The autonomous system that a trusted hop names, as device rules read it.
    fn asn(&self) -> Option<u32> {
        device::asn(self.hop_bytes(self.settings.asn_header())?)
    }
}

impl Identifiers for Facts<'_> {
    fn value(&self, identifier: Identifier) -> Option<&[u8]> {
        match identifier {
            Identifier::Asn => self.hop_bytes(self.settings.asn_header()),
            Identifier::CountryCode => self.hop_bytes(self.settings.country_header()),
            _ => self.identifier(identifier),
        }
    }

    fn address(&self) -> Option<IpAddr> {
        self.request.client()
    }
}

impl<'a> Source<'a> for Facts<'a> {
    fn attribute(&self, number: u32) -> Result<Value<'a>, EvalError> {
        let attribute = Attribute::from_number(number).ok_or(EvalError::NotAvailable)?;
        let request = self.request;
        let connection = request.connection();
        let text = |bytes: &'a [u8]| Value::String(Text::from(text(bytes)));
        let owned = |text: String| Value::String(Text::from(text));
        let identifier = |identifier| {
            self.identifier(identifier)
                .map(text)
                .ok_or(EvalError::NotAvailable)
        };
        let assessment = || self.assessment.get().ok_or(EvalError::NotAvailable);
        Ok(match attribute {
            Attribute::RequestMethod => match request.method() {
                method if method.iter().any(u8::is_ascii_lowercase) => {
                    owned(String::from_utf8_lossy(method).to_ascii_uppercase())
                }
                method => text(method),
            },
            Attribute::RequestPath => text(request.target()),
            Attribute::RequestUrlPath => text(request.path()),
            Attribute::RequestHost => match request.authority() {
                Some(authority) if authority.port().is_none() => Value::text(authority.host()),
                Some(authority) => owned(authority.to_string()),
                None => return Err(EvalError::NotAvailable),
            },
            Attribute::RequestScheme => Value::text(request.scheme().word()),
            Attribute::RequestQuery => text(request.query()),
            Attribute::RequestHeaders => Value::Headers,
            Attribute::RequestSize => Value::Int(
                request
                    .header("content-length")
                    .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
                    .unwrap_or(0),
            ),
            Attribute::SourceAddress => {
                owned(request.client().ok_or(EvalError::NotAvailable)?.to_string())
            }
            Attribute::SourcePort => {
                Value::Int(request.client_port().ok_or(EvalError::NotAvailable)?.into())
            }
            Attribute::ConnectionRequestedServerName => {
                text(connection.server_name().unwrap_or_default())
            }
            Attribute::ConnectionTlsVersion => text(connection.tls_version().unwrap_or_default()),
            Attribute::ConnectionMtls => Value::Bool(connection.mtls()),
            Attribute::Score => Value::Int(assessment()?.score.into()),
            Attribute::Reasons => Value::list(
                assessment()?
                    .reasons
                    .iter()
                    .map(|&reason| Value::text(reason))
                    .collect(),
            )?,
            Attribute::Verdict => Value::text(assessment()?.verdict.word()),
            Attribute::SessionAssurance => Value::Int(self.session.session().assurance().grade()),
            Attribute::SessionAge => {
                let age = self.valid_session()?.age_s(request.now());
                cel::Duration::new(age, 0)
                    .map(Value::Duration)
                    .ok_or(EvalError::NotAvailable)?
            }
            Attribute::SessionValid => Value::Bool(self.session.session().valid().is_some()),
            Attribute::SessionBound => {
                let session = self.session.session().valid();
                Value::Bool(session.is_some_and(|session| session.bound))
            }
            Attribute::DeviceId => Value::text(&self.valid_session()?.device),
            Attribute::TlsJa4 => text(connection.ja4().ok_or(EvalError::NotAvailable)?),
            Attribute::GeoCountry => Value::String(self.country().ok_or(EvalError::NotAvailable)?),
            Attribute::GeoAsn => Value::Int(self.asn().ok_or(EvalError::NotAvailable)?.into()),
            Attribute::Now => cel::Timestamp::from_total_nanos(request.now().as_nanos().into())
                .map(Value::Timestamp)
                .ok_or(EvalError::NotAvailable)?,
            Attribute::DeviceVisitorId => identifier(Identifier::VisitorId)?,
            Attribute::DeviceBrowserId => identifier(Identifier::BrowserId)?,
            Attribute::DeviceVisitorFingerprint => identifier(Identifier::VisitorFingerprint)?,
            Attribute::DeviceBrowserFingerprint => identifier(Identifier::BrowserFingerprint)?,
            Attribute::DeviceHardwareFingerprint => identifier(Identifier::HardwareFingerprint)?,
            Attribute::DeviceNetworkFingerprint => identifier(Identifier::NetworkFingerprint)?,
        })
    }

    fn header(&self, name: &str) -> Option<Text<'a>> {
        self.request.header_text(name).map(Text::from)
    }

    fn has_header(&self, name: &str) -> bool {
        self.request.header(name).is_some()
    }

    fn header_count(&self) -> usize {
        self.header_names().len()
    }

    fn header_name(&self, index: usize) -> Option<Text<'a>> {
        self.header_names().get(index).copied().map(Text::from)
    }
}
