//! The set of resources, and what a change makes of it. Pure: no store, no clock.
//!
//! A resource belongs to the API or to the watched directory. What belongs to a file is changed in
//! that file only: an apply over it would be undone by the next look at the directory.

mod difference;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::resource::{Document, Kind};
pub use difference::Difference;

/// Who a resource belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Applied by an operator.
    Api,
    /// Found in the watched directory.
    Files,
}

impl Origin {
    /// As the store keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Files => "files",
        }
    }
}

/// The name of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// `metadata.name`.
    pub name: String,
}

impl Key {
    /// Of an entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            kind: entry.document.kind,
            name: entry.document.name.clone(),
        }
    }

    /// `KIND/NAME`, as it is displayed.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        Some(Self {
            kind: Kind::from_word(kind)?,
            name: name.to_owned(),
        })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

/// One resource of the set.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says, and where.
    pub document: Document,
    /// Who it belongs to.
    pub origin: Origin,
    /// Who wrote it last.
    pub author: String,
    /// When, in milliseconds since the Unix epoch.
    pub changed_ms: u64,
}

/// What became of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It says what it said before.
    Unchanged,
    /// It is new.
    Created,
    /// It says something else now.
    Updated,
    /// It is gone.
    Deleted,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// What a word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unchanged, Self::Created, Self::Updated, Self::Deleted]
            .into_iter()
            .find(|change| change.as_str() == word)
    }
}

/// Where a refused document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its file.
    pub file: String,
    /// Its first line in that file.
    pub line: u32,
    /// Its text.
    pub source: String,
}

/// Why a change is refused before anything is compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// It belongs to the watched directory.
    #[error("`{key}` is kept in the file `{file}`")]
    KeptInFile {
        /// The resource.
        key: Key,
        /// The file that holds it.
        file: String,
        /// The refused document; none for a deletion.
        refused: Option<Refused>,
    },
    /// It belonged to the watched directory, and is not there any more.
    #[error("`{key}` was kept in the file `{file}`")]
    WasInFile {
        /// The resource.
        key: Key,
        /// The file that held it.
        file: String,
    },
    /// It was to be deleted and does not exist.
    #[error("there is no `{kind}/{name}`")]
    Unknown {
        /// The kind as it was given.
        kind: String,
        /// The name as it was given.
        name: String,
    },
}

/// A changed set and what changed.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The set after the change.
    pub inventory: Inventory,
    /// Each resource that the change named.
    pub changes: Vec<(Key, Change)>,
}

/// The set of all resources.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Shared with the sets before and after: a change makes a set with few other entries.
    entries: BTreeMap<Key, Arc<Entry>>,
}

impl Inventory {
    /// The set of these entries.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries = entries
            .into_iter()
            .map(|entry| (key(&entry.document), Arc::new(entry)));
        Self {
            entries: entries.collect(),
        }
    }

    /// Adds or replaces an entry, as it is.
    pub fn put(&mut self, entry: Entry) {
        self.entries.insert(key(&entry.document), Arc::new(entry));
    }

    /// Takes an entry out, if it is there.
    pub fn take_out(&mut self, kind: &str, name: &str) {
        self.entries
            .retain(|key, _| key.kind.as_str() != kind || key.name != name);
    }

    /// Is there nothing in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many resources it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries by kind and name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(Arc::as_ref)
    }

    /// The same, to be held on to without a copy of what they say.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// What the compiler reads, by kind and name: the same set gives the same order.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.entries().map(|entry| entry.document.clone()).collect()
    }

    /// Adds or replaces what an operator applies.
    ///
    /// # Errors
    /// Every resource that belongs to a file and would change.
    pub fn apply(
        &self,
        documents: Vec<Document>,
        author: &str,
        now: u64,
    ) -> Result<Changed, Vec<Conflict>> {
        let mut inventory = self.clone();
        let mut changes = Vec::with_capacity(documents.len());
        let mut conflicts = Vec::new();
        for document in documents {
            let key = key(&document);
            let before = self.entries.get(&key);
            let same = before.is_some_and(|entry| entry.document.source == document.source);
            if let Some(entry) = before
                && entry.origin == Origin::Files
                && !same
            {
                conflicts.push(Conflict::KeptInFile {
                    key,
                    file: entry.document.file.clone(),
                    refused: Some(Refused {
                        file: document.file,
                        line: document.line,
                        source: document.source,
                    }),
                });
                continue;
            }
            let change = if same {
                Change::Unchanged
            } else {
                change_of(before)
            };
            if !same {
                let author = author.to_owned();
                let entry = Entry {
                    document,
                    origin: Origin::Api,
                    author,
                    changed_ms: now,
                };
                inventory.entries.insert(key.clone(), Arc::new(entry));
            }
            changes.push((key, change));
        }
        if conflicts.is_empty() {
            Ok(Changed { inventory, changes })
        } else {
            Err(conflicts)
        }
    }

    /// Makes the part that belongs to files what the directory holds now. A file takes over what was
    /// applied under the same name.
    #[must_use]
    pub fn synchronise(&self, documents: Vec<Document>, author: &str, now: u64) -> Changed {
        let mut inventory = self.clone();
        let mut changes = Vec::with_capacity(documents.len());
        inventory
            .entries
            .retain(|_, entry| entry.origin != Origin::Files);
        for document in documents {
            let key = key(&document);
            let before = self.entries.get(&key);
            let same = before.is_some_and(|entry| entry.document.source == document.source);
            let (author, changed_ms) = match before {
                Some(entry) if same => (entry.author.clone(), entry.changed_ms),
                _ => (author.to_owned(), now),
            };
            changes.push((
                key.clone(),
                if same {
                    Change::Unchanged
                } else {
                    change_of(before)
                },
            ));
            let entry = Entry {
                document,
                origin: Origin::Files,
                author,
                changed_ms,
            };
            inventory.entries.insert(key, Arc::new(entry));
        }
        let gone = self
            .entries
            .keys()
            .filter(|key| !inventory.entries.contains_key(key));
        changes.extend(gone.map(|key| (key.clone(), Change::Deleted)));
        Changed { inventory, changes }
    }

    /// Takes out what an operator deletes.
    ///
    /// # Errors
    /// What does not exist, and what belongs to a file.
    pub fn delete(&self, named: &[(String, String)]) -> Result<Changed, Vec<Conflict>> {
        let mut inventory = self.clone();
        let mut changes = Vec::with_capacity(named.len());
        let mut conflicts = Vec::new();
        for (kind, name) in named {
            let found = self
                .entries
                .iter()
                .find(|(key, _)| key.kind.as_str() == kind && &key.name == name);
            match found {
                None => conflicts.push(Conflict::Unknown {
                    kind: kind.clone(),
                    name: name.clone(),
                }),
                Some((key, entry)) if entry.origin == Origin::Files => {
                    conflicts.push(Conflict::KeptInFile {
                        key: key.clone(),
                        file: entry.document.file.clone(),
                        refused: None,
                    });
                }
                Some((key, _)) => {
                    inventory.entries.remove(key);
                    changes.push((key.clone(), Change::Deleted));
                }
            }
        }
        if conflicts.is_empty() {
            Ok(Changed { inventory, changes })
        } else {
            Err(conflicts)
        }
    }
}

fn key(document: &Document) -> Key {
    Key {
        kind: document.kind,
        name: document.name.clone(),
    }
}

fn change_of(before: Option<&Arc<Entry>>) -> Change {
    if before.is_some() {
        Change::Updated
    } else {
        Change::Created
    }
}
