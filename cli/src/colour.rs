//! Colour on terminals, and nowhere that somebody asked for none (no-color.org).

/// Select Graphic Rendition codes.
pub(crate) const RED: &str = "1;31";
pub(crate) const GREEN: &str = "32";
pub(crate) const YELLOW: &str = "33";
pub(crate) const BLUE: &str = "1;34";
pub(crate) const BOLD: &str = "1";
pub(crate) const DIM: &str = "2";

/// Does this stream take colour?
pub(crate) fn wanted(terminal: bool) -> bool {
    decide(
        terminal,
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        std::env::var_os("TERM").is_some_and(|value| value == "dumb"),
    )
}

fn decide(terminal: bool, no_color: bool, dumb: bool) -> bool {
    terminal && !no_color && !dumb
}

/// `text` in a colour, or as it is.
pub(crate) fn paint(wanted: bool, code: &str, text: &str) -> String {
    if wanted {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_asked_for_nothing_else_is_coloured() {
        assert!(decide(true, false, false));
        assert!(!decide(false, false, false));
        assert!(!decide(true, true, false));
        assert!(!decide(true, false, true));
    }

    #[test]
    fn paint_leaves_text_alone_where_no_colour_is_wanted() {
        assert_eq!(paint(false, RED, "x"), "x");
        assert_eq!(paint(true, RED, "x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}
