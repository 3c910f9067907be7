//! One line a part: a spinner on a terminal, a plain line elsewhere. Everything here goes to stderr.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::colour;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(80);

/// Wide enough for the longest label.
const LABEL_WIDTH: usize = 14;

/// All lines of one start.
pub(crate) struct Progress {
    terminal: bool,
    colour: bool,
}

/// The line of one part.
pub(crate) struct Line {
    label: String,
    spinner: Option<ProgressBar>,
    began: Instant,
    colour: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            terminal,
            colour: colour::wanted(terminal),
        }
    }

    /// Begins a line; the one before it has ended.
    pub(crate) fn begin(&self, label: impl Into<String>, doing: &str) -> Line {
        let label = label.into();
        let spinner = self.terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = if self.colour {
                "{spinner:.cyan} {prefix:14} {msg}"
            } else {
                "{spinner} {prefix:14} {msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.set_prefix(label.clone());
            bar.set_message(doing.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        Line {
            label,
            spinner,
            began: Instant::now(),
            colour: self.colour,
        }
    }

    /// A line of its own.
    pub(crate) fn say(&self, text: &str) {
        eprintln!("{text}");
    }
}

impl Line {
    /// What is being waited for now.
    pub(crate) fn now(&self, doing: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(doing.to_owned());
        }
    }

    /// The part is ready.
    pub(crate) fn done(self, what: &str) {
        let mark = colour::paint(self.colour, colour::GREEN, "✓");
        self.end(&mark, what);
    }

    /// The part is not ready.
    pub(crate) fn failed(self, what: &str) {
        let mark = colour::paint(self.colour, colour::RED, "✗");
        self.end(&mark, what);
    }

    fn end(self, mark: &str, what: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        let seconds = format!("{:.1} s", self.began.elapsed().as_secs_f32());
        let seconds = colour::paint(self.colour, colour::DIM, &seconds);
        eprintln!("{mark} {:LABEL_WIDTH$} {what}  {seconds}", self.label);
    }
}

impl Drop for Line {
    // An interrupted start leaves no half a line.
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
