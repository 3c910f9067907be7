//! Sessions for requests that are not sent, each signed once.

use std::collections::HashMap;

use countersign_engine::Assurance;

use super::limits::MAX_COOKIES;
use crate::rehearsal::Session;

const DEVICE: &str = "simulated-device";

/// The last second of the year 9999. A proof given then is fresh at any time before, so that one
/// signature serves a whole recording.
pub(super) const JUST_NOW: i64 = 253_402_300_799;

/// A session that a request did not say it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenSession {
    /// Its grade.
    pub assurance: Assurance,
    /// Seconds since its proof.
    pub age_s: i64,
    /// The grade of a newer, lesser proof beside it, just given.
    pub also: Option<Assurance>,
}

/// What a request's session has proven, and when (seconds since the epoch).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proof {
    pub(super) assurance: Assurance,
    pub(super) at: i64,
    /// A key of the device renews it.
    pub(super) bound: bool,
    /// A lesser proof beside it, just given.
    pub(super) also: Option<Assurance>,
}

/// Session cookies by authority and proof, signed once. Bounded: forgotten together when there are
/// too many.
#[derive(Debug, Default)]
pub(super) struct Cookies {
    known: HashMap<Vec<u8>, HashMap<Proof, Vec<u8>>>,
    count: usize,
}

impl Cookies {
    /// The `Cookie` header of a browser with that session.
    pub(super) fn get(&mut self, authority: &[u8], proof: Proof) -> &[u8] {
        let known = |cookies: &Self| {
            let of_host = cookies.known.get(authority);
            of_host.is_some_and(|cookies| cookies.contains_key(&proof))
        };
        if !known(self) {
            if self.count >= MAX_COOKIES {
                self.known.clear();
                self.count = 0;
            }
            self.count += 1;
            let cookie = cookie(authority, proof).into_bytes();
            let of_host = self.known.entry(authority.to_vec()).or_default();
            of_host.insert(proof, cookie);
        }
        self.known
            .get(authority)
            .and_then(|cookies| cookies.get(&proof))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

fn cookie(authority: &[u8], proof: Proof) -> String {
    let session = Session {
        authority,
        device: DEVICE,
        assurance: proof.assurance,
        also: proof.also.map(|also| (also, JUST_NOW)),
        // Good at any time: only the age of the proof is simulated.
        issued: 0,
        expires: JUST_NOW,
        proven: proof.at.max(0),
        bound: proof.bound,
    };
    session.cookie()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(at: i64) -> Proof {
        Proof {
            assurance: Assurance::Uv,
            at,
            bound: false,
            also: None,
        }
    }

    #[test]
    fn a_cookie_is_signed_once_for_a_host_and_a_proof() {
        let mut cookies = Cookies::default();
        let first = cookies.get(b"a.example", proof(1)).to_vec();
        assert_eq!(cookies.get(b"a.example", proof(1)), first);
        assert_ne!(cookies.get(b"a.example", proof(2)), first);
        assert_ne!(cookies.get(b"b.example", proof(1)), first);
        assert_eq!(cookies.count, 3);
    }

    #[test]
    fn cookies_at_the_limit_are_kept_and_one_more_forgets_them() {
        let mut cookies = Cookies {
            count: MAX_COOKIES - 1,
            ..Cookies::default()
        };
        cookies.get(b"a.example", proof(1));
        assert_eq!((cookies.count, cookies.known.len()), (MAX_COOKIES, 1));
        cookies.get(b"b.example", proof(1));
        assert_eq!((cookies.count, cookies.known.len()), (1, 1));
    }
}
