//! Networks that hold an address: those of IPv4 and the others, each in words:
//!
//! | what | words |
//! |---|---|
//! | count | 1 |
//! | first address of each, sorted, the smaller network after the larger | 1 of IPv4, 4 of the others |
//! | of each: prefix length in the low 8 bits, above them the smallest other network around it | 1 |
//! | of each: its policies | 1 |
//!
//! A network of IPv4 is one within `::ffff:0:0/96` ([`crate::cidr`]); those that only reach into that
//! range stand among the others, and an IPv4 address is looked up in both.
//!
//! Of the networks that hold an address, the last one in order that starts at or before it is one or
//! lies in one; the others are around it.

use std::net::IpAddr;

use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use crate::form::Words;

/// Bits of a word that hold a prefix length.
const LENGTH_BITS: u32 = 8;

/// "No network around it": more than a blob has room for.
const OUTERMOST: u32 = u32::MAX >> LENGTH_BITS;

/// Bits of the prefix that all of IPv4 shares.
const MAPPED_LENGTH: u32 = 96;

/// `::ffff:0:0`
const MAPPED: u128 = 0xffff << 32;

/// A network: first address and prefix length, IPv4 mapped.
pub(super) type Network = (u128, u32);

/// The network of an address and a prefix length.
pub(super) fn network(address: IpAddr, prefix: u8) -> Network {
    let (bits, length) = match address {
        IpAddr::V4(address) => (
            address.to_ipv6_mapped().to_bits(),
            MAPPED_LENGTH + u32::from(prefix.min(32)),
        ),
        IpAddr::V6(address) => (address.to_bits(), u32::from(prefix.min(128))),
    };
    (bits & mask(length), length)
}

fn is_v4(&(address, length): &Network) -> bool {
    length >= MAPPED_LENGTH && holds((MAPPED, MAPPED_LENGTH), address)
}

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Cidrs<'a> {
    v4: Part<'a, 4>,
    others: Part<'a, 16>,
}

impl<'a> Cidrs<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let table = Self {
            v4: Part::read(&mut reader, postings)?,
            others: Part::read(&mut reader, postings)?,
        };
        reader.end()?;
        Some(table)
    }

    /// Every network that holds the address.
    pub(in super::super) fn find(&self, address: IpAddr, found: &mut impl FnMut(Post)) {
        let address = network(address, u8::MAX);
        if is_v4(&address) {
            self.v4.find(address.0, found);
        }
        self.others.find(address.0, found);
    }
}

/// Networks whose addresses take `N` bytes.
#[derive(Clone, Copy, Debug)]
struct Part<'a, const N: usize> {
    addresses: &'a [[u8; N]],
    places: Words<'a>,
    posts: Words<'a>,
}

impl<'a, const N: usize> Part<'a, N> {
    fn read(reader: &mut Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let count = reader.count()?;
        let part = Self {
            addresses: reader.entries(count)?,
            places: reader.words(count)?,
            posts: reader.words(count)?,
        };
        let mut last = None;
        for key in 0..count {
            let network = part.network(key)?;
            let (address, length) = network;
            let around = match part.around(key)? {
                OUTERMOST => None,
                outer => Some(part.network(outer as usize)?),
            };
            // A network around another is larger, so that a chain has at most 129 links.
            let inside = around.is_none_or(|outer| outer.1 < length && holds(outer, address));
            let masked = length <= 128 && address & mask(length) == address;
            let sorted = last.replace(network).is_none_or(|last| last < network);
            let here = is_v4(&network) == (N == 4);
            if !(here && masked && sorted && inside && postings.has(Post(part.posts.get(key)?))) {
                return None;
            }
        }
        Some(part)
    }

    fn find(&self, address: u128, found: &mut impl FnMut(Post)) {
        let after = self
            .addresses
            .partition_point(|first| widened(first) <= address);
        let mut next = after.checked_sub(1);
        while let Some(key) = next {
            let (Some(network), Some(around), Some(post)) =
                (self.network(key), self.around(key), self.posts.get(key))
            else {
                return;
            };
            if holds(network, address) {
                found(Post(post));
            }
            next = (around != OUTERMOST).then_some(around as usize);
        }
    }

    fn network(&self, key: usize) -> Option<Network> {
        let length = self.places.get(key)? & !(u32::MAX << LENGTH_BITS);
        Some((widened(self.addresses.get(key)?), length))
    }

    fn around(&self, key: usize) -> Option<u32> {
        self.places.get(key).map(|place| place >> LENGTH_BITS)
    }
}

/// The address that the bytes of a table are.
fn widened<const N: usize>(bytes: &[u8; N]) -> u128 {
    let known = if N == 4 { MAPPED } else { 0 };
    let high = bytes.iter().rev();
    known | high.fold(0, |address, &byte| address << 8 | u128::from(byte))
}

/// Writes networks, sorted and each once.
pub(super) fn write(keys: &[(Network, Post)], bytes: &mut Vec<u8>) {
    let (v4, others): (Vec<_>, Vec<_>) = keys.iter().partition(|(network, _)| is_v4(network));
    write_part::<4>(&v4, bytes);
    write_part::<16>(&others, bytes);
}

fn write_part<const N: usize>(keys: &[(Network, Post)], bytes: &mut Vec<u8>) {
    put(bytes, low(keys.len()));
    for ((address, _), _) in keys {
        bytes.extend(address.to_le_bytes().into_iter().take(N));
    }
    // The networks around the last one, outermost first.
    let mut around: Vec<(Network, u32)> = Vec::new();
    for (number, &((address, length), _)) in keys.iter().enumerate() {
        while around
            .pop_if(|(outer, _)| !holds(*outer, address))
            .is_some()
        {}
        let outer = around.last().map_or(OUTERMOST, |&(_, number)| number);
        put(bytes, outer << LENGTH_BITS | length);
        around.push(((address, length), low(number)));
    }
    for (_, post) in keys {
        put(bytes, post.0);
    }
}

fn holds((first, length): Network, address: u128) -> bool {
    address & mask(length) == first
}

fn mask(length: u32) -> u128 {
    !u128::MAX.checked_shr(length).unwrap_or(0)
}
