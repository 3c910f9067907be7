//! Networks that hold an address.
//!
//! Their count; the first address of each (`u128`), sorted, the smaller network after the larger; then
//! of each: prefix length, the smallest other network around it, policies. IPv4 stands in the mapped
//! range `::ffff:0:0/96`, as [`crate::cidr`] has it, so that one table serves both.
//!
//! Of the networks that hold an address, the last one in order that starts at or before it is one or
//! lies in one; the others are around it.

use std::net::IpAddr;

use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use crate::form::Words;

const KEY_WORDS: usize = 3;

/// "No network around it."
const OUTERMOST: u32 = u32::MAX;

/// A network: first address and prefix length, IPv4 mapped.
pub(super) type Network = (u128, u32);

/// The network of an address and a prefix length.
pub(super) fn network(address: IpAddr, prefix: u8) -> Network {
    let (bits, length) = match address {
        IpAddr::V4(address) => (
            address.to_ipv6_mapped().to_bits(),
            96 + u32::from(prefix.min(32)),
        ),
        IpAddr::V6(address) => (address.to_bits(), u32::from(prefix.min(128))),
    };
    (bits & mask(length), length)
}

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Cidrs<'a> {
    addresses: &'a [[u8; 16]],
    keys: Words<'a>,
}

impl<'a> Cidrs<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let count = reader.count()?;
        let table = Self {
            addresses: reader.entries(count)?,
            keys: reader.words(count.checked_mul(KEY_WORDS)?)?,
        };
        reader.end()?;
        let mut last = None;
        for key in 0..count {
            let network = table.network(key)?;
            let (address, length) = network;
            let around = match table.word(key, 1)? {
                OUTERMOST => None,
                link => Some(table.network(link as usize)?),
            };
            // A network around another is larger, so that a chain has at most 129 links.
            let inside = around.is_none_or(|outer| outer.1 < length && holds(outer, address));
            let masked = length <= 128 && address & mask(length) == address;
            let sorted = last.replace(network).is_none_or(|last| last < network);
            if !masked || !sorted || !inside || !postings.has(Post(table.word(key, 2)?)) {
                return None;
            }
        }
        Some(table)
    }

    /// Every network that holds the address.
    pub(in super::super) fn find(&self, address: IpAddr, found: &mut impl FnMut(Post)) {
        let (bits, _) = network(address, u8::MAX);
        let after = self
            .addresses
            .partition_point(|&first| u128::from_le_bytes(first) <= bits);
        let mut next = after.checked_sub(1);
        while let Some(key) = next {
            let (Some(network), Some(link), Some(post)) =
                (self.network(key), self.word(key, 1), self.word(key, 2))
            else {
                return;
            };
            if holds(network, bits) {
                found(Post(post));
            }
            next = (link != OUTERMOST).then_some(link as usize);
        }
    }

    fn network(&self, key: usize) -> Option<Network> {
        let address = self.addresses.get(key).copied().map(u128::from_le_bytes)?;
        Some((address, self.word(key, 0)?))
    }

    fn word(&self, key: usize, word: usize) -> Option<u32> {
        self.keys.get(key * KEY_WORDS + word)
    }
}

/// Writes networks, sorted and each once.
pub(super) fn write(keys: &[(Network, Post)], bytes: &mut Vec<u8>) {
    put(bytes, low(keys.len()));
    for ((address, _), _) in keys {
        bytes.extend_from_slice(&address.to_le_bytes());
    }
    // The networks around the last one, outermost first.
    let mut around: Vec<(Network, u32)> = Vec::new();
    for (number, &(network, post)) in keys.iter().enumerate() {
        while around
            .pop_if(|(outer, _)| !holds(*outer, network.0))
            .is_some()
        {}
        let link = around.last().map_or(OUTERMOST, |&(_, number)| number);
        for word in [network.1, link, post.0] {
            put(bytes, word);
        }
        around.push((network, low(number)));
    }
}

fn holds((first, length): Network, address: u128) -> bool {
    address & mask(length) == first
}

fn mask(length: u32) -> u128 {
    !u128::MAX.checked_shr(length).unwrap_or(0)
}
