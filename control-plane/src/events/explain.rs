//! One decision in plain words, a line for each part, for whoever has to answer for it.

use countersign_proto::event::v1::{DecisionEvent, Session};
use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::{ActionKind, Verdict};

use crate::words;

/// Every part of the decision and of what followed.
#[must_use]
pub fn explain(event: &DecisionEvent, outcomes: &[Outcome]) -> Vec<String> {
    let mut lines = vec![request(event), decision(event)];
    if !event.step_up_by.is_empty() {
        lines.push(asked(event));
    }
    lines.push(score(event));
    lines.push(session(event.session.as_ref()));
    lines.extend(event.satisfied.iter().map(|policy| {
        format!("policy `{policy}` matched; its challenge was already satisfied by the session")
    }));
    lines.extend(event.monitored.iter().map(|monitored| {
        format!(
            "policy `{}` matched and only counted; it would have answered {}",
            monitored.policy,
            action_word(monitored.action())
        )
    }));
    lines.extend(
        event
            .inputs
            .iter()
            .map(|input| format!("the condition read {} = {}", input.name, input.value)),
    );
    lines.extend(event.errors.iter().map(|error| {
        format!(
            "the condition of `{}` failed and counted as not met: {}",
            error.policy, error.error
        )
    }));
    lines.extend(event.notes.iter().map(|note| note_line(note)));
    lines.extend(outcomes.iter().map(|outcome| outcome_line(event, outcome)));
    if outcomes.is_empty() && event.action() == ActionKind::Challenge {
        lines.push("nothing followed: the challenge page was not asked for".to_owned());
    }
    lines
}

fn request(event: &DecisionEvent) -> String {
    let client = or(&event.client_address, "an unknown address");
    let agent = or(&event.user_agent, "no user agent");
    format!(
        "{} {}://{}{} from {client}, {agent}; decided by revision {}",
        or(&event.method, "?"),
        or(&event.scheme, "http"),
        event.host,
        event.path,
        or(&event.revision, "?"),
    )
}

fn decision(event: &DecisionEvent) -> String {
    let policy = &event.policy;
    let answer = match event.action() {
        ActionKind::Unspecified | ActionKind::Allow if policy.is_empty() => {
            return match event.weight {
                0 | 1 => "allowed: no policy decided against it".to_owned(),
                weight => format!(
                    "allowed: no policy decided against it; this event stands for {weight} requests"
                ),
            };
        }
        ActionKind::Unspecified | ActionKind::Allow => "allowed",
        ActionKind::Block => "blocked",
        ActionKind::Redirect => "redirected",
        ActionKind::Challenge => "challenged",
        ActionKind::Monitor => "counted",
    };
    let mut line = format!(
        "{answer} by policy `{policy}`: its hosts, endpoints, methods and condition all matched"
    );
    if event.action() == ActionKind::Challenge {
        let demanded = words::assurance(event.min_assurance());
        line.push_str(&format!(
            "; it demands a session with assurance `{demanded}` or better"
        ));
    }
    if event.status != 0 {
        line.push_str(&format!("; the answer was {}", event.status));
    }
    line
}

/// What an upstream's demand for more proof came to.
fn asked(event: &DecisionEvent) -> String {
    let upstream = &event.step_up_by;
    match event.action() {
        ActionKind::Challenge => format!(
            "the request had been let through; upstream `{upstream}` answered that it wants more proof, and its answer was dropped"
        ),
        ActionKind::Block => format!(
            "the request had been let through; upstream `{upstream}` answered that it wants proof, in words that are none, and its answer was dropped"
        ),
        _ => format!(
            "upstream `{upstream}` answered that it wants more proof; its answer was passed on without that"
        ),
    }
}

fn score(event: &DecisionEvent) -> String {
    let verdict = match event.verdict() {
        Verdict::Unspecified => "no verdict",
        Verdict::Allow => "verdict ALLOW",
        Verdict::Challenge => "verdict CHALLENGE",
        Verdict::Block => "verdict BLOCK",
    };
    let mut line = format!("score {} of 100 (high = bot), {verdict}, ", event.score);
    match event.reasons.as_slice() {
        [] => line.push_str("no reasons"),
        reasons => line.push_str(&format!("because of {}", reasons.join(", "))),
    }
    if event.upstream_score != 0 {
        line.push_str(&format!("; the trusted hop gave {}", event.upstream_score));
    }
    for signal in &event.signals {
        line.push_str(&format!(
            "; signal `{}` added {} ({})",
            signal.name, signal.weight, signal.reason
        ));
    }
    line
}

fn session(session: Option<&Session>) -> String {
    let Some(session) = session else {
        return "no policy that was reached asked for a session".to_owned();
    };
    if !session.valid {
        return if session.problem.is_empty() {
            "no session was presented".to_owned()
        } else {
            format!(
                "the session that was presented was not accepted: {}",
                session.problem
            )
        };
    }
    format!(
        "a good session was presented: assurance `{}`, proven {} ago, device {}{}",
        words::assurance(session.assurance()),
        age(session.age_s),
        or(&session.device, "unknown"),
        if session.bound {
            ", whose key renews it"
        } else {
            ""
        },
    )
}

