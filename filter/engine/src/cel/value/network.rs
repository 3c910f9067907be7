//! Addresses with a prefix length.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

/// An address and the length of its prefix; bits past the prefix are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// `None` for a prefix longer than the address.
    #[must_use]
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let longest = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        if prefix > longest {
            return None;
        }
        Some(Self { address, prefix })
    }

    /// The address as it was written.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// With the bits past the prefix cleared.
    #[must_use]
    pub fn masked(self) -> Self {
        let length = u32::from(self.prefix);
        let address = match self.address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(length).unwrap_or(0);
                IpAddr::V4((address.to_bits() & !host).into())
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(length).unwrap_or(0);
                IpAddr::V6((address.to_bits() & !host).into())
            }
        };
        Self { address, ..self }
    }

    /// Is the address, of the same family, inside?
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.prefix)
            .filter(|_| address.is_ipv4() == self.address.is_ipv4())
            .is_some_and(|other| other.masked() == self.masked())
    }

    /// Is everything inside `other` inside this one?
    #[must_use]
    pub fn contains_cidr(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }
}

impl Display for Cidr {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}
