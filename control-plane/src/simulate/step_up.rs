//! Upstreams that ask one request for more proof: which of them may, and what becomes of it.

use countersign_engine::{Decision, MayAsk, Request};
use serde::Serialize;

use super::explain::Reply;
use super::judge::Asked;
use crate::rehearsal::{self, UpstreamSpec};

/// Which upstreams may ask.
#[derive(Debug, Serialize)]
pub struct MayAskSeen {
    /// The policy that says so; `(step-up)` where `Settings` do.
    pub policy: String,
    /// Names of clusters, `*` for any run of characters; empty = none.
    pub upstreams: Vec<String>,
    /// What the upstream is told in `countersign-assurance`.
    pub told: String,
    /// Bytes of its body that are kept until the upstream has answered; none where a browser would not
    /// send it again from a page, or it has no body.
    pub keeps_body: Option<usize>,
}

/// What becomes of an upstream's demand.
#[derive(Debug, Serialize)]
pub struct AskedSeen {
    /// The upstream's name.
    pub upstream: String,
    /// What its `countersign-step-up` says.
    pub demand: String,
    /// `challenge`, `satisfied`, `untrusted`, `nobody_trusted`, `exempt`, `preflight`, `malformed`,
    /// `not_reached`.
    pub came_of_it: &'static str,
    /// Why.
    pub why: String,
    /// What takes the place of the upstream's answer.
    pub reply: Option<Reply>,
}

impl MayAskSeen {
    pub(super) fn of(may_ask: MayAsk, decision: &Decision, request: &Request<'_>) -> Option<Self> {
        let Decision::Permit(permit) = decision else {
            return None;
        };
        let watch = permit.watch()?;
        Some(Self {
            policy: may_ask.policy,
            upstreams: may_ask.upstreams,
            told: watch.proven.clone(),
            keeps_body: watch.copies(request, true),
        })
    }
}

impl AskedSeen {
    pub(super) fn of(asked: &mut Asked<'_>, decision: &Decision, upstream: &UpstreamSpec) -> Self {
        let Asked {
            set,
            request,
            memory,
            ..
        } = asked;
        let turn = rehearsal::turn(&set.revision, request, memory, decision, upstream);
        Self {
            upstream: upstream.name.clone(),
            demand: upstream.step_up.clone(),
            came_of_it: turn.came_of_it.word(),
            why: turn.came_of_it.why(),
            reply: turn
                .refused
                .map(|(denial, reply)| Reply::refused(&denial, &reply)),
        }
    }
}
