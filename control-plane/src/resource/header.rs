//! Header names in settings.

use super::fields::{Field, Reader};
use super::limits;
use crate::diagnostic::{Finding, quoted};

/// Reads a header name; letters become lower-case, as HTTP/2 and Envoy have them.
pub(super) fn header(reader: &mut Reader<'_>, field: &Field) -> Option<String> {
    let text = reader.text(field)?;
    if (1..=limits::MAX_HEADER_BYTES).contains(&text.value.len())
        && text.value.bytes().all(is_token)
    {
        return Some(text.value.to_ascii_lowercase());
    }
    let message = format!("{} is not a header name", quoted(&text.value));
    reader.push(
        Finding::error(reader.source(), text.span, message)
            .help("a header name is letters, digits and dashes, such as `x-bot-score`"),
    );
    None
}

/// A character of a token (RFC 9110, section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
