//! One line a part: a spinner on a terminal, a plain line elsewhere. Everything here goes to stderr.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::colour;

/// All lines of one start.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    colour: bool,
}

/// The line of one part.
pub(crate) struct Line {
    label: String,
    bar: Option<ProgressBar>,
    began: Instant,
    colour: bool,
}

/// Wide enough for the longest label.
const LABEL_WIDTH: usize = 14;

impl Progress {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            bars: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
            colour: colour::wanted(terminal),
        }
    }

    /// Begins a line.
    pub(crate) fn begin(&self, label: impl Into<String>, doing: &str) -> Line {
        let label = label.into();
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
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
            bar.enable_steady_tick(Duration::from_millis(80));
            bar
        });
        Line {
            label,
            bar,
            began: Instant::now(),
            colour: self.colour,
        }
    }

    /// A line of its own, said at once.
    pub(crate) fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _terminal_gone = bars.println(text);
            }
            None => eprintln!("{text}"),
        }
    }
}

impl Line {
    /// What is being waited for now.
    pub(crate) fn now(&self, doing: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(doing.to_owned());
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
        let seconds = self.began.elapsed().as_secs_f32();
        let text = format!(
            "{mark} {:LABEL_WIDTH$} {what}  {}",
            self.label,
            colour::paint(self.colour, colour::DIM, &format!("{seconds:.1} s"))
        );
        match self.bar {
            Some(bar) => {
                if let Ok(style) = ProgressStyle::with_template("{msg}") {
                    bar.set_style(style);
                }
                bar.finish_with_message(text);
            }
            None => eprintln!("{text}"),
        }
    }
}
