//! Keys and revocations.

use super::record::{Texts, key as at};
use crate::cel::Program;
use crate::form::Words;
use crate::revision::load::LoadError;
use crate::ticket::TicketSigner;

/// A public key that session tokens are verified with.
#[derive(Debug)]
pub(crate) struct SessionKey<'a> {
    pub(crate) kid: &'a str,
    pub(crate) key: ed25519_dalek::VerifyingKey,
}

/// What the section `Keys` holds.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    pub(super) session_keys: Vec<SessionKey<'a>>,
    pub(super) tickets: Option<TicketSigner>,
    pub(super) revocations: Revocations<'a>,
}

/// Session keys of a revision: sidecars and their overlapping keys, far below this.
const MAX_SESSION_KEYS: usize = 1024;

impl<'a> Keys<'a> {
    pub(super) fn load(
        records: Words<'a>,
        texts: Texts<'a>,
        program: &Program<'a>,
    ) -> Result<Self, LoadError> {
        let invalid = |number| LoadError::Key(format!("record {number}"));
        let mut keys = Self {
            session_keys: Vec::new(),
            tickets: None,
            revocations: Revocations::default(),
        };
        if !records.len().is_multiple_of(at::WORDS) {
            return Err(invalid(records.len() / at::WORDS));
        }
        let mut last: (u32, &str) = (0, "");
        for number in 0..records.len() / at::WORDS {
            let record = records
                .part(number * at::WORDS, at::WORDS)
                .ok_or_else(|| invalid(number))?;
            let text = texts
                .text(record, at::TEXT)
                .ok_or_else(|| invalid(number))?;
            let word = |position| record.get(position).unwrap_or(0);
            let kind = word(at::KIND);
            // Each kind stands in one run, so that a run is a start and a count.
            if kind < last.0 {
                return Err(invalid(number));
            }
            let bytes = || program.bytes(word(at::VALUE), word(at::VALUE + 1));
            match kind {
                at::SESSION if keys.session_keys.len() < MAX_SESSION_KEYS => {
                    keys.session_keys.push(session_key(text, bytes())?);
                }
                at::TICKET => {
                    let secret = bytes().ok_or_else(|| LoadError::Key(text.to_owned()))?;
                    let signer = TicketSigner::new(text, secret)?;
                    // The first one signs; the others verify elsewhere.
                    keys.tickets.get_or_insert(signer);
                }
                at::REVOKED_SESSION | at::REVOKED_DEVICE => {
                    // Looked up by binary search.
                    if last >= (kind, text) {
                        return Err(invalid(number));
                    }
                    let revoked = if kind == at::REVOKED_SESSION {
                        &mut keys.revocations.sessions
                    } else {
                        &mut keys.revocations.devices
                    };
                    let first = revoked.first.get_or_insert(number);
                    revoked.count = number - *first + 1;
                }
                _ => return Err(invalid(number)),
            }
            last = (kind, text);
        }
        keys.revocations.records = records;
        keys.revocations.texts = texts;
        Ok(keys)
    }
}

fn session_key<'a>(kid: &'a str, bytes: Option<&[u8]>) -> Result<SessionKey<'a>, LoadError> {
    let public = bytes
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok());
    match public {
        // A weak key verifies signatures that nobody made.
        Some(key) if !key.is_weak() => Ok(SessionKey { kid, key }),
        _ => Err(LoadError::Key(kid.to_owned())),
    }
}

/// Sessions that are no longer good, looked up in place.
#[derive(Debug, Default)]
pub(crate) struct Revocations<'a> {
    records: Words<'a>,
    texts: Texts<'a>,
    sessions: Run,
    devices: Run,
}

#[derive(Debug, Default)]
struct Run {
    first: Option<usize>,
    count: usize,
}

impl Revocations<'_> {
    /// Is a session of that id, device and time of issue revoked?
    pub(crate) fn covers(&self, jti: &str, device: &str, issued_at: i64) -> bool {
        self.hit(&self.sessions, jti, issued_at) || self.hit(&self.devices, device, issued_at)
    }

    fn hit(&self, run: &Run, id: &str, issued_at: i64) -> bool {
        let first = run.first.unwrap_or(0);
        let record = |index: usize| self.records.part((first + index) * at::WORDS, at::WORDS);
        let (mut low, mut high) = (0, run.count);
        while low < high {
            let middle = low.midpoint(high);
            let Some(record) = record(middle) else {
                return false;
            };
            let text = self.texts.text(record, at::TEXT).unwrap_or_default();
            match text.cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let word = |position| u64::from(record.get(position).unwrap_or(0));
                    let before = word(at::VALUE) | word(at::VALUE + 1) << 32;
                    return issued_at < i64::try_from(before).unwrap_or(i64::MAX);
                }
            }
        }
        false
    }
}
