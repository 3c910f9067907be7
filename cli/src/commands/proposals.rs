//! `countersign proposals`: policies that may challenge the wrong people.

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::{CommandError, Context, Outcome};
use crate::{api, output};

/// The options of `countersign proposals`.
#[derive(Debug, Args)]
pub(crate) struct ProposalsArgs {
    /// How many hours back
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=2_160))]
    hours: u32,
}

#[derive(Debug, Serialize)]
struct Proposals {
    hours: u32,
    proposals: Vec<Proposal>,
}

#[derive(Debug, Serialize)]
struct Proposal {
    policy: String,
    challenges: u64,
    passed: u64,
    line: String,
    reason: String,
}

pub(crate) async fn run(args: &ProposalsArgs, context: &Context) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    let request = admin::ListProposalsRequest { hours: args.hours };
    let answer = client.list_proposals(request).await?.into_inner();
    let proposals = Proposals {
        hours: answer.hours,
        proposals: answer
            .proposals
            .into_iter()
            .map(|proposal| Proposal {
                policy: proposal.policy,
                challenges: proposal.challenges,
                passed: proposal.passed,
                line: proposal.line,
                reason: proposal.reason,
            })
            .collect(),
    };
    context.output.print(&proposals, table)?;
    Ok(Outcome::Fine)
}

#[allow(clippy::cast_precision_loss)]
fn table(proposals: &Proposals) -> String {
    let rows = proposals.proposals.iter().map(|proposal| {
        let share = proposal.passed as f64 * 100.0 / proposal.challenges.max(1) as f64;
        [
            proposal.policy.clone(),
            proposal.challenges.to_string(),
            format!("{share:.1} %"),
            proposal.line.clone(),
            proposal.reason.clone(),
        ]
    });
    let empty = format!(
        "nothing to propose by what became of challenges in the last {} hours",
        proposals.hours
    );
    let mut text = output::table(
        [
            "policy",
            "challenges",
            "passed",
            "its spec could say",
            "because",
        ],
        rows,
        &empty,
    );
    if !proposals.proposals.is_empty() {
        text.push_str("\nnothing of this is applied by itself\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_tells_rate_and_line_and_that_it_is_one() {
        let text = table(&Proposals {
            hours: 24,
            proposals: vec![Proposal {
                policy: "checkout".to_owned(),
                challenges: 1_000,
                passed: 985,
                line: "mode: monitor".to_owned(),
                reason: "people".to_owned(),
            }],
        });
        for part in [
            "checkout",
            "98.5 %",
            "mode: monitor",
            "nothing of this is applied",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
