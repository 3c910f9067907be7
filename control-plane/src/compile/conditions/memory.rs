//! Conditions that were compiled before. Of ten thousand policies one changes at a time: what the others
//! say is not read again.
//!
//! A condition is remembered by its text where nothing but the text, the kind of its resource, and what
//! `Settings` have trusted hops tell decides what becomes of it. One that names a list, has a pattern or
//! a time zone has a part in the program beside itself, and is compiled each time.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_engine::Attribute;
use countersign_engine::cel::Op;

use super::environment;
use crate::cel::{Failure, Lowering, Problem, Ready, Typed, TypedKind};
use crate::compile::limits;
use crate::resource::{Kind, Settings};

/// What one set after the other remembers. Forgets what two sets in a row do not have.
#[derive(Debug, Default)]
pub struct Memory {
    told: Vec<bool>,
    known: HashMap<(Kind, String), Remembered>,
    bytes: usize,
    generation: u64,
}

#[derive(Debug)]
struct Remembered {
    condition: Arc<Known>,
    used: u64,
}

/// A condition in which nothing is wrong.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) tree: Arc<Typed>,
    pub(super) failures: Vec<Failure>,
    pub(super) warnings: Vec<Problem>,
}

impl From<Ready> for Known {
    fn from(ready: Ready) -> Self {
        Self {
            tree: Arc::new(ready.tree),
            failures: ready.failures,
            warnings: ready.warnings,
        }
    }
}

impl Memory {
    /// A set begins. Other settings make other conditions of the same texts.
    pub(super) fn begin(&mut self, settings: Option<&Settings>) {
        let told: Vec<bool> = Attribute::ALL
            .iter()
            .map(|&attribute| environment::is_told(attribute, settings))
            .collect();
        if told != self.told {
            self.known.clear();
            self.bytes = 0;
            self.told = told;
        }
    }

    /// A set has ended.
    pub(in crate::compile) fn end(&mut self) {
        let generation = self.generation;
        self.known.retain(|_, known| {
            known.used == generation || known.used.wrapping_add(1) == generation
        });
        self.bytes = self.known.keys().map(|(_, text)| text.len()).sum();
        self.generation = generation.wrapping_add(1);
    }

    pub(super) fn get(&mut self, kind: Kind, text: &str) -> Option<Arc<Known>> {
        // The key is owned; a look-up is far cheaper than what it saves.
        let known = self.known.get_mut(&(kind, text.to_owned()))?;
        known.used = self.generation;
        Some(Arc::clone(&known.condition))
    }

    pub(super) fn put(&mut self, kind: Kind, text: &str, condition: &Arc<Known>) {
        let bytes = self.bytes.saturating_add(text.len());
        if bytes > limits::MAX_REMEMBERED_BYTES {
            return;
        }
        self.bytes = bytes;
        let remembered = Remembered {
            condition: Arc::clone(condition),
            used: self.generation,
        };
        self.known.insert((kind, text.to_owned()), remembered);
    }

    #[cfg(test)]
    pub(in crate::compile) fn len(&self) -> usize {
        self.known.len()
    }
}

/// Does a tree, as it is written, stand for itself?
pub(super) fn stands_alone(tree: &Typed) -> bool {
    let own = match &tree.kind {
        TypedKind::Variable { lowering, .. } => {
            matches!(lowering, Lowering::Attribute(_) | Lowering::Headers(_))
        }
        TypedKind::Matches(..) => false,
        TypedKind::Call(op, args) => match op {
            Op::MatchesDynamic => false,
            Op::GetFullYear
            | Op::GetMonth
            | Op::GetDate
            | Op::GetDayOfMonth
            | Op::GetDayOfWeek
            | Op::GetDayOfYear
            | Op::GetHours
            | Op::GetMinutes
            | Op::GetSeconds
            | Op::GetMilliseconds => args.len() < 2,
            _ => true,
        },
        _ => true,
    };
    own && tree.children().iter().all(stands_alone)
}