fn outcome_line(event: &DecisionEvent, outcome: &Outcome) -> String {
    let mut line = match outcome.step() {
        Step::Unspecified => "something unknown to this release happened".to_owned(),
        Step::PageServed => "the challenge page was served".to_owned(),
        Step::Started => "the person started".to_owned(),
        Step::Unsupported => "the device cannot do what was asked".to_owned(),
        Step::Cancelled => "the person gave up".to_owned(),
        Step::Rejected => format!(
            "the answer was refused: {}",
            or(&outcome.cause, "no cause given")
        ),
        Step::Passed => {
            format!(
                "passed: a session with assurance `{}` was given",
                words::assurance(outcome.assurance())
            )
        }
    };
    if !outcome.kind.is_empty() {
        line.push_str(&format!(" (by {})", outcome.kind));
    }
    if outcome.claimed {
        line.push_str(", as the page says; nobody checked");
    }
    if outcome.time_ms >= event.time_ms && event.time_ms > 0 {
        line.push_str(&format!(
            ", {} after the decision",
            age((outcome.time_ms - event.time_ms) / 1_000)
        ));
    }
    line
}

fn note_line(note: &str) -> String {
    let known = match note {
        "score_header_untrusted" => {
            "a score header came from a peer that is no trusted hop and was not believed"
        }
        "score_header_invalid" => {
            "the score header was not a number from 0 to 100 and was not believed"
        }
        "step_up" => "the challenge is the upstream's wish",
        "step_up_satisfied" => "the session had proven already what the upstream asks for",
        "step_up_untrusted" => "the upstream asked for more proof and no policy trusts it to",
        "step_up_malformed" => "what the upstream asked for could not be read",
        "score_header_repeated" => "the score header came more than once; the highest counted",
        _ => return format!("the filter noted: {note}"),
    };
    format!("{known} ({note})")
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// The word of an action; what is not said is permitted.
#[must_use]
pub fn action_word(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Unspecified => words::action(ActionKind::Allow),
        action => words::action(action),
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::event::v1::{Input, Monitored, RuntimeError, Signal};
    use countersign_proto::policy::v1::Assurance;

    use super::*;

    fn challenge() -> DecisionEvent {
        DecisionEvent {
            time_ms: 10_000,
            action: ActionKind::Challenge.into(),
            policy: "checkout".into(),
            score: 85,
            verdict: Verdict::Challenge.into(),
            reasons: vec!["HEADLESS".into()],
            upstream_score: 25,
            signals: vec![Signal {
                name: "headless-ua".into(),
                weight: 60,
                reason: "HEADLESS".into(),
            }],
            session: Some(Session::default()),
            min_assurance: Assurance::Uv.into(),
            method: "GET".into(),
            scheme: "https".into(),
            host: "shop".into(),
            path: "/checkout/1".into(),
            client_address: "192.0.2.1".into(),
            user_agent: "Firefox".into(),
            revision: "3-abc".into(),
            status: 303,
            ..DecisionEvent::default()
        }
    }

    #[test]
    fn a_challenge_is_explained_from_request_to_what_followed() {
        let passed = Outcome {
            step: Step::Passed.into(),
            kind: "fido".into(),
            assurance: Assurance::Uv.into(),
            time_ms: 17_500,
            ..Outcome::default()
        };
        assert_eq!(
            explain(&challenge(), &[passed]),
            [
                "GET https://shop/checkout/1 from 192.0.2.1, Firefox; decided by revision 3-abc",
                "challenged by policy `checkout`: its hosts, endpoints, methods and condition all matched; \
                 it demands a session with assurance `uv` or better; the answer was 303",
                "score 85 of 100 (high = bot), verdict CHALLENGE, because of HEADLESS; \
                 the trusted hop gave 25; signal `headless-ua` added 60 (HEADLESS)",
                "no session was presented",
                "passed: a session with assurance `uv` was given (by fido), 7 s after the decision",
            ]
        );
    }

    #[test]
    fn a_challenge_that_nobody_took_up_says_so() {
        let lines = explain(&challenge(), &[]);
        assert_eq!(
            lines.last().unwrap(),
            "nothing followed: the challenge page was not asked for"
        );
    }

    #[test]
    fn everything_that_the_filter_noticed_is_told() {
        let event = DecisionEvent {
            satisfied: vec!["s".into()],
            monitored: vec![Monitored {
                policy: "m".into(),
                action: ActionKind::Block.into(),
            }],
            inputs: vec![Input {
                name: "score".into(),
                value: "85".into(),
            }],
            errors: vec![RuntimeError {
                policy: "e".into(),
                error: "no such key".into(),
            }],
            notes: vec!["score_header_untrusted".into(), "something_new".into()],
            session: Some(Session {
                problem: "EXPIRED".into(),
                ..Session::default()
            }),
            ..DecisionEvent::default()
        };
        let lines = explain(&event, &[]).join("\n");
        for part in [
            "allowed: no policy decided against it",
            "policy `s` matched; its challenge was already satisfied",
            "policy `m` matched and only counted; it would have answered block",
            "the condition read score = 85",
            "the condition of `e` failed and counted as not met: no such key",
            "no trusted hop and was not believed (score_header_untrusted)",
            "the filter noted: something_new",
            "was not accepted: EXPIRED",
        ] {
            assert!(lines.contains(part), "{part} is not in\n{lines}");
        }
    }
}
