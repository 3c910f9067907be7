//! A rollout as people and programs read it.

use countersign_proto::admin::v1 as admin;
use countersign_proto::node::v1::WorkerCounts;
use serde::Serialize;

use crate::output;

#[derive(Debug, Serialize)]
pub(super) struct Rollout {
    id: u64,
    state: String,
    why: String,
    strategy: String,
    author: String,
    message: String,
    started: Option<String>,
    stable: String,
    candidate: String,
    stage: u32,
    elapsed_s: u64,
    stages: Vec<Stage>,
    gates: Vec<Gate>,
    nodes: Nodes,
    candidate_counts: Counts,
    control_counts: Counts,
    steps: Vec<Step>,
    #[serde(skip_serializing_if = "String::is_empty")]
    unanswered: String,
    #[serde(skip)]
    started_ms: u64,
}

#[derive(Debug, Serialize)]
struct Stage {
    nodes: String,
    lasts_s: u64,
    monitor: bool,
}

#[derive(Debug, Serialize)]
struct Gate {
    gate: String,
    verdict: String,
    measured: String,
    bound: String,
    node: String,
}

#[derive(Debug, Serialize)]
struct Nodes {
    connected: u32,
    reached: u32,
    live: u32,
}

#[derive(Debug, Serialize)]
struct Counts {
    requests: u64,
    allow: u64,
    block: u64,
    redirect: u64,
    challenge: u64,
    monitor: u64,
    errors: u64,
}

#[derive(Debug, Serialize)]
struct Step {
    time: Option<String>,
    state: String,
    stage: u32,
    who: String,
    why: String,
    #[serde(skip)]
    time_ms: u64,
}

impl From<WorkerCounts> for Counts {
    fn from(counts: WorkerCounts) -> Self {
        Self {
            requests: counts.requests,
            allow: counts.allow,
            block: counts.block,
            redirect: counts.redirect,
            challenge: counts.challenge,
            monitor: counts.monitor,
            errors: counts.errors,
        }
    }
}

impl From<admin::Rollout> for Rollout {
    fn from(rollout: admin::Rollout) -> Self {
        let nodes = rollout.nodes.unwrap_or_default();
        Self {
            id: rollout.id,
            state: rollout.state,
            why: rollout.why,
            strategy: rollout.strategy,
            author: rollout.author,
            message: rollout.message,
            started: output::rfc3339(rollout.started_ms),
            stable: rollout.stable,
            candidate: rollout.candidate,
            stage: rollout.stage,
            elapsed_s: rollout.elapsed_ms / 1_000,
            stages: rollout
                .stages
                .into_iter()
                .map(|stage| Stage {
                    nodes: stage.nodes,
                    lasts_s: stage.lasts_ms / 1_000,
                    monitor: stage.monitor,
                })
                .collect(),
            gates: rollout
                .gates
                .into_iter()
                .map(|gate| Gate {
                    gate: gate.gate,
                    verdict: gate.verdict,
                    measured: gate.measured,
                    bound: gate.bound,
                    node: gate.node,
                })
                .collect(),
            nodes: Nodes {
                connected: nodes.connected,
                reached: nodes.reached,
                live: nodes.live,
            },
            candidate_counts: rollout.candidate_counts.unwrap_or_default().into(),
            control_counts: rollout.control_counts.unwrap_or_default().into(),
            steps: rollout
                .steps
                .into_iter()
                .map(|step| Step {
                    time: output::rfc3339(step.time_ms),
                    state: step.state,
                    stage: step.stage,
                    who: step.who,
                    why: step.why,
                    time_ms: step.time_ms,
                })
                .collect(),
            unanswered: rollout.unanswered,
            started_ms: rollout.started_ms,
        }
    }
}

impl Rollout {
    pub(super) fn is_open(&self) -> bool {
        ["waiting for approval", "progressing", "paused"].contains(&self.state.as_str())
    }

    fn runs(&self) -> bool {
        ["progressing", "paused"].contains(&self.state.as_str())
    }

    /// After something was done to it.
    pub(super) fn line(&self) -> String {
        format!(
            "rollout of {} is {}: {}\n",
            self.candidate, self.state, self.why
        )
    }

