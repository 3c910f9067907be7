//! Host patterns: a host, or `*.` and the end of one.

use std::net::Ipv6Addr;

use super::fields::Reader;
use super::limits;
use crate::diagnostic::{Finding, Located, quoted};

/// Reads a host pattern; letters become lower-case.
pub(super) fn host(reader: &mut Reader<'_>, text: Located<String>) -> Option<String> {
    let lower = text.value.to_ascii_lowercase();
    match check(&lower) {
        Ok(host) => Some(host),
        Err(advice) => {
            let message = format!("{} is not a host", quoted(&text.value));
            let finding = Finding::error(reader.source(), text.span, message);
            reader.push(finding.help(advice));
            None
        }
    }
}

fn check(host: &str) -> Result<String, String> {
    const FORM: &str = "write a host as `shop.example.com` or `*.example.com`";
    if host.is_empty() || host.len() > limits::MAX_HOST_BYTES {
        return Err(format!(
            "{FORM}, with at most {} characters",
            limits::MAX_HOST_BYTES
        ));
    }
    if host == "*" {
        return Err("leave `hosts` out to match all".to_owned());
    }
    if let Some((_, rest)) = host.split_once("://") {
        let bare = rest.split(['/', ':', '?']).next().unwrap_or_default();
        return Err(format!("without scheme and path: write `{bare}`"));
    }
    if let Some((bare, _)) = host.split_once('/') {
        return Err(format!("paths belong to `endpoints`: write `{bare}` here"));
    }
    if let Ok(address) = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<Ipv6Addr>()
    {
        return Ok(format!("[{address}]"));
    }
    if let Some((bare, _)) = host.split_once(':') {
        return Err(format!(
            "hosts are compared without their port: write `{bare}`"
        ));
    }
    if let Some(bare) = host.strip_suffix('.') {
        return Err(format!("without the dot at the end: write `{bare}`"));
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.contains('*') {
        return Err(format!(
            "`*` stands only at the start, for whole labels: {FORM}"
        ));
    }
    if !name.is_ascii() {
        return Err("browsers send such a host in its `xn--` form: write that".to_owned());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.split('.').all(label) {
        Ok(host.to_owned())
    } else {
        Err(FORM.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_wildcards_at_the_start_are_taken() {
        for (text, host) in [
            ("shop.example.com", "shop.example.com"),
            ("*.example.com", "*.example.com"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("2001:db8:0::1", "[2001:db8::1]"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(check(text).as_deref(), Ok(host));
        }
    }

    #[test]
    fn each_mistake_has_its_advice() {
        for (text, advice) in [
            ("", "at most"),
            ("*", "leave `hosts` out"),
            ("https://shop.example.com/x", "write `shop.example.com`"),
            ("shop.example.com/x", "`endpoints`"),
            ("shop.example.com:8443", "without their port"),
            ("shop.example.com.", "dot at the end"),
            ("shop.*.com", "only at the start"),
            ("*shop.com", "only at the start"),
            ("bücher.example", "xn--"),
            ("shop..com", "write a host as"),
            ("shop example", "write a host as"),
        ] {
            let said = check(text).unwrap_err();
            assert!(said.contains(advice), "{text}: {said}");
        }
        assert!(check(&format!("{}.example", "a".repeat(64))).is_err());
    }
}
