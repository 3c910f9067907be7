//! The requests: what browsers send behind a load balancer, nine of ten of them about nothing that a
//! policy is about, one of ten matching exactly one policy.

use std::net::Ipv4Addr;

use crate::policies::{ASN_HEADER, FIRST_ASN, Rule, SECTIONS, TEN, TENANT_HEADER, ToldBy, mixed};
use crate::seed::Seed;
use crate::session;

/// Different requests; they are sent in turn.
pub(crate) const VARIANTS: usize = 200;
/// One of so many matches a policy.
const MATCHES_EVERY: usize = 10;
/// People with a session of their own.
const PEOPLE: usize = 25;

/// Do the requests carry a valid session?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Session {
    Absent,
    Valid,
}

/// One request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// HTTP/1.1, without a body.
    pub(crate) bytes: Vec<u8>,
    /// The address that it must come from.
    pub(crate) source: Ipv4Addr,
    /// Is it about something that a policy is about?
    pub(crate) matches: bool,
    /// Would a browser show the answer as a page?
    pub(crate) navigation: bool,
}

/// What is special about a request that matches.
struct Special {
    path: String,
    tenant: String,
    asn: i64,
    source: Ipv4Addr,
}

/// All variants, in the order in which they are sent.
pub(crate) fn requests(session: Session, now: u64) -> Vec<Request> {
    let mut seed = Seed::new(0x5eed);
    let targets = by_kind(mixed(TEN));
    let mut matched = 0;
    (0..VARIANTS)
        .map(|index| {
            let mut special = ordinary(index, &mut seed);
            let matches = index % MATCHES_EVERY == MATCHES_EVERY / 2;
            if matches {
                // The kinds in turn, and of each kind the policies in turn.
                let kind = targets.get(matched % targets.len().max(1));
                let turn = matched / targets.len().max(1);
                let rule = kind.and_then(|rules| rules.get(turn % rules.len().max(1)));
                if let Some(rule) = rule {
                    aim(&mut special, &rule.told_by, index);
                }
                matched += 1;
            }
            let navigation = seed.below(5) < 2;
            let token = match session {
                Session::Absent => None,
                Session::Valid => Some(session::token(index % PEOPLE, now)),
            };
            Request {
                bytes: render(&special, navigation, index, token.as_deref()),
                source: special.source,
                matches,
                navigation,
            }
        })
        .collect()
}

/// Policies told by endpoint, by header, by address, by number.
fn by_kind(rules: Vec<Rule>) -> [Vec<Rule>; 4] {
    let mut kinds: [Vec<Rule>; 4] = Default::default();
    let [endpoints, headers, addresses, numbers] = &mut kinds;
    for rule in rules {
        match &rule.told_by {
            ToldBy::Prefix(_) | ToldBy::Exact(_) | ToldBy::Glob(_) | ToldBy::Regex(_) => {
                endpoints.push(rule);
            }
            ToldBy::Tenant(_) => headers.push(rule),
            ToldBy::Address(_) | ToldBy::Networks(_) => addresses.push(rule),
            // All other comparisons are with higher numbers: exactly this one holds.
            ToldBy::AsnFrom(_) => numbers.push(rule),
            ToldBy::Unindexed(_) => {}
        }
    }
    kinds
}

/// A request that no policy is about. A third of the paths begin as policies' paths do.
fn ordinary(index: usize, seed: &mut Seed) -> Special {
    let section = seed.pick(&SECTIONS).copied().unwrap_or_default();
    let number = seed.below(90_000) + 10_000;
    let path = match index % 6 {
        0 => format!("/products/blue-shirt-{number}?ref=home"),
        1 => format!("/assets/app.{number:x}.js"),
        2 => format!("/api/catalog/items?page={}&sort=price", seed.below(50)),
        3 => "/".to_owned(),
        4 => format!("/{section}/{number}/overview"),
        _ => format!("/{section}/history/{number}/2026/edit"),
    };
    Special {
        path,
        tenant: format!("tenant-none-{}", seed.below(500)),
        asn: i64::try_from(seed.below(60_000)).unwrap_or(0) + 1_000,
        source: Ipv4Addr::LOCALHOST,
    }
}