    pub(super) fn row(&self) -> [String; 7] {
        [
            self.candidate.clone(),
            self.state.clone(),
            self.strategy.clone(),
            format!("{}/{}", self.stage, self.stages.len()),
            output::time(self.started_ms),
            self.author.clone(),
            self.why.clone(),
        ]
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "rollout   {} by strategy {}, over {}\nstate     {}: {}\nchange    by {}{} at {}\n",
            self.candidate,
            self.strategy,
            self.stable,
            self.state,
            self.why,
            self.author,
            if self.message.is_empty() {
                String::new()
            } else {
                format!(", \"{}\",", self.message)
            },
            output::time(self.started_ms),
        );
        if self.runs() {
            text.push_str(&format!(
                "nodes     {} of {} reached run it; {} connected\nrequests  {} where it runs, {} where it does not\n",
                self.nodes.live,
                self.nodes.reached,
                self.nodes.connected,
                self.candidate_counts.requests,
                self.control_counts.requests,
            ));
        }
        if !self.unanswered.is_empty() {
            text.push_str(&format!("note      {}\n", self.unanswered));
        }
        text.push('\n');
        let stages = self.stages.iter().zip(1_u32..).map(|(stage, number)| {
            let (state, time) = if number < self.stage || self.state == "complete" {
                ("held", span(stage.lasts_s))
            } else if number == self.stage && self.state != "waiting for approval" {
                let time = format!("{} of {}", span(self.elapsed_s), span(stage.lasts_s));
                (self.state.as_str(), time)
            } else {
                ("", span(stage.lasts_s))
            };
            let mode = if stage.monitor { "monitor" } else { "enforce" };
            [
                number.to_string(),
                stage.nodes.clone(),
                mode.to_owned(),
                time,
                state.to_owned(),
            ]
        });
        let header = ["stage", "nodes", "mode", "time", "state"];
        text.push_str(&output::table(header, stages, ""));
        if !self.gates.is_empty() {
            text.push('\n');
            let gates = self.gates.iter().map(|gate| {
                [
                    gate.gate.clone(),
                    gate.verdict.clone(),
                    gate.measured.clone(),
                    gate.bound.clone(),
                    gate.node.clone(),
                ]
            });
            let header = ["gate", "", "measured", "bound", "node"];
            text.push_str(&output::table(header, gates, ""));
        }
        text.push('\n');
        let steps = self.steps.iter().map(|step| {
            let who = if step.who.is_empty() {
                "itself".to_owned()
            } else {
                step.who.clone()
            };
            [
                output::time(step.time_ms),
                who,
                step.state.clone(),
                step.why.clone(),
            ]
        });
        text.push_str(&output::table(["when", "who", "state", "what"], steps, ""));
        text
    }
}

/// `1h30m`, `90s` as `1m30s`, `0s`.
fn span(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    for (number, unit) in [(hours, 'h'), (minutes, 'm'), (rest, 's')] {
        if number > 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(state: &str, why: &str) -> Rollout {
        Rollout::from(admin::Rollout {
            id: 3,
            state: state.to_owned(),
            why: why.to_owned(),
            strategy: "careful".to_owned(),
            author: "ada".to_owned(),
            stable: "2-b".to_owned(),
            candidate: "3-c".to_owned(),
            stage: 1,
            elapsed_ms: 95_000,
            stages: vec![
                admin::RolloutStage {
                    nodes: "locality.zone == 'a'".to_owned(),
                    lasts_ms: 120_000,
                    monitor: false,
                },
                admin::RolloutStage {
                    nodes: "100 %".to_owned(),
                    ..admin::RolloutStage::default()
                },
            ],
            gates: vec![admin::RolloutGate {
                gate: "block share".to_owned(),
                verdict: "fails".to_owned(),
                measured: "60.0 % of requests blocked against 2.0 where it does not run".to_owned(),
                bound: "at most 5 points more".to_owned(),
                node: "edge-1".to_owned(),
            }],
            ..admin::Rollout::default()
        })
    }

    #[test]
    fn the_status_tells_stage_gate_number_and_node() {
        let text = rollout("progressing", "stage 1 of 2").text();
        for part in [
            "rollout   3-c by strategy careful, over 2-b",
            "1m35s of 2m",
            "60.0 % of requests blocked against 2.0",
            "edge-1",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn what_was_done_is_said_in_a_line() {
        assert_eq!(
            rollout("aborted", "aborted: it hurts").line(),
            "rollout of 3-c is aborted: aborted: it hurts\n"
        );
    }

    #[test]
    fn a_rollout_is_watched_while_it_can_change() {
        for (state, open) in [
            ("progressing", true),
            ("paused", true),
            ("rolled back", false),
        ] {
            assert_eq!(rollout(state, "").is_open(), open);
        }
    }
}
