//! Changes that concern the whole set: what an apply does not name, and a former state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Change, Changed, Conflict, Entry, Inventory, Key, Origin, change_of, key};

impl Changed {
    /// Takes out what belongs to the API and was not named by the change.
    #[must_use]
    pub fn pruned(mut self) -> Self {
        let named: BTreeSet<Key> = self.changes.iter().map(|(key, _)| key.clone()).collect();
        let surplus: Vec<Key> = self
            .inventory
            .entries
            .iter()
            .filter(|(key, entry)| entry.origin == Origin::Api && !named.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in surplus {
            self.inventory.entries.remove(&key);
            self.changes.push((key, Change::Deleted));
        }
        self
    }
}

impl Inventory {
    /// Makes the set what it was in a former state, `target`.
    ///
    /// # Errors
    /// Every resource of the watched directory that would change: the directory would put it back.
    pub fn rolled_back(
        &self,
        target: Vec<Entry>,
        author: &str,
        now: u64,
    ) -> Result<Changed, Vec<Conflict>> {
        let mut entries = BTreeMap::new();
        let mut changes = Vec::new();
        let mut conflicts = Vec::new();
        for former in target {
            let key = key(&former.document);
            let present = self.entries.get(&key);
            let entry = match present {
                Some(present) if present.document.source == former.document.source => {
                    changes.push((key.clone(), Change::Unchanged));
                    Arc::clone(present)
                }
                Some(present) if present.origin == Origin::Files => {
                    conflicts.push(kept_in_file(&key, present));
                    Arc::clone(present)
                }
                None if former.origin == Origin::Files => {
                    conflicts.push(Conflict::WasInFile {
                        key,
                        file: former.document.file,
                    });
                    continue;
                }
                _ => {
                    changes.push((key.clone(), change_of(present)));
                    Arc::new(Entry {
                        document: former.document,
                        origin: Origin::Api,
                        author: author.to_owned(),
                        changed_ms: now,
                    })
                }
            };
            entries.insert(key, entry);
        }
        let others = self.entries.iter();
        for (key, present) in others.filter(|(key, _)| !entries.contains_key(*key)) {
            if present.origin == Origin::Files {
                conflicts.push(kept_in_file(key, present));
            } else {
                changes.push((key.clone(), Change::Deleted));
            }
        }
        if conflicts.is_empty() {
            let inventory = Self { entries };
            Ok(Changed { inventory, changes })
        } else {
            Err(conflicts)
        }
    }
}

fn kept_in_file(key: &Key, present: &Entry) -> Conflict {
    Conflict::KeptInFile {
        key: key.clone(),
        file: present.document.file.clone(),
        refused: None,
    }
}
