//! The envelope of a compiled policy: 24 bytes, little-endian, before the encoded
//! `countersign.policy.v1.CompiledPolicy`.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `CSGN` |
//! | 4 | 4 | format number, [`FORMAT`] |
//! | 8 | 8 | attempt nonce |
//! | 16 | 4 | length of the body |
//! | 20 | 4 | CRC-32 (IEEE 802.3) of the body |
//!
//! The attempt nonce makes two sends of one revision differ: Envoy ACKs bytes that it has already
//! refused when they come a second time.

use crate::limits::MAX_BLOB_BYTES;

/// The compiled form that this engine reads and writes.
pub const FORMAT: u32 = 1;

const MAGIC: &[u8; 4] = b"CSGN";
const HEADER_BYTES: usize = 24;

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
    /// The body was altered on the way.
    #[error("the checksum does not fit the body")]
    Checksum,
    /// Larger than [`MAX_BLOB_BYTES`].
    #[error("{0} bytes are more than the {MAX_BLOB_BYTES} allowed")]
    TooLarge(usize),
}

/// Puts the header before `body`, an encoded `CompiledPolicy`.
///
/// # Errors
/// [`BlobError::TooLarge`] when the whole would pass [`MAX_BLOB_BYTES`].
pub fn seal(body: &[u8], attempt: u64) -> Result<Vec<u8>, BlobError> {
    let total = body.len().saturating_add(HEADER_BYTES);
    if total > MAX_BLOB_BYTES {
        return Err(BlobError::TooLarge(total));
    }
    let length = u32::try_from(body.len()).map_err(|_| BlobError::TooLarge(total))?;
    let mut blob = Vec::with_capacity(total);
    blob.extend_from_slice(MAGIC);
    blob.extend_from_slice(&FORMAT.to_le_bytes());
    blob.extend_from_slice(&attempt.to_le_bytes());
    blob.extend_from_slice(&length.to_le_bytes());
    blob.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    blob.extend_from_slice(body);
    Ok(blob)
}

/// Takes the envelope off: the attempt nonce and the body.
///
/// # Errors
/// A [`BlobError`] for anything that [`seal`] would not have made.
pub fn open(blob: &[u8]) -> Result<(u64, &[u8]), BlobError> {
    if blob.len() > MAX_BLOB_BYTES {
        return Err(BlobError::TooLarge(blob.len()));
    }
    let truncated = BlobError::Truncated(blob.len());
    let (magic, rest) = blob.split_first_chunk::<4>().ok_or(truncated)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    let (attempt, rest) = rest.split_first_chunk::<8>().ok_or(truncated)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    let (checksum, body) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    if magic != MAGIC {
        return Err(BlobError::Magic);
    }
    let found = u32::from_le_bytes(*format);
    if found != FORMAT {
        return Err(BlobError::Format { found });
    }
    let stated = u32::from_le_bytes(*length) as usize;
    if stated != body.len() {
        return Err(BlobError::Length {
            stated,
            actual: body.len(),
        });
    }
    if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
        return Err(BlobError::Checksum);
    }
    Ok((u64::from_le_bytes(*attempt), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_its_attempt() {
        let blob = seal(b"body", 7).unwrap();
        assert_eq!(open(&blob), Ok((7, b"body".as_slice())));
    }

    #[test]
    fn another_attempt_makes_other_bytes() {
        assert_ne!(seal(b"body", 1).unwrap(), seal(b"body", 2).unwrap());
    }

    #[test]
    fn every_truncation_is_refused() {
        let blob = seal(b"body", 7).unwrap();
        for length in 0..blob.len() {
            assert!(open(&blob[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_outside_the_nonce_is_refused() {
        let blob = seal(b"body", 7).unwrap();
        for byte in (0..8).chain(16..blob.len()) {
            for bit in 0..8 {
                let mut altered = blob.clone();
                altered[byte] ^= 1 << bit;
                assert!(open(&altered).is_err(), "byte {byte} bit {bit}");
            }
        }
    }

    #[test]
    fn the_size_limit_holds_to_the_byte() {
        assert!(seal(&vec![0; MAX_BLOB_BYTES - HEADER_BYTES], 0).is_ok());
        assert_eq!(
            seal(&vec![0; MAX_BLOB_BYTES - HEADER_BYTES + 1], 0),
            Err(BlobError::TooLarge(MAX_BLOB_BYTES + 1))
        );
    }
}
