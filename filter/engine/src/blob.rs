//! The envelope of a compiled policy: 44 bytes, little-endian, before the body (see [`crate::form`]).
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `CSGN` |
//! | 4 | 4 | format number, [`FORMAT`] |
//! | 8 | 8 | attempt nonce |
//! | 16 | 4 | CRC-32 (IEEE 802.3) of all that follows the length |
//! | 20 | 4 | length of the body |
//! | 24 | 8 | number of the revision |
//! | 32 | 12 | content hash of the revision: lower-case hexadecimal digits |
//!
//! The attempt nonce makes two sends of one revision differ: Envoy ACKs bytes that it has already
//! refused when they come a second time.

use crate::limits::MAX_BLOB_BYTES;
use crate::revision::RevisionId;

/// The compiled form that this engine reads and writes.
pub const FORMAT: u32 = 5;

/// Digits of a content hash.
pub const HASH_DIGITS: usize = 12;

/// Bytes before the body.
pub const HEADER_BYTES: usize = 44;

const MAGIC: &[u8; 4] = b"CSGN";

/// Why an envelope was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Fewer bytes than the header.
    #[error("{0} bytes are too few for a compiled policy")]
    Truncated(usize),
    /// Something else than a compiled policy.
    #[error("not a compiled policy")]
    Magic,
    /// Written by another generation of the control plane.
    #[error("compiled form {found} cannot be read, this filter reads {FORMAT}")]
    Format {
        /// The form found.
        found: u32,
    },
    /// The stated length is not the actual one.
    #[error("the header states {stated} bytes, {actual} follow")]
    Length {
        /// Bytes stated in the header.
        stated: usize,
        /// Bytes found.
        actual: usize,
    },
    /// Something was altered on the way.
    #[error("the checksum does not fit")]
    Checksum,
    /// A content hash of other than [`HASH_DIGITS`] lower-case hexadecimal digits.
    #[error("the content hash is none")]
    Hash,
    /// Larger than [`MAX_BLOB_BYTES`].
    #[error("{0} bytes are more than the {MAX_BLOB_BYTES} allowed")]
    TooLarge(usize),
}

/// What an envelope says, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The attempt nonce.
    pub attempt: u64,
    /// The revision.
    pub id: RevisionId,
    /// The sections.
    pub body: &'a [u8],
}

/// Puts the header before `body`.
///
/// # Errors
/// [`BlobError::TooLarge`] when the whole would pass [`MAX_BLOB_BYTES`], [`BlobError::Hash`] for an id
/// whose hash is none.
pub fn seal(body: &[u8], id: &RevisionId, attempt: u64) -> Result<Vec<u8>, BlobError> {
    let total = body.len().saturating_add(HEADER_BYTES);
    if total > MAX_BLOB_BYTES {
        return Err(BlobError::TooLarge(total));
    }
    let length = u32::try_from(body.len()).map_err(|_| BlobError::TooLarge(total))?;
    if !is_hash(id.hash.as_bytes()) {
        return Err(BlobError::Hash);
    }
    let mut named = id.number.to_le_bytes().to_vec();
    named.extend_from_slice(id.hash.as_bytes());
    let mut blob = Vec::with_capacity(total);
    blob.extend_from_slice(MAGIC);
    blob.extend_from_slice(&FORMAT.to_le_bytes());
    blob.extend_from_slice(&attempt.to_le_bytes());
    blob.extend_from_slice(&checksum(&named, body).to_le_bytes());
    blob.extend_from_slice(&length.to_le_bytes());
    blob.extend_from_slice(&named);
    blob.extend_from_slice(body);
    Ok(blob)
}

