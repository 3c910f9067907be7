//! The extension `network`.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [reading(), addresses(), ranges()].concat()
}

fn ip(address: &str) -> E {
    call(Op::ToIp, [text(address)])
}

fn cidr(range: &str) -> E {
    call(Op::ToCidr, [text(range)])
}

fn reading() -> Vec<Row> {
    let is_ip = |from: &str| call(Op::IsIp, [text(from)]);
    let is_cidr = |from: &str| call(Op::IsCidr, [text(from)]);
    let canonical = |from: &str| call(Op::IpIsCanonical, [text(from)]);
    vec![
        (ip("192.168.0.1"), "ip(192.168.0.1)"),
        (ip("2001:DB8::68"), "ip(2001:db8::68)"),
        (ip("192.168.0.1.0"), "not an address: `192.168.0.1.0`"),
        (ip("fe80::1%en0"), "not an address: `fe80::1%en0`"),
        (
            ip("::ffff:192.168.0.1"),
            "not an address: `::ffff:192.168.0.1`",
        ),
        (call(Op::ToIp, [int(1)]), "no such overload of `ip`"),
        (
            call(Op::Eq, [ip("2001:db8::1"), ip("2001:DB8:0::1")]),
            "true",
        ),
        (call(Op::Eq, [ip("10.0.0.1"), text("10.0.0.1")]), "false"),
        (cidr("10.1.2.3/8"), "cidr(10.1.2.3/8)"),
        (cidr("::1/128"), "cidr(::1/128)"),
        (cidr("10.0.0.0/33"), "not an address: `10.0.0.0/33`"),
        (cidr("10.0.0.0/08"), "not an address: `10.0.0.0/08`"),
        (cidr("10.0.0.0/+8"), "not an address: `10.0.0.0/+8`"),
        (cidr("10.0.0.0"), "not an address: `10.0.0.0`"),
        (
            cidr("::ffff:10.0.0.0/104"),
            "not an address: `::ffff:10.0.0.0/104`",
        ),
        (call(Op::ToCidr, [null()]), "no such overload of `cidr`"),
        (
            call(Op::Eq, [cidr("10.0.0.0/8"), cidr("10.0.0.0/8")]),
            "true",
        ),
        (
            call(Op::Eq, [cidr("10.0.0.0/8"), cidr("10.0.0.1/8")]),
            "false",
        ),
        (is_ip("127.0.0.1"), "true"),
        (is_ip("127.0.0.256"), "false"),
        (is_ip("127.0.0.01"), "false"),
        (is_ip("10.0.0.0/8"), "false"),
        (call(Op::IsIp, [int(1)]), "no such overload of `isIP`"),
        (is_cidr("10.0.0.0/8"), "true"),
        (is_cidr("10.0.0.0/999"), "false"),
        (canonical("2001:db8::abcd"), "true"),
        (canonical("2001:DB8::ABCD"), "false"),
        (canonical("2001:db8::0:0:0:abcd"), "false"),
        (canonical("127.0.0.1.0"), "not an address: `127.0.0.1.0`"),
    ]
}

fn addresses() -> Vec<Row> {
    let global = |from: &str| call(Op::IpIsGlobalUnicast, [ip(from)]);
    let multicast = |from: &str| call(Op::IpIsLinkLocalMulticast, [ip(from)]);
    let unicast = |from: &str| call(Op::IpIsLinkLocalUnicast, [ip(from)]);
    let loopback = |from: &str| call(Op::IpIsLoopback, [ip(from)]);
    vec![
        (call(Op::IpFamily, [ip("127.0.0.1")]), "4"),
        (call(Op::IpFamily, [ip("::1")]), "6"),
        (
            call(Op::IpFamily, [text("::1")]),
            "no such overload of `family`",
        ),
        (call(Op::IpIsUnspecified, [ip("0.0.0.0")]), "true"),
        (call(Op::IpIsUnspecified, [ip("::")]), "true"),
        (call(Op::IpIsUnspecified, [ip("::1")]), "false"),
        (loopback("127.255.0.1"), "true"),
        (loopback("::1"), "true"),
        (loopback("1.2.3.4"), "false"),
        (global("8.8.8.8"), "true"),
        (global("10.0.0.1"), "true"),
        (global("2001:db8::1"), "true"),
        (global("255.255.255.255"), "false"),
        (global("0.0.0.0"), "false"),
        (global("127.0.0.1"), "false"),
        (global("224.0.0.1"), "false"),
        (global("ff02::1"), "false"),
        (global("169.254.1.1"), "false"),
        (global("fe80::1"), "false"),
        (multicast("224.0.0.251"), "true"),
        (multicast("224.0.1.1"), "false"),
        (multicast("ff02::1"), "true"),
        (multicast("ff12::1"), "true"),
        (multicast("ff05::1"), "false"),
        (unicast("169.254.1.1"), "true"),
        (unicast("fe80::1"), "true"),
        (unicast("fec0::1"), "false"),
    ]
}

fn ranges() -> Vec<Row> {
    let holds = |range: &str, other: E| call(Op::CidrContainsIp, [cidr(range), other]);
    let covers = |range: &str, other: E| call(Op::CidrContainsCidr, [cidr(range), other]);
    vec![
        (holds("192.168.0.0/24", ip("192.168.0.255")), "true"),
        (holds("192.168.0.0/24", text("192.168.1.0")), "false"),
        (holds("192.168.0.7/0", text("10.0.0.1")), "true"),
        (holds("0.0.0.0/0", text("2001:db8::1")), "false"),
        (holds("2001:db8::/32", ip("2001:db8::1")), "true"),
        (
            holds("10.0.0.0/8", text("nobody")),
            "not an address: `nobody`",
        ),
        (
            holds("10.0.0.0/8", cidr("10.0.0.0/8")),
            "no such overload of `containsIP`",
        ),
        (covers("10.0.0.0/8", cidr("10.1.0.0/16")), "true"),
        (covers("10.0.0.0/8", cidr("10.0.0.0/8")), "true"),
        (covers("10.0.0.0/8", text("10.0.0.0/7")), "false"),
        (covers("10.0.0.0/8", text("11.0.0.0/16")), "false"),
        (
            covers("10.0.0.0/8", text("11.0.0.0")),
            "not an address: `11.0.0.0`",
        ),
        (covers("::/0", text("10.0.0.0/8")), "false"),
        (call(Op::CidrPrefixLength, [cidr("10.0.0.0/8")]), "8"),
        (
            call(Op::CidrPrefixLength, [ip("10.0.0.0")]),
            "no such overload of `prefixLength`",
        ),
        (
            call(Op::CidrMasked, [cidr("10.1.2.3/8")]),
            "cidr(10.0.0.0/8)",
        ),
        (
            call(Op::CidrMasked, [cidr("2001:db8:ffff::1/33")]),
            "cidr(2001:db8:8000::/33)",
        ),
        (
            call(Op::CidrMasked, [cidr("10.1.2.3/0")]),
            "cidr(0.0.0.0/0)",
        ),
        (call(Op::CidrMasked, [cidr("::1/128")]), "cidr(::1/128)"),
        (call(Op::CidrIp, [cidr("10.1.2.3/8")]), "ip(10.1.2.3)"),
    ]
}
