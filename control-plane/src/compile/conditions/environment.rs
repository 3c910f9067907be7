//! What conditions may name: every attribute of a request, and the lists of the set.

use countersign_engine::device::Identifier;
use countersign_engine::{Assurance, Attribute, Verdict};

use crate::cel::{Env, Facts, Lowering, Members, ThereIf, Type, Variable, Words};
use crate::compile::lists::Lists;
use crate::resource::{Members as ListMembers, Settings};

/// The group of the `List` resources.
const LISTS: &str = "lists";

/// Grades, written as their words and ordered as their numbers.
static ASSURANCE: Words = Words {
    name: "assurance",
    known: &[
        (Assurance::None.word(), Assurance::None.grade()),
        (Assurance::Effort.word(), Assurance::Effort.grade()),
        (Assurance::Human.word(), Assurance::Human.grade()),
        (Assurance::Possession.word(), Assurance::Possession.grade()),
        (Assurance::Uv.word(), Assurance::Uv.grade()),
        (Assurance::UvBound.word(), Assurance::UvBound.grade()),
        (Assurance::UvAttested.word(), Assurance::UvAttested.grade()),
    ],
    ordered: true,
};

/// Verdicts, texts at run time.
static VERDICT: Words = Words {
    name: "verdict",
    known: &[
        (Verdict::Allow.word(), 0),
        (Verdict::Challenge.word(), 1),
        (Verdict::Block.word(), 2),
    ],
    ordered: false,
};

/// What a variable needs a session for is there wherever this is true.
const WITH_SESSION: ThereIf = ThereIf {
    name: Attribute::SessionValid.name(),
    lowering: Lowering::Attribute(Attribute::SessionValid.number()),
};

/// Seconds from the first to the last moment of a clock that counts nanoseconds in 64 bits.
const CLOCK_S: i64 = i64::MAX / 1_000_000_000 + 1;

/// The declarations that conditions are compiled against. A list is declared by its number among
/// `lists`, see [`Lists::place`].
pub(super) fn of(lists: &Lists<'_>, settings: Option<&Settings>) -> Env {
    let mut env = Env::default().with_sets(LISTS, "List");
    for &attribute in Attribute::ALL {
        let number = attribute.number();
        let lowering = match attribute {
            Attribute::RequestHeaders => Lowering::Headers(number),
            _ => Lowering::Attribute(number),
        };
        let variable = Variable {
            ty: ty(attribute),
            lowering,
            absent: absent(attribute, is_told(attribute, settings)),
        };
        let facts = facts(attribute, is_told(attribute, settings));
        env.declare_known(attribute.name(), variable, facts);
    }
    for (number, (name, members)) in (0..).zip(lists.all()) {
        let members = match members {
            ListMembers::Strings(_) => Members::Strings,
            ListMembers::Numbers(_) => Members::Numbers,
            ListMembers::Cidrs(_) => Members::Cidrs,
        };
        let variable = Variable {
            ty: Type::Set(members),
            lowering: Lowering::Set(number),
            absent: None,
        };
        env.declare(format!("{LISTS}.{name}"), variable);
    }
    env
}

/// Is it made from the signals, so that signals cannot read it?
pub(super) const fn is_from_signals(attribute: Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Score | Attribute::Reasons | Attribute::Verdict
    )
}

fn ty(attribute: Attribute) -> Type {
    match attribute {
        Attribute::RequestMethod
        | Attribute::RequestPath
        | Attribute::RequestUrlPath
        | Attribute::RequestHost
        | Attribute::RequestScheme
        | Attribute::RequestQuery
        | Attribute::SourceAddress
        | Attribute::ConnectionRequestedServerName
        | Attribute::ConnectionTlsVersion
        | Attribute::DeviceId
        | Attribute::TlsJa4
        | Attribute::GeoCountry
        | Attribute::DeviceVisitorId
        | Attribute::DeviceBrowserId
        | Attribute::DeviceVisitorFingerprint
        | Attribute::DeviceBrowserFingerprint
        | Attribute::DeviceHardwareFingerprint
        | Attribute::DeviceNetworkFingerprint => Type::String,
        Attribute::RequestHeaders => Type::map(Type::String, Type::String),
        Attribute::RequestSize | Attribute::SourcePort | Attribute::Score | Attribute::GeoAsn => {
            Type::Int
        }
        Attribute::ConnectionMtls | Attribute::SessionValid | Attribute::SessionBound => Type::Bool,
        Attribute::Reasons => Type::list(Type::String),
        Attribute::Verdict => Type::Word(&VERDICT),
        Attribute::SessionAssurance => Type::Word(&ASSURANCE),
        Attribute::SessionAge => Type::Duration,
        Attribute::Now => Type::Timestamp,
    }
}

