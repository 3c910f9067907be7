//! Whose request it is.

use std::net::IpAddr;

use countersign_engine::{Request, parse_address};
use serde::Serialize;

/// Whose request it is, and how that was found.
#[derive(Debug, Serialize)]
pub struct Client {
    /// None where the peer's address is not known.
    pub address: Option<String>,
    /// The other end of the connection.
    pub peer: String,
    /// Is the peer one of `Settings.trustedHops`?
    pub trusted_hop: bool,
    /// How the address was found.
    pub found: String,
}

impl Client {
    pub(super) fn of(request: &Request<'_>, peer: &[u8]) -> Self {
        let peer = String::from_utf8_lossy(peer).into_owned();
        let known = parse_address(&peer).map(|(address, _)| address);
        let client = request.client();
        let forwarded: Vec<&[u8]> = request.header_all("x-forwarded-for").collect();
        let found = match (known, client) {
            (None, _) | (_, None) => "the peer has no address".to_owned(),
            (Some(_), _) if !request.from_trusted_hop() && forwarded.is_empty() => {
                "the peer of the connection".to_owned()
            }
            (Some(_), _) if !request.from_trusted_hop() => {
                "the peer of the connection; it is no trusted hop, so its `x-forwarded-for` is not believed".to_owned()
            }
            (Some(peer), Some(client)) => by_hops(peer, client, &forwarded),
        };
        Self {
            address: client.map(|client| client.to_string()),
            peer,
            trusted_hop: request.from_trusted_hop(),
            found,
        }
    }
}

/// How the walk along `x-forwarded-for` went, from its right end.
fn by_hops(peer: IpAddr, client: IpAddr, forwarded: &[&[u8]]) -> String {
    let entries = forwarded
        .iter()
        .rev()
        .flat_map(|value| value.rsplit(|&byte| byte == b','));
    let addresses = entries.map_while(|entry| {
        let text = std::str::from_utf8(entry).ok()?;
        parse_address(text).map(|(address, _)| address)
    });
    let mut hops = vec![peer.to_string()];
    let mut found = false;
    for address in addresses {
        if address == client {
            found = true;
            break;
        }
        hops.push(address.to_string());
    }
    if !found {
        return "the peer of the connection, a trusted hop that names nobody".to_owned();
    }
    let (word, names) = (
        if hops.len() == 1 { "hop" } else { "hops" },
        hops.join(", "),
    );
    format!("from `x-forwarded-for`, by the word of the trusted {word} {names}")
}
