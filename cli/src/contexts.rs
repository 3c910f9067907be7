//! The file of control planes that this person uses: addresses, what they trust, and tokens. Only its
//! owner may read it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private_file;

/// Contexts of one person: past this it is a program that writes them.
const MAX_CONTEXTS: usize = 1_000;

/// One control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) control_plane: String,
    /// The token itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// A file that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Contexts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) contexts: Vec<Entry>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContextsError {
    /// Reading or writing it.
    #[error("cannot use the context file `{}`: {source}; COUNTERSIGN_CONTEXTS names another", path.display())]
    File { path: PathBuf, source: io::Error },
    /// What it holds.
    #[error("the context file `{}` cannot be read: {source}; mend it, move it away, or name another in COUNTERSIGN_CONTEXTS", path.display())]
    Content {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// Nobody has a home.
    #[error("there is no home directory for the context file; name one in COUNTERSIGN_CONTEXTS")]
    NoHome,
    /// A name that none has.
    #[error(
        "there is no context `{name}`; there are: {known}; `countersign context set {name}` makes it"
    )]
    Unknown { name: String, known: String },
    /// Far too many.
    #[error(
        "there are {MAX_CONTEXTS} contexts already; forget one with `countersign context remove NAME`"
    )]
    TooMany,
    /// A name that would be hard to type.
    #[error("a context's name has 1 to 64 characters a-z, A-Z, 0-9, `.`, `_`, `-`")]
    Name,
}

/// Where the file is.
pub(crate) fn path() -> Result<PathBuf, ContextsError> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = named("COUNTERSIGN_CONTEXTS") {
        return Ok(path.into());
    }
    let config = named("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(PathBuf::from(named("HOME")?).join(".config")));
    let config = config.ok_or(ContextsError::NoHome)?;
    Ok(config.join("countersign").join("contexts.json"))
}

impl Contexts {
    /// What the file holds; nothing where there is none.
    pub(crate) fn read(path: &Path) -> Result<Self, ContextsError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(in_file(path)(source)),
        };
        serde_json::from_slice(&text).map_err(|source| ContextsError::Content {
            path: path.to_owned(),
            source,
        })
    }

    /// Changes the file while no other process does.
    pub(crate) fn change<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, ContextsError>,
    ) -> Result<T, ContextsError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        private_file::directory(folder).map_err(in_file(path))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_extension("lock"))
            .map_err(in_file(path))?;
        lock.lock().map_err(in_file(path))?;
        let mut contexts = Self::read(path)?;
        let changed = change(&mut contexts)?;
        let mut text =
            serde_json::to_vec_pretty(&contexts).map_err(|source| ContextsError::Content {
                path: path.to_owned(),
                source,
            })?;
        text.push(b'\n');
        private_file::write(path, &text).map_err(in_file(path))?;
        Ok(changed)
    }

    /// Adds or replaces one.
    pub(crate) fn set(&mut self, entry: Entry) -> Result<(), ContextsError> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !(1..=64).contains(&entry.name.len()) || !entry.name.chars().all(fine) {
            return Err(ContextsError::Name);
        }
        if let Some(known) = self.contexts.iter_mut().find(|it| it.name == entry.name) {
            *known = entry;
            return Ok(());
        }
        if self.contexts.len() >= MAX_CONTEXTS {
            return Err(ContextsError::TooMany);
        }
        self.contexts.push(entry);
        Ok(())
    }

    /// The one of this name.
    pub(crate) fn named(&self, name: &str) -> Result<&Entry, ContextsError> {
        let found = self.contexts.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| ContextsError::Unknown {
            name: name.to_owned(),
            known: match self.contexts.as_slice() {
                [] => "none".to_owned(),
                all => {
                    let names: Vec<_> = all.iter().map(|entry| entry.name.as_str()).collect();
                    names.join(", ")
                }
            },
        })
    }

    /// The one of this address.
    pub(crate) fn at(&self, control_plane: &str) -> Option<&Entry> {
        let plain = |address: &str| address.trim_end_matches('/').to_owned();
        let wanted = plain(control_plane);
        let mut all = self.contexts.iter();
        // The current one before others of the same address.
        all.clone()
            .find(|it| {
                Some(&it.name) == self.current.as_ref() && plain(&it.control_plane) == wanted
            })
            .or_else(|| all.find(|it| plain(&it.control_plane) == wanted))
    }
}

fn in_file(path: &Path) -> impl Fn(io::Error) -> ContextsError + use<> {
    let path = path.to_owned();
    move |source| ContextsError::File {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::scratch::Scratch;

    fn entry(name: &str, control_plane: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            control_plane: control_plane.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn the_file_is_its_owners_alone_and_keeps_what_it_was_given() {
        let folder = Scratch::new();
        let path = folder.path().join("deep").join("contexts.json");
        for name in ["a", "b", "a"] {
            Contexts::change(&path, |contexts| contexts.set(entry(name, "http://a:1"))).unwrap();
        }
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = Contexts::read(&path).unwrap();
        assert_eq!(read.contexts.len(), 2);
        assert!(read.named("c").unwrap_err().to_string().contains("a, b"));
    }

    #[test]
    fn an_address_finds_its_context_the_current_one_first() {
        let mut contexts = Contexts::default();
        contexts.set(entry("a", "https://x:1/")).unwrap();
        contexts.set(entry("b", "https://x:1")).unwrap();
        assert_eq!(contexts.at("https://x:1").unwrap().name, "a");
        contexts.current = Some("b".to_owned());
        assert_eq!(contexts.at("https://x:1/").unwrap().name, "b");
        assert_eq!(contexts.at("https://x:2"), None);
    }

    #[test]
    fn a_name_that_is_hard_to_type_is_refused() {
        for name in ["", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(Contexts::default().set(entry(name, "x")).is_err(), "{name}");
        }
    }
}
