//! The origin of the page that sent a request, where it is another one.

use crate::Request;
use crate::authority::Authority;
use crate::request::Scheme;

/// `scheme://host[:port]` as the browser sent it in `Origin`; `None` for a request of the same origin,
/// for one that no script sent, and for what is no origin of a page (`null`, an extension's).
pub(super) fn asking(
    request: &Request<'_>,
    scheme: Scheme,
    authority: &Authority,
) -> Option<String> {
    // A form that another site posts names its origin as well, but nobody waits there for an answer.
    if request
        .header("sec-fetch-mode")
        .is_some_and(|mode| mode != b"cors")
    {
        return None;
    }
    let sent = std::str::from_utf8(request.header("origin")?).ok()?;
    let (sent_scheme, sent_authority) = sent.split_once("://")?;
    let parsed = Authority::parse(sent_authority.as_bytes())?;
    // As browsers write it and no other way: the page compares it byte by byte.
    let is_origin = matches!(sent_scheme, "http" | "https") && parsed.to_string() == sent_authority;
    let same = sent_scheme == scheme.word() && parsed == *authority;
    (is_origin && !same).then(|| sent.to_owned())
}
