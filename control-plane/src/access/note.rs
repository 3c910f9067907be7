//! What a handler tells the audit log of its call: on what, and which revision came of it.

use std::sync::{Arc, Mutex, PoisonError};

/// Longest text about one thing; a change of a thousand resources is told by its first ones.
const MAX_BYTES: usize = 500;

/// Filled in by the handler, read when the call has ended.
#[derive(Clone, Debug, Default)]
pub struct Note(Arc<Mutex<Told>>);

/// What was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `List/offices, Policy/checkout`.
    pub object: String,
    /// `12-3fa9c1d2e4b5`.
    pub revision: String,
    /// Changed nothing, on purpose.
    pub dry_run: bool,
    /// Why nothing was changed, where the answer is no error.
    pub refused: String,
    /// The audit log has it already: it was written with the change.
    pub written: bool,
}

impl Note {
    /// On what.
    pub fn on(&self, object: impl AsRef<str>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let object = object.as_ref();
        if told.object.len().saturating_add(object.len()) > MAX_BYTES {
            if !told.object.ends_with('…') {
                told.object.push_str(", …");
            }
            return;
        }
        if !told.object.is_empty() {
            told.object.push_str(", ");
        }
        told.object.push_str(object);
    }

    /// What came of it.
    pub fn revision(&self, revision: impl Into<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .revision = revision.into();
    }

    /// Changes nothing, on purpose.
    pub fn dry_run(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .dry_run = true;
    }

    /// Changed nothing, for this reason.
    pub fn refused(&self, reason: &str) {
        let reason = crate::limits::cut(reason, MAX_BYTES).to_owned();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refused = reason;
    }

    /// The audit log has it already.
    pub fn written(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .written = true;
    }

    /// Everything told.
    #[must_use]
    pub fn told(&self) -> Told {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_very_many_things_is_told_by_its_first_ones() {
        let note = Note::default();
        for n in 0..1_000 {
            note.on(format!("List/l{n}"));
        }
        let told = note.told().object;
        assert!(told.starts_with("List/l0, List/l1, "));
        assert!(told.ends_with(", …"));
        assert!(told.len() <= MAX_BYTES + 8);
    }
}
