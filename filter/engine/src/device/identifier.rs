//! What a device rule can go by.

/// What identifies a device, a browser or where they are. The strongest comes first: that is the
/// order in which rules are looked up, and the first one found decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Identifier {
    /// One device, over all its browsers.
    VisitorId,
    /// One browser on one device.
    BrowserId,
    /// All fingerprints together.
    VisitorFingerprint,
    /// What the browser is.
    BrowserFingerprint,
    /// What the machine is.
    HardwareFingerprint,
    /// How its connections look.
    NetworkFingerprint,
    /// The client's address lies in a range.
    CidrBlock,
    /// The autonomous system that the address belongs to.
    Asn,
    /// The country, ISO 3166-1 alpha-2.
    CountryCode,
}

impl Identifier {
    /// Every identifier in the order of precedence.
    pub const ALL: [Self; 9] = [
        Self::VisitorId,
        Self::BrowserId,
        Self::VisitorFingerprint,
        Self::BrowserFingerprint,
        Self::HardwareFingerprint,
        Self::NetworkFingerprint,
        Self::CidrBlock,
        Self::Asn,
        Self::CountryCode,
    ];

    /// The word in resources, events and explanations.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::VisitorId => "visitor_id",
            Self::BrowserId => "browser_id",
            Self::VisitorFingerprint => "visitor_fingerprint",
            Self::BrowserFingerprint => "browser_fingerprint",
            Self::HardwareFingerprint => "hardware_fingerprint",
            Self::NetworkFingerprint => "network_fingerprint",
            Self::CidrBlock => "cidr_block",
            Self::Asn => "asn",
            Self::CountryCode => "country_code",
        }
    }

    /// The identifier that `word` names, if it names one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|identifier| identifier.word() == word)
    }

    /// Its bit in a set of identifiers.
    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What one rule goes by, with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject<'s> {
    /// See [`Identifier::VisitorId`].
    VisitorId(&'s str),
    /// See [`Identifier::BrowserId`].
    BrowserId(&'s str),
    /// See [`Identifier::VisitorFingerprint`].
    VisitorFingerprint(&'s str),
    /// See [`Identifier::BrowserFingerprint`].
    BrowserFingerprint(&'s str),
    /// See [`Identifier::HardwareFingerprint`].
    HardwareFingerprint(&'s str),
    /// See [`Identifier::NetworkFingerprint`].
    NetworkFingerprint(&'s str),
    /// An address and the length of the prefix; bits past it are ignored.
    CidrBlock(std::net::IpAddr, u8),
    /// See [`Identifier::Asn`].
    Asn(u32),
    /// Two letters, in any case.
    CountryCode([u8; 2]),
}

impl Subject<'_> {
    /// What the rule goes by.
    #[must_use]
    pub const fn identifier(&self) -> Identifier {
        match self {
            Self::VisitorId(_) => Identifier::VisitorId,
            Self::BrowserId(_) => Identifier::BrowserId,
            Self::VisitorFingerprint(_) => Identifier::VisitorFingerprint,
            Self::BrowserFingerprint(_) => Identifier::BrowserFingerprint,
            Self::HardwareFingerprint(_) => Identifier::HardwareFingerprint,
            Self::NetworkFingerprint(_) => Identifier::NetworkFingerprint,
            Self::CidrBlock(..) => Identifier::CidrBlock,
            Self::Asn(_) => Identifier::Asn,
            Self::CountryCode(_) => Identifier::CountryCode,
        }
    }
}
