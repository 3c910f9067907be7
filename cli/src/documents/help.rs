//! What stands below a command's options in its help: examples, and what is to be said of them.

use clap::Command;

/// The text after the options, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    /// One line each, as it is typed.
    pub(super) examples: Vec<String>,
    /// Paragraphs.
    pub(super) remarks: Vec<String>,
}

/// `Examples:`, then indented lines; what is not indented is a remark.
pub(super) fn after(command: &Command) -> After {
    let mut after = After::default();
    let text = command.get_after_help().map(ToString::to_string);
    for line in text.unwrap_or_default().lines() {
        if let Some(example) = line.strip_prefix("  ") {
            after.examples.push(example.trim_end().to_owned());
        } else if !line.trim().is_empty() && !line.starts_with("Example") {
            after.remarks.push(line.trim().to_owned());
        }
    }
    after
}

/// What a command is for: the long text where there is one.
pub(super) fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    about.map(ToString::to_string).unwrap_or_default()
}

/// The same in one line.
pub(super) fn short(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default();
    about.lines().next().unwrap_or_default().to_owned()
}

/// Text in paragraphs and in blocks that stay as they are, which are those that are indented.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Paragraph(String),
    Block(Vec<String>),
}

pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut blank = true;
    for line in text.lines() {
        if line.trim().is_empty() {
            blank = true;
            continue;
        }
        let indented = line.starts_with("  ");
        match pieces.last_mut() {
            Some(Piece::Block(lines)) if indented => {
                if blank {
                    lines.push(String::new());
                }
                lines.push(line.trim_end().to_owned());
            }
            Some(Piece::Paragraph(text)) if !indented && !blank => {
                text.push(' ');
                text.push_str(line.trim());
            }
            _ if indented => pieces.push(Piece::Block(vec![line.trim_end().to_owned()])),
            _ => pieces.push(Piece::Paragraph(line.trim().to_owned())),
        }
        blank = false;
    }
    for piece in &mut pieces {
        if let Piece::Block(lines) = piece {
            dedent(lines);
        }
    }
    pieces
}

fn dedent(lines: &mut [String]) {
    let filled = lines.iter().filter(|line| !line.is_empty());
    let depth = filled
        .map(|line| line.len() - line.trim_start().len())
        .min();
    for line in lines {
        *line = line
            .get(depth.unwrap_or_default()..)
            .unwrap_or_default()
            .to_owned();
    }
}
