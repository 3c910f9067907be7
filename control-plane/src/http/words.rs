//! What is said in parameters: times, and the words of the vocabulary.

use countersign_engine::Assurance as Grade;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};

use super::problem::Problem;
use crate::nodes::NodeState;
use crate::words::{ACTIONS, STEPS, VERDICTS};

/// A word that is none of these.
pub(super) fn none_of<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> Problem {
    let words: Vec<_> = words.into_iter().collect();
    Problem::bad_request(format!("`{name}` is one of {}", words.join(", ")))
}

/// The value of a word; what is not said is the default.
fn read<T: Copy + Default, const N: usize>(
    name: &str,
    word: &str,
    known: [(&'static str, T); N],
) -> Result<T, Problem> {
    if word.is_empty() {
        return Ok(T::default());
    }
    let value = known.into_iter().find(|(text, _)| *text == word);
    value
        .map(|(_, value)| value)
        .ok_or_else(|| none_of(name, known.map(|(text, _)| text)))
}

pub(super) fn action(word: &str) -> Result<ActionKind, Problem> {
    read("action", word, ACTIONS)
}

pub(super) fn verdict(word: &str) -> Result<Verdict, Problem> {
    read("verdict", word, VERDICTS)
}

pub(super) fn step(word: &str) -> Result<Step, Problem> {
    read("step", word, STEPS)
}

/// What challenges demand, so never `none`.
pub(super) fn assurance(word: &str) -> Result<Assurance, Problem> {
    if word.is_empty() {
        return Ok(Assurance::None);
    }
    let demanded = Grade::ALL.into_iter().filter(|grade| *grade != Grade::None);
    let found = demanded.clone().find(|grade| grade.word() == word);
    found
        .map(Grade::to_wire)
        .ok_or_else(|| none_of("assurance", demanded.map(Grade::word)))
}

/// None is said = any.
pub(super) fn node_state(word: &str) -> Result<Option<NodeState>, Problem> {
    let known = || none_of("state", NodeState::ALL.map(NodeState::as_str));
    match word {
        "" => Ok(None),
        word => NodeState::from_word(word).map(Some).ok_or_else(known),
    }
}

/// RFC 3339, or milliseconds since the Unix epoch; empty = 0.
pub(super) fn moment(name: &str, text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Ok(0);
    }
    let stamp = || {
        text.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|t| u64::try_from(t.as_millisecond()).ok())
    };
    text.parse().ok().or_else(stamp).ok_or_else(|| {
        Problem::bad_request(format!(
            "`{name}` is neither a time like 2026-01-31T12:00:00Z nor milliseconds since 1970"
        ))
    })
}

/// Seconds, or a number with `s`, `m` or `h`; empty = 0.
pub(super) fn seconds(text: &str) -> Result<u32, Problem> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let unit = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        _ => 0,
    };
    if text.is_empty() {
        return Ok(0);
    }
    let number = digits
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    number
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| Problem::bad_request("`step` is no stretch of time like 60, 5m or 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_milliseconds() {
        assert_eq!(moment("from", "").unwrap(), 0);
        assert_eq!(moment("from", "1500").unwrap(), 1_500);
        assert_eq!(moment("from", "1970-01-01T00:00:02Z").unwrap(), 2_000);
        assert!(moment("from", "yesterday").is_err());
        assert!(moment("from", "-1").is_err());
    }

    #[test]
    fn a_step_is_seconds_minutes_or_hours() {
        for (text, expected) in [("", 0), ("60", 60), ("60s", 60), ("5m", 300), ("2h", 7_200)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for text in ["0", "m", "5d", "-60", "5mm", "4294967295h"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
