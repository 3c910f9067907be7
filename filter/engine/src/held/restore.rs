//! A request as it was when its body was taken into keeping: what the rules see, and what the host has
//! to change to make it so.

use super::Kept;
use crate::Request;
use crate::headers::Known;
use crate::session::SESSION_COOKIE;

/// The other cookie of ours. It was perhaps set after the request was held.
const DEVICE_COOKIE: &str = "__Host-countersign-device";

/// One header that becomes another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// In the place of all of that name.
    Set(&'static str, String),
    /// All of that name.
    Remove(&'static str),
}

/// The request as it was.
#[derive(Debug)]
pub struct Restored {
    /// All of its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What makes the one that came that one.
    pub changes: Vec<Change>,
}

impl Restored {
    pub(super) fn new(kept: &Kept, request: &Request<'_>, length: usize) -> Self {
        let mut changes = vec![
            Change::Set(":method", kept.method.clone()),
            Change::Set("content-length", length.to_string()),
        ];
        for (name, value) in [
            ("content-type", &kept.content_type),
            ("content-encoding", &kept.content_encoding),
            ("origin", &kept.origin),
            ("referer", &kept.referer),
            ("sec-fetch-site", &kept.site),
        ] {
            changes.push(match value {
                Some(value) => Change::Set(name, value.clone()),
                None => Change::Remove(name),
            });
        }
        if let Some(names) = &kept.cookies {
            let cookies = cookies_named(request, names);
            changes.push(if cookies.is_empty() {
                Change::Remove("cookie")
            } else {
                Change::Set("cookie", cookies)
            });
        }
        let headers = changed(request, &changes);
        Self { headers, changes }
    }
}

/// Names of the cookies that came with a request.
pub(super) fn cookie_names<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a str> {
    pairs(request).filter_map(|pair| std::str::from_utf8(name_of(pair)).ok())
}

fn cookies_named(request: &Request<'_>, names: &[String]) -> String {
    let ours = [SESSION_COOKIE, DEVICE_COOKIE];
    let kept: Vec<_> = pairs(request)
        .filter(|pair| {
            let name = name_of(pair);
            ours.iter().any(|ours| ours.as_bytes() == name)
                || names.iter().any(|known| known.as_bytes() == name)
        })
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .collect();
    kept.join("; ")
}

fn pairs<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a [u8]> {
    request
        .headers()
        .every(Known::Cookie)
        .flat_map(|header| header.split(|&byte| byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

fn name_of(pair: &[u8]) -> &[u8] {
    let end = pair.iter().position(|&byte| byte == b'=');
    pair.get(..end.unwrap_or(pair.len()))
        .unwrap_or_default()
        .trim_ascii()
}

fn changed(request: &Request<'_>, changes: &[Change]) -> Vec<(String, Vec<u8>)> {
    let touched = |name: &[u8]| {
        changes.iter().any(|change| match change {
            Change::Set(touched, _) | Change::Remove(touched) => touched.as_bytes() == name,
        })
    };
    let set = changes.iter().filter_map(|change| match change {
        Change::Set(name, value) => Some(((*name).to_owned(), value.clone().into_bytes())),
        Change::Remove(_) => None,
    });
    let left = request
        .headers()
        .pairs()
        .filter(|(name, _)| !touched(name))
        .filter_map(|(name, value)| {
            let name = std::str::from_utf8(name).ok()?;
            Some((name.to_owned(), value.to_vec()))
        });
    set.chain(left).collect()
}
