//! Replies to refused requests, as data: status, headers, body.

use serde_json::json;

use crate::authority::Authority;
use crate::decide::{Action, Challenge, Denial};
use crate::limits::MAX_RETURN_PATH_BYTES;
use crate::request::Scheme;
use crate::revision::Plaintext;
use crate::ticket::{TICKET_ISSUER, Ticket};
use crate::{Request, Revision, session};

mod grpc;
mod origin;
mod program;

/// Where the challenge page is.
pub const CHALLENGE_PATH: &str = "/.countersign/challenge";

/// A local reply.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for redirects.
    pub body: Vec<u8>,
}

/// The reply to a refused request.
#[must_use]
#[inline(never)]
pub fn reply(revision: &Revision, request: &Request<'_>, denial: &Denial) -> Reply {
    let event = denial.outcome().event_id.to_string();
    let mut reply = match &denial.action {
        Action::Block => refuse(request, &event, BLOCKED),
        Action::Redirect { location, status } => redirect(*status, location.clone()),
        Action::Challenge(demand) => {
            let mut reply = challenge(revision, request, denial.policy(), demand, &event);
            reply
                .headers
                .extend(program::told(denial.outcome(), demand));
            reply
        }
    };
    reply.headers.push(("countersign-event-id", event));
    reply.headers.push(("cache-control", "no-store".to_owned()));
    match grpc::Dialect::of(request) {
        Some(dialect) => dialect.translate(reply),
        None => reply,
    }
}

/// The reply while this worker has no policy: closed, and said so.
#[must_use]
#[cold]
pub fn not_ready() -> Reply {
    let document = json!({
        "type": "about:blank",
        "title": "Not ready",
        "status": 503,
        "detail": "This gateway has not received its policy yet. Try again in a moment.",
    });
    Reply {
        status: 503,
        headers: vec![
            ("content-type", PROBLEM_JSON.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("retry-after", "1".to_owned()),
        ],
        body: document.to_string().into_bytes(),
    }
}

const PROBLEM_JSON: &str = "application/problem+json";

/// What somebody is told of a request that goes no further.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    pub(crate) title: &'a str,
    pub(crate) detail: &'a str,
    /// Where a person can go from there: a path and its words.
    pub(crate) link: Option<(&'a str, &'a str)>,
}

const BLOCKED: Refusal<'_> = Refusal {
    status: 403,
    link: None,
    title: "Request refused",
    detail: "This request was refused. If you think that is a mistake, tell the site's support the event id.",
};

const INSECURE: Refusal<'_> = Refusal {
    status: 403,
    link: None,
    title: "Secure connection needed",
    detail: "This address asks for proof, which needs a secure connection. Use https.",
};

const FOR_PROGRAMS: Refusal<'_> = Refusal {
    status: 403,
    link: None,
    title: "Not for browsers",
    detail: "This address is for programs that hold a key of their own. A browser cannot prove that.",
};

const UNCHALLENGEABLE: Refusal<'_> = Refusal {
    status: 403,
    link: None,
    title: "Request refused",
    detail: "This request needs proof that cannot be given here. Tell the site's support the event id.",
};

/// A small page for a person, a problem document (RFC 9457) for a program.
fn refuse(request: &Request<'_>, event: &str, refusal: Refusal<'_>) -> Reply {
    refusal_for(request.is_navigation(), event, refusal)
}

/// See [`refuse`].
pub(crate) fn refusal_for(person: bool, event: &str, refusal: Refusal<'_>) -> Reply {
    let Refusal {
        status,
        title,
        detail,
        link,
    } = refusal;
    let (content_type, body) = if person {
        // A path of ours with a ticket in base64url: nothing in it could leave its attribute.
        let link = link.map_or_else(String::new, |(path, words)| {
            format!("<p><a href=\"{path}\">{words}</a></p>")
        });
        let event = match event {
            "" => String::new(),
            event => format!("<p>Event id: <code>{event}</code></p>"),
        };
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title>\
             <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;\
             color-scheme:light dark}}code{{font-size:.85em}}</style>\
             <main><h1>{title}</h1><p>{detail}</p>{link}{event}</main></html>"
        );
        ("text/html; charset=utf-8", page)
    } else {
        let document = json!({
            "type": "about:blank", "title": title, "status": status, "detail": detail, "event_id": event,
        });
        (PROBLEM_JSON, document.to_string())
    };
    Reply {
        status,
        headers: vec![
            ("content-type", content_type.to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ],
        body: body.into_bytes(),
    }
}

fn redirect(status: u16, location: String) -> Reply {
    Reply {
        status,
        headers: vec![("location", location)],
        body: Vec::new(),
    }
}

