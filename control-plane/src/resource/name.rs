//! Names of resources.

use super::fields::{Field, Reader};
use super::limits;
use crate::diagnostic::{Finding, Located, quoted};

/// Reads `metadata.name`: a DNS label.
pub(super) fn name(reader: &mut Reader<'_>, field: &Field) -> Option<Located<String>> {
    let text = reader.text(field)?;
    if is_name(&text.value) {
        return Some(text);
    }
    let finding = Finding::error(
        reader.source(),
        text.span.clone(),
        format!("{} is not a name", quoted(&text.value)),
    );
    let proposal = proposal(&text.value);
    reader.push(
        if is_name(&proposal) { finding.label(format!("you could write `{proposal}`")) } else { finding }
            .help(format!(
                "a name is up to {} lower-case letters, digits and dashes, with a letter or digit at both ends",
                limits::MAX_NAME
            )),
    );
    None
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=limits::MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().next_back().is_some_and(inner)
}

fn proposal(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let dashed: String = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    dashed.trim_matches('-').to_owned()
}

/// Reads a reason: an upper-case constant.
pub(super) fn reason(reader: &mut Reader<'_>, field: &Field) -> Option<Located<String>> {
    let text = reader.text(field)?;
    let inner = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let valid = (1..=limits::MAX_REASON).contains(&text.value.len())
        && text.value.bytes().all(inner)
        && text
            .value
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_uppercase());
    if valid {
        return Some(text);
    }
    let message = format!("{} is not a reason", quoted(&text.value));
    let help = format!(
        "a reason is up to {} upper-case letters, digits and underscores, such as `POSSIBLE_BROWSER_AUTOMATION`",
        limits::MAX_REASON
    );
    reader.error(text.span, message, &help);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        let longest = "a".repeat(limits::MAX_NAME);
        for name in ["a", "checkout-protection", "0", longest.as_str()] {
            assert!(is_name(name), "{name}");
        }
        let too_long = "a".repeat(limits::MAX_NAME + 1);
        for name in [
            "",
            "-a",
            "a-",
            "A",
            "a_b",
            "a.b",
            "ä",
            "a b",
            too_long.as_str(),
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(proposal("Checkout Protection"), "checkout-protection");
    }
}
