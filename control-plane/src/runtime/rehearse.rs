//! What a change would have done to the decisions recorded of late: a dry run tells it beside the diff.
//!
//! The newest events are replayed against the set as it is and against the changed one, until there are no
//! more, or enough were looked at, or it took long enough; the answer says how many of how many. Events of
//! revisions that are not kept any more, or beyond a number of them, are replayed without what their
//! decisions tell, and more of them stay open.

use std::collections::HashMap;

use countersign_engine::LoadError;
use countersign_proto::event::v1::DecisionEvent;
use tokio::time::Instant;

use super::build::refused;
use super::change::{Applied, ApplyError};
use super::control::Control;
use super::revision_name::RevisionName;
use super::start::read;
use crate::compile::Forms;
use crate::limits::{self, millis};
use crate::resource::Document;
use crate::simulate::replay::{Candidate, Likeness, ReplayReport, ReplayTally};
use crate::store::EventPlace;

/// Two sets that recorded decisions are replayed against.
#[derive(Clone, Debug)]
pub(super) struct Rehearsal {
    /// The set in force, and its revision.
    pub(super) before: Vec<Document>,
    pub(super) number: u64,
    /// The changed set.
    pub(super) after: Vec<Document>,
    pub(super) forms: Forms,
}

/// What goes to the threads that may compute, and comes back.
struct Work {
    before: Candidate,
    after: Candidate,
    /// By the revision that decided: what both have in common with it.
    likenesses: HashMap<String, (Likeness, Likeness)>,
    unknown: Likeness,
    tally: ReplayTally,
    end: Instant,
}

impl Control {
    /// Completes the answer to a dry run. Changes are not held up by it.
    pub(super) async fn rehearsed(&self, mut applied: Applied) -> Result<Applied, ApplyError> {
        if let Some(rehearsal) = applied.rehearsal.take() {
            // One at a time: whoever asks often waits, not the proxies.
            let _turn = self.rehearsing.lock().await;
            applied.replay = Some(self.replayed(rehearsal).await?);
        }
        Ok(applied)
    }

    async fn replayed(&self, rehearsal: Rehearsal) -> Result<ReplayReport, ApplyError> {
        let since_ms = self
            .clock
            .now()
            .saturating_sub(millis(limits::REPLAY_GOES_BACK));
        let recorded = self
            .store
            .events_since(since_ms, limits::MAX_REPLAY_COUNTED)
            .await?;
        if recorded == 0 {
            return Ok(ReplayTally::default().into_report(since_ms, 0, false));
        }
        let mut work = self.work(rehearsal).await?;
        let mut place: Option<EventPlace> = None;
        let mut left = limits::MAX_REPLAYED_EVENTS;
        while left > 0 && Instant::now() < work.end {
            let count = left.min(limits::REPLAY_PAGE);
            let page = self
                .store
                .newest_events(since_ms, place.as_ref(), count)
                .await?;
            let Some((last, _)) = page.last() else { break };
            place = Some(last.clone());
            left = left.saturating_sub(count);
            let events: Vec<DecisionEvent> = page.into_iter().map(|(_, event)| event).collect();
            self.compare_revisions(&mut work, &events).await?;
            work = computed(move || {
                work.look_at(&events);
                work
            })
            .await?;
        }
        let more = recorded >= limits::MAX_REPLAY_COUNTED;
        Ok(work.tally.into_report(since_ms, recorded, more))
    }

    async fn work(&self, rehearsal: Rehearsal) -> Result<Work, ApplyError> {
        let Rehearsal {
            before,
            number,
            after,
            forms,
        } = rehearsal;
        let stored = self.store.newest_revision().await?;
        let stored = stored
            .filter(|stored| stored.info.number == number)
            .and_then(|stored| Forms::from_bytes(&stored.compiled).ok());
        let material = rehearsal_material();
        let now = self.clock.now();
        computed(move || {
            let former = match stored {
                Some(forms) => forms,
                // Another replica was faster.
                None => {
                    crate::compile::compile_at(&before, &material, now)
                        .map_err(ApplyError::Refused)?
                        .forms
                }
            };
            let load = |documents, forms: &Forms| {
                Candidate::load(documents, forms)
                    .map_err(|error: LoadError| refused(&error.to_string()))
            };
            Ok(Work {
                before: load(before, &former)?,
                after: load(after, &forms)?,
                likenesses: HashMap::new(),
                unknown: Likeness::unknown(),
                tally: ReplayTally::default(),
                end: Instant::now() + limits::REPLAY_WITHIN,
            })
        })
        .await?
    }

    /// Compares the sets that decided these events with both.
    async fn compare_revisions(
        &self,
        work: &mut Work,
        events: &[DecisionEvent],
    ) -> Result<(), ApplyError> {
        for event in events {
            if work.likenesses.contains_key(&event.revision)
                || work.likenesses.len() >= limits::MAX_REPLAYED_REVISIONS
            {
                continue;
            }
            let likeness = match self.documents_of(&event.revision).await? {
                Some(former) => (
                    Likeness::between(&former, &work.before),
                    Likeness::between(&former, &work.after),
                ),
                None => (Likeness::unknown(), Likeness::unknown()),
            };
            work.likenesses.insert(event.revision.clone(), likeness);
        }
        Ok(())
    }

    /// The resources of the revision that an event names; none where they are not kept or not read any
    /// more.
    async fn documents_of(&self, revision: &str) -> Result<Option<Vec<Document>>, ApplyError> {
        // Whoever reaches the log names what he likes.
        let Ok(name) = RevisionName::parse(revision) else {
            return Ok(None);
        };
        let found = self.store.revision(name.number).await?;
        let found = found
            .filter(|found| found.resources.is_some() && name.hash.as_ref() == Some(&found.hash));
        let Some(found) = found else { return Ok(None) };
        let stored = self.store.resources_at(found.number).await?;
        let (entries, unreadable) = computed(move || read(stored)).await?;
        if !unreadable.is_empty() {
            return Ok(None);
        }
        let documents = entries.into_iter().map(|entry| entry.document);
        Ok(Some(documents.collect()))
    }
}

impl Work {
    fn look_at(&mut self, events: &[DecisionEvent]) {
        for event in events {
            if Instant::now() >= self.end {
                return;
            }
            let known = self.likenesses.get(&event.revision);
            let (before, after) = known
                .map_or((&self.unknown, &self.unknown), |(before, after)| {
                    (before, after)
                });
            let before = self.before.replay(before, event);
            let after = self.after.replay(after, event);
            self.tally.add(event, &before, &after);
        }
    }
}

/// Keys decide about no recorded request: what a session was worth is recorded.
fn rehearsal_material() -> crate::compile::RuntimeMaterial {
    crate::rehearsal::material()
}

async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApplyError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApplyError::Stopped)
}
