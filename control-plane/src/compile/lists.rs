//! The `List` resources of a set. They get their places in the program as they are first used: a list
//! that no condition names does not travel.

use countersign_engine::cel::{ProgramBuilder, SetBuilder};

use crate::resource::{Document, Members, Resource};

/// The lists that conditions can name.
#[derive(Debug)]
pub(super) struct Lists<'a> {
    known: Vec<(&'a str, &'a Members)>,
    /// The number of each in the program, if it has one.
    places: Vec<Option<u32>>,
}

impl<'a> Lists<'a> {
    pub(super) fn of(documents: &'a [Document]) -> Self {
        let known: Vec<(&str, &Members)> = documents
            .iter()
            .filter_map(|document| match &document.resource {
                Resource::List(list) => Some((document.name.as_str(), &list.members)),
                _ => None,
            })
            .collect();
        Self {
            places: vec![None; known.len()],
            known,
        }
    }

    /// Every list, in the order of the documents.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &'a Members)> + '_ {
        self.known.iter().copied()
    }

    /// The members of the list that is the `index`th of all.
    pub(super) fn members(&self, index: u32) -> Option<&'a Members> {
        self.known.get(index as usize).map(|(_, members)| *members)
    }

    /// The lists that have a place in the program, by their numbers there.
    pub(super) fn placed(&self) -> impl Iterator<Item = (u32, &'a Members)> + '_ {
        let all = self.places.iter().zip(&self.known);
        all.filter_map(|(place, (_, members))| Some(((*place)?, *members)))
    }

    /// The number in the program of the list that is the `index`th of all. What is none has a number
    /// that no program loads.
    pub(super) fn place(&mut self, index: u32, program: &mut ProgramBuilder) -> u32 {
        let known = self.known.get(index as usize);
        let place = self.places.get_mut(index as usize);
        let (Some((name, members)), Some(place)) = (known, place) else {
            return u32::MAX;
        };
        *place.get_or_insert_with(|| program.set(set(name, members)))
    }
}

fn set(name: &str, members: &Members) -> SetBuilder {
    match members {
        Members::Strings(values) => SetBuilder::strings(name, values.clone()),
        Members::Numbers(values) => SetBuilder::numbers(name, values.clone()),
        Members::Cidrs(values) => SetBuilder::cidrs(
            name,
            values.iter().map(|cidr| (cidr.network(), cidr.prefix())),
        ),
    }
}
