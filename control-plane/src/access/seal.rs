//! What is given to a browser to be brought back unchanged, to whichever replica.
//!
//! A challenge is no secret; that it is ours, whose it is and when it ends must hold. Nothing is kept of it
//! before it is answered well, so that strangers cannot fill a table or keep the writer busy.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The key; every replica of a control plane has the same.
#[derive(Clone)]
pub struct Seal([u8; BLOCK]);

/// A key of HMAC-SHA-256 is of a block's length; a shorter one stands for itself and zeros (RFC 2104).
const BLOCK: usize = 64;

impl Seal {
    /// Of these bytes.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        let mut key = [0; BLOCK];
        for (to, from) in key.iter_mut().zip(secret) {
            *to = from;
        }
        Self(key)
    }

    /// Seals what is told to a browser.
    #[must_use]
    pub fn close(&self, payload: &[u8]) -> String {
        let sum = self.mac("sealed", payload).finalize().into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(payload),
            URL_SAFE_NO_PAD.encode(sum)
        )
    }

    /// What was sealed; none where it is another's, or was changed.
    #[must_use]
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        let (payload, sum) = text.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let sum = URL_SAFE_NO_PAD.decode(sum).ok()?;
        // Compares in a time that tells nothing.
        self.mac("sealed", &payload).verify_slice(&sum).ok()?;
        Some(payload)
    }

    /// A handle that is always the same for one name and tells nobody the name.
    #[must_use]
    pub fn handle(&self, name: &str) -> [u8; 16] {
        let sum = self.mac("handle", name.as_bytes()).finalize().into_bytes();
        let mut handle = [0; 16];
        for (to, from) in handle.iter_mut().zip(sum) {
            *to = from;
        }
        handle
    }

    fn mac(&self, purpose: &str, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(payload);
        mac
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back_and_what_was_changed_does_not() {
        let seal = Seal::new([7; 32]);
        let sealed = seal.close(b"what it is");
        assert_eq!(seal.open(&sealed).as_deref(), Some(&b"what it is"[..]));
        assert_eq!(Seal::new([8; 32]).open(&sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_ne!(seal.open(&changed).as_deref(), Some(&b"what it is"[..]));
        }
        for other in ["", ".", "a.b", &sealed[..sealed.len() - 2]] {
            assert_eq!(seal.open(other), None, "{other}");
        }
    }

    #[test]
    fn a_handle_is_no_seal() {
        let seal = Seal::new([7; 32]);
        assert_eq!(seal.handle("ann"), seal.handle("ann"));
        assert_ne!(seal.handle("ann"), seal.handle("bob"));
        let handle = URL_SAFE_NO_PAD.encode(seal.handle("ann"));
        assert_eq!(seal.open(&format!("YW5u.{handle}")), None);
    }
}
