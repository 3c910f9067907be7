//! `MitigationPolicy`: conditions and one action.

use super::fields::{Field, Fields, Reader};
use super::words::{self, Action};
use super::{ChallengeSpec, Expression, StepUpSpec, endpoint, header, host, limits};
use crate::diagnostic::{Finding, Located, one_of, quoted};

/// Conditions and one action.
#[derive(Clone, Debug)]
pub struct MitigationPolicy {
    /// Empty = all.
    pub(crate) hosts: Vec<String>,
    /// Empty = all.
    pub(crate) endpoints: Vec<Located<String>>,
    /// Empty = all.
    pub(crate) methods: Vec<String>,
    pub(crate) when: Option<Expression>,
    pub(crate) action: Action,
    /// What the policy states itself; `Settings` say the rest.
    pub(crate) challenge: ChallengeSpec,
    /// Which upstreams may ask for more; `Settings` say where it is absent.
    pub(crate) step_up: Option<StepUpSpec>,
    /// There where the action is a redirect.
    pub(crate) redirect: Option<RedirectSpec>,
    pub(crate) mode: Mode,
    pub(crate) priority: i32,
    /// It counts beside the policy of its name that it is to replace: a rollout's doing, never an author's.
    pub(crate) beside_former: bool,
}

/// Does the policy act?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Enforce,
    /// Decide and count only.
    Monitor,
}

/// Where a redirect leads.
#[derive(Clone, Debug)]
pub(crate) struct RedirectSpec {
    pub(crate) location: String,
    pub(crate) status: u32,
}

const MODES: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("monitor", Mode::Monitor)];

impl MitigationPolicy {
    /// Is it in monitor mode?
    pub(crate) fn only_counts(&self) -> bool {
        self.mode == Mode::Monitor
    }

    /// Puts it in monitor mode; `beside_former`: the policy of its name that it is to replace stays.
    pub(crate) fn only_count(&mut self, beside_former: bool) {
        self.mode = Mode::Monitor;
        self.beside_former = beside_former;
    }

    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let hosts = spec.take(reader, "hosts").map_or_else(Vec::new, |field| {
            reader.patterns(&field, limits::MAX_PATTERNS, host::host)
        });
        let endpoints = spec
            .take(reader, "endpoints")
            .map_or_else(Vec::new, |field| {
                reader.patterns(&field, limits::MAX_PATTERNS, endpoint::endpoint)
            });
        let methods = spec.take(reader, "methods").map_or_else(Vec::new, |field| {
            reader.patterns(&field, limits::MAX_PATTERNS, method)
        });
        let when = spec
            .take(reader, "when")
            .and_then(|field| reader.expression(&field));
        let action = spec
            .take_required(reader, "action")
            .and_then(|field| reader.word(&field, &words::ACTIONS));
        let challenge = spec.take(reader, "challenge");
        let redirect = spec.take(reader, "redirect");
        let step_up = spec.take(reader, "stepUp");
        let mode = spec
            .take(reader, "mode")
            .and_then(|field| reader.word(&field, &MODES));
        let priority = spec
            .take(reader, "priority")
            .and_then(|field| reader.integer(&field, 0..=limits::MAX_PRIORITY));
        spec.finish(reader);
        let action = action?;
        if let Some(field) = &challenge {
            only_with(reader, field, &action, Action::Challenge);
        }
        if let Some(field) = &redirect {
            only_with(reader, field, &action, Action::Redirect);
        }
        if let Some(field) = &step_up {
            only_where_it_goes_on(reader, field, &action);
        }
        let step_up = step_up.and_then(|field| StepUpSpec::read(reader, field));
        let challenge = challenge
            .and_then(|field| ChallengeSpec::read(reader, field))
            .unwrap_or_default();
        let redirect = match (redirect, action.value) {
            (Some(field), _) => RedirectSpec::read(reader, field),
            (None, Action::Redirect) => {
                let help = "add `redirect: {location: \"https://…\"}`";
                reader.error(action.span, "a redirect needs to know where to", help);
                None
            }
            (None, _) => None,
        };
        Some(Self {
            hosts,
            endpoints,
            methods,
            when,
            action: action.value,
            challenge,
            step_up,
            redirect,
            mode: mode.map(|mode| mode.value).unwrap_or_default(),
            beside_former: false,
            priority: priority
                .and_then(|priority| i32::try_from(priority.value).ok())
                .unwrap_or(limits::DEFAULT_PRIORITY),
        })
    }
}

fn only_with(reader: &mut Reader<'_>, field: &Field, action: &Located<Action>, wanted: Action) {
    if action.value != wanted {
        let name = &field.key.value;
        reader.push(
            Finding::error(
                reader.source(),
                field.key.span.clone(),
                format!("`{name}` is there without its action"),
            )
            .label(format!("this needs `action: {name}`"))
            .related(
                reader.source(),
                action.span.clone(),
                "the action is another",
            ),
        );
    }
}

