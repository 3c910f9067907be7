//! Codes that people read on one device and type on another (RFC 8628 section 6.1).

use crate::world::{NoRandomness, Random};

/// No vowels, so that no words arise; nothing that looks like something else.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A new code: eight of twenty letters, 2.6 · 10^10 of them.
pub fn fresh(random: &dyn Random) -> Result<String, NoRandomness> {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        // 240 = 12 · 20: past it the first letters would come more often.
        for byte in bytes.into_iter().filter(|byte| *byte < 240) {
            let letter = LETTERS.get(usize::from(byte) % LETTERS.len());
            code.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    code.truncate(LENGTH);
    Ok(code)
}

/// As it is shown.
#[must_use]
pub fn shown(code: &str) -> String {
    match code.split_at_checked(LENGTH / 2) {
        Some((first, second)) => format!("{first}-{second}"),
        None => code.to_owned(),
    }
}

/// What a person typed, if it could be a code: in any case, with whatever between the letters.
#[must_use]
pub fn typed(text: &str) -> Option<String> {
    if text.len() > 64 {
        return None;
    }
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    let code: String = letters.map(|c| c.to_ascii_uppercase()).collect();
    let known = |byte: &u8| LETTERS.contains(byte);
    (code.len() == LENGTH && code.as_bytes().iter().all(known)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SystemRandom;

    #[test]
    fn a_code_is_typed_in_many_ways() {
        for text in [
            "WDJB-MJHT",
            "wdjbmjht",
            " wdjb mjht\n",
            "WDJB_MJHT",
            "w.d.j.b.m.j.h.t",
        ] {
            assert_eq!(typed(text).as_deref(), Some("WDJBMJHT"), "{text:?}");
        }
        for text in [
            "",
            "WDJB",
            "WDJB-MJHTB",
            "WDJB-MJHA",
            "WDJB-MJH0",
            "ŴDJBMJHT",
            &"W".repeat(65),
        ] {
            assert_eq!(typed(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_letter_comes_and_what_is_shown_is_typed_back() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..200 {
            let code = fresh(&SystemRandom).unwrap();
            assert_eq!(typed(&shown(&code)), Some(code.clone()));
            seen.extend(code.into_bytes());
        }
        assert_eq!(seen.len(), LETTERS.len());
    }
}
