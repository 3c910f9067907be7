//! Event ids.

/// The id of one decision: a UUID version 7 (RFC 9562 section 5.7), so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// From the time in milliseconds since the Unix epoch and ten random bytes. The id is a name, not
    /// a secret: nothing is granted to whoever knows one.
    #[must_use]
    pub fn new(time_ms: u64, random: [u8; 10]) -> Self {
        let [_, _, t0, t1, t2, t3, t4, t5] = time_ms.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        let version = 0x70 | (r0 & 0x0f);
        let variant = 0x80 | (r2 & 0x3f);
        Self([
            t0, t1, t2, t3, t4, t5, version, r1, variant, r3, r4, r5, r6, r7, r8, r9,
        ])
    }

    /// A number that is the same for the same id and even over ids.
    pub(crate) const fn lot(self) -> u32 {
        let [.., a, b, c, d] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

/// The text of an id, in groups of hexadecimal digits (RFC 9562 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIdText([u8; 36]);

impl EventIdText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl EventId {
    /// The id as it is written. One is made for every request, so no formatting is gone through for it.
    #[must_use]
    pub fn text(self) -> EventIdText {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut places = text.iter_mut().enumerate();
        for byte in self.0 {
            for digit in [byte >> 4, byte & 0x0f] {
                let place = places.find(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
                if let (Some((_, place)), Some(digit)) = (place, DIGITS.get(usize::from(digit))) {
                    *place = *digit;
                }
            }
        }
        EventIdText(text)
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.text().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_comes_out() {
        // RFC 9562 appendix A.6.
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        let id = EventId::new(0x017F_22E2_79B0, random).to_string();
        assert_eq!(id, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        assert!(EventId::new(1, [0xff; 10]).to_string() < EventId::new(2, [0; 10]).to_string());
    }
}
