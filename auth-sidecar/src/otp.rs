//! Codes by mail: an address that somebody typed, six digits that only its owner can read.
//!
//! Nothing here tells whether an address may be used, has been used, or is locked: a code that is sent to
//! nobody is made, kept, and got wrong like any other. The address itself is never stored nor logged.

use serde::{Deserialize, Serialize};

use crate::keys::tag::{Tagger, Use};
use crate::totp::typed_code;
use crate::world::{NoRandomness, Random, opaque_id};

pub mod address;
pub mod letter;
pub mod mailer;
pub mod options;

/// What a ceremony remembers of its code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waiting {
    /// A keyed hash of the code and its ceremony; for a code that was sent to nobody, of something that
    /// nobody can type.
    code: String,
    /// Makes the hash of one ceremony's code another than that of the same code of another.
    salt: String,
    /// The names under which failures of the address, and mails to it, are counted.
    pub address_key: String,
    /// See `address_key`.
    pub mail_key: String,
}

/// Whom a code is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// To the address that was typed.
    Sent,
    /// To nobody: the address may not be used, or not now.
    Withheld,
}

impl Waiting {
    /// Makes a code; gives what to keep and what to send.
    pub fn new(
        tagger: &Tagger,
        random: &dyn Random,
        delivery: Delivery,
    ) -> Result<(Self, String), NoRandomness> {
        let code = six_digits(random)?;
        let salt = opaque_id(random)?;
        let mut nobody = [0; 16];
        random.fill(&mut nobody)?;
        let kept: &[u8] = match delivery {
            Delivery::Sent => code.as_bytes(),
            Delivery::Withheld => &nobody,
        };
        let waiting = Self {
            code: tagger.text(Use::Code, &[salt.as_bytes(), kept]),
            salt,
            address_key: String::new(),
            mail_key: String::new(),
        };
        Ok((waiting, code))
    }

    /// Whether it is the code.
    #[must_use]
    pub fn is(&self, tagger: &Tagger, typed: &str) -> bool {
        // What can be no code is compared all the same, so that it takes as long.
        let code = typed_code(typed).unwrap_or_else(|| "none".to_owned());
        let parts: [&[u8]; 2] = [self.salt.as_bytes(), code.as_bytes()];
        tagger.is(&self.code, Use::Code, &parts)
    }
}

/// Each of a million codes as likely as any other.
fn six_digits(random: &dyn Random) -> Result<String, NoRandomness> {
    const CODES: u32 = 1_000_000;
    // The largest multiple of a million: beyond it the low codes would be likelier.
    const EVEN: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let mut bytes = [0; 4];
        random.fill(&mut bytes)?;
        let number = u32::from_be_bytes(bytes);
        if number < EVEN {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::world::SystemRandom;

    /// Gives the bytes that it was given.
    struct Given(Mutex<Vec<u8>>);

    impl Random for Given {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
            let mut given = self.0.lock().unwrap();
            for byte in bytes {
                *byte = given.remove(0);
            }
            Ok(())
        }
    }

    #[test]
    fn no_code_is_likelier_than_another() {
        // The first four bytes lie past the last whole million and are passed over.
        let given = Given(Mutex::new(vec![255, 255, 255, 255, 0, 0, 0, 42]));
        assert_eq!(six_digits(&given).unwrap(), "000042");
        let last = 4_294_000_000_u32 - 1;
        let given = Given(Mutex::new(last.to_be_bytes().to_vec()));
        assert_eq!(six_digits(&given).unwrap(), "999999");
        let mut given = 4_294_000_000_u32.to_be_bytes().to_vec();
        given.extend([0; 4]);
        assert_eq!(six_digits(&Given(Mutex::new(given))).unwrap(), "000000");
    }

    #[test]
    fn a_code_is_right_for_its_ceremony_only_and_is_not_kept() {
        let tagger = Tagger::new([1; 32]);
        let (waiting, code) = Waiting::new(&tagger, &SystemRandom, Delivery::Sent).unwrap();
        let (head, tail) = code.split_at(3);
        assert!(waiting.is(&tagger, &code) && waiting.is(&tagger, &format!("{head} {tail}")));
        assert!(!waiting.is(&Tagger::new([2; 32]), &code));
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert!(!waiting.is(&tagger, wrong));
        let mut other = waiting.clone();
        other.salt = "another ceremony's".to_owned();
        assert!(!other.is(&tagger, &code));
        let kept = serde_json::to_string(&waiting).unwrap();
        let back: Waiting = serde_json::from_str(&kept).unwrap();
        assert!(back.is(&tagger, &code));
    }

    #[test]
    fn a_code_that_was_sent_to_nobody_is_never_right() {
        let tagger = Tagger::new([1; 32]);
        let (waiting, code) = Waiting::new(&tagger, &SystemRandom, Delivery::Withheld).unwrap();
        for typed in [code.as_str(), "none", ""] {
            assert!(!waiting.is(&tagger, typed));
        }
        // What is kept looks like any other.
        let (sent, _) = Waiting::new(&tagger, &SystemRandom, Delivery::Sent).unwrap();
        assert_eq!(waiting.code.len(), sent.code.len());
    }
}
