//! The extension `network`: addresses and ranges of them.

use std::net::{IpAddr, Ipv4Addr};

use crate::cel::{Cidr, EvalError, Excerpt, Op, Value};

#[inline(never)]
pub(super) fn call<'a>(op: Op, values: &[Value<'a>]) -> Result<Value<'a>, EvalError> {
    use Value::{Bool, Int, Ip, String};
    match (op, values) {
        (Op::ToIp, [String(text)]) => ip(text).map(Ip),
        (Op::ToCidr, [String(text)]) => cidr(text).map(Value::Cidr),
        (Op::IsIp, [String(text)]) => Ok(Bool(ip(text).is_ok())),
        (Op::IsCidr, [String(text)]) => Ok(Bool(cidr(text).is_ok())),
        (Op::IpIsCanonical, [String(text)]) => {
            let address = ip(text)?;
            Ok(Bool(address.to_string() == **text))
        }
        (Op::IpFamily, [Ip(address)]) => Ok(Int(if address.is_ipv4() { 4 } else { 6 })),
        (Op::IpIsUnspecified, [Ip(address)]) => Ok(Bool(address.is_unspecified())),
        (Op::IpIsLoopback, [Ip(address)]) => Ok(Bool(address.is_loopback())),
        (Op::IpIsGlobalUnicast, [Ip(address)]) => Ok(Bool(is_global_unicast(*address))),
        (Op::IpIsLinkLocalMulticast, [Ip(address)]) => Ok(Bool(is_link_local_multicast(*address))),
        (Op::IpIsLinkLocalUnicast, [Ip(address)]) => Ok(Bool(is_link_local_unicast(*address))),
        (Op::CidrContainsIp, [Value::Cidr(range), Ip(address)]) => {
            Ok(Bool(range.contains(*address)))
        }
        (Op::CidrContainsIp, [Value::Cidr(range), String(text)]) => {
            Ok(Bool(range.contains(ip(text)?)))
        }
        (Op::CidrContainsCidr, [Value::Cidr(range), Value::Cidr(other)]) => {
            Ok(Bool(range.contains_cidr(*other)))
        }
        (Op::CidrContainsCidr, [Value::Cidr(range), String(text)]) => {
            Ok(Bool(range.contains_cidr(cidr(text)?)))
        }
        (Op::CidrPrefixLength, [Value::Cidr(range)]) => Ok(Int(range.prefix().into())),
        (Op::CidrMasked, [Value::Cidr(range)]) => Ok(Value::Cidr(range.masked())),
        (Op::CidrIp, [Value::Cidr(range)]) => Ok(Ip(range.address())),
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

/// An address. IPv4 inside IPv6 (`::ffff:192.0.2.1`) and zones (`fe80::1%eth0`) are refused: two texts
/// would be the same address, or one text different ones.
fn ip(text: &str) -> Result<IpAddr, EvalError> {
    let address: Option<IpAddr> = text.parse().ok();
    address
        .filter(|address| address.to_canonical() == *address)
        .ok_or_else(|| EvalError::NotAnAddress(Excerpt::of(text)))
}

fn cidr(text: &str) -> Result<Cidr, EvalError> {
    let parsed = text.split_once('/').and_then(|(address, prefix)| {
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let shortest = prefix == "0" || !prefix.starts_with('0');
        let prefix = prefix.parse().ok().filter(|_| digits && shortest)?;
        Cidr::new(ip(address).ok()?, prefix)
    });
    parsed.ok_or_else(|| EvalError::NotAnAddress(Excerpt::of(text)))
}

/// An address of one host that is not bound to a link or to the host itself; private ones are.
fn is_global_unicast(address: IpAddr) -> bool {
    address != IpAddr::V4(Ipv4Addr::BROADCAST)
        && !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !is_link_local_unicast(address)
}

/// `224.0.0.0/24` (RFC 5771 section 4) and `ff02::/16` with any flags (RFC 4291 section 2.7).
fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [224, 0, 0, _]),
        IpAddr::V6(address) => {
            let [first, ..] = address.segments();
            first & 0xff0f == 0xff02
        }
    }
}

/// `169.254.0.0/16` (RFC 3927) and `fe80::/10` (RFC 4291 section 2.5.6).
fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
