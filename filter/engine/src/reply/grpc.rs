//! Refusals for gRPC clients, which look for `grpc-status` and never for an HTTP status or a document.
//!
//! An answer of headers only ("trailers-only"), which gRPC and gRPC-Web clients both read.

use super::Reply;
use crate::Request;

/// What was asked has no proof yet: with one it may be asked again.
const UNAUTHENTICATED: &str = "16";
/// What was asked is refused whoever asks.
const PERMISSION_DENIED: &str = "7";

/// The content type of the answer, if the request is of gRPC.
pub(super) fn content_type(request: &Request<'_>) -> Option<&'static str> {
    let sent = request.header("content-type")?;
    let rest = strip_prefix(sent, b"application/grpc")?;
    let web = strip_prefix(rest, b"-web");
    let text = web.and_then(|rest| strip_prefix(rest, b"-text"));
    match text.or(web).unwrap_or(rest) {
        [] | [b'+' | b';' | b' ', ..] => Some(match (web, text) {
            (None, _) => "application/grpc",
            (Some(_), None) => "application/grpc-web+proto",
            (Some(_), Some(_)) => "application/grpc-web-text+proto",
        }),
        _ => None,
    }
}

/// The same refusal in the words of gRPC. What other clients read in the document is in the metadata.
pub(super) fn trailers_only(refusal: Reply, content_type: &str) -> Reply {
    let is_challenge = refusal
        .headers
        .iter()
        .any(|(name, _)| *name == "countersign-challenge");
    // Characters that gRPC would have to percent-encode do not occur.
    let (status, message) = if is_challenge {
        (
            UNAUTHENTICATED,
            "a person must answer a challenge first: open the address in countersign-challenge in a browser, then repeat the call with the session cookie it sets",
        )
    } else {
        (
            PERMISSION_DENIED,
            "this request was refused; tell the support of the site the countersign-event-id",
        )
    };
    let mut headers = vec![
        ("content-type", content_type.to_owned()),
        ("grpc-status", status.to_owned()),
        ("grpc-message", message.to_owned()),
    ];
    let kept = refusal
        .headers
        .into_iter()
        .filter(|(name, _)| !matches!(*name, "content-type" | "x-content-type-options"));
    headers.extend(kept);
    Reply {
        status: 200,
        headers,
        body: Vec::new(),
    }
}

fn strip_prefix<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
