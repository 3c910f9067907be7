//! `Settings` with every default filled in.

use countersign_proto::policy::v1 as proto;

use super::cidr;
use crate::diagnostic::Located;
use crate::resource::{Cidr, Plaintext, Settings};

const HTTPS_PORT: u16 = 443;
const SESSION_LIFETIME_S: u32 = 3600;
const SESSION_LEEWAY_S: u32 = 30;
const TICKET_LIFETIME_S: u32 = 600;
const ALLOW_SAMPLING: u32 = 1;

pub(super) fn lower(settings: Option<&Settings>) -> proto::Settings {
    let defaults = Settings::default();
    let settings = settings.unwrap_or(&defaults);
    let header = |header: &Option<Located<String>>| {
        header
            .as_ref()
            .map_or_else(String::new, |header| header.value.clone())
    };
    proto::Settings {
        trusted_hops: Cidr::normalise(settings.trusted_hops.clone())
            .into_iter()
            .map(cidr)
            .collect(),
        score_header: header(&settings.score_header),
        country_header: header(&settings.country_header),
        asn_header: header(&settings.asn_header),
        case_sensitive_paths: settings.case_sensitive_paths,
        exempt_paths: super::sorted(
            settings
                .exempt_paths
                .iter()
                .map(|path| path.value.clone())
                .collect(),
        ),
        plaintext: match settings.plaintext {
            Plaintext::Redirect => proto::Plaintext::Redirect,
            Plaintext::Block => proto::Plaintext::Block,
        }
        .into(),
        https_port: settings.https_port.unwrap_or(HTTPS_PORT).into(),
        session_leeway_s: settings.session_leeway_s.unwrap_or(SESSION_LEEWAY_S),
        session_lifetime_s: settings.session_lifetime_s.unwrap_or(SESSION_LIFETIME_S),
        ticket_lifetime_s: settings.ticket_lifetime_s.unwrap_or(TICKET_LIFETIME_S),
        allow_sampling: settings.allow_sampling.unwrap_or(ALLOW_SAMPLING),
    }
}
