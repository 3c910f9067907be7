//! Rollouts in the words of the operator's API.

use countersign_proto::admin::v1 as admin;
use countersign_proto::node::v1::WorkerCounts;
use tonic::Status;

use super::apply_status;
use crate::nodes::Counts;
use crate::rollout::{Proposal, Rollout};
use crate::runtime::{RolloutAction, RolloutFault, proposals_window};

pub(super) fn action(action: admin::RolloutAction) -> Option<RolloutAction> {
    use admin::RolloutAction as Said;
    Some(match action {
        Said::Unspecified => return None,
        Said::Approve => RolloutAction::Approve,
        Said::Reject => RolloutAction::Reject,
        Said::Pause => RolloutAction::Pause,
        Said::Resume => RolloutAction::Resume,
        Said::Promote => RolloutAction::Promote { all: false },
        Said::PromoteAll => RolloutAction::Promote { all: true },
        Said::Abort => RolloutAction::Abort,
    })
}

pub(super) fn status(fault: RolloutFault) -> Status {
    match fault {
        RolloutFault::None => Status::not_found(fault.to_string()),
        RolloutFault::Refused(_) => Status::failed_precondition(fault.to_string()),
        RolloutFault::Change(error) => apply_status(error),
    }
}

pub(super) fn proposals(proposals: Vec<Proposal>, hours: u32) -> admin::ListProposalsResponse {
    let proposal = |proposal: Proposal| admin::Proposal {
        policy: proposal.policy,
        challenges: proposal.challenges,
        passed: proposal.passed,
        line: proposal.line.to_owned(),
        reason: proposal.reason,
    };
    admin::ListProposalsResponse {
        proposals: proposals.into_iter().map(proposal).collect(),
        hours: proposals_window(hours),
    }
}

pub(super) fn counts(counts: &Counts) -> WorkerCounts {
    WorkerCounts {
        requests: counts.requests,
        allow: counts.allow,
        block: counts.block,
        redirect: counts.redirect,
        challenge: counts.challenge,
        monitor: counts.monitor,
        satisfied: counts.satisfied,
        errors: counts.errors,
        events: counts.events,
        timed: counts.timed,
        timed_nanos: counts.timed_nanos,
        timed_within: counts.timed_within.to_vec(),
    }
}

pub(super) fn rollout(rollout: &Rollout) -> admin::Rollout {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let nodes = rollout.nodes();
    let newest = |names: &[String]| names.last().cloned().unwrap_or_default();
    admin::Rollout {
        id: rollout.id,
        state: rollout.state.as_str().to_owned(),
        why: rollout.why().to_owned(),
        strategy: rollout.strategy.name.clone(),
        author: rollout.author.clone(),
        message: rollout.message.clone(),
        started_ms: rollout.started_ms,
        stable: newest(&rollout.names.stable),
        candidate: newest(&rollout.names.candidate),
        stage: number(rollout.stage.saturating_add(1)),
        elapsed_ms: rollout.elapsed_ms,
        stages: rollout
            .strategy
            .stages
            .iter()
            .map(|stage| admin::RolloutStage {
                nodes: stage.reach.to_string(),
                lasts_ms: stage.lasts_ms,
                monitor: stage.monitor,
            })
            .collect(),
        gates: rollout
            .checks()
            .iter()
            .map(|check| admin::RolloutGate {
                gate: check.gate.clone(),
                verdict: check.verdict.as_str().to_owned(),
                measured: check.measured.clone(),
                bound: check.bound.clone(),
                node: check.node.clone(),
            })
            .collect(),
        steps: rollout
            .steps
            .iter()
            .map(|step| admin::RolloutStep {
                time_ms: step.time_ms,
                state: step.state.as_str().to_owned(),
                stage: number(step.stage),
                who: step.who.clone(),
                why: step.why.clone(),
            })
            .collect(),
        nodes: Some(admin::RolloutNodes {
            connected: number(nodes.connected),
            reached: number(nodes.reached),
            live: number(nodes.live),
        }),
        candidate_counts: Some(counts(&rollout.sides.candidate)),
        control_counts: Some(counts(&rollout.sides.control)),
        unanswered: rollout.unanswered().unwrap_or_default().to_owned(),
    }
}
