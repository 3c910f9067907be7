//! The extension for addresses, as Kubernetes defines it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::value::{Outcome, Stop, Value};

/// An address as text: no zone, and no IPv4 address inside IPv6.
pub(super) fn ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    match ip {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => None,
        ip => Some(ip),
    }
}

/// `address/length`
pub(super) fn cidr(text: &str) -> Option<Value> {
    let (address, length) = text.split_once('/')?;
    let plain = length.bytes().all(|byte| byte.is_ascii_digit())
        && (length == "0" || !length.starts_with('0'));
    let address = ip(address)?;
    let length: u8 = length.parse().ok().filter(|_| plain)?;
    (length <= bits(address).1).then_some(Value::Cidr(address, length))
}

pub(super) fn cidr_text(address: IpAddr, length: u8) -> String {
    format!("{address}/{length}")
}

/// The bits of an address from the highest, and how many there are.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

fn bit(address: u128, position: u8) -> bool {
    address >> (127 - position) & 1 == 1
}

/// Do the first bits of both agree, and are both of one family?
pub(super) fn contains((net, length): (IpAddr, u8), address: IpAddr) -> bool {
    let ((net, net_bits), (address, address_bits)) = (bits(net), bits(address));
    net_bits == address_bits
        && (0..length).all(|position| bit(net, position) == bit(address, position))
}

pub(super) fn of_ip(name: &str, address: IpAddr) -> Outcome {
    let holds = match (name, address) {
        ("family", IpAddr::V4(_)) => return Ok(Value::Int(4)),
        ("family", IpAddr::V6(_)) => return Ok(Value::Int(6)),
        ("isUnspecified", _) => is_unspecified(address),
        ("isLoopback", _) => is_loopback(address),
        ("isLinkLocalMulticast", IpAddr::V4(address)) => address.octets().starts_with(&[224, 0, 0]),
        ("isLinkLocalMulticast", IpAddr::V6(address)) => address.segments()[0] & 0xff0f == 0xff02,
        ("isLinkLocalUnicast", _) => is_link_local(address),
        // Everything but what has a meaning of its own; private addresses are among it.
        ("isGlobalUnicast", _) => {
            let multicast = match address {
                IpAddr::V4(address) => address.octets()[0] >> 4 == 0xe,
                IpAddr::V6(address) => address.octets()[0] == 0xff,
            };
            !multicast
                && address != IpAddr::V4(Ipv4Addr::new(255, 255, 255, 255))
                && !is_unspecified(address)
                && !is_loopback(address)
                && !is_link_local(address)
        }
        _ => return Err(Stop::TYPE),
    };
    Ok(Value::Bool(holds))
}

fn is_unspecified(address: IpAddr) -> bool {
    bits(address).0 == 0
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 127,
        IpAddr::V6(address) => u128::from(address) == 1,
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets().starts_with(&[169, 254]),
        IpAddr::V6(address) => address.segments()[0] >> 6 == 0xfe80 >> 6,
    }
}

pub(super) fn of_cidr(name: &str, net: (IpAddr, u8), args: &[Value]) -> Outcome {
    let inner = |text: &str| match cidr(text) {
        Some(Value::Cidr(address, length)) => Ok((address, length)),
        _ => Err(Stop::VALUE),
    };
    match (name, args) {
        ("prefixLength", []) => Ok(Value::Int(net.1.into())),
        ("ip", []) => Ok(Value::Ip(net.0)),
        ("masked", []) => Ok(masked(net)),
        ("containsIP", [Value::Ip(address)]) => Ok(Value::Bool(contains(net, *address))),
        ("containsIP", [Value::String(text)]) => {
            let address = ip(text).ok_or(Stop::VALUE)?;
            Ok(Value::Bool(contains(net, address)))
        }
        ("containsCIDR", [Value::Cidr(address, length)]) => {
            Ok(Value::Bool(net.1 <= *length && contains(net, *address)))
        }
        ("containsCIDR", [Value::String(text)]) => {
            let (address, length) = inner(text)?;
            Ok(Value::Bool(net.1 <= length && contains(net, address)))
        }
        _ => Err(Stop::TYPE),
    }
}

/// Every bit past the prefix becomes zero.
fn masked((address, length): (IpAddr, u8)) -> Value {
    let (bits, count) = bits(address);
    let kept = (0..length).filter(|&position| bit(bits, position));
    let bits = kept.fold(0_u128, |kept, position| kept | 1 << (127 - position));
    let address = if count == 32 {
        IpAddr::V4(Ipv4Addr::from((bits >> 96) as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from(bits))
    };
    Value::Cidr(address, length)
}
