//! Header fields: bytes that are no text, and scores that are no scores.

use anyhow::{Result, ensure};
use countersign_e2e::expect;
use countersign_e2e::http::{Reply, send};
use reqwest::Method;
use reqwest::header::HeaderValue;

use super::{tells_no_reason, world};

/// The score header of a trusted hop with these values, one field each.
fn scored(counter: &str, values: &[&[u8]]) -> Result<Reply> {
    world(|world| {
        let mut request = world.get("/");
        for value in values {
            request = request.header("x-bot-score", value);
        }
        let reply = world.counts(counter, || world.send(request))?;
        if reply.status != 200 {
            tells_no_reason(&reply, &["score"])?;
        }
        Ok(reply)
    })
}

const INVALID: &str = "countersign_notes_total.note.score_header_invalid";
const REPEATED: &str = "countersign_notes_total.note.score_header_repeated";
/// A pattern, as Envoy filters its counters by: the dots around stand for the parentheses.
const ALLOWED: &str = "countersign_decisions_total.action.allow.policy..none.";
const CHALLENGED: &str = "countersign_decisions_total.action.challenge.policy.bot-score-challenge";

#[test]
fn header_fields_that_are_not_utf8_are_served() -> Result<()> {
    world(|world| {
        // A condition reads this one.
        for name in [
            "user-agent",
            "x-anything",
            "accept",
            "referer",
            "sec-fetch-mode",
            "x-forwarded-for",
        ] {
            let request = world.get("/").header(name, b"\xff\xfe\x80 \xc3\x28");
            let reply = world.counts(ALLOWED, || world.send(request))?;
            ensure!(reply.status == 200, "{name} was answered {}", reply.status);
        }
        Ok(())
    })
}

#[test]
fn a_condition_still_sees_the_rest_of_a_header_that_is_not_utf8() -> Result<()> {
    world(|world| {
        let request = world
            .get("/")
            .header("user-agent", b"\xffTouringRobot/1")
            .header("x-bot-score", "60");
        expect::told_to_prove(world.counts(CHALLENGED, || world.send(request))?)?;
        Ok(())
    })
}

#[test]
fn a_score_from_an_untrusted_hop_is_ignored() -> Result<()> {
    world(|world| {
        let counter = "countersign_notes_total.note.score_header_untrusted";
        let stranger = world.stack.stranger()?.with_score("85")?;
        let reply = world.counts(counter, || stranger.get("/"))?;
        expect::served(reply)?;
        Ok(())
    })
}

#[test]
fn a_score_from_an_untrusted_hop_does_not_reach_the_upstream() -> Result<()> {
    world(|world| {
        let stranger = world.stack.stranger()?;
        let request = stranger
            .request(Method::GET, "/api/echo")
            .header("x-bot-score", "85");
        let reply = expect::served(send(request.header("countersign-event-id", "forged"))?)?;
        let seen = reply.body.to_ascii_lowercase();
        ensure!(!seen.contains("x-bot-score"), "{seen}");
        ensure!(!seen.contains("forged"), "{seen}");
        ensure!(seen.contains("countersign-event-id"), "{seen}");
        Ok(())
    })
}

#[test]
fn a_score_of_letters_is_ignored() -> Result<()> {
    expect::served(scored(INVALID, &[b"abc"])?)?;
    Ok(())
}

#[test]
fn a_score_that_is_no_number_is_ignored() -> Result<()> {
    expect::served(scored(INVALID, &[b"NaN"])?)?;
    Ok(())
}

#[test]
fn a_score_that_is_not_utf8_is_ignored() -> Result<()> {
    expect::served(scored(INVALID, &[b"\xff85"])?)?;
    Ok(())
}

#[test]
fn a_negative_score_counts_as_0() -> Result<()> {
    expect::served(scored(ALLOWED, &[b"-1"])?)?;
    Ok(())
}

#[test]
fn a_score_of_1e9_counts_as_100() -> Result<()> {
    expect::told_to_prove(scored(CHALLENGED, &[b"1e9"])?)?;
    Ok(())
}

#[test]
fn of_two_scores_the_higher_one_counts() -> Result<()> {
    expect::told_to_prove(scored(REPEATED, &[b"0", b"85"])?)?;
    expect::told_to_prove(scored(REPEATED, &[b"85", b"0"])?)?;
    Ok(())
}

#[test]
fn a_forwarded_address_from_an_untrusted_hop_is_not_believed() -> Result<()> {
    world(|world| {
        let stranger = world.stack.stranger()?;
        let request = stranger.request(Method::GET, "/checkout/x");
        let request = request.header("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
        let event = send(request.header("x-bot-score", "0"))?.event_id()?;
        let stored = countersign_e2e::wait::until(
            "the event is stored",
            countersign_e2e::stack::PUSH_LIMIT,
            || {
                Ok(world
                    .stack
                    .admin()
                    .event(&event)?
                    .and_then(|it| it.decision))
            },
        )?;
        ensure!(stored.client_address == "127.0.0.2", "{stored:?}");
        Ok(())
    })
}
