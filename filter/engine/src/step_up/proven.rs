//! What an upstream is told of a session.

use crate::Timestamp;
use crate::session::SessionState;

/// A list of RFC 9651: the grade proven and the seconds since then, after it a newer, lesser proof, if
/// there is one; `none` without a session.
pub(crate) fn proven(session: &SessionState, now: Timestamp) -> String {
    let Some(session) = session.valid() else {
        return "none".to_owned();
    };
    let mut text = format!("{};age={}", session.assurance.word(), session.age_s(now));
    if let Some(also) = session.also {
        let age = now
            .as_seconds()
            .saturating_sub(also.authenticated_at)
            .max(0);
        text.push_str(&format!(", {};age={age}", also.assurance.word()));
    }
    text
}
