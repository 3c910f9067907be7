//! The backend asks: an upstream that a policy trusts answers with [`STEP_UP_HEADER`], and its answer
//! becomes the challenge. Its answer then means "not done": it sees the request again, once the proof
//! is given, with [`ASSURANCE_HEADER`] saying what was proven.

mod answer;
mod decide;
mod demanded;
mod proven;

#[cfg(test)]
mod tests;

pub use answer::{readable_as_answer, unreadable};
pub use decide::{Answered, STEP_UP_POLICY, Upstream, answered};
pub(crate) use decide::{Scope, turn};
pub(crate) use demanded::Demanded;
pub use demanded::Malformed;
pub(crate) use proven::proven;

use crate::Request;
use crate::held::may_hold;

/// What an upstream demands: an item of RFC 9651, a grade and its parameters, `uv;max-age=300`.
pub const STEP_UP_HEADER: &str = "countersign-step-up";
/// What an upstream that may demand is told of the session: a list of RFC 9651, `uv;age=12`, or `none`.
pub const ASSURANCE_HEADER: &str = "countersign-assurance";

/// Noted of a request whose answer became a challenge.
pub const STEP_UP_NOTE: &str = "step_up";
/// Noted of a request whose session had proven already what its upstream demanded.
pub const SATISFIED_NOTE: &str = "step_up_satisfied";
/// Noted of a request whose upstream demanded without being trusted to.
pub const UNTRUSTED_NOTE: &str = "step_up_untrusted";
/// Noted of a request whose upstream demanded in words that are none.
pub const MALFORMED_NOTE: &str = "step_up_malformed";

/// What is noted of a request because its upstream demanded.
pub(crate) const NOTES: [&str; 4] = [STEP_UP_NOTE, SATISFIED_NOTE, UNTRUSTED_NOTE, MALFORMED_NOTE];

/// What is to be remembered of a permitted request whose upstream may demand more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// For [`ASSURANCE_HEADER`].
    pub proven: String,
    hold_body: u32,
}

impl Watch {
    pub(crate) const fn new(proven: String, hold_body: u32) -> Self {
        Self { proven, hold_body }
    }

    /// Bytes of the body that are copied on its way; `None` = none has to be, since this request has no
    /// body, or is not one that is repeated by a page.
    #[must_use]
    pub fn copies(&self, request: &Request<'_>, body_follows: bool) -> Option<usize> {
        may_hold(request, self.hold_body, body_follows).then_some(self.hold_body as usize)
    }
}
