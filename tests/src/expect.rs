//! What each answer must look like, whole: status, headers, body.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::http::Reply;

/// The path of the challenge page.
pub const CHALLENGE: &str = "/.countersign/challenge";

/// The upstream answered.
///
/// # Errors
/// With the reply, when it did not.
pub fn served(reply: Reply) -> Result<Reply> {
    reply.expect(200)
}

/// A navigation was sent to the challenge page; gives the ticket.
///
/// # Errors
/// With the reply, when it was not.
pub fn sent_to_challenge(reply: Reply) -> Result<String> {
    let reply = carries_event(reply.expect(303)?)?;
    let prefix = format!("{CHALLENGE}?ticket=");
    let location = reply.location()?;
    let ticket = location.strip_prefix(&prefix);
    Ok(ticket
        .with_context(|| format!("the location is {location}"))?
        .to_owned())
}

/// A program was told what proof is needed; gives the problem document.
///
/// # Errors
/// With the reply, when it was not.
pub fn told_to_prove(reply: Reply) -> Result<Value> {
    let reply = carries_event(reply.expect(403)?)?;
    let document = problem(&reply)?;
    let url = text(&document, "challenge_url")?;
    ensure!(
        reply.header("countersign-challenge") == Some(url),
        "`countersign-challenge` is not {url}: {:?}",
        reply.headers
    );
    ensure!(
        url.contains(CHALLENGE) && url.contains("ticket="),
        "{url} is no challenge"
    );
    ensure!(
        document.get("kinds").is_some_and(Value::is_array),
        "no `kinds` in {document}"
    );
    text(&document, "min_assurance")?;
    ensure!(
        text(&document, "event_id")? == reply.event_id()?,
        "two event ids"
    );
    Ok(document)
}

/// Refused without a way out; gives the event's id.
///
/// # Errors
/// With the reply, when it was not.
pub fn blocked(reply: Reply) -> Result<String> {
    let reply = carries_event(reply.expect(403)?)?;
    ensure!(
        reply.header("countersign-challenge").is_none(),
        "a challenge where a block was due"
    );
    ensure!(
        !reply.body.contains(CHALLENGE),
        "a challenge where a block was due: {}",
        reply.body
    );
    reply.event_id()
}

/// A document of RFC 9457 that names its own status.
///
/// # Errors
/// With the reply, when it is none.
pub fn problem(reply: &Reply) -> Result<Value> {
    ensure!(
        reply.header("content-type") == Some("application/problem+json"),
        "no problem document: {:?}\n{}",
        reply.headers,
        reply.body
    );
    let document = reply.json()?;
    for field in ["type", "title"] {
        text(&document, field)?;
    }
    ensure!(
        document.get("status").and_then(Value::as_u64) == Some(reply.status.into()),
        "another status than {} in {document}",
        reply.status
    );
    Ok(document)
}

fn carries_event(reply: Reply) -> Result<Reply> {
    reply.event_id()?;
    ensure!(
        reply.header("cache-control") == Some("no-store"),
        "may be stored: {:?}",
        reply.headers
    );
    Ok(reply)
}

/// A member that is a string.
///
/// # Errors
/// When there is none.
pub fn text<'a>(document: &'a Value, field: &str) -> Result<&'a str> {
    let text = document.get(field).and_then(Value::as_str);
    text.with_context(|| format!("no `{field}` in {document}"))
}
