//! Words for the numbers of the contracts: the control plane's own, and options that take them.

use clap::builder::{PossibleValuesParser, TypedValueParser};
pub(crate) use countersign_control_plane::words::{
    ACTIONS, STEPS, VERDICTS, action, assurance, change, step, verdict,
};

/// An option that is one of these words, in any case.
pub(super) fn one_of<T, const N: usize>(
    known: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let words = PossibleValuesParser::new(known.map(|(word, _)| word));
    words.try_map(move |said| {
        let mut known = known.into_iter();
        let found = known.find(|(word, _)| word.eq_ignore_ascii_case(&said));
        // The parser before this one knows the same words.
        found.map(|(_, value)| value).ok_or("no such word")
    })
}

/// Milliseconds since 1970; 0 where nothing is said.
pub(super) fn milliseconds(time: Option<jiff::Timestamp>) -> u64 {
    time.map_or(0, |time| u64::try_from(time.as_millisecond()).unwrap_or(0))
}
