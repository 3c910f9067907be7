//! How people name a revision: by its number, or by number and hash.

/// Why a name stands for no revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// Not a name.
    #[error("`{0}` is no revision; name one like `12` or `12-3fa9c1d2e4b5`")]
    Malformed(String),
    /// There never was one, it is another by its hash, or it is older than what is kept.
    #[error("there is no revision `{0}`, or it is no longer kept")]
    Unknown(String),
    /// Nothing was ever applied.
    #[error("there is no revision yet")]
    NoneYet,
    /// It was made before resources were kept with every revision.
    #[error("the resources of revision {0} were not kept: it was made by an earlier release")]
    ResourcesNotKept(u64),
}

/// A revision as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionName {
    /// From 1; 0 is the time before the first.
    pub number: u64,
    /// Its hash, where it was given.
    pub hash: Option<String>,
}

impl RevisionName {
    /// Reads `number` or `number-hash`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, RevisionError> {
        let malformed = || RevisionError::Malformed(cut(text).to_owned());
        let (number, hash) = match text.split_once('-') {
            Some((number, hash)) => (number, Some(hash)),
            None => (text, None),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let hexadecimal =
            hash.is_none_or(|hash| !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        if !digits || !hexadecimal {
            return Err(malformed());
        }
        Ok(Self {
            number: number.parse().map_err(|_| malformed())?,
            hash: hash.map(str::to_ascii_lowercase),
        })
    }
}

/// What is no name can be as long as a message.
fn cut(text: &str) -> &str {
    crate::limits::cut(text, crate::limits::MAX_LABEL_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_by_number_or_by_number_and_hash() {
        let name = |text| RevisionName::parse(text).unwrap();
        assert_eq!((name("12").number, name("12").hash), (12, None));
        assert_eq!(name("12-3fA9").hash.as_deref(), Some("3fa9"));
        assert_eq!(name("0").number, 0);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "-",
            "x",
            "1-",
            "-1",
            "+1",
            "1-x",
            "1.0",
            "99999999999999999999",
        ] {
            assert!(
                matches!(RevisionName::parse(text), Err(RevisionError::Malformed(_))),
                "{text}"
            );
        }
    }
}