/// An upstream can only answer a request that it gets.
fn only_where_it_goes_on(reader: &mut Reader<'_>, field: &Field, action: &Located<Action>) {
    if !matches!(action.value, Action::Block | Action::Redirect) {
        return;
    }
    let message = "`stepUp` is of no use to requests that reach no upstream";
    reader.push(
        Finding::error(reader.source(), field.key.span.clone(), message)
            .label("no upstream answers these")
            .related(
                reader.source(),
                action.span.clone(),
                "the action ends them here",
            )
            .help("use `action: monitor`, which changes nothing else, or leave `stepUp` out"),
    );
}

/// Reads a method, as it is sent.
pub(super) fn method(reader: &mut Reader<'_>, text: Located<String>) -> Option<String> {
    let token = (1..=limits::MAX_METHOD_BYTES).contains(&text.value.len())
        && text.value.bytes().all(header::is_token);
    let upper = text.value.to_ascii_uppercase();
    if token && upper == text.value {
        return Some(upper);
    }
    let message = format!("{} is not a method", quoted(&text.value));
    let finding = Finding::error(reader.source(), text.span, message);
    reader.push(if token {
        finding
            .label(format!("did you mean `{upper}`?"))
            .note("methods are compared by case (RFC 9110, section 9.1)")
    } else {
        finding.help("write a method as `GET` or `POST`")
    });
    None
}

impl RedirectSpec {
    fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let location = fields
            .take_required(reader, "location")
            .and_then(|field| reader.text(&field));
        let status = match fields.take(reader, "status") {
            Some(field) => status(reader, &field),
            None => Some(302),
        };
        fields.finish(reader);
        let location = location?;
        if let Err(help) = check_location(&location.value) {
            let message = format!("{} is not a place to redirect to", quoted(&location.value));
            reader.error(location.span, message, &help);
            return None;
        }
        Some(Self {
            location: location.value,
            status: status?,
        })
    }
}

fn status(reader: &mut Reader<'_>, field: &Field) -> Option<u32> {
    const STATUSES: [&str; 3] = ["302", "307", "308"];
    let number = reader.integer(field, i64::MIN..=i64::MAX)?;
    let text = number.value.to_string();
    if STATUSES.contains(&text.as_str()) {
        return u32::try_from(number.value).ok();
    }
    reader.push(
        Finding::error(
            reader.source(),
            number.span,
            format!("{text} is not a status of a redirect"),
        )
        .help(format!(
            "it is {}; 307 and 308 keep the method",
            one_of(STATUSES)
        )),
    );
    None
}

pub(super) fn check_location(location: &str) -> Result<(), String> {
    const FORM: &str = "write an absolute URL, `https://example.com/sorry`, or a path, `/sorry`";
    if location.is_empty() || location.len() > limits::MAX_LOCATION_BYTES {
        return Err(format!(
            "{FORM}, with at most {} bytes",
            limits::MAX_LOCATION_BYTES
        ));
    }
    // A header's value: a line break would end it and begin another (response splitting).
    if !location.bytes().all(|byte| byte.is_ascii_graphic()) || location.contains('\\') {
        return Err("percent-encode spaces, backslashes and what is not ASCII".to_owned());
    }
    let lower = location.to_ascii_lowercase();
    if let Some(rest) = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"))
    {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        return if host.is_empty() || host.starts_with(':') {
            Err(FORM.to_owned())
        } else {
            Ok(())
        };
    }
    if location.starts_with("//") {
        return Err("`//` leads to another host: write its scheme, or a single `/`".to_owned());
    }
    if location.starts_with('/') {
        Ok(())
    } else {
        Err(FORM.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_urls_and_paths_only() {
        for location in [
            "https://example.com",
            "http://example.com/x?y#z",
            "/sorry",
            "/",
            "HTTPS://example.com",
        ] {
            assert!(check_location(location).is_ok(), "{location}");
        }
        for location in [
            "",
            "sorry",
            "//evil.example",
            "/\\evil.example",
            "https://",
            "https:///x",
            "https:evil.example",
            "javascript:alert(1)",
            "ftp://example.com",
            "/a b",
            "/a\r\nset-cookie: x",
            "/ü",
        ] {
            assert!(check_location(location).is_err(), "{location}");
        }
        let longest = format!("/{}", "a".repeat(limits::MAX_LOCATION_BYTES - 1));
        assert!(check_location(&longest).is_ok());
        assert!(check_location(&format!("{longest}a")).is_err());
    }
}