/// Takes the envelope off.
///
/// # Errors
/// A [`BlobError`] for anything that [`seal`] would not have made.
pub fn open(blob: &[u8]) -> Result<Opened<'_>, BlobError> {
    if blob.len() > MAX_BLOB_BYTES {
        return Err(BlobError::TooLarge(blob.len()));
    }
    let truncated = BlobError::Truncated(blob.len());
    let (magic, rest) = blob.split_first_chunk::<4>().ok_or(truncated)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    if magic != MAGIC {
        return Err(BlobError::Magic);
    }
    let found = u32::from_le_bytes(*format);
    if found != FORMAT {
        return Err(BlobError::Format { found });
    }
    let (attempt, rest) = rest.split_first_chunk::<8>().ok_or(truncated)?;
    let (stated_sum, rest) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    let (number, hashed) = rest.split_first_chunk::<8>().ok_or(truncated)?;
    let (hash, body) = hashed.split_first_chunk::<HASH_DIGITS>().ok_or(truncated)?;
    let stated = u32::from_le_bytes(*length) as usize;
    if stated != body.len() {
        return Err(BlobError::Length {
            stated,
            actual: body.len(),
        });
    }
    if checksum(rest, &[]) != u32::from_le_bytes(*stated_sum) {
        return Err(BlobError::Checksum);
    }
    if !is_hash(hash) {
        return Err(BlobError::Hash);
    }
    Ok(Opened {
        attempt: u64::from_le_bytes(*attempt),
        id: RevisionId {
            number: u64::from_le_bytes(*number),
            hash: String::from_utf8_lossy(hash).into_owned(),
        },
        body,
    })
}

fn checksum(first: &[u8], second: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(first);
    hasher.update(second);
    hasher.finalize()
}

fn is_hash(hash: &[u8]) -> bool {
    hash.len() == HASH_DIGITS
        && hash
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> RevisionId {
        RevisionId {
            number: 12,
            hash: "3fa9c1d2e4b5".to_owned(),
        }
    }

    #[test]
    fn what_was_sealed_opens_with_its_name_and_attempt() {
        let blob = seal(b"body", &id(), 7).unwrap();
        let opened = Opened {
            attempt: 7,
            id: id(),
            body: b"body",
        };
        assert_eq!(open(&blob), Ok(opened));
    }

    #[test]
    fn another_attempt_makes_other_bytes() {
        assert_ne!(
            seal(b"body", &id(), 1).unwrap(),
            seal(b"body", &id(), 2).unwrap()
        );
    }

    #[test]
    fn every_truncation_is_refused() {
        let blob = seal(b"body", &id(), 7).unwrap();
        for length in 0..blob.len() {
            assert!(open(&blob[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_outside_the_nonce_is_refused() {
        let blob = seal(b"body", &id(), 7).unwrap();
        for byte in (0..8).chain(16..blob.len()) {
            for bit in 0..8 {
                let mut altered = blob.clone();
                altered[byte] ^= 1 << bit;
                assert!(open(&altered).is_err(), "byte {byte} bit {bit}");
            }
        }
    }

    #[test]
    fn another_form_is_named() {
        let mut blob = seal(b"body", &id(), 7).unwrap();
        blob[4] = 1;
        assert_eq!(open(&blob), Err(BlobError::Format { found: 1 }));
        // The first form's header was shorter: it is named, not called truncated.
        assert_eq!(open(&blob[..24]), Err(BlobError::Format { found: 1 }));
    }

    #[test]
    fn a_hash_that_is_none_is_refused() {
        for hash in ["", "3fa9c1d2e4b", "3FA9C1D2E4B5", "3fa9c1d2e4b5a"] {
            let id = RevisionId {
                number: 1,
                hash: hash.to_owned(),
            };
            assert_eq!(seal(b"", &id, 0), Err(BlobError::Hash), "{hash}");
        }
    }

    #[test]
    fn the_size_limit_holds_to_the_byte() {
        assert!(seal(&vec![0; MAX_BLOB_BYTES - HEADER_BYTES], &id(), 0).is_ok());
        assert_eq!(
            seal(&vec![0; MAX_BLOB_BYTES - HEADER_BYTES + 1], &id(), 0),
            Err(BlobError::TooLarge(MAX_BLOB_BYTES + 1))
        );
    }
}
