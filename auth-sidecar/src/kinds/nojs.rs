//! `nojs`: a wait and a click, for browsers without JavaScript. The server keeps the time: an answer
//! that comes before the wait is over is not taken. It proves that somebody held on to one form for
//! some seconds, which a program can do as well: the weakest of all kinds, and marked so.

use serde_json::{Value, json};

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::limits;

/// RFC 8176 has no word for it.
const METHODS: [&str; 1] = ["nojs"];

/// Begins to wait.
pub(super) fn ask(asking: &Asking<'_>, now_s: u64) -> Asked {
    let ready_s = now_s.saturating_add(limits::NOJS_WAIT_S);
    let options = json!({ "wait": limits::NOJS_WAIT_S });
    Asked {
        tries: limits::NOJS_TRIES,
        ..Asked::once(asking.proven, options, ready_s.to_string())
    }
}

/// Looks at the clock. The state is the second from which on an answer is taken; one that cannot be
/// read is one that never comes.
pub(super) fn verify(answering: &Answering<'_>) -> Result<Verified, Miss> {
    let ready_s: u64 = answering.row.state.parse().unwrap_or(u64::MAX);
    if answering.now_s < ready_s {
        return Err(Miss::again(Cause::TooSoon));
    }
    Ok(Verified::Proof(Proof {
        assurance: Assurance::Effort,
        amr: &METHODS,
    }))
}

/// An answer has no content: that it comes, and when, is all.
pub const ANSWER: Value = Value::Null;
