//! The bounds of what is told. Whoever reaches the log port may write anything.

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Outcome;
use prost::Message as _;

use crate::limits::{self, cut, millis};

/// Why an event is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// Larger than a filter makes it.
    #[error("oversized")]
    Oversized,
    /// Not an encoded event.
    #[error("undecodable")]
    Undecodable,
    /// Without an id, or with one that no filter makes.
    #[error("bad_event_id")]
    BadId,
}

/// Why an outcome is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeFault {
    /// A text is longer than a sidecar makes it.
    #[error("oversized_outcome")]
    Oversized,
    /// Without an event's id, or with one that no filter makes.
    #[error("bad_outcome_event_id")]
    BadId,
    /// Without the spool that its sequence belongs to.
    #[error("no_spool")]
    NoSpool,
}

/// An event within the bounds: what is too long is cut, what is too many is left out.
///
/// # Errors
/// When it is no event.
pub fn checked_event(bytes: &[u8]) -> Result<DecisionEvent, EventFault> {
    if bytes.len() > limits::MAX_EVENT_BYTES {
        return Err(EventFault::Oversized);
    }
    let mut event = DecisionEvent::decode(bytes).map_err(|_| EventFault::Undecodable)?;
    if !is_event_id(&event.event_id) {
        return Err(EventFault::BadId);
    }
    for text in [
        &mut event.revision,
        &mut event.policy,
        &mut event.host,
        &mut event.method,
        &mut event.path,
        &mut event.client_address,
        &mut event.user_agent,
        &mut event.ja4,
        &mut event.scheme,
    ] {
        bound(text);
    }
    event.monitored.truncate(limits::MAX_EVENT_ITEMS);
    event.satisfied.truncate(limits::MAX_EVENT_ITEMS);
    event.errors.truncate(limits::MAX_EVENT_ITEMS);
    event.reasons.truncate(limits::MAX_EVENT_ITEMS);
    event.reasons.iter_mut().for_each(bound);
    event.signals.truncate(limits::MAX_EVENT_ITEMS);
    for signal in &mut event.signals {
        bound(&mut signal.name);
        bound(&mut signal.reason);
    }
    event.inputs.truncate(limits::MAX_EVENT_ITEMS);
    event.notes.truncate(limits::MAX_EVENT_ITEMS);
    event
        .monitored
        .iter_mut()
        .for_each(|monitored| bound(&mut monitored.policy));
    event.satisfied.iter_mut().for_each(bound);
    event
        .errors
        .iter_mut()
        .for_each(|error| bound(&mut error.policy));
    Ok(event)
}

/// An outcome within the bounds.
///
/// # Errors
/// When it is none that a sidecar tells.
pub fn checked_outcome(outcome: Outcome) -> Result<Outcome, OutcomeFault> {
    if !is_event_id(&outcome.event_id) {
        return Err(OutcomeFault::BadId);
    }
    if outcome.spool.is_empty() {
        return Err(OutcomeFault::NoSpool);
    }
    let texts = [
        &outcome.policy,
        &outcome.host,
        &outcome.kind,
        &outcome.cause,
        &outcome.device,
        &outcome.spool,
    ];
    if texts
        .iter()
        .any(|text| text.len() > limits::MAX_EVENT_TEXT_BYTES)
    {
        return Err(OutcomeFault::Oversized);
    }
    Ok(outcome)
}

/// The time that an event counts at: the filter's, unless its clock cannot be believed.
#[must_use]
pub fn event_time(told: u64, now: u64) -> u64 {
    let ahead = told > now.saturating_add(millis(limits::MAX_CLOCK_AHEAD));
    let behind = told < now.saturating_sub(millis(limits::MAX_CLOCK_BEHIND));
    if ahead || behind { now } else { told }
}

fn is_event_id(text: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.len() <= limits::MAX_EVENT_ID_BYTES && text.bytes().all(sign)
}

fn bound(text: &mut String) {
    let end = cut(text, limits::MAX_EVENT_TEXT_BYTES).len();
    text.truncate(end);
    // A database may refuse it, and no host, path or name has one.
    text.retain(|letter| letter != '\0');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Vec<u8> {
        DecisionEvent {
            event_id: id.into(),
            ..DecisionEvent::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn an_event_without_a_good_id_is_refused() {
        for id in [
            "",
            "a b",
            "a;b",
            &"a".repeat(limits::MAX_EVENT_ID_BYTES + 1),
        ] {
            assert_eq!(checked_event(&event(id)), Err(EventFault::BadId), "{id}");
        }
        assert!(checked_event(&event(&"a".repeat(limits::MAX_EVENT_ID_BYTES))).is_ok());
    }

    #[test]
    fn what_does_not_decode_is_refused() {
        assert_eq!(checked_event(&[0xff; 8]), Err(EventFault::Undecodable));
        let oversized = vec![0; limits::MAX_EVENT_BYTES + 1];
        assert_eq!(checked_event(&oversized), Err(EventFault::Oversized));
    }

    #[test]
    fn long_texts_are_cut_and_zero_letters_are_left_out() {
        let told = DecisionEvent {
            event_id: "e".into(),
            host: "a\0b".into(),
            path: "p".repeat(limits::MAX_EVENT_TEXT_BYTES + 1),
            ..DecisionEvent::default()
        };
        let event = checked_event(&told.encode_to_vec()).unwrap();
        assert_eq!(event.host, "ab");
        assert_eq!(event.path.len(), limits::MAX_EVENT_TEXT_BYTES);
    }

    #[test]
    fn a_clock_that_cannot_be_believed_is_replaced_by_the_time_of_receipt() {
        let now = 1_000_000_000_000;
        let ahead = now + millis(limits::MAX_CLOCK_AHEAD);
        let behind = now - millis(limits::MAX_CLOCK_BEHIND);
        assert_eq!(event_time(ahead, now), ahead);
        assert_eq!(event_time(ahead + 1, now), now);
        assert_eq!(event_time(behind, now), behind);
        assert_eq!(event_time(behind - 1, now), now);
        assert_eq!(event_time(0, now), now);
    }

    #[test]
    fn an_outcome_needs_its_event_and_its_spool() {
        let good = Outcome {
            event_id: "e".into(),
            spool: "s".into(),
            ..Outcome::default()
        };
        assert!(checked_outcome(good.clone()).is_ok());
        let no_event = Outcome {
            event_id: String::new(),
            ..good.clone()
        };
        assert_eq!(checked_outcome(no_event), Err(OutcomeFault::BadId));
        let no_spool = Outcome {
            spool: String::new(),
            ..good.clone()
        };
        assert_eq!(checked_outcome(no_spool), Err(OutcomeFault::NoSpool));
        let cause = "c".repeat(limits::MAX_EVENT_TEXT_BYTES + 1);
        let long = Outcome { cause, ..good };
        assert_eq!(checked_outcome(long), Err(OutcomeFault::Oversized));
    }
}
