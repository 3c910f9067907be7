//! Refusals for gRPC clients, which look for `grpc-status` and never for an HTTP status or a document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Reply;
use crate::Request;

/// What was asked has no proof yet: with one it may be asked again.
const UNAUTHENTICATED: &str = "16";
/// What was asked is refused whoever asks.
const PERMISSION_DENIED: &str = "7";

/// How a client reads gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Over HTTP/2: the status in a response of headers only.
    Native,
    /// gRPC-Web: the status in a frame of the body, since browsers show no trailers and, across
    /// origins, few headers.
    Web,
    /// The same in base64.
    WebText,
}

impl Dialect {
    /// The dialect of a request, if it is of gRPC.
    pub(super) fn of(request: &Request<'_>) -> Option<Self> {
        let sent = request.header("content-type")?;
        let rest = strip_prefix(sent, b"application/grpc")?;
        let (dialect, rest) = match strip_prefix(rest, b"-web") {
            None => (Self::Native, rest),
            Some(rest) => match strip_prefix(rest, b"-text") {
                None => (Self::Web, rest),
                Some(rest) => (Self::WebText, rest),
            },
        };
        matches!(rest, [] | [b'+' | b';' | b' ', ..]).then_some(dialect)
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Native => "application/grpc",
            Self::Web => "application/grpc-web+proto",
            Self::WebText => "application/grpc-web-text+proto",
        }
    }

    /// The same refusal in the words of gRPC. What other clients read in the document is in the
    /// metadata.
    pub(super) fn translate(self, refusal: Reply) -> Reply {
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
        let mut headers = vec![("content-type", self.content_type().to_owned())];
        let mut body = Vec::new();
        if self == Self::Native {
            headers.push(("grpc-status", status.to_owned()));
            headers.push(("grpc-message", message.to_owned()));
        } else {
            body = trailers_frame(status, message);
        }
        if self == Self::WebText {
            body = STANDARD.encode(body).into_bytes();
        }
        let kept = refusal
            .headers
            .into_iter()
            .filter(|(name, _)| *name != "content-type");
        headers.extend(kept);
        Reply {
            status: 200,
            headers,
            body,
        }
    }
}

/// The one frame of a gRPC-Web answer without a message: its flag, its length, header lines.
fn trailers_frame(status: &str, message: &str) -> Vec<u8> {
    /// The highest bit: trailers.
    const TRAILERS: u8 = 0x80;
    let lines = format!("grpc-status: {status}\r\ngrpc-message: {message}\r\n");
    let length = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let mut frame = vec![TRAILERS];
    frame.extend(length.to_be_bytes());
    frame.extend(lines.into_bytes());
    frame
}

fn strip_prefix<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