fn challenge(
    revision: &Revision,
    request: &Request<'_>,
    policy: &str,
    demand: &Challenge,
    event: &str,
) -> Reply {
    // A policy's challenge leads back to the host that the ticket names; without a host there is none.
    let Some(authority) = request.authority() else {
        return refuse(request, event, UNCHALLENGEABLE);
    };
    let settings = &revision.view().settings;
    let insecure = request.scheme() == Scheme::Http && !authority.is_loopback();
    if insecure && settings.plaintext() == Plaintext::Block {
        return refuse(request, event, INSECURE);
    }
    let secure = if insecure {
        authority.on_https_port(settings.https_port())
    } else {
        authority.clone()
    };
    if insecure && request.is_navigation() {
        // The decision falls again over there, where proof can be given and kept.
        return redirect(
            307,
            format!("https://{secure}{}", same_origin_target(request)),
        );
    }
    let scheme = if insecure {
        Scheme::Https
    } else {
        request.scheme()
    };
    let at = Origin {
        authority: &secure,
        scheme,
    };
    let back = return_path(request);
    if demand.dpop && request.is_navigation() {
        return refuse(request, event, FOR_PROGRAMS);
    }
    let Some(path) = challenge_path(revision, request, policy, demand, event, at, back, false)
    else {
        return refuse(request, event, UNCHALLENGEABLE);
    };
    if request.is_navigation() {
        return redirect(303, path);
    }
    let url = format!("{}://{secure}{path}", scheme.word());
    let kinds: Vec<&String> = demand.kinds.iter().chain(&demand.fallback).collect();
    let mut document = json!({
        "type": "about:blank",
        "title": "Proof needed",
        "status": 403,
        "event_id": event,
        "kinds": kinds,
        "min_assurance": demand.min_assurance.word(),
    });
    let at = format!("{}://{secure}", scheme.word());
    program::describe(&mut document, demand, &at, &url);
    let mut headers = vec![("content-type", PROBLEM_JSON.to_owned())];
    if !demand.dpop {
        headers.push(("countersign-challenge", url));
    }
    Reply {
        status: 403,
        headers,
        body: document.to_string().into_bytes(),
    }
}

/// Where a browser reaches us.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) scheme: Scheme,
}

/// The challenge page with a ticket. `held`: it leads to the body that the sidecar keeps.
#[expect(clippy::too_many_arguments, reason = "each is one claim of the ticket")]
pub(crate) fn challenge_path(
    revision: &Revision,
    request: &Request<'_>,
    policy: &str,
    demand: &Challenge,
    event: &str,
    at: Origin<'_>,
    path: String,
    held: bool,
) -> Option<String> {
    let Origin { authority, scheme } = at;
    let now = request.now().as_seconds();
    let ticket = Ticket {
        iss: TICKET_ISSUER,
        aud: authority.to_string(),
        scheme: scheme.word(),
        path,
        policy: policy.to_owned(),
        jti: event.to_owned(),
        acr: demand.min_assurance.word(),
        max_age: demand.max_age_s,
        kinds: demand.kinds.clone(),
        fallback: demand.fallback.clone(),
        authenticators: demand.authenticators.clone(),
        origin: origin::asking(request, scheme, authority),
        asks: program::asks(request),
        dpop: demand.dpop,
        own_device: !demand.other_device,
        held,
        without_session: held && !session::is_brought(request),
        iat: now,
        exp: now.saturating_add(revision.view().settings.ticket_lifetime_s()),
    };
    let ticket = revision.view().tickets.as_ref()?.sign(&ticket)?;
    Some(format!("{CHALLENGE_PATH}?ticket={ticket}"))
}

/// Where a person comes back to: what was asked for by GET. Another method cannot be repeated by a
/// redirect; its person goes back to the page the request came from, where it is of this site.
pub(crate) fn return_path(request: &Request<'_>) -> String {
    if matches!(request.method(), b"GET" | b"HEAD") {
        return same_origin_target(request);
    }
    referring_path(request).unwrap_or_else(|| "/".to_owned())
}

fn referring_path(request: &Request<'_>) -> Option<String> {
    let referer = std::str::from_utf8(request.header("referer")?).ok()?;
    let (_, rest) = referer.split_once("://")?;
    let slash = rest.find('/')?;
    let (authority, path) = rest.split_at(slash);
    let same = Authority::parse(authority.as_bytes()).as_ref() == request.authority();
    (same && is_same_origin_path(path)).then(|| path.to_owned())
}

/// The request's own target if it is a path of this origin and nothing else; else its normal form,
/// if that is (`//checkout/x` would lead a browser to the host `checkout`); else the root.
fn same_origin_target(request: &Request<'_>) -> String {
    let as_sent = std::str::from_utf8(request.target())
        .ok()
        .filter(|path| is_same_origin_path(path));
    if let Some(path) = as_sent {
        return path.to_owned();
    }
    std::str::from_utf8(request.path())
        .ok()
        .filter(|path| is_same_origin_path(path))
        .map_or_else(|| "/".to_owned(), str::to_owned)
}

/// A browser resolves `//host`, `/\host`, and paths with tabs or line breaks elsewhere (WHATWG URL).
pub(crate) fn is_same_origin_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && path.len() <= MAX_RETURN_PATH_BYTES
        && path
            .bytes()
            .all(|byte| byte > b' ' && byte != 0x7f && byte != b'\\')
}

#[cfg(test)]
mod tests;
