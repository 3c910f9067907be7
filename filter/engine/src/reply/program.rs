//! What a program reads that is challenged: how its person gives proof elsewhere (RFC 8628), what was
//! wrong with the token that it brought (RFC 6750, RFC 9449), and what a better one needs (RFC 9470).

use serde_json::{Value, json};

use crate::decide::{Challenge, Outcome};
use crate::limits::MAX_ASKED_BYTES;
use crate::{Assurance, Request};

/// Where a program posts its ticket.
const DEVICE_AUTHORIZATION_PATH: &str = "/.countersign/device_authorization";
/// Where it then asks for its token.
const TOKEN_PATH: &str = "/.countersign/token";
/// Where its person goes: an address short enough to be typed, without a secret.
const DEVICE_PATH: &str = "/.countersign/device";
/// Seconds between two questions for a token (RFC 8628 section 3.2).
const INTERVAL_S: u32 = 5;

/// May the proof be given on another device? Not where it is to be bound to one: what the other device
/// cannot let go of says nothing about this one.
fn elsewhere(demand: &Challenge) -> bool {
    demand.other_device && demand.min_assurance <= Assurance::Uv
}

/// Adds to a problem document where to go from here. `at`: scheme and authority; `url`: the challenge.
pub(super) fn describe(document: &mut Value, demand: &Challenge, at: &str, url: &str) {
    let Some(members) = document.as_object_mut() else {
        return;
    };
    let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    let in_browser =
        "Open challenge_url in a browser, then repeat the request with the session cookie it sets.";
    let by_program = "A program posts ticket to device_authorization_endpoint, shows its person verification_uri with the code it gets, and asks token_endpoint for the token to repeat the request with.";
    let (browser, program) = (!demand.dpop, elsewhere(demand));
    let ways = match (browser, program) {
        (true, true) => format!(" {in_browser} {by_program}"),
        (true, false) => format!(" {in_browser}"),
        (false, true) => format!(" {by_program}"),
        (false, false) => String::new(),
    };
    add(
        "detail",
        format!("A person must answer a challenge before this request is accepted.{ways}").into(),
    );
    if browser {
        add("challenge_url", url.into());
    }
    if program {
        let ticket = url.split_once("?ticket=").map_or("", |(_, ticket)| ticket);
        add("ticket", ticket.into());
        for (name, path) in [
            ("device_authorization_endpoint", DEVICE_AUTHORIZATION_PATH),
            ("token_endpoint", TOKEN_PATH),
            ("verification_uri", DEVICE_PATH),
        ] {
            add(name, format!("{at}{path}").into());
        }
        add("interval", INTERVAL_S.into());
        add("token_types", json!(types(demand)));
    }
}

/// How a token may be brought.
const fn types(demand: &Challenge) -> &'static [&'static str] {
    if demand.dpop {
        &["DPoP"]
    } else {
        &["Bearer", "DPoP"]
    }
}

/// `WWW-Authenticate` for whoever brought a token of ours, or needs one that is bound to a key. The
/// status stays 403: a browser's script that is challenged has nothing that it could send there, and a
/// 401 would have said so to proxies as well (RFC 9110 section 11.6.1 allows the field with any status).
pub(super) fn told(outcome: &Outcome, demand: &Challenge) -> Option<(&'static str, String)> {
    let scheme = if demand.dpop || is_about_proof(outcome) {
        "DPoP"
    } else {
        "Bearer"
    };
    let mut value = match (outcome.own_token, outcome.session) {
        (false, _) if !demand.dpop => return None,
        (false, _) => scheme.to_owned(),
        (true, Some("valid")) => format!(
            "{scheme} error=\"insufficient_user_authentication\", acr_values=\"{}\", max_age=\"{}\"",
            demand.min_assurance.word(),
            demand.max_age_s,
        ),
        (true, _) if is_about_proof(outcome) => format!("{scheme} error=\"invalid_dpop_proof\""),
        (true, _) => format!("{scheme} error=\"invalid_token\""),
    };
    if scheme == "DPoP" {
        let separator = if value.contains(' ') { "," } else { "" };
        value.push_str(separator);
        value.push_str(&format!(" algs=\"{}\"", countersign_dpop::ALGORITHMS));
    }
    Some(("www-authenticate", value))
}

fn is_about_proof(outcome: &Outcome) -> bool {
    outcome
        .session
        .is_some_and(|word| word.starts_with("dpop_"))
}

/// What a program asked for, as its person is shown it before they approve: method and path. A
/// navigation's person knows what they asked for.
pub(super) fn asks(request: &Request<'_>) -> Option<String> {
    if request.is_navigation() {
        return None;
    }
    // HEAD is GET without the body, and its answer says how long that of GET is (RFC 9110, section 9.3.2).
    let method = match request.method() {
        b"HEAD" => b"GET",
        method => method,
    };
    let mut text = String::from_utf8_lossy(method).into_owned();
    text.push(' ');
    text.push_str(&String::from_utf8_lossy(request.path()));
    // Control characters, and those that turn the direction of writing, could make it read otherwise.
    let mut shown: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '\u{fffd}'
            }
        })
        .collect();
    if shown.len() > MAX_ASKED_BYTES {
        let end = shown.floor_char_boundary(MAX_ASKED_BYTES);
        shown.truncate(end);
        shown.push('\u{2026}');
    }
    Some(shown)
}

#[cfg(test)]
mod tests;
