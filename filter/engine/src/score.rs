//! The score that something in front of us gave the request.

use crate::headers::Headers;

/// The value of the score header, 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpstreamScore {
    pub(crate) value: u8,
    pub(crate) note: Option<ScoreNote>,
}

/// What was wrong with a score header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScoreNote {
    /// Sent by a peer that is no trusted hop: ignored.
    Untrusted,
    /// No finite number: ignored.
    Invalid,
    /// Sent more than once: the highest counts.
    Repeated,
}

impl ScoreNote {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Untrusted => "score_header_untrusted",
            Self::Invalid => "score_header_invalid",
            Self::Repeated => "score_header_repeated",
        }
    }
}

impl UpstreamScore {
    /// Reads the header `name` (none when empty). A number is clamped to 0..=100 and rounded down; of
    /// several, also comma-joined ones, the highest counts: a hop that appends its own score to what
    /// the client sent must not be outvoted by the client.
    pub(crate) fn read(headers: &Headers<'_>, name: &str, trusted: bool) -> Self {
        if name.is_empty() {
            return Self::default();
        }
        let mut values = headers
            .all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .peekable();
        if values.peek().is_none() {
            return Self::default();
        }
        if !trusted {
            return Self {
                value: 0,
                note: Some(ScoreNote::Untrusted),
            };
        }
        let mut score = Self::default();
        let mut count = 0_usize;
        for value in values {
            count += 1;
            match number(value) {
                Some(number) => score.value = score.value.max(number),
                None => score.note = Some(ScoreNote::Invalid),
            }
        }
        if count > 1 && score.note.is_none() {
            score.note = Some(ScoreNote::Repeated);
        }
        score
    }
}

fn number(bytes: &[u8]) -> Option<u8> {
    let number: f64 = std::str::from_utf8(bytes).ok()?.trim().parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=100 the line before"
    )]
    number.is_finite().then(|| number.clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]], trusted: bool) -> (u8, Option<&'static str>) {
        let headers: Vec<(String, Vec<u8>)> = values
            .iter()
            .map(|value| ("x-bot-score".to_owned(), value.to_vec()))
            .collect();
        let score = UpstreamScore::read(&Headers::from(&headers), "x-bot-score", trusted);
        (score.value, score.note.map(ScoreNote::word))
    }

    #[test]
    fn every_kind_of_score_header_has_its_answer() {
        let invalid = Some("score_header_invalid");
        let repeated = Some("score_header_repeated");
        for (values, expected) in [
            (&[][..], (0, None)),
            (&[b"85".as_slice()], (85, None)),
            (&[b" 85 "], (85, None)),
            (&[b"69.9"], (69, None)),
            (&[b"-1"], (0, None)),
            (&[b"1e9"], (100, None)),
            (&[b"abc"], (0, invalid)),
            (&[b"NaN"], (0, invalid)),
            (&[b"inf"], (0, invalid)),
            (&[b""], (0, invalid)),
            (&[b"\xff85"], (0, invalid)),
            (&[b"0", b"85"], (85, repeated)),
            (&[b"0,85"], (85, repeated)),
            (&[b"abc", b"85"], (85, invalid)),
        ] {
            assert_eq!(read(values, true), expected, "{values:?}");
        }
    }

    #[test]
    fn a_score_from_an_untrusted_hop_is_ignored_and_noted() {
        assert_eq!(read(&[b"85"], false), (0, Some("score_header_untrusted")));
        assert_eq!(read(&[], false), (0, None));
    }
}
