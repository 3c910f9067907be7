//! What takes the place of an upstream's answer that demands more proof.

use crate::reply::{Refusal, Reply, refusal_for};
use crate::{EventId, Request};

/// Headers of ours that a script of another origin has to be let read.
const EXPOSED: &str = "countersign-challenge, countersign-event-id";

/// The answer where the demand cannot be read. Whether the upstream did what was asked is its secret: it
/// is not passed on, since it was not meant to be.
#[must_use]
#[cold]
pub fn unreadable(request: &Request<'_>, id: EventId) -> Reply {
    let refusal = Refusal {
        status: 502,
        title: "Something went wrong",
        detail: "This site asked for proof in words that its gateway does not know. This is the site's fault, not yours. Tell its support the event id.",
        link: None,
    };
    let event = id.to_string();
    let mut reply = refusal_for(request.is_navigation(), &event, refusal);
    reply.headers.push(("countersign-event-id", event));
    reply.headers.push(("cache-control", "no-store".to_owned()));
    reply
}

/// Lets scripts of another origin read the reply, where the upstream lets them read its own answer
/// (CORS, Fetch section 3.3): a proxy's filters see nothing of a reply that takes the place of an
/// answer, so nobody else would. `answered` gives a header of the upstream's answer.
pub fn readable_as_answer(reply: &mut Reply, answered: impl Fn(&str) -> Option<Vec<u8>>) {
    let text = |name| String::from_utf8(answered(name)?).ok();
    let Some(origin) = text("access-control-allow-origin") else {
        return;
    };
    reply.headers.push(("access-control-allow-origin", origin));
    if let Some(credentials) = text("access-control-allow-credentials") {
        let name = "access-control-allow-credentials";
        reply.headers.push((name, credentials));
    }
    let exposed = match text("access-control-expose-headers") {
        Some(theirs) => format!("{theirs}, {EXPOSED}"),
        None => EXPOSED.to_owned(),
    };
    let name = "access-control-expose-headers";
    reply.headers.push((name, exposed));
    reply.headers.push(("vary", "origin".to_owned()));
}