/// Why an attribute may not be there. What has no host is refused before any policy is asked, and every
/// listener that strangers reach knows its peers' addresses.
const fn absent(attribute: Attribute, told: bool) -> Option<&'static str> {
    match attribute {
        Attribute::SourcePort => Some("behind a trusted hop the client's port is not known"),
        Attribute::SessionAge | Attribute::DeviceId => Some("there may be no session"),
        Attribute::TlsJa4 => Some("the connection may have no TLS fingerprint"),
        Attribute::DeviceVisitorId if told => Some("the trusted hop may not tell it"),
        Attribute::DeviceVisitorId => Some("there may be no session"),
        Attribute::GeoCountry
        | Attribute::GeoAsn
        | Attribute::DeviceBrowserId
        | Attribute::DeviceVisitorFingerprint
        | Attribute::DeviceBrowserFingerprint
        | Attribute::DeviceHardwareFingerprint
        | Attribute::DeviceNetworkFingerprint => Some(if told {
            "the trusted hop may not tell it"
        } else {
            "it is never there: `Settings` name no header of a trusted hop for it"
        }),
        _ => None,
    }
}

/// Do settings name a header in which a trusted hop tells the attribute?
pub(super) fn is_told(attribute: Attribute, settings: Option<&Settings>) -> bool {
    let Some(settings) = settings.filter(|settings| !settings.trusted_hops.is_empty()) else {
        return false;
    };
    match attribute {
        Attribute::GeoCountry => settings.country_header.is_some(),
        Attribute::GeoAsn => settings.asn_header.is_some(),
        _ => identifier(attribute).is_some_and(|of| settings.identifier_header(of).is_some()),
    }
}

/// The identifier of a device that an attribute is.
const fn identifier(attribute: Attribute) -> Option<Identifier> {
    Some(match attribute {
        Attribute::DeviceVisitorId => Identifier::VisitorId,
        Attribute::DeviceBrowserId => Identifier::BrowserId,
        Attribute::DeviceVisitorFingerprint => Identifier::VisitorFingerprint,
        Attribute::DeviceBrowserFingerprint => Identifier::BrowserFingerprint,
        Attribute::DeviceHardwareFingerprint => Identifier::HardwareFingerprint,
        Attribute::DeviceNetworkFingerprint => Identifier::NetworkFingerprint,
        _ => return None,
    })
}

fn facts(attribute: Attribute, told: bool) -> Facts {
    let range = match attribute {
        Attribute::Score => Some((0, 100)),
        Attribute::SessionAssurance => {
            Some((Assurance::None.grade(), Assurance::UvAttested.grade()))
        }
        Attribute::SourcePort => Some((0, u16::MAX.into())),
        Attribute::GeoAsn => Some((0, u32::MAX.into())),
        Attribute::Now => Some((-CLOCK_S, CLOCK_S)),
        // The proof came after the epoch: it is our own sidecar that dates it.
        Attribute::SessionAge => Some((0, CLOCK_S)),
        _ => None,
    };
    let there_if = match attribute {
        Attribute::SessionAge | Attribute::DeviceId => Some(WITH_SESSION),
        // Where no hop tells it, it is the session's device.
        Attribute::DeviceVisitorId if !told => Some(WITH_SESSION),
        _ => None,
    };
    Facts {
        range,
        address: attribute == Attribute::SourceAddress,
        there_if,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Resource, parse_document};

    #[test]
    fn grades_are_those_of_the_engine() {
        let grades = Assurance::ALL.map(|grade| (grade.word(), grade.grade()));
        assert_eq!(ASSURANCE.known, grades);
    }

    #[test]
    fn what_no_hop_is_asked_for_is_known_to_be_never_there() {
        let settings = |spec: &str| {
            let text = format!(
                "apiVersion: countersign.dev/v1\nkind: Settings\nmetadata: {{name: default}}\nspec: {spec}\n"
            );
            match parse_document(&text, "a.yaml", 1).unwrap().resource {
                Resource::Settings(settings) => settings,
                _ => panic!(),
            }
        };
        let absent = |settings: Option<&Settings>, name: &str| {
            let env = of(&Lists::of(&[]), settings);
            env.variable(name).unwrap().absent.unwrap().to_owned()
        };
        let told = settings(
            "{trustedHops: [127.0.0.1/32], geo: {countryHeader: x-c}, identifiers: {visitor_id: x-v}}",
        );
        let distrusted = settings("{geo: {countryHeader: x-c}}");
        for name in ["geo.country", "device.visitor_id"] {
            assert_eq!(absent(Some(&told), name), "the trusted hop may not tell it");
        }
        assert!(absent(Some(&told), "geo.asn").starts_with("it is never there"));
        assert!(absent(Some(&distrusted), "geo.country").starts_with("it is never there"));
        assert!(absent(None, "device.browser_id").starts_with("it is never there"));
        assert_eq!(absent(None, "device.visitor_id"), "there may be no session");
    }

    #[test]
    fn every_attribute_is_declared_under_its_name() {
        let env = of(&Lists::of(&[]), None);
        for attribute in Attribute::ALL {
            assert!(env.variable(attribute.name()).is_some(), "{attribute:?}");
        }
        assert_eq!(env.names().count(), Attribute::ALL.len());
    }
}
