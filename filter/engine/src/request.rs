//! One request as the rules see it, built once.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::address::parse_address;
use crate::authority::Authority;
use crate::connection::Connected;
use crate::headers::{Headers, Known, text};
use crate::limits::MAX_FORWARDED_HOPS;
use crate::path::{is_ambiguous, normalise_path, query, raw_path};
use crate::revision::Settings;
use crate::score::UpstreamScore;
use crate::{Revision, Timestamp};

/// A request: its headers, where it came from, its normal path.
#[derive(Debug)]
pub struct Request<'a> {
    headers: Headers<'a>,
    connection: Connected<'a>,
    now: Timestamp,
    method: &'a [u8],
    target: &'a [u8],
    path: Cow<'a, [u8]>,
    authority: Option<Authority>,
    peer: Option<(IpAddr, Option<u16>)>,
    client: Option<IpAddr>,
    from_trusted_hop: bool,
    scheme: Scheme,
    pub(crate) upstream_score: UpstreamScore,
}

/// How the client reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plaintext.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl<'a> Request<'a> {
    /// Reads a request. The trusted-hop rule and the score header are the revision's.
    #[must_use]
    #[inline(never)]
    pub fn new(
        revision: &Revision,
        headers: impl Into<Headers<'a>>,
        connection: impl Into<Connected<'a>>,
        now: Timestamp,
    ) -> Self {
        let settings = &revision.view().settings;
        let (headers, connection) = (headers.into(), connection.into());
        let target = headers.first(Known::Path).unwrap_or(b"/");
        let peer = connection
            .peer()
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .and_then(parse_address);
        let from_trusted_hop = peer.is_some_and(|(address, _)| settings.is_trusted_hop(address));
        let client = peer.map(|(address, _)| client_address(&headers, address, settings));
        Self {
            connection,
            now,
            method: headers.first(Known::Method).unwrap_or_default(),
            target,
            path: normalise_path(target),
            authority: headers
                .first(Known::Authority)
                .or_else(|| headers.first(Known::Host))
                .and_then(Authority::parse),
            peer,
            client,
            from_trusted_hop,
            scheme: scheme(&headers, from_trusted_hop),
            upstream_score: UpstreamScore::read(
                &headers,
                settings.score_header(),
                from_trusted_hop,
            ),
            headers,
        }
    }

    /// The method as sent.
    #[must_use]
    pub const fn method(&self) -> &'a [u8] {
        self.method
    }

    /// The request target as sent, query included.
    #[must_use]
    pub const fn target(&self) -> &'a [u8] {
        self.target
    }

    /// The path in normal form.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Was the path sent in its normal form?
    #[must_use]
    pub fn path_is_normal(&self) -> bool {
        raw_path(self.target) == self.path.as_ref()
    }

    /// Do servers disagree about where the path leads? See [`crate::normalise_path`].
    #[must_use]
    pub fn path_is_ambiguous(&self) -> bool {
        is_ambiguous(self.target)
    }

    /// The query without its `?`.
    #[must_use]
    pub fn query(&self) -> &'a [u8] {
        query(self.target)
    }

    /// The authority, unless what was sent is none.
    #[must_use]
    pub const fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// How the client reached us, by the trusted-hop rule.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host's clock when the request came.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The client's address by the trusted-hop rule.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// Did the peer's address lie within `Settings.trustedHops`?
    #[must_use]
    pub const fn from_trusted_hop(&self) -> bool {
        self.from_trusted_hop
    }

    pub(crate) const fn connection(&self) -> &Connected<'a> {
        &self.connection
    }

    /// The client's port: known only where the peer itself is the client.
    pub(crate) fn client_port(&self) -> Option<u16> {
        let (address, port) = self.peer?;
        port.filter(|_| self.client == Some(address))
    }

    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.all(name).next()
    }

    /// Every header of that (lower-case) name, in order.
    pub fn header_all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.headers.all(name)
    }

    pub(crate) const fn headers(&self) -> &Headers<'a> {
        &self.headers
    }

    /// Every header of that name as one value, joined by `,` as RFC 9110 section 5.3 has it, as text:
    /// bytes that are not UTF-8 become U+FFFD, so that one such byte does not hide the rest.
    pub(crate) fn header_text(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut values = self.header_all(name);
        let first = values.next()?;
        let Some(second) = values.next() else {
            return Some(text(first));
        };
        Some(Cow::Owned(joined(name, first, second, values)))
    }

    /// Names of the headers, pseudo headers included, as often as they were sent.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &'a str> {
        self.headers.names()
    }

    /// Names of the client's headers that start with `prefix`.
    pub fn header_names_with_prefix<'s>(
        &'s self,
        prefix: &'s str,
    ) -> impl Iterator<Item = &'a str> + use<'s, 'a> {
        self.headers.names_with_prefix(prefix)
    }

    /// Will a browser show the answer as a page? Fetch metadata says so (`Sec-Fetch-Mode: navigate`);
    /// where there is none, `Accept` that names `text/html`.
    #[must_use]
    pub fn is_navigation(&self) -> bool {
        match self.header("sec-fetch-mode") {
            Some(mode) => mode.eq_ignore_ascii_case(b"navigate"),
            None => self.header_all("accept").any(|accept| {
                accept
                    .windows(9)
                    .any(|part| part.eq_ignore_ascii_case(b"text/html"))
            }),
        }
    }

    /// A CORS preflight (Fetch standard section 3.2.3): carries no credentials, so it can never pass
    /// a challenge, and refusing it breaks the request behind it.
    pub(crate) fn is_preflight(&self) -> bool {
        self.method == b"OPTIONS"
            && self.header("origin").is_some()
            && self.header("access-control-request-method").is_some()
    }
}

/// Several headers of one name are seldom.
#[cold]
fn joined<'a>(
    name: &str,
    first: &[u8],
    second: &'a [u8],
    values: impl Iterator<Item = &'a [u8]>,
) -> String {
    let separator = if name == "cookie" { "; " } else { "," };
    let mut joined = text(first).into_owned();
    for value in std::iter::once(second).chain(values) {
        joined.push_str(separator);
        joined.push_str(&text(value));
    }
    joined
}

/// Walks `x-forwarded-for` from the right: as long as the address so far is a trusted hop, what it
/// says of its own peer is believed. What is no address ends the walk: the hop before it is the last
/// one that is known.
fn client_address(headers: &Headers<'_>, peer: IpAddr, settings: &Settings<'_>) -> IpAddr {
    let mut client = peer;
    if !settings.is_trusted_hop(client) {
        return client;
    }
    let entries = headers
        .every(Known::ForwardedFor)
        .rev()
        .flat_map(|value| value.rsplit(|&byte| byte == b','));
    for entry in entries.take(MAX_FORWARDED_HOPS) {
        let Some((address, _)) = std::str::from_utf8(entry).ok().and_then(parse_address) else {
            break;
        };
        client = address;
        if !settings.is_trusted_hop(client) {
            break;
        }
    }
    client
}

fn scheme(headers: &Headers<'_>, from_trusted_hop: bool) -> Scheme {
    let forwarded = from_trusted_hop
        .then(|| headers.first(Known::ForwardedProto))
        .flatten();
    match forwarded.or_else(|| headers.first(Known::Scheme)) {
        Some(value) if value.eq_ignore_ascii_case(b"https") => Scheme::Https,
        _ => Scheme::Http,
    }
}
