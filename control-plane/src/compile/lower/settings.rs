//! `Settings` with every default filled in.

use countersign_engine::cel::SetBuilder;
use countersign_engine::device::Identifier;
use countersign_engine::{
    Plaintext as EnginePlaintext, RevisionBuilder, SettingsSpec, VerdictSettings,
};

use crate::compile::RuntimeMaterial;
use crate::diagnostic::Located;
use crate::resource::{ChallengeSpec, Cidr, Plaintext, Settings};

const HTTPS_PORT: u16 = 443;
const SESSION_LIFETIME_S: u32 = 3600;
const SESSION_LEEWAY_S: u32 = 30;
/// Well above the lead with which browsers renew a cookie, and the times they sign in a while.
const SESSION_BOUND_S: u32 = 300;
const TICKET_LIFETIME_S: u32 = 600;
const ALLOW_SAMPLING: u32 = 1;

/// The identifiers of devices that headers of their own carry, in the compiled form's order.
const TEXT_IDENTIFIERS: [Identifier; 6] = [
    Identifier::VisitorId,
    Identifier::BrowserId,
    Identifier::VisitorFingerprint,
    Identifier::BrowserFingerprint,
    Identifier::HardwareFingerprint,
    Identifier::NetworkFingerprint,
];

/// Writes the settings.
pub(super) fn lower(
    settings: Option<&Settings>,
    challenge: &ChallengeSpec,
    runtime: &RuntimeMaterial,
    to: &mut RevisionBuilder,
) {
    let defaults = Settings::default();
    let settings = settings.unwrap_or(&defaults);
    let header = |header: &Option<Located<String>>| {
        header
            .as_ref()
            .map_or_else(String::new, |header| header.value.clone())
    };
    let hops = Cidr::normalise(settings.trusted_hops.clone());
    let trusted_hops = (!hops.is_empty()).then(|| {
        let hops = hops.iter().map(|cidr| (cidr.network(), cidr.prefix()));
        to.program.set(SetBuilder::cidrs("", hops))
    });
    to.settings(&SettingsSpec {
        trusted_hops,
        score_header: header(&settings.score_header),
        country_header: header(&settings.country_header),
        asn_header: header(&settings.asn_header),
        identifier_headers: TEXT_IDENTIFIERS.map(|identifier| {
            settings
                .identifier_header(identifier)
                .map_or_else(String::new, |header| header.value.clone())
        }),
        case_sensitive_paths: settings.case_sensitive_paths,
        exempt_paths: super::sorted(
            settings
                .exempt_paths
                .iter()
                .map(|path| path.value.clone())
                .collect(),
        ),
        plaintext: match settings.plaintext {
            Plaintext::Redirect => EnginePlaintext::Redirect,
            Plaintext::Block => EnginePlaintext::Block,
        },
        https_port: settings.https_port.unwrap_or(HTTPS_PORT),
        session_leeway_s: settings.session_leeway_s.unwrap_or(SESSION_LEEWAY_S),
        session_lifetime_s: settings.session_lifetime_s.unwrap_or(SESSION_LIFETIME_S),
        session_bound_s: settings.session_bound_s.unwrap_or(SESSION_BOUND_S),
        ticket_lifetime_s: settings.ticket_lifetime_s.unwrap_or(TICKET_LIFETIME_S),
        allow_sampling: runtime
            .allow_sampling
            .or(settings.allow_sampling)
            .unwrap_or(ALLOW_SAMPLING),
        verdicts: VerdictSettings {
            mode: settings.verdicts.mode(),
            challenge: settings.verdicts.challenge(),
            demand: super::challenge(&ChallengeSpec::default(), challenge),
        },
        step_up: settings
            .step_up
            .as_ref()
            .map(|own| super::step_up(own, &ChallengeSpec::default(), challenge)),
    });
}
