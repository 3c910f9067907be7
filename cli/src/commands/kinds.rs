//! The kinds of resources as people type them: `policy`, `policies`, `MitigationPolicy`.

use countersign_control_plane::resource::Kind;

use super::CommandError;

/// The kind that a word means: its name in any case, in the plural, or its last word.
pub(crate) fn parse(word: &str) -> Result<Kind, CommandError> {
    let wanted = singular(&word.to_ascii_lowercase());
    kept()
        .find(|kind| {
            let name = singular(&kind.as_str().to_ascii_lowercase());
            name == wanted || (wanted.len() >= 4 && name.ends_with(&wanted))
        })
        .ok_or_else(|| CommandError::UnknownKind(word.to_owned()))
}

/// For the advice.
pub(crate) fn known() -> String {
    let names: Vec<_> = kept().map(|kind| format!("`{}`", kind.as_str())).collect();
    names.join(", ")
}

/// What a control plane can have.
fn kept() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.is_kept())
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_name_plural_and_last_word() {
        for (word, kind) in [
            ("MitigationPolicy", Kind::MitigationPolicy),
            ("mitigationpolicies", Kind::MitigationPolicy),
            ("policy", Kind::MitigationPolicy),
            ("policies", Kind::MitigationPolicy),
            ("signals", Kind::Signal),
            ("DeviceRule", Kind::DeviceRule),
            ("rules", Kind::DeviceRule),
            ("override", Kind::ReasonOverride),
            ("list", Kind::List),
            ("Settings", Kind::Settings),
            ("setting", Kind::Settings),
        ] {
            assert_eq!(parse(word).unwrap(), kind, "{word}");
        }
    }

    #[test]
    fn an_unknown_kind_is_refused_with_those_there_are() {
        for word in ["", "icy", "rul", "policyx", "PolicyTest", "tests"] {
            let error = parse(word).unwrap_err();
            assert!(error.is_input());
            assert!(error.to_string().contains("`MitigationPolicy`"), "{error}");
        }
    }
}
