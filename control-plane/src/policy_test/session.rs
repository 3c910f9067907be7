//! Sessions of tests.

use countersign_engine::Timestamp;

use crate::rehearsal::Session;
use crate::resource::SessionSpec;

/// The session cookie of a browser that passed a challenge on this host, so long ago.
pub(super) fn cookie(
    session: &SessionSpec,
    authority: &str,
    now: Timestamp,
    lifetime_s: u32,
) -> String {
    let age = i64::from(session.age_s);
    let issued = now.as_seconds().saturating_sub(age).max(0);
    let session = Session {
        authority: authority.as_bytes(),
        device: &session.device,
        assurance: session.assurance,
        also: session.also.map(|also| (also, now.as_seconds())),
        issued,
        proven: issued,
        bound: session.bound,
        expires: issued.saturating_add(i64::from(lifetime_s)),
    };
    session.cookie()
}