/// Makes a request match this policy and no other.
fn aim(special: &mut Special, told_by: &ToldBy, index: usize) {
    match told_by {
        ToldBy::Prefix(prefix) => special.path = format!("{prefix}step/{index}"),
        ToldBy::Exact(path) => special.path = format!("{path}?from=basket"),
        ToldBy::Glob(glob) => special.path = glob.replace('*', &format!("v{index}")),
        // Ours are all of the form `^/section/rID/[0-9]+(/details)?$`.
        ToldBy::Regex(regex) => {
            let fixed = regex.trim_start_matches('^').split('[').next();
            special.path = format!("{}{index}", fixed.unwrap_or_default());
        }
        ToldBy::Tenant(tenant) => special.tenant.clone_from(tenant),
        ToldBy::Address(address) => special.source = *address,
        ToldBy::Networks(networks) => {
            if let Some(&network) = networks.first() {
                special.source = Ipv4Addr::from(u32::from(network).saturating_add(5));
            }
        }
        ToldBy::AsnFrom(_) => special.asn = FIRST_ASN,
        ToldBy::Unindexed(_) => {}
    }
}

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0",
];

fn render(special: &Special, navigation: bool, index: usize, token: Option<&str>) -> Vec<u8> {
    let agent = AGENTS
        .get(index % AGENTS.len())
        .copied()
        .unwrap_or_default();
    let (accept, mode, dest) = if navigation {
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "navigate",
            "document",
        )
    } else {
        ("application/json, text/plain, */*", "cors", "empty")
    };
    let session = token.map_or_else(String::new, |token| {
        format!("; {}={token}", session::COOKIE)
    });
    format!(
        "GET {} HTTP/1.1\r\n\
         host: {}\r\n\
         user-agent: {agent}\r\n\
         accept: {accept}\r\n\
         accept-language: en-GB,en;q=0.9,de;q=0.7\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\n\
         referer: https://{}/\r\n\
         sec-fetch-site: same-origin\r\n\
         sec-fetch-mode: {mode}\r\n\
         sec-fetch-dest: {dest}\r\n\
         cookie: theme=dark; basket=8f1c2d{index:04}{session}\r\n\
         x-forwarded-proto: https\r\n\
         {TENANT_HEADER}: {}\r\n\
         {ASN_HEADER}: {}\r\n\r\n",
        special.path,
        session::HOST,
        session::HOST,
        special.tenant,
        special.asn,
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_matches_and_every_policy_of_the_ten_is_matched() {
        let requests = requests(Session::Absent, 0);
        assert_eq!(requests.len(), VARIANTS);
        let matching = || requests.iter().filter(|request| request.matches);
        assert_eq!(matching().count(), VARIANTS / MATCHES_EVERY);
        let sent: String = matching()
            .map(|request| String::from_utf8(request.bytes.clone()).unwrap())
            .collect();
        for rule in mixed(TEN) {
            match rule.told_by {
                ToldBy::Prefix(prefix) => assert!(sent.contains(&prefix)),
                ToldBy::Exact(path) => assert!(sent.contains(&path)),
                ToldBy::Glob(glob) => assert!(sent.contains(glob.split('*').next().unwrap())),
                ToldBy::Regex(regex) => {
                    let fixed = regex.trim_start_matches('^').split('[').next().unwrap();
                    assert!(sent.contains(fixed));
                }
                ToldBy::Tenant(tenant) => assert!(sent.contains(&tenant)),
                ToldBy::Address(address) => {
                    assert!(matching().any(|request| request.source == address));
                }
                ToldBy::Networks(_) => {
                    assert!(matching().any(|request| request.source.octets()[1] == 96));
                }
                ToldBy::AsnFrom(_) => assert!(sent.contains("x-geo-asn: 4200000000")),
                ToldBy::Unindexed(_) => {}
            }
        }
    }

    #[test]
    fn what_does_not_match_comes_from_here_and_names_no_tenant_of_a_policy() {
        for request in requests(Session::Valid, 0) {
            if !request.matches {
                let text = String::from_utf8(request.bytes).unwrap();
                assert!(text.contains("x-tenant: tenant-none-"));
                assert_eq!(request.source, Ipv4Addr::LOCALHOST);
            }
        }
    }

    #[test]
    fn the_same_requests_come_out_every_time_and_sessions_are_the_only_difference() {
        assert_eq!(requests(Session::Absent, 1), requests(Session::Absent, 2));
        let with = requests(Session::Valid, 1);
        assert!(
            with.iter()
                .zip(requests(Session::Absent, 1))
                .all(|(with, without)| {
                    let with_text = String::from_utf8(with.bytes.clone()).unwrap();
                    let cut = with_text.find("; __Host-countersign=").unwrap();
                    let end = cut + with_text[cut..].find("\r\n").unwrap();
                    let mut text = with_text.clone();
                    text.replace_range(cut..end, "");
                    text.into_bytes() == without.bytes
                })
        );
    }
}
