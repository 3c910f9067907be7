//! The attributes of a request that conditions read: Envoy's names where Envoy has one.

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// An attribute. Its number stands in the compiled form and is never given to another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Attribute {
            $($(#[$doc])* $name = $number,)*
        }

        impl Attribute {
            /// Every attribute.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in the language.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The attribute of that number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

attributes! {
    /// The method in upper case.
    RequestMethod = 1, "request.method";
    /// The request target as sent, query included.
    RequestPath = 2, "request.path";
    /// The path in its normal form, see [`crate::normalise_path`].
    RequestUrlPath = 3, "request.url_path";
    /// Host, and port if any, lower-case.
    RequestHost = 4, "request.host";
    /// `http` or `https`, by the trusted-hop rule.
    RequestScheme = 5, "request.scheme";
    /// The query without its `?`.
    RequestQuery = 6, "request.query";
    /// Headers by lower-case name.
    RequestHeaders = 7, "request.headers";
    /// `content-length`, else zero.
    RequestSize = 8, "request.size";
    /// The client's address by the trusted-hop rule.
    SourceAddress = 9, "source.address";
    /// The client's port, where the peer is the client.
    SourcePort = 10, "source.port";
    /// The server name of the TLS client hello.
    ConnectionRequestedServerName = 11, "connection.requested_server_name";
    /// `TLSv1.3` and the like; empty on plaintext.
    ConnectionTlsVersion = 12, "connection.tls_version";
    /// Did the client present a certificate?
    ConnectionMtls = 13, "connection.mtls";
    /// 0 to 100, high = bot.
    Score = 14, "score";
    /// Reasons that signals and device rules gave.
    Reasons = 15, "reasons";
    /// `ALLOW`, `CHALLENGE` or `BLOCK`.
    Verdict = 16, "verdict";
    /// The grade of the session, 0 to 6.
    SessionAssurance = 17, "session.assurance";
    /// The time since the proof.
    SessionAge = 18, "session.age";
    /// Is there a valid session?
    SessionValid = 19, "session.valid";
    /// The device of the valid session.
    DeviceId = 20, "device.id";
    /// The fingerprint of the TLS client hello.
    TlsJa4 = 21, "tls.ja4";
    /// The country that a trusted hop names.
    GeoCountry = 22, "geo.country";
    /// The autonomous system that a trusted hop names.
    GeoAsn = 23, "geo.asn";
    /// The host's clock.
    Now = 24, "now";
    /// What a trusted hop says; else the device of the valid session.
    DeviceVisitorId = 25, "device.visitor_id";
    /// What a trusted hop says.
    DeviceBrowserId = 26, "device.browser_id";
    /// What a trusted hop says.
    DeviceVisitorFingerprint = 27, "device.visitor_fingerprint";
    /// What a trusted hop says.
    DeviceBrowserFingerprint = 28, "device.browser_fingerprint";
    /// What a trusted hop says.
    DeviceHardwareFingerprint = 29, "device.hardware_fingerprint";
    /// What a trusted hop says.
    DeviceNetworkFingerprint = 30, "device.network_fingerprint";
    /// Is there a valid session that a key of its device renews?
    SessionBound = 31, "session.bound";
}

impl Attribute {
    /// The number in the compiled form.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The attribute of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|attribute| attribute.name() == name)
    }
}

/// Which attributes a revision reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeSet(u64);

impl AttributeSet {
    /// Adds one.
    pub const fn insert(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute.number();
    }

    /// Is it among them?
    #[must_use]
    pub const fn contains(self, attribute: Attribute) -> bool {
        self.0 & (1 << attribute.number()) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_found_by_number_and_by_name() {
        let mut set = AttributeSet::default();
        for &attribute in Attribute::ALL {
            assert_eq!(Attribute::from_number(attribute.number()), Some(attribute));
            assert_eq!(Attribute::from_name(attribute.name()), Some(attribute));
            assert!(!set.contains(attribute), "{attribute:?}");
            set.insert(attribute);
            assert!(set.contains(attribute));
        }
        assert_eq!(Attribute::from_number(0), None);
        assert_eq!(Attribute::from_number(64), None);
        assert_eq!(Attribute::from_name("request.hots"), None);
    }
}
