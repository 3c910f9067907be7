//! How a changed set goes to the nodes: at once or by a rollout; and what operators do to a rollout.

use std::sync::Arc;

use super::build;
use super::catch_up::Tries;
use super::change::ApplyError;
use super::control::{Control, State, named_author};
use super::course::{Course, Sent, content_of};
use super::keys::Next;
use super::rollout_variant;
use crate::access::{Caller, Need, Refusal, Role};
use crate::inventory::Inventory;
use crate::limits::{self, cut};
use crate::resource::{Kind, Resource, RolloutStrategy};
use crate::rollout::{Act, Begin, Names, Rollout, RolloutError, State as RolloutState, Strategy};

/// What a change says of how it is to go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Nothing: by the strategy `default`, or at once where there is none.
    #[default]
    Usual,
    /// By this strategy.
    Named(&'a str),
    /// To every node at once.
    Now,
}

impl<'a> Choice<'a> {
    /// As messages say it: an empty name says nothing.
    #[must_use]
    pub fn of(strategy: &'a str, now: bool) -> Self {
        match (strategy, now) {
            (_, true) => Self::Now,
            ("", false) => Self::Usual,
            (name, false) => Self::Named(name),
        }
    }
}

/// How a set goes out.
#[derive(Clone, Debug)]
pub(super) enum Way {
    AtOnce,
    Staged(Strategy),
    /// It is stored and not sent: the same is on its way already, or was tried and taken back.
    Recorded,
}

/// Something done to a rollout by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutAction {
    /// Let it begin.
    Approve,
    /// Do not.
    Reject,
    /// Hold the stage.
    Pause,
    /// Go on.
    Resume,
    /// Skip the rest of the stage; of all stages.
    Promote {
        /// Of all stages.
        all: bool,
    },
    /// Every node back to the stable revision.
    Abort,
}

impl RolloutAction {
    /// Why it is done, as its step says. Where access is open nobody was recognised, and approval is what
    /// it is only where two people are told apart.
    #[must_use]
    pub fn why(self, caller: &Caller, message: &str) -> String {
        const UNCHECKED: &str = "access is open, so that nobody knows by whom";
        match (self, caller.identity.is_known(), message) {
            (Self::Approve, false, "") => UNCHECKED.to_owned(),
            (Self::Approve, false, message) => {
                format!(
                    "{} ({UNCHECKED})",
                    cut(message, limits::MAX_LABEL_BYTES / 2)
                )
            }
            (_, _, message) => message.to_owned(),
        }
    }

    /// Who may: the second person's word is an approver's; the rest is part of changing resources.
    #[must_use]
    pub fn need(self) -> Need {
        match self {
            Self::Approve | Self::Reject => Need::Role(Role::Approver),
            Self::Pause | Self::Resume | Self::Promote { .. } | Self::Abort => {
                Need::Role(Role::Editor)
            }
        }
    }
}

