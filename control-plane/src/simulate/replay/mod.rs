//! What a set would do with recorded decisions. An event tells some of a request and what was made of it;
//! where what it does not tell could change the answer, the answer is open, and what is lacking is said.
//!
//! Two things are known of a request: what its event tells, and what the decision itself tells of the
//! parts of the set that made it. A policy that was tried and did not match does not match in another
//! set either, as long as everything that it reads is the same there.

mod likeness;
mod recording;
mod tally;

use countersign_engine::{LoadError, Replayed, Revision, RevisionId, blob};
use countersign_proto::event::v1::DecisionEvent;

use crate::compile::Forms;
use crate::resource::{Document, Resource};

pub use likeness::Likeness;
pub use tally::{ReplayChange, ReplayExample, ReplayOpen, ReplayReport, ReplayTally};

/// A set that decides about recorded requests.
#[derive(Debug)]
pub struct Candidate {
    documents: Vec<Document>,
    revision: Revision,
    /// Some nodes run a part of it, and events do not tell which.
    in_parts: bool,
}

impl Candidate {
    /// Documents and what they compile to.
    ///
    /// # Errors
    /// When the filter does not load it.
    pub fn load(documents: Vec<Document>, forms: &Forms) -> Result<Self, LoadError> {
        let id = RevisionId {
            number: 0,
            hash: forms.hash(),
        };
        let revision = blob::seal(&forms.everything, &id, 0)
            .map_err(LoadError::from)
            .and_then(Revision::load)?;
        Ok(Self {
            in_parts: has_gateways(&documents),
            documents,
            revision,
        })
    }

    /// What it does with the request of an event, as far as that can be told. `likeness` compares it with
    /// the set that decided.
    #[must_use]
    pub fn replay(&self, likeness: &Likeness, event: &DecisionEvent) -> Replayed {
        if self.in_parts || likeness.in_parts {
            return Replayed::Open(recording::lacking("the node's gateway"));
        }
        recording::replay(&self.revision, likeness, event)
    }
}

fn has_gateways(documents: &[Document]) -> bool {
    documents
        .iter()
        .any(|document| matches!(document.resource, Resource::Gateway(_)))
}
