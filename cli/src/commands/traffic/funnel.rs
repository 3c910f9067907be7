//! What became of the challenges, as a person reads it.

use super::{Counts, Kind, Policy, Traffic, percent};
use crate::output;

/// A line for each policy and demand, below it one for each kind of proof that was tried, and why answers
/// were rejected.
pub(super) fn table(traffic: &Traffic) -> String {
    let challenged = traffic
        .policies
        .iter()
        .flat_map(|policy| {
            policy
                .by_assurance
                .iter()
                .map(move |graded| (policy, graded))
        })
        .filter(|(_, graded)| followed(&graded.counts));
    let rows = challenged.map(|(policy, graded)| {
        let counts = &graded.counts;
        [
            policy.name().to_owned(),
            graded.assurance.to_owned(),
            counts.challenge.to_string(),
            counts.page_served.to_string(),
            counts.started.to_string(),
            counts.unsupported.to_string(),
            counts.cancelled.to_string(),
            counts.rejected.to_string(),
            counts.passed.to_string(),
            counts.came_back.to_string(),
            counts.rate(),
        ]
    });
    let mut text = output::table(
        [
            "policy",
            "demands",
            "issued",
            "page",
            "started",
            "unsupported",
            "cancelled",
            "rejected",
            "passed",
            "came back",
            "pass rate",
        ],
        rows,
        "nothing was challenged in this time",
    );
    if !traffic.kinds.is_empty() {
        text.push('\n');
        text.push_str(&kinds(&traffic.kinds));
    }
    for policy in &traffic.policies {
        for line in causes(policy) {
            text.push('\n');
            text.push_str(&line);
        }
    }
    text
}

/// Most tried first.
fn kinds(kinds: &[Kind]) -> String {
    let mut kinds: Vec<&Kind> = kinds.iter().collect();
    kinds.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| a.kind.cmp(&b.kind)));
    let rows = kinds.into_iter().map(|kind| {
        [
            kind.kind.clone(),
            kind.started.to_string(),
            kind.unsupported.to_string(),
            kind.cancelled.to_string(),
            kind.rejected.to_string(),
            kind.passed.to_string(),
            percent(kind.pass_rate),
        ]
    });
    output::table(
        [
            "kind",
            "started",
            "unsupported",
            "cancelled",
            "rejected",
            "passed",
            "pass rate",
        ],
        rows,
        "",
    )
}

/// Is there more than requests that a session satisfied?
fn followed(counts: &Counts) -> bool {
    let steps = [
        counts.challenge,
        counts.page_served,
        counts.started,
        counts.unsupported,
        counts.cancelled,
        counts.rejected,
        counts.passed,
        counts.came_back,
    ];
    steps.iter().any(|count| *count > 0)
}

fn causes(policy: &Policy) -> impl Iterator<Item = String> + '_ {
    policy.rejected_by.iter().map(|cause| {
        format!(
            "{}: rejected by {}: {}",
            policy.name(),
            cause.cause,
            cause.count
        )
    })
}

#[cfg(test)]
mod tests {
    use countersign_proto::admin::v1 as admin;
    use countersign_proto::policy::v1::Assurance;

    use super::*;

    #[test]
    fn a_funnel_has_a_line_for_each_demand_and_names_the_causes() {
        let graded = |assurance: Assurance, challenge, satisfied| admin::AssuranceTraffic {
            assurance: assurance.into(),
            counts: Some(admin::TrafficCounts {
                challenge,
                satisfied,
                passed: 1.min(challenge),
                came_back: 1.min(challenge),
                pass_rate: (challenge > 0).then_some(0.25),
                ..admin::TrafficCounts::default()
            }),
        };
        let text = table(&Traffic::from(admin::GetTrafficResponse {
            policies: vec![admin::PolicyTraffic {
                policy: "checkout".into(),
                by_assurance: vec![
                    graded(Assurance::Uv, 4, 0),
                    graded(Assurance::UvBound, 0, 9),
                ],
                rejected_by: vec![admin::CauseCount {
                    cause: "USER_NOT_VERIFIED".into(),
                    count: 2,
                }],
                ..admin::PolicyTraffic::default()
            }],
            ..admin::GetTrafficResponse::default()
        }));
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[1].starts_with("checkout")
                && lines[1].contains("uv")
                && lines[1].ends_with("25 %"),
            "{text}"
        );
        assert!(
            !text.contains("uv_bound"),
            "satisfied alone is no funnel: {text}"
        );
        assert_eq!(
            lines.last(),
            Some(&"checkout: rejected by USER_NOT_VERIFIED: 2")
        );
    }

    #[test]
    fn kinds_of_proof_have_a_table_of_their_own_the_most_tried_first() {
        let kind = |kind: &str, started, rejected, passed| admin::KindTraffic {
            kind: kind.to_owned(),
            started,
            rejected,
            passed,
            pass_rate: (started > 0).then(|| passed as f64 / started as f64),
            ..admin::KindTraffic::default()
        };
        let text = table(&Traffic::from(admin::GetTrafficResponse {
            kinds: vec![
                kind("fido", 2, 1, 1),
                kind("otp_email", 0, 1, 0),
                kind("pow", 4, 0, 3),
            ],
            ..admin::GetTrafficResponse::default()
        }));
        let lines: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[2][..3], ["KIND", "STARTED", "UNSUPPORTED"], "{text}");
        assert_eq!(
            [&lines[3], &lines[4], &lines[5]],
            [
                &vec!["pow", "4", "0", "0", "0", "3", "75", "%"],
                &vec!["fido", "2", "0", "0", "1", "1", "50", "%"],
                &vec!["otp_email", "0", "0", "0", "1", "0", "-"],
            ],
            "{text}"
        );
    }
}
