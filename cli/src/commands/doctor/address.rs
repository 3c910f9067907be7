//! Who can reach an address?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where it can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// This machine alone.
    Machine,
    /// A network of one's own.
    Network,
    /// Everybody.
    Public,
}

pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => v4(inner),
            None => v6(address),
        },
    }
}

fn v4(address: Ipv4Addr) -> Reach {
    let [first, second, ..] = address.octets();
    // 100.64.0.0/10 is shared by the customers of one provider.
    let shared = first == 100 && (64..128).contains(&second);
    if address.is_loopback() {
        Reach::Machine
    } else if address.is_private() || address.is_link_local() || shared {
        Reach::Network
    } else {
        Reach::Public
    }
}

fn v6(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        Reach::Machine
    } else if address.is_unique_local() || address.is_unicast_link_local() {
        Reach::Network
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_machine_of_a_network_or_public() {
        for (address, expected) in [
            ("127.0.0.1", Reach::Machine),
            ("127.9.9.9", Reach::Machine),
            ("::1", Reach::Machine),
            ("::ffff:127.0.0.1", Reach::Machine),
            ("10.1.2.3", Reach::Network),
            ("172.16.0.1", Reach::Network),
            ("192.168.0.1", Reach::Network),
            ("169.254.0.1", Reach::Network),
            ("100.64.0.1", Reach::Network),
            ("fd00::1", Reach::Network),
            ("fe80::1", Reach::Network),
            ("100.128.0.1", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("198.51.100.7", Reach::Public),
            ("2001:db8::1", Reach::Public),
            ("::ffff:198.51.100.7", Reach::Public),
            // Every address of the machine, the public ones among them.
            ("0.0.0.0", Reach::Public),
            ("::", Reach::Public),
        ] {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }
}
