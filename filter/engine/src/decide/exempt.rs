//! Requests that no policy is asked about.

use crate::glob::glob_matches;
use crate::revision::View;
use crate::session::Carried;
use crate::{Request, Revision};

/// Where our own pages are.
const OWN_PATHS: &[u8] = b"/.countersign/";

/// Exempt requests are permitted before any policy: certificate issuance, our own pages, what
/// `Settings` lists. A path counts only as it was sent: one that had to be normalised could be read
/// otherwise upstream.
pub(super) fn is_exempt(view: &View<'_>, request: &Request<'_>) -> bool {
    let path = request.path();
    request.path_is_normal()
        && (path.starts_with(OWN_PATHS)
            || path.starts_with(b"/.well-known/acme-challenge/")
            || view
                .settings
                .exempt_paths()
                .iter()
                .any(|pattern| glob_matches(pattern.as_bytes(), path, false)))
}

/// Does an exempt request bring a token of ours that an upstream would see?
pub(super) fn own_token(revision: &Revision, request: &Request<'_>) -> bool {
    !request.path().starts_with(OWN_PATHS) && Carried::token(revision, request).is_some()
}

/// What servers read in different ways cannot be judged: it is refused, and no browser sends it.
///
/// `..;` is a parent directory to one server and a name to another, so no normal form is right for
/// both; a host that is none would pass every policy that is written for a host.
pub(super) fn unreadable(request: &Request<'_>) -> Option<&'static str> {
    if request.authority().is_none() {
        return Some("authority_invalid");
    }
    request.path_is_ambiguous().then_some("path_ambiguous")
}
