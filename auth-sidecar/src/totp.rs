//! Codes of an authenticator app (RFC 6238): what an app shows, computed here as well.
//!
//! Six digits, thirty seconds, HMAC-SHA-1: what every app understands; others of the standard's choices
//! some apps read and silently do not follow. SHA-1's weakness against collisions is none for an HMAC.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use crate::world::{NoRandomness, Random};

pub mod qr;
pub mod texts;

/// Seconds that a code is shown.
pub const STEP_S: u64 = 30;
const DIGITS: u32 = 6;
/// RFC 4226 recommends 160 bits.
const SECRET_BYTES: usize = 20;

/// What app and sidecar share.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// A new one.
    pub fn random(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut bytes = [0; SECRET_BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads back [`Self::bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To be sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a person can type it: base32 in groups of four.
    #[must_use]
    pub fn typed(&self) -> String {
        let text = base32(&self.0);
        let groups: Vec<&str> = (0..text.len())
            .step_by(4)
            .filter_map(|at| text.get(at..text.len().min(at + 4)))
            .collect();
        groups.join(" ")
    }

    /// What the app scans. The host names the account and who made it.
    #[must_use]
    pub fn uri(&self, host: &str) -> String {
        // A host is letters, digits, `.`, `-`, and for addresses `[`, `]` and `:`.
        let label: String = url::form_urlencoded::byte_serialize(host.as_bytes()).collect();
        format!(
            "otpauth://totp/{label}?secret={}&issuer={label}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}",
            base32(&self.0)
        )
    }

    /// The step that `code` is good for, around now: one before and one after, for clocks that are off
    /// and people who type slowly. Steps up to `last_step` were used already. Every step is compared,
    /// whichever fits, so that the time it takes tells nothing.
    #[must_use]
    pub fn step_of(&self, code: &str, now_s: u64, last_step: u64) -> Option<u64> {
        let now = now_s / STEP_S;
        let mut found = None;
        for step in [now.saturating_sub(1), now, now.saturating_add(1)] {
            let right = hotp(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0, step, DIGITS);
            let fits = verify_slices_are_equal(code.as_bytes(), right.as_bytes()).is_ok();
            if fits && step > last_step {
                found = Some(step);
            }
        }
        found
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a person typed, as a code: apps show `123 456`. `None` for what can be none.
#[must_use]
pub fn typed_code(text: &str) -> Option<String> {
    if text.len() > 32 {
        return None;
    }
    let code: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(ascii_digit)
        .collect();
    (code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// Keyboards of several languages write digits of their own.
fn ascii_digit(c: char) -> char {
    let zeros = [
        '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ff10}',
    ];
    zeros
        .into_iter()
        .find_map(|zero| {
            let value = u32::from(c).checked_sub(u32::from(zero))?;
            (value < 10).then(|| char::from_digit(value, 10))?
        })
        .unwrap_or(c)
}

/// RFC 4226.
fn hotp(algorithm: hmac::Algorithm, secret: &[u8], counter: u64, digits: u32) -> String {
    let key = hmac::Key::new(algorithm, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 0x0f);
    let chosen = bytes
        .get(offset..offset.saturating_add(4))
        .and_then(|four| <[u8; 4]>::try_from(four).ok())
        .unwrap_or_default();
    let number = u32::from_be_bytes(chosen) & 0x7fff_ffff;
    let width = usize::try_from(digits).unwrap_or(6);
    format!("{:0width$}", number % 10_u32.pow(digits))
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(held << (5 - bits)));
    }
    text
}

fn letter(value: u32) -> char {
    let value = value & 31;
    let from = if value < 26 { 'A' } else { '2' };
    let offset = if value < 26 { value } else { value - 26 };
    char::from_u32(u32::from(from) + offset).unwrap_or('A')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SystemRandom;

    /// RFC 6238, appendix B: eight digits, a secret as long as each hash.
    #[test]
    fn the_vectors_of_the_standard_are_met() {
        let digits = "1234567890".repeat(7);
        let secret = |length: usize| &digits.as_bytes()[..length];
        for (time, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            let step = time / STEP_S;
            let code = |algorithm, length| hotp(algorithm, secret(length), step, 8);
            assert_eq!(code(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, 20), sha1);
            assert_eq!(code(hmac::HMAC_SHA256, 32), sha256);
            assert_eq!(code(hmac::HMAC_SHA512, 64), sha512);
        }
    }

    /// RFC 4226, appendix D: six digits.
    #[test]
    fn six_digits_are_the_last_ones() {
        let right = ["755224", "287082", "359152", "969429", "338314"];
        for (counter, code) in (0..).zip(right) {
            let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
            assert_eq!(hotp(algorithm, b"12345678901234567890", counter, 6), code);
        }
    }

    fn known() -> Secret {
        Secret::from_bytes(b"12345678901234567890").unwrap()
    }

    #[test]
    fn a_code_is_good_one_step_early_and_one_step_late_and_once() {
        let secret = known();
        // Step 1 of the standard's secret.
        for now in [0, 29, 30, 59, 60, 89] {
            assert_eq!(secret.step_of("287082", now, 0), Some(1), "{now}");
        }
        assert_eq!(secret.step_of("287082", 90, 0), None, "two steps late");
        assert_eq!(secret.step_of("287082", 59, 1), None, "used already");
        // Who has used a later step cannot go back to an earlier one.
        assert_eq!(secret.step_of("287082", 59, 2), None);
        for code in ["287083", "", "94287082", "28708"] {
            assert_eq!(secret.step_of(code, 59, 0), None, "{code}");
        }
        assert_eq!(secret.step_of("287082", u64::MAX, 0), None);
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        for text in [
            "123456",
            "123 456",
            " 123-456 ",
            "１２３４５６",
            "١٢٣٤٥٦",
            "१२३४५६",
        ] {
            assert_eq!(typed_code(text).as_deref(), Some("123456"), "{text}");
        }
        let long = "1 ".repeat(40);
        for text in ["", "12345", "1234567", "12345a", "½23456", &long] {
            assert_eq!(typed_code(text), None, "{text}");
        }
    }

    #[test]
    fn the_uri_is_one_that_apps_read() {
        // RFC 4648 of the standard's secret.
        assert_eq!(
            base32(b"12345678901234567890"),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        );
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(known().typed(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let uri = known().uri("[::1]");
        assert!(
            uri.starts_with("otpauth://totp/%5B%3A%3A1%5D?secret=GEZD"),
            "{uri}"
        );
        assert!(
            uri.ends_with("&issuer=%5B%3A%3A1%5D&algorithm=SHA1&digits=6&period=30"),
            "{uri}"
        );
    }

    #[test]
    fn a_secret_is_new_each_time_and_never_printed() {
        let [one, two] = [(); 2].map(|()| Secret::random(&SystemRandom).unwrap());
        assert!(one != two);
        assert_eq!(format!("{one:?}"), "Secret(…)");
        assert!(Secret::from_bytes(&[0; 19]).is_none());
    }
}
