//! `countersign traffic`: what was decided, by policy, and how many challenges were passed.

mod funnel;

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::{CommandError, Context, Outcome, words};
use crate::{api, output};

/// The options of `countersign traffic`.
#[derive(Debug, Args)]
pub(crate) struct TrafficArgs {
    /// From when, as RFC 3339 [default: an hour before --to]
    #[arg(long)]
    from: Option<jiff::Timestamp>,
    /// Until when, as RFC 3339 [default: now]
    #[arg(long)]
    to: Option<jiff::Timestamp>,
    /// Seconds of one point in time, a multiple of 60
    #[arg(long, default_value_t = 60, value_parser = step)]
    step: u32,
    /// Of this policy
    #[arg(long, default_value = "")]
    policy: String,
    /// On this host
    #[arg(long, default_value = "")]
    host: String,
    /// What became of the challenges: from issued to come back, by policy and demanded assurance; how
    /// each kind of proof that was tried went; and why answers were rejected
    #[arg(long)]
    funnel: bool,
}

fn step(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(step) if step > 0 && step % 60 == 0 => Ok(step),
        _ => Err("a multiple of 60"),
    }
}

#[derive(Debug, Serialize)]
struct Traffic {
    policies: Vec<Policy>,
    kinds: Vec<Kind>,
    points: Vec<Point>,
}

#[derive(Debug, Serialize)]
struct Policy {
    /// Empty = no policy matched.
    policy: String,
    counts: Counts,
    by_assurance: Vec<Graded>,
    rejected_by: Vec<Cause>,
}

/// Challenges and what followed, of one demand.
#[derive(Debug, Serialize)]
struct Graded {
    assurance: &'static str,
    counts: Counts,
}

#[derive(Debug, Serialize)]
struct Cause {
    cause: String,
    count: u64,
}

/// Challenges that were tried with one kind of proof.
#[derive(Debug, Serialize)]
struct Kind {
    kind: String,
    started: u64,
    unsupported: u64,
    cancelled: u64,
    rejected: u64,
    passed: u64,
    /// passed / started; absent where nothing was started.
    pass_rate: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Point {
    time: Option<String>,
    counts: Counts,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    allow: u64,
    block: u64,
    redirect: u64,
    challenge: u64,
    monitor: u64,
    page_served: u64,
    started: u64,
    unsupported: u64,
    cancelled: u64,
    rejected: u64,
    passed: u64,
    satisfied: u64,
    came_back: u64,
    /// passed / challenge; absent where nothing was challenged.
    pass_rate: Option<f64>,
}

pub(crate) async fn run(args: &TrafficArgs, context: &Context) -> Result<Outcome, CommandError> {
    let request = admin::GetTrafficRequest {
        from_ms: words::milliseconds(args.from),
        to_ms: words::milliseconds(args.to),
        step_s: args.step,
        policy: args.policy.clone(),
        host: args.host.clone(),
    };
    let mut client = api::connect(&context.control_plane).await?;
    let answer = client.get_traffic(request).await?;
    let view = if args.funnel { funnel::table } else { table };
    context
        .output
        .print(&Traffic::from(answer.into_inner()), view)?;
    Ok(Outcome::Fine)
}

impl From<admin::GetTrafficResponse> for Traffic {
    fn from(answer: admin::GetTrafficResponse) -> Self {
        let counts =
            |counts: Option<admin::TrafficCounts>| Counts::from(counts.unwrap_or_default());
        Self {
            policies: answer
                .policies
                .into_iter()
                .map(|policy| Policy {
                    policy: policy.policy,
                    counts: counts(policy.counts),
                    by_assurance: policy
                        .by_assurance
                        .into_iter()
                        .map(|graded| Graded {
                            assurance: words::assurance(graded.assurance()),
                            counts: counts(graded.counts),
                        })
                        .collect(),
                    rejected_by: policy
                        .rejected_by
                        .into_iter()
                        .map(|cause| Cause {
                            cause: cause.cause,
                            count: cause.count,
                        })
                        .collect(),
                })
                .collect(),
            kinds: answer
                .kinds
                .into_iter()
                .map(|kind| Kind {
                    kind: kind.kind,
                    started: kind.started,
                    unsupported: kind.unsupported,
                    cancelled: kind.cancelled,
                    rejected: kind.rejected,
                    passed: kind.passed,
                    pass_rate: kind.pass_rate,
                })
                .collect(),
            points: answer
                .points
                .into_iter()
                .map(|point| Point {
                    time: output::rfc3339(point.time_ms),
                    counts: counts(point.counts),
                })
                .collect(),
        }
    }
}

impl From<admin::TrafficCounts> for Counts {
    fn from(counts: admin::TrafficCounts) -> Self {
        Self {
            allow: counts.allow,
            block: counts.block,
            redirect: counts.redirect,
            challenge: counts.challenge,
            monitor: counts.monitor,
            page_served: counts.page_served,
            started: counts.started,
            unsupported: counts.unsupported,
            cancelled: counts.cancelled,
            rejected: counts.rejected,
            passed: counts.passed,
            satisfied: counts.satisfied,
            came_back: counts.came_back,
            pass_rate: counts.pass_rate,
        }
    }
}

impl Policy {
    fn name(&self) -> &str {
        match self.policy.as_str() {
            "" => "(no policy)",
            name => name,
        }
    }
}

impl Counts {
    fn rate(&self) -> String {
        percent(self.pass_rate)
    }
}

fn percent(rate: Option<f64>) -> String {
    let rate = rate.map(|rate| format!("{:.0} %", rate * 100.0));
    rate.unwrap_or_default()
}

fn table(traffic: &Traffic) -> String {
    let rows = traffic.policies.iter().map(|policy| {
        let counts = &policy.counts;
        [
            policy.name().to_owned(),
            counts.allow.to_string(),
            counts.block.to_string(),
            counts.redirect.to_string(),
            counts.challenge.to_string(),
            counts.monitor.to_string(),
            counts.satisfied.to_string(),
            counts.passed.to_string(),
            counts.rate(),
        ]
    });
    output::table(
        [
            "policy",
            "allow",
            "block",
            "redirect",
            "challenge",
            "monitor",
            "satisfied",
            "passed",
            "pass rate",
        ],
        rows,
        "no traffic in this time",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_the_pass_rate_only_where_something_was_challenged() {
        let policy = |name: &str, challenge, passed, pass_rate| admin::PolicyTraffic {
            policy: name.to_owned(),
            counts: Some(admin::TrafficCounts {
                challenge,
                passed,
                pass_rate,
                ..admin::TrafficCounts::default()
            }),
            ..admin::PolicyTraffic::default()
        };
        let text = table(&Traffic::from(admin::GetTrafficResponse {
            policies: vec![
                policy("checkout", 3, 2, Some(2.0 / 3.0)),
                policy("", 0, 0, None),
            ],
            ..admin::GetTrafficResponse::default()
        }));
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[1].starts_with("checkout") && lines[1].ends_with("67 %"),
            "{text}"
        );
        assert!(
            lines[2].starts_with("(no policy)") && lines[2].ends_with('-'),
            "{text}"
        );
    }

    #[test]
    fn a_step_is_whole_minutes() {
        assert_eq!(step("120"), Ok(120));
        for bad in ["0", "61", "x", "-60"] {
            assert!(step(bad).is_err(), "{bad}");
        }
    }
}
