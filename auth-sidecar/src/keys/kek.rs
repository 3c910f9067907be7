//! The key that seals what the store holds: AES-256-GCM under a key file beside the store.
//!
//! Whoever copies the database alone cannot make sessions or tickets.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::world::{NoRandomness, Random};

const KEY_BYTES: usize = 32;

/// The key-encryption key.
pub struct Kek(LessSafeKey);

/// Why there is no key-encryption key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error("cannot open the key file `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a key file.
    #[error("the key file `{0}` does not hold exactly 32 bytes: it is no key file of this sidecar")]
    Size(PathBuf),
    /// Making a new key would lose the sealed ones.
    #[error(
        "the key file `{0}` is missing, but the store holds keys that were sealed with it: put the file back (sidecars that share a store need copies of one key file: copy that of a sidecar that runs), or start with a new store"
    )]
    Lost(PathBuf),
    /// No random bytes for a new key.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// Sealed text that does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Another key, or altered text.
    #[error("does not open with this key file")]
    Refused,
    /// No random bytes for a nonce.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl Kek {
    /// Takes the key's bytes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, bytes)
            .ok()
            .map(|key| Self(LessSafeKey::new(key)))
    }

    /// Reads the key file; makes it, readable by its owner only, where it may be made.
    pub fn open(path: &Path, may_create: bool, random: &dyn Random) -> Result<Self, KeyFileError> {
        let io = |source| KeyFileError::Io {
            path: path.to_owned(),
            source,
        };
        let bytes = match File::open(path) {
            Ok(file) => read(path, file)?,
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => {
                let mut bytes = [0; KEY_BYTES];
                random.fill(&mut bytes)?;
                // `create_new`: of two sidecars that start together one makes the file, the other
                // fails with a clear error instead of sealing with a key that is lost at once.
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
                    .map_err(io)?;
                file.write_all(&bytes)
                    .and_then(|()| file.sync_all())
                    .map_err(io)?;
                bytes
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(KeyFileError::Lost(path.to_owned()));
            }
            Err(error) => return Err(io(error)),
        };
        Self::new(&bytes).ok_or_else(|| KeyFileError::Size(path.to_owned()))
    }

    /// Seals `plain` under a name: text sealed as one thing does not open as another.
    pub fn seal(&self, name: &str, plain: &[u8], random: &dyn Random) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError::Refused)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(URL_SAFE_NO_PAD.encode(out))
    }

    /// Opens what [`Self::seal`] made.
    pub fn unseal(&self, name: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|_| SealError::Refused)?;
        let (nonce, rest) = bytes
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::Refused)?;
        let mut rest = rest.to_vec();
        let plain = self
            .0
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(name.as_bytes()),
                &mut rest,
            )
            .map_err(|_| SealError::Refused)?;
        Ok(plain.to_vec())
    }
}

fn read(path: &Path, file: File) -> Result<[u8; KEY_BYTES], KeyFileError> {
    let io = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let mode = file.metadata().map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), mode = format!("{:o}", mode & 0o777), "the key file can be read by others than its owner");
    }
    let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
    // One byte more than a key tells a longer file apart without reading all of it.
    file.take(KEY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    bytes
        .try_into()
        .map_err(|_| KeyFileError::Size(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{SystemRandom, opaque_id};

    fn path() -> PathBuf {
        std::env::temp_dir().join(format!(
            "countersign-kek-{}",
            opaque_id(&SystemRandom).unwrap()
        ))
    }

    #[test]
    fn sealed_text_opens_with_the_same_key_and_name_only() {
        let kek = Kek::new(&[1; 32]).unwrap();
        let sealed = kek.seal("a", b"secret", &SystemRandom).unwrap();
        assert_eq!(kek.unseal("a", &sealed).unwrap(), b"secret");
        assert!(kek.unseal("b", &sealed).is_err());
        assert!(Kek::new(&[2; 32]).unwrap().unseal("a", &sealed).is_err());
        for text in ["", "AAAA", "not base64!"] {
            assert!(kek.unseal("a", text).is_err());
        }
    }

    #[test]
    fn a_missing_key_file_is_made_for_its_owner_only_and_read_again() {
        let path = path();
        let sealed = Kek::open(&path, true, &SystemRandom)
            .unwrap()
            .seal("a", b"x", &SystemRandom)
            .unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            Kek::open(&path, false, &SystemRandom)
                .unwrap()
                .unseal("a", &sealed)
                .unwrap(),
            b"x"
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_lost_or_foreign_key_file_is_said_to_be_one() {
        let path = path();
        assert!(matches!(
            Kek::open(&path, false, &SystemRandom),
            Err(KeyFileError::Lost(_))
        ));
        assert!(!path.exists());
        for size in [31, 33] {
            std::fs::write(&path, vec![0; size]).unwrap();
            assert!(matches!(
                Kek::open(&path, true, &SystemRandom),
                Err(KeyFileError::Size(_))
            ));
        }
        std::fs::remove_file(path).unwrap();
    }
}
