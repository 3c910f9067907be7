//! What nodes run, made again with other keys or by another release.
//!
//! Keys must reach all nodes at once, whatever is on its way: the stable set and the candidate's are both
//! made again, and the rollout goes on.

use std::sync::Arc;

use super::change::ApplyError;
use super::control::{By, Control, State};
use super::course::{Course, Sent};
use super::keys::Next;
use crate::rollout::Rollout;
use crate::store::Commit;

/// What was made again, and the course with it.
#[derive(Debug)]
pub(super) struct Remade {
    /// The stable set, where another is declared.
    beside: Option<Next>,
    /// The declared set.
    declared: Option<Next>,
    course: Course,
}

impl Remade {
    /// What is to be stored.
    pub(super) fn commit(&self) -> Commit<'_> {
        Commit {
            beside: self.beside.as_ref().map(|(revision, _)| revision),
            revision: self.declared.as_ref().map(|(revision, _)| revision),
            plan: self.course.row(),
            rollouts: self.course.rollout.iter().collect::<Vec<&Rollout>>(),
            ..Commit::default()
        }
    }
}

impl Control {
    /// What nodes run with the present keys, where that is something else.
    pub(super) async fn remade(
        &self,
        state: &State,
        by: By<'_>,
    ) -> Result<Option<Remade>, ApplyError> {
        if state.inventory.is_empty() && state.revision.is_none() {
            return Ok(None);
        }
        if !state.unreadable.is_empty() {
            let findings = state
                .unreadable
                .values()
                .flat_map(|(_, findings)| findings.clone());
            return Err(ApplyError::Refused(findings.collect()));
        }
        let split = state.content != state.course.stable_content && state.course.stable.is_some();
        let mut remade = Remade {
            beside: None,
            declared: None,
            course: state.course.clone(),
        };
        if split {
            self.remake_both(state, by, &mut remade).await?;
        } else {
            self.remake_stable(state, by, &mut remade).await?;
        }
        let any = remade.beside.is_some() || remade.declared.is_some();
        Ok(any.then_some(remade))
    }

    async fn remake_stable(
        &self,
        state: &State,
        by: By<'_>,
        remade: &mut Remade,
    ) -> Result<(), ApplyError> {
        let material = self.compile_material(state);
        let compiled = self.compiled(state.inventory.documents(), material).await?;
        let stable = state.course.stable.as_ref();
        if stable.is_some_and(|stable| stable.is(&compiled.hash)) {
            return Ok(());
        }
        let number = state.number.saturating_add(1);
        let next = self
            .make(number, compiled, state.inventory.len(), by)
            .await?;
        let sent = Sent::new(&next.0, Arc::clone(&next.1));
        remade.course.stable = Some(sent);
        remade.course.stable_content.clone_from(&state.content);
        remade.declared = Some(next);
        Ok(())
    }

    async fn remake_both(
        &self,
        state: &State,
        by: By<'_>,
        remade: &mut Remade,
    ) -> Result<(), ApplyError> {
        let mut number = state.number;
        let set = self.stable_inventory(state).await?;
        let material = self.compile_material(state);
        let compiled = self.compiled(set.documents(), material).await?;
        let stable = state.course.stable.as_ref();
        if !stable.is_some_and(|stable| stable.is(&compiled.hash)) {
            number = number.saturating_add(1);
            let mut next = self.make(number, compiled, set.len(), by).await?;
            next.0.info.resources_of = stable.map(|stable| stable.info.set());
            remade.course.stable = Some(Sent::new(&next.0, Arc::clone(&next.1)));
            remade.beside = Some(next);
        }
        let Some(open) = state.course.open() else {
            return Ok(());
        };
        let material = self.compile_material(state);
        let compiled = self.compiled(state.inventory.documents(), material).await?;
        let candidate = state.course.candidate.as_ref();
        let same = candidate.is_some_and(|candidate| candidate.is(&compiled.hash));
        let wants_variant = open.strategy.stages.iter().any(|stage| stage.monitor);
        if same && (remade.beside.is_none() || !wants_variant) {
            // A process that has just started has no variant yet.
            if wants_variant
                && state.course.monitoring.is_none()
                && let Some(candidate) = candidate
            {
                remade.course.monitoring = self
                    .variant(state, &state.inventory, &open.strategy, &candidate.info)
                    .await?;
            }
            rename(&mut remade.course);
            return Ok(());
        }
        number = number.saturating_add(1);
        let next = self
            .make(number, compiled, state.inventory.len(), by)
            .await?;
        remade.course.monitoring = self
            .variant(state, &state.inventory, &open.strategy, &next.0.info)
            .await?;
        remade.course.candidate = Some(Sent::new(&next.0, Arc::clone(&next.1)));
        remade.declared = Some(next);
        rename(&mut remade.course);
        Ok(())
    }

    /// Takes what was stored into the state and shows it.
    pub(super) fn take(&self, state: &mut State, remade: Remade) {
        state.course = remade.course;
        if let Some((beside, _)) = &remade.beside {
            state.number = state.number.max(beside.info.number);
            tracing::info!(
                revision = %super::control::revision_of(&beside.info),
                "the stable set has other keys"
            );
        }
        match remade.declared {
            Some((declared, _)) => self.publish(state, declared.info),
            None => self.show(state),
        }
    }
}

/// The rollout knows its revisions by their new names as well.
fn rename(course: &mut Course) {
    if let (Some(stable), Some(candidate), Some(rollout)) =
        (&course.stable, &course.candidate, &mut course.rollout)
    {
        let monitoring = course.monitoring.as_ref().map(|it| it.revision.clone());
        rollout.renamed(stable.name(), candidate.name(), monitoring);
    }
}
