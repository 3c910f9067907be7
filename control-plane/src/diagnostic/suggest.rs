//! Words for findings: input in backticks, lists of words, the word that was probably meant.

/// Characters of input that a message repeats: enough to recognise it, too few to flood a terminal.
const SHOWN: usize = 60;

/// Input in backticks, cut and escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}

/// The known word that is nearest to `word`, if one is near: a third of its letters may differ.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Distances are quadratic: what is far longer than any word of ours is no slip of the pen.
    if word.len() > 256 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .filter(|known| *known != word)
        .map(|known| {
            (
                strsim::damerau_levenshtein(&lower, &known.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= (known.chars().count().max(3)) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// ``one of `a`, `b` or `c` ``, for help texts.
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