/// Why nothing was done to a rollout.
#[derive(Debug, thiserror::Error)]
pub enum RolloutFault {
    /// There is none.
    #[error("there is no rollout")]
    None,
    /// Its state does not allow it.
    #[error(transparent)]
    Refused(#[from] RolloutError),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Change(#[from] ApplyError),
}

/// Why a change does not go out past the approval that is in force.
#[derive(Debug, thiserror::Error)]
pub enum SkipFault {
    /// By somebody who could not give the approval.
    #[error("changes have to be approved here, and `now` goes past that: {0}")]
    Role(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Change(#[from] ApplyError),
}

impl Control {
    /// How a set goes out that somebody declares.
    pub(super) async fn way(
        &self,
        state: &State,
        inventory: &Inventory,
        content: &str,
        choice: Choice<'_>,
    ) -> Result<Way, ApplyError> {
        let course = &state.course;
        if let Choice::Named(name) = choice
            && strategy(inventory, name).is_none()
        {
            let message = format!(
                "there is no rollout strategy `{}`",
                cut(name, limits::MAX_LABEL_BYTES)
            );
            let advice = "apply one of this name, or name another";
            return Err(ApplyError::Refused(vec![build::finding(
                &message,
                Some(advice),
            )]));
        }
        // Before the first revision there is nothing that nodes could go on running.
        if !course.is_sent() || choice == Choice::Now || content == course.stable_content {
            return Ok(Way::AtOnce);
        }
        // The approval that is in force holds by whichever strategy a change goes.
        let required = self.approval_in_force(state).await?;
        let approved = |mut strategy: Strategy| {
            strategy.approval |= required.is_some();
            Way::Staged(strategy)
        };
        if let Choice::Named(name) = choice {
            return Ok(strategy(inventory, name).map_or(Way::AtOnce, approved));
        }
        let last = course.rollout.as_ref();
        if last
            .is_some_and(|last| last.content == content && last.state != RolloutState::Superseded)
        {
            return Ok(Way::Recorded);
        }
        // What was not tried to its end is part of this set too.
        let untried = state.content != course.stable_content;
        let same = last.filter(|_| untried).map(|last| {
            strategy(inventory, &last.strategy.name).unwrap_or_else(|| last.strategy.clone())
        });
        let usual = same
            .or_else(|| strategy(inventory, RolloutStrategy::DEFAULT))
            .or_else(|| required.clone());
        Ok(usual.map_or(Way::AtOnce, approved))
    }

    /// The strategy in force that lets no change begin that nobody else has approved.
    async fn approval_in_force(&self, state: &State) -> Result<Option<Strategy>, ApplyError> {
        let found = if state.content == state.course.stable_content {
            strategy(&state.inventory, RolloutStrategy::DEFAULT)
        } else {
            let stable = self.stable_inventory(state).await?;
            strategy(&stable, RolloutStrategy::DEFAULT)
        };
        Ok(found.filter(|strategy| strategy.approval))
    }

    /// May this be sent past the approval that is in force? Only by who could give it.
    ///
    /// # Errors
    /// When it may not, or the store fails.
    pub async fn may_skip_approval(&self, caller: &Caller) -> Result<(), SkipFault> {
        let state = self.state.lock().await;
        if self.approval_in_force(&state).await?.is_some() {
            caller.identity.may(Need::Role(Role::Approver))?;
        }
        Ok(())
    }

    /// The course once a revision of the declared set is stored, and the rollouts that this changes.
    pub(super) async fn steered(
        &self,
        state: &State,
        inventory: &Inventory,
        way: Way,
        next: &Next,
    ) -> Result<Course, ApplyError> {
        let (revision, published) = next;
        let mut course = state.course.clone();
        let sent = Sent::new(revision, Arc::clone(published));
        let content = content_of(inventory);
        let name = sent.name();
        let why = format!("by revision {name}");
        let act = |why| Act {
            who: &revision.info.author,
            why,
            now_ms: revision.info.time_ms,
        };
        match way {
            Way::Recorded => {}
            Way::AtOnce => {
                if let Some(rollout) = &mut course.rollout {
                    rollout.supersede(act(&why));
                }
                course.settle(sent, content);
            }
            Way::Staged(strategy) => {
                let monitoring = self
                    .variant(state, inventory, &strategy, &revision.info)
                    .await?;
                let names = Names {
                    stable: course.stable.iter().map(Sent::name).collect(),
                    candidate: vec![name],
                    monitoring: monitoring.iter().map(|it| it.revision.clone()).collect(),
                };
                course.candidate = Some(sent);
                course.monitoring = monitoring;
                course.rollout = Some(Rollout::begin(Begin {
                    id: revision.info.number,
                    content,
                    names,
                    strategy,
                    act: act(&revision.info.message),
                }));
            }
        }
        Ok(course)
    }

    /// The candidate with its new and changed policies in monitor mode, where a stage asks for it.
    pub(super) async fn variant(
        &self,
        state: &State,
        inventory: &Inventory,
        strategy: &Strategy,
        info: &crate::store::StoredRevision,
    ) -> Result<Option<Arc<crate::xds::Published>>, ApplyError> {
        if !strategy.stages.iter().any(|stage| stage.monitor) {
            return Ok(None);
        }
        let stable = self.stable_inventory(state).await?;
        let documents = rollout_variant::monitoring(&inventory.documents(), &stable.documents());
        let material = self.compile_material(state);
        let compiled = self.compiled(documents, material).await;
        let compiled = compiled.map_err(rollout_variant::not_beside)?;
        let label = build::Label {
            number: info.number,
            resources: inventory.len(),
            now: info.time_ms,
            author: &info.author,
            message: &info.message,
        };
        let (_, published) = build::revision(compiled, label, &self.code).await?;
        Ok(Some(published))
    }

    /// The set that nodes run which no rollout has reached.
    pub(super) async fn stable_inventory(&self, state: &State) -> Result<Inventory, ApplyError> {
        let course = &state.course;
        let stable = course.stable.as_ref();
        let Some(stable) = stable.filter(|_| state.content != course.stable_content) else {
            return Ok(state.inventory.clone());
        };
        let stored = self.store.resources_at(stable.info.set()).await?;
        let (entries, unreadable) = tokio::task::spawn_blocking(move || super::start::read(stored))
            .await
            .map_err(|_| ApplyError::Stopped)?;
        if !unreadable.is_empty() {
            let findings = unreadable.into_values().flat_map(|(_, findings)| findings);
            return Err(ApplyError::Refused(findings.collect()));
        }
        Ok(Inventory::new(entries))
    }

    /// Does something to the rollout under way. Returns it as it is then.
    ///
    /// # Errors
    /// When there is none, its state does not allow it, or the store fails: then nothing was changed.
    pub async fn act_on_rollout(
        &self,
        action: RolloutAction,
        who: &str,
        why: &str,
    ) -> Result<Rollout, RolloutFault> {
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            match self.act_on_state(&mut state, action, who, why).await {
                Err(RolloutFault::Change(error)) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    async fn act_on_state(
        &self,
        state: &mut State,
        action: RolloutAction,
        who: &str,
        why: &str,
    ) -> Result<Rollout, RolloutFault> {
        let mut course = state.course.clone();
        let rollout = course.rollout.as_mut().ok_or(RolloutFault::None)?;
        let act = Act {
            who: named_author(who),
            why: cut(why, limits::MAX_LABEL_BYTES),
            now_ms: self.clock.now(),
        };
        match action {
            RolloutAction::Approve => rollout.approve(act),
            RolloutAction::Reject => rollout.reject(act),
            RolloutAction::Pause => rollout.pause(act),
            RolloutAction::Resume => rollout.resume(act),
            RolloutAction::Promote { all } => rollout.promote(act, all),
            RolloutAction::Abort => rollout.abort(act),
        }?;
        let rollout = rollout.clone();
        conclude(&mut course, &rollout);
        let seen = Some(state.head);
        let saved = self.store.save_rollout(&rollout, course.row(), seen).await;
        state.head = saved.map_err(ApplyError::from)?;
        tracing::info!(
            rollout = rollout.id,
            state = rollout.state.as_str(),
            who,
            ?action,
            "rollout"
        );
        state.course = course;
        self.show(state);
        Ok(rollout)
    }

    /// The rollout under way or the last one; none where there never was one.
    pub async fn rollout(&self) -> Option<Rollout> {
        self.state.lock().await.course.rollout.clone()
    }
}

/// What a rollout's end means for the nodes.
pub(super) fn conclude(course: &mut Course, rollout: &Rollout) {
    if rollout.state == RolloutState::Complete
        && let Some(candidate) = course.candidate.take()
    {
        course.settle(candidate, rollout.content.clone());
    }
    if !rollout.state.is_open() {
        course.candidate = None;
        course.monitoring = None;
    }
}

fn strategy(inventory: &Inventory, name: &str) -> Option<Strategy> {
    inventory.entries().find_map(|entry| {
        let document = &entry.document;
        match &document.resource {
            Resource::RolloutStrategy(strategy)
                if document.kind == Kind::RolloutStrategy && document.name == name =>
            {
                Some(strategy.strategy(name))
            }
            _ => None,
        }
    })
}
