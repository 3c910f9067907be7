//! The `List` resources of a set, numbered as they are first used: a list that no condition names
//! does not travel.

use std::collections::HashMap;

use crate::resource::{Document, Members, Resource};

/// The lists that conditions can name.
pub(super) struct Lists<'a> {
    known: HashMap<&'a str, &'a Members>,
    numbers: HashMap<&'a str, u32>,
    used: Vec<(&'a str, &'a Members)>,
}

impl<'a> Lists<'a> {
    pub(super) fn of(documents: &'a [Document]) -> Self {
        let known = documents
            .iter()
            .filter_map(|document| match &document.resource {
                Resource::List(list) => Some((document.name.as_str(), &list.members)),
                _ => None,
            })
            .collect();
        Self {
            known,
            numbers: HashMap::new(),
            used: Vec::new(),
        }
    }

    /// The number and the members of the list of that name.
    pub(super) fn find(&mut self, name: &str) -> Option<(u32, &'a Members)> {
        let (&name, &members) = self.known.get_key_value(name)?;
        let next = u32::try_from(self.used.len()).ok()?;
        let number = *self.numbers.entry(name).or_insert_with(|| {
            self.used.push((name, members));
            next
        });
        Some((number, members))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.known.keys().copied()
    }

    /// The lists in use by number.
    pub(super) fn into_used(self) -> Vec<(&'a str, &'a Members)> {
        self.used
    }
}
