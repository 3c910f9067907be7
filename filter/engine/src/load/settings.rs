//! `Settings` from the wire.

use countersign_proto::policy::v1 as wire;

use super::{LoadError, invalid};
use crate::cidr::CidrSet;
use crate::revision::{Plaintext, Settings};

pub(super) fn load(settings: wire::Settings) -> Result<Settings, LoadError> {
    let hops = settings
        .trusted_hops
        .iter()
        .map(|cidr| (cidr.address.as_slice(), cidr.prefix));
    let trusted_hops = CidrSet::new(hops).map_err(|_| invalid("a trusted hop", "settings"))?;
    for header in [
        &settings.score_header,
        &settings.country_header,
        &settings.asn_header,
    ] {
        if header.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(invalid("a header name", "settings"));
        }
    }
    let https_port = match settings.https_port {
        0 => 443,
        port => u16::try_from(port).map_err(|_| invalid("the https port", "settings"))?,
    };
    Ok(Settings {
        trusted_hops,
        score_header: settings.score_header,
        country_header: settings.country_header,
        asn_header: settings.asn_header,
        case_sensitive_paths: settings.case_sensitive_paths,
        exempt_paths: settings.exempt_paths,
        plaintext: match wire::Plaintext::try_from(settings.plaintext) {
            Ok(wire::Plaintext::Redirect) => Plaintext::Redirect,
            Ok(wire::Plaintext::Block) => Plaintext::Block,
            Err(_) => return Err(invalid("`plaintext`", "settings")),
        },
        https_port,
        session_leeway_s: settings.session_leeway_s.into(),
        ticket_lifetime_s: settings.ticket_lifetime_s.into(),
        allow_sampling: settings.allow_sampling,
    })
}
