//! What tells one set from another.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Change, Entry, Inventory, Key};

/// A resource that is another in two sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The kind's word.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// Its text in the former set; none where it is not in there.
    pub before: Option<String>,
    /// Its text in the later set; none where it is not in there.
    pub after: Option<String>,
}

impl Difference {
    /// The differences between two sets of `(kind, name)` and text.
    #[must_use]
    pub fn between(
        before: BTreeMap<(String, String), String>,
        mut after: BTreeMap<(String, String), String>,
    ) -> Vec<Self> {
        let mut all = BTreeMap::new();
        for (key, text) in before {
            let after = after.remove(&key);
            if after.as_ref() != Some(&text) {
                all.insert(key, (Some(text), after));
            }
        }
        all.extend(
            after
                .into_iter()
                .map(|(key, text)| (key, (None, Some(text)))),
        );
        all.into_iter()
            .map(|((kind, name), (before, after))| Self {
                kind,
                name,
                before,
                after,
            })
            .collect()
    }

    /// What became of the resource.
    #[must_use]
    pub fn change(&self) -> Change {
        match (&self.before, &self.after) {
            (None, _) => Change::Created,
            (Some(_), None) => Change::Deleted,
            (Some(_), Some(_)) => Change::Updated,
        }
    }
}

impl Inventory {
    /// What the store has to write and to remove to get from `before` to this set.
    #[must_use]
    pub fn difference<'a>(&'a self, before: &'a Self) -> (Vec<&'a Entry>, Vec<&'a Key>) {
        let put = self.entries.iter().filter(|(key, entry)| {
            !before.entries.get(key).is_some_and(|old| {
                old.document.source == entry.document.source
                    && old.document.file == entry.document.file
                    && old.document.line == entry.document.line
                    && old.origin == entry.origin
            })
        });
        let gone = before
            .entries
            .keys()
            .filter(|key| !self.entries.contains_key(key));
        (put.map(|(_, entry)| &**entry).collect(), gone.collect())
    }

    /// What is new, says something else, or belongs to somebody else than in `before`: what a revision
    /// remembers. A resource that only moved to another place is not changed.
    #[must_use]
    pub fn changed_since<'a>(&'a self, before: &Self) -> Vec<(&'a Entry, Change)> {
        let change = |(key, entry): (&Key, &'a Arc<Entry>)| match before.entries.get(key) {
            None => Some((&**entry, Change::Created)),
            Some(old) => (old.document.source != entry.document.source
                || old.origin != entry.origin)
                .then_some((&**entry, Change::Updated)),
        };
        self.entries.iter().filter_map(change).collect()
    }

    /// Each resource that is another than in `before`, with both texts.
    #[must_use]
    pub fn differences(&self, before: &Self) -> Vec<Difference> {
        Difference::between(before.texts(), self.texts())
    }

    fn texts(&self) -> BTreeMap<(String, String), String> {
        let text = |(key, entry): (&Key, &Arc<Entry>)| {
            let key = (key.kind.as_str().to_owned(), key.name.clone());
            (key, entry.document.source.clone())
        };
        self.entries.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(resources: &[(&str, &str)]) -> BTreeMap<(String, String), String> {
        let owned = |(name, text): &(&str, &str)| {
            (("List".to_owned(), (*name).to_owned()), (*text).to_owned())
        };
        resources.iter().map(owned).collect()
    }

    #[test]
    fn what_is_new_gone_or_other_is_a_difference_and_the_rest_is_not() {
        let found = Difference::between(
            set(&[("gone", "1"), ("other", "1"), ("same", "1")]),
            set(&[("new", "1"), ("other", "2"), ("same", "1")]),
        );
        let shown: Vec<_> = found
            .iter()
            .map(|difference| (difference.name.as_str(), difference.change()))
            .collect();
        assert_eq!(
            shown,
            [
                ("gone", Change::Deleted),
                ("new", Change::Created),
                ("other", Change::Updated)
            ]
        );
    }
}
